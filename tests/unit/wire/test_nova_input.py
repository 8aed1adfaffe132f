"""What a client says, in every form that clients have been seen to use."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from vivavoce.wire.nova_input import (
    AudioInput,
    AudioInputEncoder,
    ContentEnd,
    ContentStart,
    InputEvent,
    PromptEnd,
    PromptStart,
    SessionEnd,
    SessionStart,
    TextInput,
    ToolResult,
    ToolSpec,
    Unknown,
    decode,
    encode,
)

SCHEMA = '{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}'
WEATHER = ToolSpec(name="getWeather", description="The weather.", input_schema=SCHEMA)
# The forms of AWS's documents, member for member.
DOCUMENTED: list[tuple[InputEvent, str]] = [
    (
        SessionStart(max_tokens=1024, top_p=0.9, temperature=0.7, endpointing_sensitivity="MEDIUM"),
        (
            '{"event":{"sessionStart":{"inferenceConfiguration":{"maxTokens":1024,"topP":0.9,"temperature":0.7},'
            '"turnDetectionConfiguration":{"endpointingSensitivity":"MEDIUM"}}}}'
        ),
    ),
    (
        SessionStart(endpointing_sensitivity="LOW", flat=True),
        '{"event":{"sessionStart":{"inferenceConfiguration":{},"endpointingSensitivity":"LOW"}}}',
    ),
    (
        PromptStart(
            prompt="p", voice="matthew", output_rate_hz=24_000, tools=(WEATHER,), tool_choice="tool:getWeather"
        ),
        (
            '{"event":{"promptStart":{"promptName":"p","textOutputConfiguration":{"mediaType":"text/plain"},'
            '"audioOutputConfiguration":{"mediaType":"audio/lpcm","sampleRateHertz":24000,"sampleSizeBits":16,'
            '"channelCount":1,"voiceId":"matthew","encoding":"base64","audioType":"SPEECH"},'
            '"toolUseOutputConfiguration":{"mediaType":"application/json"},'
            '"toolConfiguration":{"tools":[{"toolSpec":{"name":"getWeather","description":"The weather.",'
            f'"inputSchema":{{"json":{json.dumps(SCHEMA)}}}}}}}],"toolChoice":{{"tool":{{"name":"getWeather"}}}}}}}}}}}}'
        ),
    ),
    (
        ContentStart(prompt="p", content="c", type="TEXT", role="SYSTEM", interactive=False),
        (
            '{"event":{"contentStart":{"promptName":"p","contentName":"c","type":"TEXT","interactive":false,'
            '"role":"SYSTEM","textInputConfiguration":{"mediaType":"text/plain"}}}}'
        ),
    ),
    (
        ContentStart(prompt="p", content="c", type="AUDIO", role="USER", interactive=True, rate_hz=16_000),
        (
            '{"event":{"contentStart":{"promptName":"p","contentName":"c","type":"AUDIO","interactive":true,"role":"USER",'
            '"audioInputConfiguration":{"mediaType":"audio/lpcm","sampleRateHertz":16000,"sampleSizeBits":16,'
            '"channelCount":1,"encoding":"base64","audioType":"SPEECH"}}}}'
        ),
    ),
    (
        ContentStart(prompt="p", content="c", type="TOOL", role="TOOL", interactive=False, tool_use="t"),
        (
            '{"event":{"contentStart":{"promptName":"p","contentName":"c","type":"TOOL","interactive":false,"role":"TOOL",'
            '"toolResultInputConfiguration":{"toolUseId":"t","type":"TEXT",'
            '"textInputConfiguration":{"mediaType":"text/plain"}}}}}'
        ),
    ),
    (
        TextInput(prompt="p", content="c", text='say "hi"'),
        r'{"event":{"textInput":{"promptName":"p","contentName":"c","content":"say \"hi\""}}}',
    ),
    (
        AudioInput(prompt="p", content="c", pcm=b"\1\0\2\0"),
        '{"event":{"audioInput":{"promptName":"p","contentName":"c","content":"AQACAA=="}}}',
    ),
    (
        ToolResult(prompt="p", content="c", result='{"t":1}'),
        r'{"event":{"toolResult":{"promptName":"p","contentName":"c","content":"{\"t\":1}"}}}',
    ),
    (ContentEnd(prompt="p", content="c"), '{"event":{"contentEnd":{"promptName":"p","contentName":"c"}}}'),
    (PromptEnd(prompt="p"), '{"event":{"promptEnd":{"promptName":"p"}}}'),
    (SessionEnd(), '{"event":{"sessionEnd":{}}}'),
]


@pytest.mark.parametrize(("event", "raw"), DOCUMENTED, ids=lambda value: type(value).__name__)
def test_writes_and_reads_the_documented_form(event: InputEvent, raw: str) -> None:
    assert encode(event).decode() == raw
    assert decode(raw.encode()) == event


def read(name: str, value: Any) -> InputEvent:
    return decode(json.dumps({"event": {name: value}}, indent=2).encode())


NAMES = {"promptName": "p", "contentName": "c"}


@pytest.mark.parametrize(
    ("name", "value", "event"),
    [
        ("sessionStart", {}, SessionStart()),
        ("sessionStart", {"inferenceConfiguration": {}}, SessionStart()),
        ("sessionStart", {"inferenceConfiguration": None, "extra": [1]}, SessionStart()),
        ("sessionEnd", {"extra": 1}, SessionEnd()),
        ("connectionEnd", {}, SessionEnd()),
        ("contentStart", {**NAMES, "type": "TEXT"}, ContentStart(prompt="p", content="c", type="TEXT")),
        (
            "textInput",
            {**NAMES, "content": "x", "role": "USER"},
            TextInput(prompt="p", content="c", text="x", role="USER"),
        ),
        ("audioInput", {**NAMES, "content": "AQA=", "role": "USER"}, AudioInput(prompt="p", content="c", pcm=b"\1\0")),
        ("audioInput", {**NAMES, "content": ""}, AudioInput(prompt="p", content="c", pcm=b"")),
        ("promptStart", {"promptName": "p"}, PromptStart(prompt="p")),
        ("promptStart", {"promptName": "p", "toolConfiguration": {"tools": []}}, PromptStart(prompt="p", tools=())),
        ("promptStart", {"promptName": "p", "toolConfiguration": {}}, PromptStart(prompt="p", tools=())),
    ],
)
def test_reads_what_clients_leave_out_or_add(name: str, value: Any, event: InputEvent) -> None:
    assert read(name, value) == event


@pytest.mark.parametrize(
    ("choice", "told"), [({"auto": {}}, "auto"), ({"any": {}}, "any"), ({"tool": {"name": "x"}}, "tool:x")]
)
def test_reads_every_tool_choice(choice: dict[str, Any], told: str) -> None:
    event = read("promptStart", {"promptName": "p", "toolConfiguration": {"tools": [], "toolChoice": choice}})
    assert event == PromptStart(prompt="p", tools=(), tool_choice=told)
    assert decode(encode(event)) == event


def test_a_schema_that_is_an_object_is_told_apart() -> None:
    spec = {"name": "t", "inputSchema": {"json": {"type": "object"}}}
    event = read("promptStart", {"promptName": "p", "toolConfiguration": {"tools": [{"toolSpec": spec}]}})
    tool = ToolSpec(name="t", description="", input_schema='{"type":"object"}', as_object=True)
    assert event == PromptStart(prompt="p", tools=(tool,))
    assert b'"inputSchema":{"json":{"type":"object"}}' in encode(event)
    assert decode(encode(event)) == event


@pytest.mark.parametrize(
    ("raw", "name", "why"),
    [
        (b"", "", "truncated"),
        (b"hello", "", "malformed"),
        (b"\xff\xfe", "", "malformed"),
        (b"[]", "", "Expected `object`"),
        (b"{}", "", "`event`"),
        (b'{"event":null}', "", "Expected `object`"),
        (b'{"event":{}}', "", "0 events"),
        (b'{"event":{"dance":{}}}', "dance", "0 events"),
        (b'{"event":{"sessionEnd":{},"connectionEnd":{}}}', "sessionEnd", "2 events"),
        (b'{"event":{"sessionEnd":1}}', "sessionEnd", "$.event.sessionEnd"),
        (b'{"event":{"textInput":{"promptName":"p","contentName":"c"}}}', "textInput", "`content`"),
        (
            b'{"event":{"contentEnd":{"promptName":"p","contentName":7}}}',
            "contentEnd",
            "$.event.contentEnd.contentName",
        ),
        (b'{"event":{"audioInput":{"promptName":"p","contentName":"c","content":"AA=="}}}', "audioInput", "half"),
        (b'{"event":{"audioInput":{"promptName":"p","contentName":"c","content":"?"}}}', "audioInput", "base64"),
        (
            b'{"event":{"promptStart":{"promptName":"p","toolConfiguration":{"toolChoice":{}}}}}',
            "promptStart",
            "toolChoice",
        ),
        (
            b'{"event":{"promptStart":{"promptName":"p","audioOutputConfiguration":{"channelCount":2}}}}',
            "promptStart",
            "16-bit mono",
        ),
    ],
)
def test_what_cannot_be_used_is_unknown_and_says_why(raw: bytes, name: str, why: str) -> None:
    event = decode(raw)
    assert isinstance(event, Unknown)
    assert event.name == name
    assert why in event.why


def test_why_never_repeats_what_was_said() -> None:
    event = decode(b'{"event":{"textInput":{"promptName":"p","contentName":["my secret"],"content":"my secret"}}}')
    assert isinstance(event, Unknown)
    assert "secret" not in event.why


def test_audio_with_the_members_in_any_order_is_read() -> None:
    pcm = bytes(range(250)) * 4
    encoded = base64.b64encode(pcm).decode()
    for raw in (
        f'{{"event":{{"audioInput":{{"content":"{encoded}","contentName":"c","promptName":"p"}}}}}}',
        f' {{ "event" : {{ "audioInput" : {{ "contentName" : "c" ,\n"content" : "{encoded}","promptName":"p"}} }} }}\n',
    ):
        assert decode(raw.encode()) == AudioInput(prompt="p", content="c", pcm=pcm)


def test_names_that_need_escapes_stay_whole_in_the_prebuilt_envelope() -> None:
    raw = AudioInputEncoder('p"é', "c\\").encode(b"\1\0")
    assert decode(raw) == AudioInput(prompt='p"é', content="c\\", pcm=b"\1\0")
