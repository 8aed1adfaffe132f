"""Reading calls in a process of its own, so that the loop of a process with calls does not wait for the interpreter
while a long one is folded. ``docs/decisions/0805-calls-are-read-in-a-process-of-their-own.md`` has the figures.

The process is ``python -m vivavoce.store.apart``: a folder's name a line comes in, a frame with the call or what was
wrong goes out. It is nice to others, is started when it is first needed, and ends when its input does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import IO, Final

import msgspec

from vivavoce.errors import StoreFault, TimelineError
from vivavoce.store.reading import ReadCall, read_call

_COMMAND: Final = [sys.executable, "-m", "vivavoce.store.apart"]
_LENGTH: Final = struct.Struct("<Q")
_NICER: Final = 10


class _Refused(msgspec.Struct, frozen=True, tag="refused"):
    """As the error that it was there: its kind, and what it says."""

    kind: str
    message: str
    hint: str = ""


class _Read(msgspec.Struct, frozen=True, tag="read"):
    call: ReadCall


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[_Read | _Refused] = msgspec.msgpack.Decoder(_Read | _Refused)


class ReaderApart:
    """``read`` is as :func:`~vivavoce.store.reading.read_call`. One thread at a time. ``with`` ends the process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ReaderApart:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """From any thread: whoever waits for an answer is told that the process died."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    def read(self, folder: Path) -> ReadCall:
        """Blocks, without the interpreter. Raises what :func:`read_call` raises, and
        :class:`~vivavoce.errors.StoreFault` where the process died: then the next one gets another."""
        try:
            answer = self._ask(folder)
        except (OSError, EOFError, ValueError):  # the last for a pipe that was closed
            self.close()
            raise StoreFault(
                "the process that reads calls died", hint="see the system's log: was it out of memory?"
            ) from None
        match answer:
            case _Read(call):
                return call
            case _Refused("FileNotFoundError", message):
                raise FileNotFoundError(message)
            case _Refused("OSError", message):
                raise OSError(message)
            case _Refused(_, message, hint):
                raise TimelineError(message, hint=hint)

    def _ask(self, folder: Path) -> _Read | _Refused:
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        _write(process.stdin, os.fsencode(folder.absolute()))
        return _decoder.decode(_read(process.stdout))

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603  # our own program
                _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
        return self._process


def _write(pipe: IO[bytes], data: bytes) -> None:
    rest = memoryview(_LENGTH.pack(len(data)) + data)
    while rest:
        rest = rest[pipe.write(rest) :]
    pipe.flush()


def _read(pipe: IO[bytes]) -> bytes:
    """Raises EOFError."""
    return _exactly(pipe, _LENGTH.unpack(_exactly(pipe, _LENGTH.size))[0])


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    parts = []
    while size:
        part = pipe.read(size)
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _answer(folder: Path) -> _Read | _Refused:
    try:
        return _Read(read_call(folder))
    except FileNotFoundError as error:
        return _Refused("FileNotFoundError", str(error))
    except OSError as error:
        return _Refused("OSError", str(error))
    except TimelineError as error:
        return _Refused("TimelineError", error.message, error.hint)
    except Exception as error:  # noqa: BLE001  # one call's trouble must not end the process; its words stay here
        return _Refused("TimelineError", f"unexpected {type(error).__name__}")


def main() -> None:
    """Until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which may have calls yet to be read
    with contextlib.suppress(OSError, AttributeError):
        os.nice(_NICER)
    while True:
        try:
            folder = Path(os.fsdecode(_read(sys.stdin.buffer)))
        except EOFError:
            return
        _write(sys.stdout.buffer, _encoder.encode(_answer(folder)))


if __name__ == "__main__":
    main()
