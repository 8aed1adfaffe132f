"""Nova's events: what is written is read back, and no bytes at all make the readers raise."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.wire import nova_input, nova_output
from vivavoce.wire.nova_output import Ids

names = st.text(st.characters(codec="utf-8"), max_size=12)
pcm = st.binary(max_size=64).map(lambda raw: raw[: len(raw) // 2 * 2])
counts = st.integers(0, 10**9)
fractions = st.floats(0, 1)
optional_names = st.none() | names
objects = st.dictionaries(names, st.none() | st.booleans() | counts | names, max_size=4).map(json.dumps)

inputs: st.SearchStrategy[nova_input.InputEvent] = st.one_of(
    st.builds(
        nova_input.SessionStart,
        max_tokens=st.none() | counts,
        top_p=st.none() | fractions,
        temperature=st.none() | fractions,
        endpointing_sensitivity=st.none() | st.sampled_from(["HIGH", "MEDIUM", "LOW"]),
    ),
    st.builds(
        nova_input.PromptStart,
        prompt=names,
        voice=optional_names,
        output_rate_hz=st.none() | counts,
        tools=st.lists(
            st.builds(nova_input.ToolSpec, name=names, description=names, input_schema=objects), max_size=3
        ).map(tuple),
        tool_choice=st.none() | st.sampled_from(["auto", "any", "tool:look_up"]),
    ),
    st.builds(
        nova_input.ContentStart,
        prompt=names,
        content=names,
        type=st.sampled_from(["TEXT", "AUDIO", "TOOL"]),
        role=optional_names,
        interactive=st.none() | st.booleans(),
        rate_hz=st.none() | counts,
        tool_use=optional_names,
    ),
    st.builds(nova_input.TextInput, prompt=names, content=names, text=names, role=optional_names),
    st.builds(nova_input.AudioInput, prompt=names, content=names, pcm=pcm),
    st.builds(nova_input.ToolResult, prompt=names, content=names, result=objects),
    st.builds(nova_input.ContentEnd, prompt=names, content=names),
    st.builds(nova_input.PromptEnd, prompt=names),
    st.just(nova_input.SessionEnd()),
)
tokens = st.builds(nova_output.Tokens, speech_in=counts, speech_out=counts, text_in=counts, text_out=counts)
outputs: st.SearchStrategy[nova_output.OutputEvent] = st.one_of(
    st.builds(nova_output.Usage, delta=st.none() | tokens, total=tokens),
    st.just(nova_output.CompletionStart()),
    st.builds(
        nova_output.ContentStart,
        content=names,
        type=st.sampled_from(["TEXT", "AUDIO", "TOOL"]),
        role=names,
        stage=st.none() | st.sampled_from(["SPECULATIVE", "FINAL"]),
        rate_hz=st.none() | counts,
    ),
    st.builds(nova_output.TextOutput, content=names, role=names, text=names),
    st.builds(nova_output.AudioOutput, content=names, pcm=pcm),
    st.builds(nova_output.ToolUse, content=names, tool_use=names, name=names, arguments=objects),
    st.builds(nova_output.ContentEnd, content=names, type=names, stop_reason=names),
    st.builds(nova_output.CompletionEnd, stop_reason=names),
)
ids = st.builds(Ids, session=names, prompt=names, completion=names)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
INPUT_NAMES = ("sessionStart", "promptStart", "contentStart", "textInput", "audioInput", "toolResult", "contentEnd")
OUTPUT_NAMES = ("usageEvent", "contentStart", "textOutput", "audioOutput", "toolUse", "contentEnd", "completionEnd")
MEMBERS = (
    "promptName contentName contentId content type role interactive inferenceConfiguration toolConfiguration tools "
    "toolSpec toolChoice inputSchema json audioInputConfiguration sampleRateHertz details delta input speechTokens "
    "additionalModelFields toolUseId toolName stopReason"
).split()
near_values = st.recursive(
    json_values,
    lambda inner: st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=5) | st.lists(inner, max_size=2),
    max_leaves=12,
)


@given(inputs)
def test_what_a_client_says_is_read_back(event: nova_input.InputEvent) -> None:
    assert nova_input.decode(nova_input.encode(event)) == event


@given(outputs, ids)
def test_what_the_service_says_is_read_back(event: nova_output.OutputEvent, ids: Ids) -> None:
    assert nova_output.decode(nova_output.encode(event, ids)) == event


@given(inputs)
def test_whitespace_and_order_of_members_mean_nothing_to_the_service(event: nova_input.InputEvent) -> None:
    assert nova_input.decode(json.dumps(turned(json.loads(nova_input.encode(event))), indent=2).encode()) == event


@given(outputs, ids)
def test_whitespace_and_order_of_members_mean_nothing_to_the_client(event: nova_output.OutputEvent, ids: Ids) -> None:
    raw = json.dumps(turned(json.loads(nova_output.encode(event, ids))), indent=2).encode()
    assert nova_output.decode(raw) == event


@given(names, names, pcm)
def test_the_audio_encoders_write_what_the_others_write(prompt: str, content: str, samples: bytes) -> None:
    prebuilt = nova_input.AudioInputEncoder(prompt, content).encode(samples)
    assert prebuilt == nova_input.encode(nova_input.AudioInput(prompt=prompt, content=content, pcm=samples))
    ids = Ids(session=prompt, prompt=content, completion=prompt)
    answered = nova_output.AudioOutputEncoder(ids, content).encode(samples)
    assert answered == nova_output.encode(nova_output.AudioOutput(content=content, pcm=samples), ids)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_a_fault(raw: bytes) -> None:
    nova_input.decode(raw)
    nova_output.decode(raw)


@given(st.sampled_from(INPUT_NAMES + OUTPUT_NAMES), near_values | json_values)
def test_any_json_is_read_without_a_fault_and_can_be_written_again(name: str, value: Any) -> None:
    raw = json.dumps({"event": {name: value}}).encode()
    nova_input.encode(nova_input.decode(raw))
    nova_output.encode(nova_output.decode(raw))


@given(inputs | outputs, st.data())
def test_a_broken_event_is_unknown_or_another(event: Any, data: st.DataObject) -> None:
    codec: Any = nova_input if isinstance(event, nova_input.InputEvent) else nova_output
    raw = bytearray(codec.encode(event))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    codec.decode(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
    codec.decode(bytes(raw))


@pytest.mark.parametrize("opening", ["[", '{"event":', '{"event":{"x":[', '{"event":{"toolUse":{"content":['])
def test_deep_nesting_is_read_without_a_fault(opening: str) -> None:
    raw = (opening * 100_000).encode()
    assert isinstance(nova_input.decode(raw), nova_input.Unknown)
    assert isinstance(nova_output.decode(raw), nova_output.Unknown)


@given(pcm)
def test_samples_are_base64_of_what_was_given(samples: bytes) -> None:
    written = json.loads(nova_input.AudioInputEncoder("p", "c").encode(samples))
    assert base64.b64decode(written["event"]["audioInput"]["content"], validate=True) == samples


def turned(value: Any) -> Any:
    """The same with the members of every object in the other order."""
    if isinstance(value, dict):
        return {name: turned(inner) for name, inner in reversed(value.items())}
    return [turned(inner) for inner in value] if isinstance(value, list) else value
