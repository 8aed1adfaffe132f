"""What the service says: as real logs have it, and in the forms that clients have had to cope with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vivavoce.wire.nova_output import (
    INTERRUPTED_MARK,
    AudioOutput,
    AudioOutputEncoder,
    CompletionEnd,
    CompletionStart,
    ContentEnd,
    ContentStart,
    Ids,
    OutputEvent,
    TextOutput,
    Tokens,
    ToolUse,
    Unknown,
    Usage,
    decode,
    encode,
)

IDS = Ids(session="s", prompt="p", completion="u")
# As published logs of the service have them, byte for byte.
LOGGED: list[tuple[OutputEvent, str]] = [
    (
        Usage(delta=Tokens(speech_out=20), total=Tokens(speech_in=280, text_in=458, speech_out=34, text_out=35)),
        (
            '{"event":{"usageEvent":{"completionId":"u","details":{'
            '"delta":{"input":{"speechTokens":0,"textTokens":0},"output":{"speechTokens":20,"textTokens":0}},'
            '"total":{"input":{"speechTokens":280,"textTokens":458},"output":{"speechTokens":34,"textTokens":35}}},'
            '"promptName":"p","sessionId":"s","totalInputTokens":738,"totalOutputTokens":69,"totalTokens":807}}}'
        ),
    ),
    (CompletionStart(), '{"event":{"completionStart":{"completionId":"u","promptName":"p","sessionId":"s"}}}'),
    (
        ContentStart(content="c", type="TEXT", role="ASSISTANT", stage="SPECULATIVE"),
        (
            r'{"event":{"contentStart":{"additionalModelFields":"{\"generationStage\":\"SPECULATIVE\"}","completionId":"u",'
            '"contentId":"c","promptName":"p","role":"ASSISTANT","sessionId":"s",'
            '"textOutputConfiguration":{"mediaType":"text/plain"},"type":"TEXT"}}}'
        ),
    ),
    (
        TextOutput(content="c", role="ASSISTANT", text="Hello there."),
        (
            '{"event":{"textOutput":{"completionId":"u","content":"Hello there.","contentId":"c","promptName":"p",'
            '"role":"ASSISTANT","sessionId":"s"}}}'
        ),
    ),
    (
        ContentEnd(content="c", type="TEXT", stop_reason="PARTIAL_TURN"),
        (
            '{"event":{"contentEnd":{"completionId":"u","contentId":"c","promptName":"p","sessionId":"s",'
            '"stopReason":"PARTIAL_TURN","type":"TEXT"}}}'
        ),
    ),
    (
        ContentStart(content="a", type="AUDIO", role="ASSISTANT", rate_hz=24_000),
        (
            '{"event":{"contentStart":{"audioOutputConfiguration":{"channelCount":1,"encoding":"base64",'
            '"mediaType":"audio/lpcm","sampleRateHertz":24000,"sampleSizeBits":16},"completionId":"u","contentId":"a",'
            '"promptName":"p","role":"ASSISTANT","sessionId":"s","type":"AUDIO"}}}'
        ),
    ),
    (
        AudioOutput(content="a", pcm=b"\1\0"),
        (
            '{"event":{"audioOutput":{"completionId":"u","content":"AQA=","contentId":"a","promptName":"p",'
            '"role":"ASSISTANT","sessionId":"s"}}}'
        ),
    ),
    (
        ContentStart(content="t", type="TOOL", role="TOOL"),
        (
            '{"event":{"contentStart":{"completionId":"u","contentId":"t","promptName":"p","role":"TOOL","sessionId":"s",'
            '"toolUseOutputConfiguration":{"mediaType":"application/json"},"type":"TOOL"}}}'
        ),
    ),
    (
        ToolUse(content="t", tool_use="id", name="getWeather", arguments='{"city":"Seattle"}'),
        (
            r'{"event":{"toolUse":{"completionId":"u","content":"{\"city\":\"Seattle\"}","contentId":"t","promptName":"p",'
            '"role":"TOOL","sessionId":"s","toolName":"getWeather","toolUseId":"id"}}}'
        ),
    ),
    (
        CompletionEnd(),
        '{"event":{"completionEnd":{"completionId":"u","promptName":"p","sessionId":"s","stopReason":"END_TURN"}}}',
    ),
]


@pytest.mark.parametrize(("event", "raw"), LOGGED, ids=lambda value: type(value).__name__)
def test_writes_and_reads_what_the_service_writes(event: OutputEvent, raw: str) -> None:
    assert encode(event, IDS).decode() == raw
    assert decode(raw.encode()) == event


def test_the_prebuilt_envelope_is_the_same() -> None:
    assert AudioOutputEncoder(IDS, "a").encode(b"\1\0").decode() == LOGGED[6][1]


def test_the_mark_of_an_interruption_is_a_text_within_the_text() -> None:
    raw = encode(TextOutput(content="c", role="ASSISTANT", text=INTERRUPTED_MARK))
    assert rb'"content":"{ \"interrupted\" : true }"' in raw


def read(name: str, value: Any) -> OutputEvent:
    return decode(json.dumps({"event": {name: value}}).encode())


TOOL = {"contentId": "t", "toolUseId": "id", "toolName": "x"}


@pytest.mark.parametrize(
    ("content", "arguments"),
    [
        ('{"a": 1}', '{"a": 1}'),  # as the model wrote it
        (json.dumps('{"a":1}'), '{"a":1}'),
        (json.dumps(json.dumps({"a": 1})), '{"a":1}'),
        ({"a": 1}, '{"a":1}'),
        ("", "{}"),
        (None, "{}"),
        ("[1]", '{"unreadable":"[1]"}'),
        ("nonsense", '{"unreadable":"nonsense"}'),
        ('{"a":', '{"unreadable":"{\\"a\\":"}'),
    ],
)
def test_arguments_are_the_text_of_an_object_however_they_were_encoded(content: Any, arguments: str) -> None:
    event = read("toolUse", {**TOOL, "content": content})
    assert event == ToolUse(content="t", tool_use="id", name="x", arguments=arguments)


@pytest.mark.parametrize(
    ("name", "value", "event"),
    [
        ("contentStart", {"contentId": "c", "type": "AUDIO"}, ContentStart(content="c", type="AUDIO", role="")),
        (
            "contentStart",
            {"contentId": "c", "type": "TEXT", "role": "USER", "additionalModelFields": "no json"},
            ContentStart(content="c", type="TEXT", role="USER"),
        ),
        (
            "contentStart",
            {"contentId": "c", "type": "TEXT", "role": "USER", "additionalModelFields": {"generationStage": "FINAL"}},
            ContentStart(content="c", type="TEXT", role="USER", stage="FINAL"),
        ),
        ("textOutput", {"contentId": "c", "content": "x", "p": "abc"}, TextOutput(content="c", text="x")),
        ("contentEnd", {"contentId": "c"}, ContentEnd(content="c", type="", stop_reason="")),
        ("completionEnd", {}, CompletionEnd()),
        ("completionStart", {"sessionId": "s"}, CompletionStart()),
        ("usageEvent", {}, Usage(delta=None, total=Tokens())),
        (
            "usageEvent",
            {"details": {"total": {"input": {"speechTokens": 3}}}, "totalTokens": 3},
            Usage(delta=None, total=Tokens(speech_in=3)),
        ),
    ],
)
def test_reads_what_is_left_out_or_added(name: str, value: Any, event: OutputEvent) -> None:
    assert read(name, value) == event


@pytest.mark.parametrize(
    ("raw", "name", "why"),
    [
        (b"", "", "truncated"),
        (b'{"event":{"somethingNew":{"contentId":"c"}}}', "somethingNew", "0 events"),
        (b'{"event":{"textOutput":{"contentId":"c","content":5}}}', "textOutput", "$.event.textOutput.content"),
        (b'{"event":{"audioOutput":{"contentId":"c","content":"AA=="}}}', "audioOutput", "half"),
        (b'{"event":{"audioOutput":{"contentId":"c","content":"-_"}}}', "audioOutput", "base64"),
        (b'{"event":{"toolUse":{"contentId":"c","toolName":"x"}}}', "toolUse", "`toolUseId`"),
        (
            b'{"event":{"usageEvent":{"details":{"total":{"input":{"speechTokens":-1}}}}}}',
            "usageEvent",
            "speechTokens",
        ),
    ],
)
def test_what_cannot_be_used_is_unknown_and_says_why(raw: bytes, name: str, why: str) -> None:
    event = decode(raw)
    assert isinstance(event, Unknown)
    assert event.name == name
    assert why in event.why
