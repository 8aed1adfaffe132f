"""What the ear and its worker say to each other: events, and their form on the pipes.

The frames are those of :mod:`.worker_frames`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import msgspec

from vivavoce.model.local.dialogue.port import Heard
from vivavoce.model.local.worker_frames import FrameReader, pack

__all__ = ["FrameReader", "pack"]

# To the worker.
OPEN: Final = b"O"  # JSON: Wanted
AUDIO: Final = b"A"  # PCM16 at 16 kHz
SKIP: Final = b"K"  # count: samples that were dropped before the worker
EXPECT: Final = b"X"  # JSON: Expected
AGENT: Final = b"G"  # b"1" while the agent speaks, else b"0"
# From the worker.
READY: Final = b"R"
EVENT: Final = b"E"  # JSON: EarEvent
TAKEN: Final = b"T"  # count: samples of audio that were worked on
FAILED: Final = b"F"  # JSON: Failure

_COUNT: Final = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a worker shall hear with. ``pause_ms`` ends a turn that neither looks complete nor goes on; 0: the usual."""

    engine: str
    model_directory: str
    sentences: tuple[str, ...]
    pause_ms: int = 0


@dataclass(frozen=True, slots=True)
class Expected:
    """What kind of answer is expected, and patterns of words that are a whole one."""

    expecting: str
    complete: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """The last words of a worker."""

    message: str
    hint: str


class SpeechStarted(msgspec.Struct, frozen=True, tag=True):
    """The caller speaks since ``at_samples`` of the stream that was fed to this ear."""

    at_samples: int


class SpeechStopped(msgspec.Struct, frozen=True, tag=True):
    """The caller's turn is over: speech really ended at ``at_samples``, which was noticed later. Its Utterance follows
    at once."""

    at_samples: int


class PartialText(msgspec.Struct, frozen=True, tag=True):
    """The words of the turn so far; may change again."""

    text: str


class Utterance(msgspec.Struct, frozen=True, tag=True):
    """The turn's words, from where speech started to where it stopped. ``heard.text`` is empty where there was speech
    but no word in it."""

    heard: Heard
    starts_at_samples: int
    ends_at_samples: int


class EarFailed(msgspec.Struct, frozen=True, tag=True):
    """The worker is gone; nothing more will be heard."""

    message: str


EarEvent = SpeechStarted | SpeechStopped | PartialText | Utterance | EarFailed

_events: Final = msgspec.json.Decoder(EarEvent)


def pack_json(kind: bytes, value: object) -> bytes:
    return pack(kind, msgspec.json.encode(value))


def pack_count(kind: bytes, count: int) -> bytes:
    return pack(kind, _COUNT.pack(count))


def count_of(payload: bytes) -> int:
    count: int = _COUNT.unpack(payload)[0]
    return count


def event_of(payload: bytes) -> EarEvent:
    event: EarEvent = _events.decode(payload)
    return event
