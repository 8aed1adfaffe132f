from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.unit.wire.realtime.line import OFFER
from vivavoce.wire.realtime.complaint import Complaint
from vivavoce.wire.realtime.configuration import ClientTool, Configuration, Encoding, Modality, TurnDetection
from vivavoce.wire.realtime.session import configured, first_configuration, updated


def after(*updates: dict[str, Any]) -> Configuration:
    configuration = first_configuration(OFFER)
    for update in updates:
        configuration = updated(OFFER, configuration, {"type": "realtime", **update})
    return configuration


def heard(**members: Any) -> dict[str, Any]:
    return {"audio": {"input": members}}


def spoken(**members: Any) -> dict[str, Any]:
    return {"audio": {"output": members}}


def test_a_session_begins_as_openai_shows_it() -> None:
    assert first_configuration(OFFER).session == {
        "type": "realtime",
        "object": "realtime.session",
        "id": "sess_1",
        "model": "hotel",
        "expires_at": 1_800_000_000,
        "output_modalities": ["audio"],
        "instructions": "",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "include": None,
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24_000},
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 500,
                    "idle_timeout_ms": None,
                    "create_response": True,
                    "interrupt_response": True,
                },
            },
            "output": {"format": {"type": "audio/pcm", "rate": 24_000}, "voice": "tiffany", "speed": 1.0},
        },
    }


def test_what_is_absent_stays_and_null_is_the_default() -> None:
    configuration = after(
        {"instructions": "Be kind.", **heard(transcription={"model": "whisper-1"})}, {"tracing": "auto"}
    )
    assert configuration.instructions == "Be kind."
    assert configuration.transcription
    assert configuration.session["tracing"] == "auto"
    assert not after(heard(transcription={"model": "whisper-1"}), heard(transcription=None)).transcription
    assert after({"instructions": "Be kind."}, {"instructions": None}).instructions == ""


def test_turn_detection_is_replaced_as_one() -> None:
    configuration = after(
        heard(turn_detection={"type": "server_vad", "threshold": 0.9, "silence_duration_ms": 900}),
        heard(turn_detection={"type": "server_vad", "interrupt_response": False}),
    )
    detection = configuration.session["audio"]["input"]["turn_detection"]
    assert detection["threshold"] == 0.5
    assert configuration.endpoint_ms == 0
    assert configuration.interruption == "never"


@pytest.mark.parametrize(
    ("agents", "detection", "in_force"),
    [
        ("hybrid", {"type": "server_vad"}, "hybrid"),
        ("local", {"type": "semantic_vad"}, "local"),
        ("hybrid", {"type": "server_vad", "interrupt_response": False}, "never"),
        ("hybrid", None, "model"),
        ("never", {"type": "server_vad", "interrupt_response": True}, "never"),
        ("never", None, "never"),
    ],
)
def test_the_agents_own_policy_holds_unless_the_client_wants_none(
    agents: str, detection: dict[str, Any] | None, in_force: str
) -> None:
    offer = msgspec.structs.replace(OFFER, interruption=agents)
    assert first_configuration(offer).interruption == agents
    configuration = configured(offer, {"type": "realtime", **heard(turn_detection=detection)})
    assert configuration.interruption == in_force
    shown = configuration.session["audio"]["input"]["turn_detection"]
    assert shown is None or shown["interrupt_response"] is (in_force != "never")


def test_only_a_silence_that_was_named_is_kept_to() -> None:
    assert after().endpoint_ms == 0
    named = heard(turn_detection={"type": "server_vad", "silence_duration_ms": 700})
    assert after(named).endpoint_ms == 700
    assert after(named, {"tracing": None}).endpoint_ms == 700


def test_the_client_may_detect_turns_itself() -> None:
    configuration = after(heard(turn_detection=None))
    assert configuration.turn_detection is TurnDetection.CLIENT
    assert configuration.session["audio"]["input"]["turn_detection"] is None
    assert after(heard(turn_detection=None), {"tracing": None}).turn_detection is TurnDetection.CLIENT


