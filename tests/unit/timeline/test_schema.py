"""A line of a timeline: every fact and wish comes back as it was, and nothing else comes back at all."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.timeline.recorded import EFFECTS, EVENTS, HEADER, values_of
from vivavoce.errors import TimelineError
from vivavoce.events import Audio, CallerAudio, CallerHungUp, CallerText, Instant, Play, ResponseId
from vivavoce.timeline.schema import VERSION, decode_header, decode_line, encode_header, encode_line


@pytest.mark.parametrize("kind", [*EVENTS, *EFFECTS], ids=lambda kind: str(kind.__name__))
def test_every_fact_and_wish_comes_back(kind: type[Any]) -> None:
    @settings(max_examples=12)
    @given(values_of(kind), st.integers(0, 2**63))
    def comes_back(value: Any, at: int) -> None:
        raw = encode_line(7, Instant(at), value)
        assert raw.endswith(b"\n")
        assert raw.count(b"\n") == 1
        line = decode_line(raw)
        assert (line.number, line.instant, line.value) == (7, at, value)
        assert type(line.value) is kind
        assert line.is_fact == (kind in EVENTS)

    comes_back()


def test_a_line_is_what_the_documents_say() -> None:
    raw = encode_line(2, Instant(20_114), CallerAudio(Audio(bytes(640))))
    assert raw == b'[2,20114,{"type":"CallerAudio","audio":320}]\n'


def test_audio_is_a_count_and_never_sound() -> None:
    raw = encode_line(0, Instant(0), Play(ResponseId("r"), Audio(b"\x12\x34" * 160)))
    assert json.loads(raw)[2] == {"type": "Play", "response": "r", "audio": 160}
    value = decode_line(raw).value
    assert isinstance(value, Play)
    assert (value.audio.pcm, value.audio.samples) == (b"", 160)


@pytest.mark.parametrize(
    "text", ["", "\x00\x1f\x7f\x85", "\u2028\u2029", "😀 e\u0301 \ufeff", '"\\\n\r', "\ufffd\uffff"]
)
def test_odd_text_comes_back(text: str) -> None:
    raw = encode_line(0, Instant(0), CallerText(text))
    assert raw.count(b"\n") == 1
    assert decode_line(raw).value == CallerText(text)


@pytest.mark.parametrize(("text", "kept"), [("\ud800", "?"), ("a\udfffé\ud83d\ude00", "a?é??")])
def test_half_a_surrogate_pair_cannot_be_written_and_stops_nothing(text: str, kept: str) -> None:
    raw = encode_line(3, Instant(4), CallerText(text))
    assert raw == encode_line(3, Instant(4), CallerText(kept))
    play = Play(ResponseId(text), Audio(bytes(4)))
    assert decode_line(encode_line(0, Instant(0), play)).value == Play(ResponseId(kept), Audio(bytes(4)))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense",
        b"\xff\xfe\x00",
        b"{}",
        b"[0,0]",
        b'[0,0,{"type":"Nonsense"}]',
        b'[0,0,{"type":"CallPlan","agent":"a","models":[]}]',
        b"[0,0,{}]",
        b'[0,0,{"type":"CallerText"}]',
        b'[0,0,{"type":"CallerText","text":7}]',
        b'[0,0,{"type":"CallerText","text":"\xff"}]',
        b'[0,0,{"type":"CallerText","text":"\\ud800"}]',
        b'["0",0,{"type":"TimePassed"}]',
        b'[0,0.5,{"type":"TimePassed"}]',
        b'[0,0,{"type":"CallerAudio","audio":"AAAA"}]',
        b'[0,0,{"type":"CallerAudio","audio":-1}]',
        b'[0,0,{"type":"CallerAudio","audio":true}]',
        b'[0,0,{"type":"CallerAudio","audio":null}]',
        b'[0,0,{"type":"CloseCall","disposition":"great","reason":""}]',
        b'[0,0,{"type":"TimePassed","more":' + b"[" * 100_000,
    ],
)
def test_what_is_no_record_is_refused(raw: bytes) -> None:
    with pytest.raises(TimelineError, match="no record of a timeline"):
        decode_line(raw)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(TimelineError, match="`text`"):
        decode_line(b'[0,0,{"type":"CallerText"}]')


def test_fields_that_have_a_default_may_be_missing() -> None:
    assert decode_line(b'[0,0,{"type":"CallerHungUp"}]').value == CallerHungUp()


def test_header_comes_back() -> None:
    header = msgspec.structs.replace(HEADER, agent="Größe\n", simulated=True)
    assert decode_header(encode_header(header)) == header
    assert encode_header(header).count(b"\n") == 1


@pytest.mark.parametrize("version", [VERSION - 1, VERSION + 1])
def test_another_version_is_named(version: int) -> None:
    header = msgspec.structs.replace(HEADER, vivavoce_timeline=version, vivavoce="9.9")
    with pytest.raises(TimelineError, match=f"version {version}.* reads version {VERSION}") as refused:
        decode_header(encode_header(header))
    assert "Vivavoce 9.9" in refused.value.hint


def test_another_version_is_named_whatever_its_header_holds() -> None:
    with pytest.raises(TimelineError, match="version 17"):
        decode_header(b'{"vivavoce_timeline":17,"calls":[]}')


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"vivavoce_timeline":"1"}', b'{"vivavoce_timeline":1}', b"\xff"])
def test_what_is_no_header_is_no_timeline(raw: bytes) -> None:
    with pytest.raises(TimelineError, match="not a timeline") as refused:
        decode_header(raw)
    assert refused.value.hint
