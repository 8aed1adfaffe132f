"""The mouth of the embedded model: text in, 16 kHz PCM16 out, synthesised in a worker process.

A process of its own, because espeak-ng's licence asks for one (NOTICE) and because synthesis takes whole milliseconds
of CPU that the event loop must not lose. flite speaks English where it is installed, espeak-ng the rest, sherpa-onnx
where the user names a model.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, cast

from vivavoce.errors import NotAvailable, UsageError
from vivavoce.model.local import mouth_frames as frames

RATE_HZ: Final = 16_000

# -P: a folder that somebody happens to be in must not lend its modules to the worker.
_WORKER: Final = (sys.executable, "-P", "-m", "vivavoce.model.local.mouth_worker")
_PAUSE_BYTES: Final = 8 * RATE_HZ * 2
_RESUME_BYTES: Final = 4 * RATE_HZ * 2
_CLOSE_SECONDS: Final = 2.0
_VOICES_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class MouthSettings:
    """``speed`` 1.0 is the voice's own. ``sherpa_directory`` holds a speech model for sherpa-onnx, which is then
    preferred. ``ready_timeout_ms`` bounds how long a model may take to load."""

    speed: float = 1.0
    sherpa_directory: str = ""
    ready_timeout_ms: int = 30_000

    def __post_init__(self) -> None:
        if not 0.5 <= self.speed <= 2.0:
            raise UsageError(f"a speaking speed of {self.speed} is not possible", hint="use 0.5 to 2.0; 1.0 is normal")


@dataclass(frozen=True, slots=True)
class SpokenAudio:
    """At most 60 ms of an utterance."""

    utterance: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class SpokenEnd:
    """All of this utterance's audio has been delivered."""

    utterance: int


@dataclass(frozen=True, slots=True)
class MouthFailed:
    """The worker is gone; nothing more will be spoken."""

    message: str


Spoken = SpokenAudio | SpokenEnd | MouthFailed


class Mouth:
    """One voice, ready to speak. Utterances are spoken in the order of :meth:`speak`.

    Audio waits in a queue of at most 8 s; beyond that the worker waits. One task at a time may iterate :meth:`audio`.
    """

    def __init__(self, worker: _Worker, voice: str) -> None:
        self.rate_hz = RATE_HZ
        self.voice = voice
        self._worker = worker
        self._epoch = 0

    @classmethod
    async def open(cls, *, language: str, voice: str = "", settings: MouthSettings | None = None) -> Mouth:
        """Starts the worker and loads the voice: ``""`` for the best one of the language, ``flite:slt``,
        ``espeak:en-gb`` or ``sherpa:0``. Raises NotAvailable where that cannot be had here."""
        settings = settings or MouthSettings()
        worker = await _start()
        wanted = {
            "language": language,
            "voice": voice,
            "speed": settings.speed,
            "sherpa_directory": settings.sherpa_directory,
        }
        worker.send(frames.pack(frames.OPEN, json.dumps(wanted).encode()))
        try:
            async with asyncio.timeout(settings.ready_timeout_ms / 1000):
                return cls(worker, await worker.opened)
        except TimeoutError:
            await worker.close()
            message = f"the voice was not ready after {settings.ready_timeout_ms} ms"
            raise NotAvailable(message, hint="raise ready_timeout_ms, or choose a smaller voice") from None
        except BaseException:
            await worker.close()
            raise

    def speak(self, utterance: int, text: str) -> None:
        """Queues ``text``; its audio and its end come out of :meth:`audio` under the number ``utterance``."""
        payload = text.encode("utf-8", "replace")
        self._worker.send(frames.pack_keyed(frames.SPEAK, self._epoch, utterance, payload))

    def stop(self) -> None:
        """Forgets everything that was asked for before. Nothing of it is delivered once this has returned, its ends
        neither."""
        self._epoch += 1
        self._worker.forget(self._epoch)
        self._worker.send(frames.pack_keyed(frames.STOP, self._epoch, 0))

    async def audio(self) -> AsyncIterator[Spoken]:
        """What is spoken, until :meth:`close` or, after a MouthFailed, the end."""
        while (spoken := await self._worker.next_spoken()) is not None:
            yield spoken

    async def close(self) -> None:
        await self._worker.close()