def test_formats_are_shown_with_the_one_rate_that_they_have() -> None:
    configuration = after(heard(format={"type": "audio/pcmu"}), spoken(format={"type": "audio/pcm"}))
    assert (configuration.input, configuration.output) == (Encoding.ULAW, Encoding.PCM)
    assert configuration.session["audio"]["input"]["format"] == {"type": "audio/pcmu"}
    assert configuration.session["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24_000}
    assert configuration.rate_hz == 24_000
    assert after(heard(format={"type": "audio/pcma"}), spoken(format={"type": "audio/pcma"})).rate_hz == 8_000


@pytest.mark.parametrize(
    ("voice", "chosen", "shown"),
    [
        ("ash", "", "tiffany"),  # what the Agents SDK sends by default
        ("tiffany", "", "tiffany"),
        ("matthew", "matthew", "matthew"),
        ({"id": "matthew"}, "matthew", "matthew"),
        (None, "", "tiffany"),
    ],
)
def test_voices(voice: Any, chosen: str, shown: str) -> None:
    configuration = after(spoken(voice=voice))
    assert configuration.voice == chosen
    assert configuration.session["audio"]["output"]["voice"] == shown


def test_a_client_s_tools_are_shown_back() -> None:
    configuration = after(
        {"tools": [{"name": "look", "description": "Looks."}], "tool_choice": {"type": "function", "name": "look"}}
    )
    assert configuration.tools == (ClientTool("look", "Looks.", {"type": "object", "properties": {}}),)
    assert configuration.session["tools"] == [{"type": "function", "name": "look", "description": "Looks."}]
    assert configuration.tool_choice == "look"
    assert after({"tools": [{"name": "look"}]}, {"tools": []}).tools == ()


def test_words_only() -> None:
    assert after({"output_modalities": ["text"]}).modality is Modality.TEXT


def test_a_model_that_an_sdk_names_by_itself_is_no_wish() -> None:
    assert after({"model": "gpt-realtime-2.1", "instructions": "Be kind."}).session["model"] == "hotel"


def test_what_does_no_harm_is_taken() -> None:
    after(
        {
            "model": "hotel",
            "truncation": {"type": "retention_ratio", "retention_ratio": 0.8},
            "include": ["item.input_audio_transcription.logprobs"],
            "prompt": None,
            "reasoning": {"effort": "low"},
            "parallel_tool_calls": True,
            "max_output_tokens": 4096,
        },
        heard(noise_reduction={"type": "near_field"}),
        spoken(speed=1.0),
    )
    assert after({"reasoning": {"effort": "low"}}, {"reasoning": None}).session.get("reasoning", "gone") == "gone"


@pytest.mark.parametrize(
    ("update", "code", "param"),
    [
        ({"type": None}, "missing_required_parameter", "session.type"),
        ({"type": "transcription"}, "invalid_value", "session.type"),
        ({"modalities": ["audio"]}, "unknown_parameter", "session.modalities"),
        ({"voice": "alloy"}, "unknown_parameter", "session.voice"),
        ({"colour": "red"}, "unknown_parameter", "session.colour"),
        ({"model": "other"}, "invalid_value", "session.model"),
        ({"output_modalities": ["audio", "text"]}, "invalid_value", "session.output_modalities"),
        ({"instructions": 5}, "invalid_type", "session.instructions"),
        ({"prompt": {"id": "pmpt_1"}}, "invalid_value", "session.prompt"),
        ({"tools": [{"name": "book"}]}, "invalid_value", "session.tools[0].name"),
        ({"tools": [{"name": "end_call"}]}, "invalid_value", "session.tools[0].name"),
        ({"instructions": "x" * 200_000}, "string_above_max_length", "session"),
        ({"x" * 10_000: 1}, "unknown_parameter", f"session.{'x' * 492}"),
        ({"tools": [{"name": "a"}, {"name": "a"}]}, "invalid_value", "session.tools[1].name"),
        ({"tools": [{"name": "a b"}]}, "invalid_value", "session.tools[0].name"),
        ({"tools": [{"type": "mcp", "server_label": "x"}]}, "invalid_value", "session.tools[0].type"),
        (
            {"tools": [{"type": "function", "function": {"name": "x"}}]},
            "unknown_parameter",
            "session.tools[0].function",
        ),
        ({"tools": [{"description": "x"}]}, "missing_required_parameter", "session.tools[0].name"),
        ({"tool_choice": "any"}, "invalid_value", "session.tool_choice"),
        ({"tool_choice": {"type": "function", "name": "x"}}, "invalid_value", "session.tool_choice.name"),
        ({"max_output_tokens": 1.5}, "invalid_type", "session.max_output_tokens"),
        ({"audio": 5}, "invalid_type", "session.audio"),
        (heard(format={"type": "audio/pcm", "rate": 16_000}), "invalid_value", "session.audio.input.format.rate"),
        (heard(format="pcm16"), "invalid_value", "session.audio.input.format"),
        (heard(format={"rate": 24_000}), "missing_required_parameter", "session.audio.input.format.type"),
        (heard(colour="red"), "unknown_parameter", "session.audio.input.colour"),
        (heard(turn_detection={"type": "vad"}), "invalid_value", "session.audio.input.turn_detection.type"),
        (
            heard(turn_detection={"type": "server_vad", "create_response": False}),
            "invalid_value",
            "session.audio.input.turn_detection.create_response",
        ),
        (
            heard(turn_detection={"type": "server_vad", "threshold": 2}),
            "invalid_value",
            "session.audio.input.turn_detection.threshold",
        ),
        (
            heard(turn_detection={"type": "semantic_vad", "idle_timeout_ms": 5000}),
            "unknown_parameter",
            "session.audio.input.turn_detection.idle_timeout_ms",
        ),
        (spoken(voice="nobody"), "invalid_value", "session.audio.output.voice"),
        (spoken(speed=1.2), "invalid_value", "session.audio.output.speed"),
    ],
)
def test_what_cannot_be_is_refused(update: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(Complaint) as raised:
        after(update)
    assert (raised.value.code, raised.value.param) == (code, param)


def test_what_is_nested_too_deep_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(900):
        schema = {"items": schema}
    with pytest.raises(Complaint, match="nested"):
        after({"tools": [{"name": "a", "parameters": schema}]})


def test_the_refusal_of_a_voice_names_those_there_are() -> None:
    with pytest.raises(Complaint, match="'tiffany', 'matthew'"):
        after(spoken(voice="nobody"))


def test_the_beta_is_told_where_its_members_went() -> None:
    with pytest.raises(Complaint, match=r"'audio\.input\.turn_detection' now"):
        after({"turn_detection": None})


def test_only_what_a_model_has_to_know_asks_for_another() -> None:
    plain = after()
    assert plain.asks_the_same(after({"tracing": "auto"}, heard(transcription={"model": "x"})))
    assert not plain.asks_the_same(after({"instructions": "x"}))
    assert not plain.asks_the_same(after(spoken(voice="matthew")))
    assert plain.asks_the_same(after(spoken(voice="ash")))


def test_a_session_may_be_asked_for_beforehand() -> None:
    assert configured(OFFER, {"type": "realtime", "instructions": "x"}).instructions == "x"
