"""What a timeline file holds: JSON Lines, one header, then one line for every fact and wish of a call, in order.

::

    {"vivavoce_timeline":1,"call":"20260302-091500-3f9a12","opened":"2026-03-02T09:15:00+00:00", …}
    [0,0,{"type":"CallStarted","plan":{…}}]
    [1,0,{"type":"OpenModel","connection":1,"model":0}]
    [2,20114,{"type":"CallerAudio","audio":320}]

A line is ``[number, microseconds since opening, value]``; numbers count up by one without a gap. Audio stands as its
number of samples: the sound itself is kept elsewhere, or not at all. A fact is written before it is applied and a wish
before it is performed, so a line cut short by a crash can only be the last, and the wishes of the last fact may be
missing.
"""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from vivavoce.errors import TimelineError
from vivavoce.events import Audio, Effect, Event, Instant

VERSION = 1
"""Raised whenever an event or an effect changes so that an older file would be read wrongly."""

_EVENT_TYPES: tuple[type, ...] = get_args(Event)


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line. ``opened`` is wall-clock time in ISO 8601 with its offset: the only such time in the file."""

    vivavoce_timeline: int
    call: str
    opened: str
    agent: str
    vivavoce: str
    simulated: bool = False


class Line(msgspec.Struct, frozen=True, array_like=True):
    """One fact or wish."""

    number: int
    at: int
    value: Event | Effect

    @property
    def instant(self) -> Instant:
        return Instant(self.at)

    @property
    def is_fact(self) -> bool:
        return isinstance(self.value, _EVENT_TYPES)


def _encode_audio(value: Any) -> int:
    if isinstance(value, Audio):
        return value.samples
    raise NotImplementedError


def _decode_audio(kind: type, value: Any) -> Audio:
    if kind is Audio and isinstance(value, int):
        return Audio(b"", value)
    raise NotImplementedError


_encoder = msgspec.json.Encoder(enc_hook=_encode_audio)
_decoder = msgspec.json.Decoder(Line, dec_hook=_decode_audio)
_header_decoder = msgspec.json.Decoder(Header)


def encode_header(header: Header) -> bytes:
    return _encoder.encode(header) + b"\n"


def encode_line(number: int, at: Instant, value: Event | Effect) -> bytes:
    return _encoder.encode((number, at, value)) + b"\n"


def decode_header(raw: bytes) -> Header:
    """Raises :class:`TimelineError` for anything but the header of a timeline this version can read."""
    try:
        header = _header_decoder.decode(raw)
    except msgspec.DecodeError as error:
        raise TimelineError("this is not a timeline: its first line is no timeline header") from error
    if header.vivavoce_timeline != VERSION:
        raise TimelineError(
            f"this timeline has version {header.vivavoce_timeline}, this Vivavoce reads version {VERSION}",
            hint=f"it was written by Vivavoce {header.vivavoce}; replay it with that one",
        )
    return header


def decode_line(raw: bytes) -> Line:
    """Raises :class:`TimelineError` if the line is no record of this version."""
    try:
        return _decoder.decode(raw)
    except msgspec.DecodeError as error:
        raise TimelineError(f"a line of the timeline cannot be read: {error}") from error
