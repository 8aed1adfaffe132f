"""The ear of the embedded model: caller audio in, turns and their words out, recognised in a worker process.

Voice detection, end-pointing and recognition are all in the worker, which costs the event loop nothing but the pipes.
One ear hears one caller: what it learnt about a voice and a room does not reach the next.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast

import msgspec

from vivavoce.errors import NotAvailable, UsageError
from vivavoce.model.local import ear_frames as frames
from vivavoce.model.local.dialogue.port import Expecting
from vivavoce.model.local.ear_endpointing import RATE_HZ
from vivavoce.model.local.ear_frames import (
    EarEvent,
    EarFailed,
    PartialText,
    SpeechStarted,
    SpeechStopped,
    Utterance,
)
from vivavoce.model.local.ear_turn_text import compiled

__all__ = [
    "RATE_HZ",
    "Ear",
    "EarEvent",
    "EarFailed",
    "EarSettings",
    "PartialText",
    "SpeechStarted",
    "SpeechStopped",
    "Utterance",
]

# -P: a folder that somebody happens to be in must not lend its modules to the worker.
_WORKER: Final = (sys.executable, "-P", "-m", "vivavoce.model.local.ear_worker")
_CLOSE_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class EarSettings:
    """``engine`` is PocketSphinx, which comes with its model, or sherpa-onnx with the streaming transducer in
    ``model_directory``. Audio beyond ``waiting_limit_ms`` that the worker has not come to is dropped. ``pause_ms`` is
    the silence that ends a turn whose words neither look complete nor promise more; 0 is the usual 400."""

    engine: Literal["pocketsphinx", "sherpa"] = "pocketsphinx"
    model_directory: str = ""
    ready_timeout_ms: int = 30_000
    waiting_limit_ms: int = 5_000
    pause_ms: int = 0

    def __post_init__(self) -> None:
        if self.engine not in {"pocketsphinx", "sherpa"}:
            raise UsageError(f"there is no recogniser {self.engine!r}", hint="use pocketsphinx or sherpa")
        if (self.engine == "sherpa") != bool(self.model_directory):
            hint = "set model_directory with sherpa, and only with it: pocketsphinx brings its own model"
            raise UsageError("the recogniser and its model directory do not fit together", hint=hint)


class Ear:
    """One caller's ear, ready to hear. One task at a time may iterate :meth:`events`."""

    def __init__(self, worker: _Worker, waiting_limit_samples: int) -> None:
        self.dropped_samples = 0
        self._worker = worker
        self._waiting_limit_samples = waiting_limit_samples
        self._skipped_samples = 0

    @classmethod
    async def open(cls, sentences: Sequence[str], *, settings: EarSettings | None = None) -> Ear:
        """Starts the worker and loads its models, leaning towards the words of ``sentences``, which callers of this
        agent are likely to say. Raises NotAvailable where that cannot be had here."""
        settings = settings or EarSettings()
        worker = await _start()
        wanted = frames.Wanted(settings.engine, settings.model_directory, tuple(sentences), settings.pause_ms)
        worker.send(frames.pack_json(frames.OPEN, wanted))
        try:
            async with asyncio.timeout(settings.ready_timeout_ms / 1000):
                await worker.opened
        except TimeoutError:
            await worker.close()
            message = f"the recogniser was not ready after {settings.ready_timeout_ms} ms"
            raise NotAvailable(message, hint="raise ready_timeout_ms, or choose a smaller model") from None
        except BaseException:
            await worker.close()
            raise
        return cls(worker, settings.waiting_limit_ms * RATE_HZ // 1000)

    @property
    def waiting_samples(self) -> int:
        """How much audio the worker has not come to yet."""
        return self._worker.waiting_samples

    def hear(self, pcm: bytes) -> None:
        """Takes the next of the caller's audio; never blocks. What is too much for the worker is dropped and counted;
        times in events stay right."""
        samples = len(pcm) // 2
        if self.waiting_samples + samples > self._waiting_limit_samples:
            self.dropped_samples += samples
            self._skipped_samples += samples
            return
        if self._skipped_samples:
            self._worker.send(frames.pack_count(frames.SKIP, self._skipped_samples))
            self._skipped_samples = 0
        self._worker.send_audio(pcm)

    def expect(self, expecting: Expecting, complete: Sequence[str] = ()) -> None:
        """Says what kind of answer is natural after the audio so far. ``complete`` holds regular expressions (searched
        in lower-case words) for what is a whole answer, such as five digit words: then the turn ends sooner."""
        compiled(complete)
        self._worker.send(frames.pack_json(frames.EXPECT, frames.Expected(expecting.value, tuple(complete))))

    def agent_speaking(self, speaking: bool) -> None:
        """While the agent speaks, a caller's turn must begin more clearly."""
        self._worker.send(frames.pack(frames.AGENT, b"1" if speaking else b"0"))

    async def events(self) -> AsyncIterator[EarEvent]:
        """What is heard, until :meth:`close` or, after an EarFailed, the end."""
        while (event := await self._worker.next_event()) is not None:
            yield event

    async def close(self) -> None:
        """Ends the worker, always."""
        await self._worker.close()


class _Worker(asyncio.SubprocessProtocol):
    """The pipes to the worker process, and what came over them."""

    def __init__(self) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Who was to wait for it may have been cancelled: then nobody hears why the worker ended, and nobody needs to.
        self.opened.add_done_callback(lambda opened: opened.cancelled() or opened.exception())
        self.waiting_samples = 0
        self._transport: asyncio.SubprocessTransport | None = None
        self._reader = frames.FrameReader()
        self._events: deque[EarEvent] = deque()
        self._news = asyncio.Event()
        self._exited = asyncio.Event()
        self._failure: frames.Failure | None = None
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, for uvloop's transports are no subclasses of these.
        self._transport = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, _fd: int, data: bytes) -> None:
        for kind, payload in self._reader.feed(data):
            if kind == frames.EVENT:
                self._arrived(frames.event_of(payload))
            elif kind == frames.TAKEN:
                self.waiting_samples -= frames.count_of(payload)
            elif kind == frames.FAILED:
                self._failure = msgspec.json.decode(payload, type=frames.Failure)
            elif kind == frames.READY and not self.opened.done():
                self.opened.set_result(None)

    def _arrived(self, event: EarEvent) -> None:
        if self._closing:
            return
        if isinstance(event, PartialText) and self._events and isinstance(self._events[-1], PartialText):
            self._events.pop()  # nobody has read it, and it is out of date
        self._events.append(event)
        self._news.set()

    def connection_lost(self, _reason: Exception | None) -> None:
        """The worker has exited and all that it wrote has arrived (``process_exited`` may come before that)."""
        assert self._transport is not None
        status = self._transport.get_returncode()
        by_hand = "run it by hand to see why: " + " ".join(_WORKER[1:])
        failure = self._failure or frames.Failure(f"the recognition worker ended with status {status}", by_hand)
        if not self.opened.done():
            self.opened.set_exception(NotAvailable(failure.message, hint=failure.hint))
        self._arrived(EarFailed(failure.message))
        self._closing = True
        self._exited.set()
        self._news.set()

    def send(self, frame: bytes) -> None:
        """Never waits: the pipe's transport holds what the worker has not read yet, and ``hear`` bounds that."""
        pipe = self._pipe(0)
        if not self._closing and pipe is not None and not pipe.is_closing():
            cast("asyncio.WriteTransport", pipe).write(frame)

    def send_audio(self, pcm: bytes) -> None:
        self.waiting_samples += len(pcm) // 2
        self.send(frames.pack(frames.AUDIO, pcm))

    async def next_event(self) -> EarEvent | None:
        """The next event, or None where nothing more will come."""
        while not self._events:
            if self._closing:
                return None
            self._news.clear()
            await self._news.wait()
        return self._events.popleft()

    async def close(self) -> None:
        """Ends the input, which ends the worker; kills it where that does not help."""
        assert self._transport is not None
        self._closing = True
        self._events.clear()
        self._news.set()
        if (pipe := self._pipe(0)) is not None:
            pipe.close()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._exited.wait()
        except TimeoutError:
            self._transport.kill()
            await self._exited.wait()
        finally:
            self._transport.close()

    def _pipe(self, fd: int) -> asyncio.BaseTransport | None:
        return None if self._transport is None else self._transport.get_pipe_transport(fd)


async def _start() -> _Worker:
    _, worker = await asyncio.get_running_loop().subprocess_exec(
        _Worker,
        *_WORKER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    return worker
