from __future__ import annotations

import pytest

from vivavoce.wire.realtime import client
from vivavoce.wire.realtime.client import Malformed, decode


def test_an_append_holds_the_bytes() -> None:
    event = decode('{"type":"input_audio_buffer.append","audio":"AAEC","event_id":"e1"}')
    assert isinstance(event, client.Append)
    assert (event.audio, event.event_id) == (b"\x00\x01\x02", "e1")


def test_unknown_members_are_let_pass() -> None:
    assert isinstance(decode('{"type":"response.create","new":1}'), client.CreateResponse)


@pytest.mark.parametrize(
    ("frame", "code", "param", "words"),
    [
        ("{", "invalid_event", None, "not a JSON object"),
        ("[]", "invalid_event", None, "not a JSON object"),
        (b"\xff", "invalid_event", None, "not a JSON object"),
        ("[" * 100_000, "invalid_event", None, "not a JSON object"),
        ("{}", "missing_required_parameter", "type", "'type'"),
        ('{"type":"session.start"}', "invalid_value", "type", "'session.update'"),
        ('{"type":["x"]}', "invalid_value", "type", "Supported values"),
        ('{"type":"input_audio_buffer.append"}', "missing_required_parameter", "audio", "'audio'"),
        ('{"type":"input_audio_buffer.append","audio":5}', "invalid_type", "audio", "expected bytes"),
        ('{"type":"input_audio_buffer.append","audio":"#"}', "invalid_value", "audio", "not base64"),
        ('{"type":"session.update","session":7}', "invalid_type", "session", "expected object"),
        ('{"type":"conversation.item.retrieve","item_id":7}', "invalid_type", "item_id", "expected str"),
    ],
)
def test_what_is_wrong_is_said(frame: str | bytes, code: str, param: str | None, words: str) -> None:
    with pytest.raises(Malformed, match=words) as raised:
        decode(frame)
    assert (raised.value.code, raised.value.param) == (code, param)


def test_the_complaint_names_the_event() -> None:
    with pytest.raises(Malformed) as raised:
        decode('{"type":"x","event_id":"e7"}')
    assert raised.value.event_id == "e7"


def test_what_is_too_large_is_not_even_read() -> None:
    with pytest.raises(Malformed, match="pieces") as raised:
        decode("x" * (client.EVENT_LIMIT_BYTES + 1))
    assert raised.value.code == "event_too_large"
