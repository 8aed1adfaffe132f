"""Reading a timeline's bytes fast: most lines of a long call are frames, of which the ledger wants a number of samples.

Lines are decoded some hundreds at a time, frames into small classes of their own. Whatever is unusual about a file is
left to :func:`vivavoce.timeline.read.parse_timeline`, which says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any, get_args

import msgspec

from vivavoce.events import AgentAudio, CallerAudio, Effect, Event, ForwardAudio, Play, ReplayAudio

CHUNK_BYTES = 65_536
"""Enough to spread the cost of a call, and little enough that what was decoded stays in the processor's cache."""

_Count = Annotated[int, msgspec.Meta(ge=0)]


class UnusualTimeline(Exception):
    """Read this one the slow way."""


class _SoundCount(msgspec.Struct, frozen=True, gc=False):
    """Stands for the frame of its tag, and for the sound in it: of either only the samples are asked for."""

    @property
    def audio(self) -> Any:
        return self


class _CallerFrame(_SoundCount, frozen=True, gc=False, tag="CallerAudio"):
    samples: _Count = msgspec.field(name="audio")


class _ForwardFrame(_SoundCount, frozen=True, gc=False, tag="ForwardAudio"):
    connection: int
    samples: _Count = msgspec.field(name="audio")


class _ReplayFrame(_SoundCount, frozen=True, gc=False, tag="ReplayAudio"):
    connection: int
    samples: _Count = msgspec.field(name="audio")


class _AgentFrame(_SoundCount, frozen=True, gc=False, tag="AgentAudio"):
    connection: int
    response: str
    samples: _Count = msgspec.field(name="audio")


class _PlayFrame(_SoundCount, frozen=True, gc=False, tag="Play"):
    response: str
    samples: _Count = msgspec.field(name="audio")


STANDS_FOR: Mapping[type, type] = {
    _CallerFrame: CallerAudio,
    _ForwardFrame: ForwardAudio,
    _ReplayFrame: ReplayAudio,
    _AgentFrame: AgentAudio,
    _PlayFrame: Play,
}
_OTHERS = [kind for kind in (*get_args(Event), *get_args(Effect)) if kind not in STANDS_FOR.values()]
_VALUE: Any = reduce(or_, (*STANDS_FOR, *_OTHERS))
_decoder: msgspec.json.Decoder[tuple[int, int, Any]] = msgspec.json.Decoder(tuple[int, int, _VALUE])


def quick_lines(raw: bytes, begin: int, end: int) -> Iterator[tuple[int, Any]]:
    """Instant and value of each line between these bytes, which begin and end at a line's. Raises
    :class:`UnusualTimeline` if a line is anything but one record in its place."""
    view = memoryview(raw)
    expected = 0
    while begin < end:
        until = raw.find(b"\n", min(begin + CHUNK_BYTES, end - 1)) + 1
        try:
            lines = _decoder.decode_lines(view[begin:until])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UnusualTimeline from error
        if len(lines) != raw.count(b"\n", begin, until):
            raise UnusualTimeline
        for number, at, value in lines:
            if number != expected:
                raise UnusualTimeline
            expected += 1
            yield at, value
        begin = until
