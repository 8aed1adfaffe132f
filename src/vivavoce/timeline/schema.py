"""What a timeline file holds: JSON Lines, one header, then one line for every fact and wish of a call, in order.

::

    {"vivavoce_timeline":1,"call":"20260302-091500-3f9a01","opened":"2026-03-02T09:15:00+00:00", ...}
    [0,0,{"type":"CallStarted","plan":{...}}]
    [1,0,{"type":"OpenModel","connection":1,"model":0}]
    [2,20114,{"type":"CallerAudio","audio":320}]

A line is ``[number, microseconds since opening, value]``; numbers count up by one without a gap. Audio stands as its
number of samples: the sound itself is kept elsewhere, or not at all. A fact is written before it is applied and a wish
before it is performed, so a line cut short by a crash can only be the last, and the wishes of the last fact may be
missing. ``docs/reference/timeline.md`` has the whole format.
"""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec

from vivavoce.errors import TimelineError
from vivavoce.events import Audio, Effect, Event, Instant

VERSION = 1
"""Raised whenever an event or an effect changes so that an older file would be read wrongly."""

_EVENT_TYPES: tuple[type, ...] = get_args(Event)


class _Version(msgspec.Struct, frozen=True):
    """What the header of every version begins with, so that a reader can say which one it would need."""

    vivavoce_timeline: int
    vivavoce: str = "of another version"


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line. ``opened`` is wall-clock time in ISO 8601 with its offset: the only such time in the file.
    ``tenant`` is whose call it is; ``outbound``: we called; ``speed`` is that of the call's clock: at another than 1
    what computes looks slower or faster than it is.
    """

    vivavoce_timeline: int
    call: str
    opened: str
    agent: str
    vivavoce: str
    simulated: bool = False
    tenant: str = ""
    outbound: bool = False
    speed: float = 1.0


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
    if kind is Audio and type(value) is int and value >= 0:
        return Audio(b"", value)
    raise ValueError("audio stands as its number of samples")


_encoder = msgspec.json.Encoder(enc_hook=_encode_audio)
_decoder = msgspec.json.Decoder(Line, dec_hook=_decode_audio)
_header_decoder = msgspec.json.Decoder(Header)
_version_decoder = msgspec.json.Decoder(_Version)

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not what they should be: text that is no UTF-8 and endless nesting get errors
of their own."""


def encode_header(header: Header) -> bytes:
    return _encoder.encode(header) + b"\n"


def encode_line(number: int, at: Instant, value: Event | Effect) -> bytes:
    """Never raises for anything a peer can say: half a surrogate pair, which JSON can spell but UTF-8 cannot, becomes a
    question mark."""
    record = (number, at, value)
    try:
        return _encoder.encode(record) + b"\n"
    except UnicodeEncodeError:
        plain = msgspec.to_builtins(record, enc_hook=_encode_audio)
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def decode_header(raw: bytes) -> Header:
    """Raises :class:`TimelineError` for anything but the header of a timeline this version can read."""
    try:
        version = _version_decoder.decode(raw)
        if version.vivavoce_timeline == VERSION:
            return _header_decoder.decode(raw)
    except _UNREADABLE as error:
        raise TimelineError(
            "this is not a timeline: its first line is no timeline header", hint="name a call's timeline.jsonl"
        ) from error
    raise TimelineError(
        f"this timeline has version {version.vivavoce_timeline}, this Vivavoce reads version {VERSION}",
        hint=f"it was written by Vivavoce {version.vivavoce}; read it with that one",
    )


def decode_line(raw: bytes) -> Line:
    """Raises :class:`TimelineError` if the line is no record of this version."""
    try:
        return _decoder.decode(raw)
    except _UNREADABLE as error:
        raise TimelineError(f"this is no record of a timeline: {error}") from error