def voices_here() -> tuple[str, ...]:
    """The voices of this machine, best first. Asked of a worker, since only that may load espeak-ng, so it waits for
    about a tenth of a second: not for an event loop. Raises NotAvailable where the worker cannot say."""
    command = (*_WORKER, "--voices")
    try:
        asked = subprocess.run(command, capture_output=True, timeout=_VOICES_SECONDS, check=True)  # noqa: S603  our own
    except (OSError, subprocess.SubprocessError) as fault:
        hint = "run it by hand to see why: " + " ".join(command[1:])
        raise NotAvailable("the speech worker could not list its voices", hint=hint) from fault
    return tuple(json.loads(asked.stdout))


class _Worker(asyncio.SubprocessProtocol):
    """The pipes to the worker process. Every frame is judged as it arrives, so that a stop can clear what waits at
    once."""

    def __init__(self) -> None:
        self.opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        # Who was to wait for it may have been cancelled: then nobody hears why the worker ended, and nobody needs to.
        self.opened.add_done_callback(lambda opened: opened.cancelled() or opened.exception())
        self._transport: asyncio.SubprocessTransport | None = None
        self._reader = frames.FrameReader()
        self._spoken: deque[Spoken] = deque()
        self._queued_bytes = 0
        self._wanted_epoch = 0
        self._news = asyncio.Event()
        self._exited = asyncio.Event()
        self._failure = ""
        self._closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, for uvloop's transports are no subclasses of these.
        self._transport = cast("asyncio.SubprocessTransport", transport)

    def pipe_data_received(self, _fd: int, data: bytes) -> None:
        for kind, payload in self._reader.feed(data):
            self._arrived(kind, payload)
        self._news.set()
        if self._queued_bytes > _PAUSE_BYTES:
            self._output().pause_reading()

    def _arrived(self, kind: bytes, payload: bytes) -> None:
        if kind == frames.READY:
            if not self.opened.done():
                self.opened.set_result(json.loads(payload)["voice"])
        elif kind == frames.FAILED:
            said = json.loads(payload)
            self._failure = said["message"]
            if not self.opened.done():
                self.opened.set_exception(NotAvailable(said["message"], hint=said["hint"]))
        else:
            epoch, utterance, pcm = frames.split_key(payload)
            if epoch < self._wanted_epoch:
                return
            self._queued_bytes += len(pcm)
            self._spoken.append(SpokenAudio(utterance, pcm) if kind == frames.AUDIO else SpokenEnd(utterance))

    def process_exited(self) -> None:
        assert self._transport is not None
        message = self._failure or f"the speech worker ended with status {self._transport.get_returncode()}"
        if not self.opened.done():
            self.opened.set_exception(NotAvailable(message, hint="run it by hand to see why: " + " ".join(_WORKER[1:])))
        if not self._closing:
            self._spoken.append(MouthFailed(message))
            self._closing = True
        self._exited.set()
        self._news.set()

    def send(self, frame: bytes) -> None:
        """Never waits: texts are small, and the pipe's transport holds what the worker has not read yet."""
        pipe = self._pipe(0)
        if not self._closing and pipe is not None and not pipe.is_closing():
            cast("asyncio.WriteTransport", pipe).write(frame)

    def forget(self, wanted_epoch: int) -> None:
        self._wanted_epoch = wanted_epoch
        failures = [spoken for spoken in self._spoken if isinstance(spoken, MouthFailed)]
        self._spoken = deque(failures)
        self._queued_bytes = 0
        self._output().resume_reading()

    async def next_spoken(self) -> Spoken | None:
        """The next thing that was spoken, or None where nothing more will come."""
        while not self._spoken:
            if self._closing:
                return None
            self._news.clear()
            await self._news.wait()
        spoken = self._spoken.popleft()
        if isinstance(spoken, SpokenAudio):
            self._queued_bytes -= len(spoken.pcm)
            if self._queued_bytes < _RESUME_BYTES:
                self._output().resume_reading()
        return spoken

    async def close(self) -> None:
        """Ends the input, which ends the worker; kills it where that does not help."""
        assert self._transport is not None
        self._closing = True
        self._spoken.clear()
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

    def _output(self) -> asyncio.ReadTransport:
        return cast("asyncio.ReadTransport", self._pipe(1))


async def _start() -> _Worker:
    _, protocol = await asyncio.get_running_loop().subprocess_exec(
        _Worker,
        *_WORKER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    return protocol
