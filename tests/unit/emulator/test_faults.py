"""Faults by name: how they are written, when they are due, and what they make of a stream."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.source import ROOT
from vivavoce.emulator.distortion import FUTURE_EVENT, Distortion
from vivavoce.emulator.faults import Fault, FaultKind, FaultPlan, parse_fault, read_faults
from vivavoce.emulator.moves import Occasion
from vivavoce.errors import UsageError
from vivavoce.wire.nova_output import (
    AudioOutput,
    CompletionEnd,
    CompletionStart,
    ContentEnd,
    ContentStart,
    OutputEvent,
    TextOutput,
    Tokens,
    ToolUse,
    Unknown,
    Usage,
)

WRITTEN = {
    "half-open": Fault(FaultKind.HALF_OPEN),
    "half-open@12.5": Fault(FaultKind.HALF_OPEN, "", Occasion.OPEN, delay_s=12.5),
    "http-429@open:2": Fault(FaultKind.HTTP_429, "", Occasion.OPEN, 2),
    "slow-open=3@open": Fault(FaultKind.SLOW_OPEN, "3", Occasion.OPEN),
    "rst-stream=INTERNAL_ERROR@agent-speaking:2+0.3": Fault(
        FaultKind.RST_STREAM, "INTERNAL_ERROR", Occasion.AGENT_SPEAKING, 2, 0.3
    ),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_written_and_read(text: str) -> None:
    fault = parse_fault(text)
    assert fault == WRITTEN[text]
    assert parse_fault(str(fault)) == fault


@pytest.mark.parametrize("kind", FaultKind)
def test_every_kind_can_be_named(kind: FaultKind) -> None:
    assert parse_fault(f" {kind}@open ").kind is kind


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no fault"),
        ("gremlins@3", "names no fault"),
        ("half-open@lunch", "no such moment"),
        ("half-open@open:0", "no such moment"),
        ("half-open@-3", "no such moment"),
        ("http-429@agent-speaking", "before a stream is open"),
        ("rst-stream=WHY", "no reset code"),
        ("slow-open=soon", "no number of seconds"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_fault(text)
    assert caught.value.hint


def test_a_schedule_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "faults.toml"
    file.write_text('faults = ["half-open@3", "http-429@open:2"]')
    assert [fault.kind for fault in read_faults(file)] == [FaultKind.HALF_OPEN, FaultKind.HTTP_429]
    for wrong in ("faults = 3", "faults = [", 'faults = ["x@1"]', "other = []"):
        file.write_text(wrong)
        with pytest.raises(UsageError):
            read_faults(file)
    with pytest.raises(UsageError, match="cannot be read"):
        read_faults(tmp_path / "none.toml")


def test_each_happens_once_at_its_moment() -> None:
    plan = FaultPlan(map(parse_fault, ("tcp-reset@agent-speaking:2", "http-429@open", "mute")))
    assert [str(fault) for fault in plan.happened(Occasion.OPEN)] == ["http-429@open", "mute"]
    assert plan.happened(Occasion.AGENT_SPEAKING) == []
    assert [fault.kind for fault in plan.happened(Occasion.AGENT_SPEAKING)] == [FaultKind.TCP_RESET]
    assert plan.happened(Occasion.AGENT_SPEAKING) == []
    assert plan.pending == []


def test_occasions_are_counted_from_when_a_fault_is_added() -> None:
    plan = FaultPlan()
    plan.happened(Occasion.OPEN)
    plan.add(parse_fault("http-429@open:2"))
    assert plan.happened(Occasion.OPEN) == []
    assert len(plan.happened(Occasion.OPEN)) == 1
    plan.add(parse_fault("http-429@open"))
    plan.clear()
    assert plan.happened(Occasion.OPEN) == []


def test_the_page_names_every_kind_and_moment() -> None:
    page = (ROOT / "docs" / "reference" / "emulator.md").read_text("utf-8")
    _, _, faults = page.partition("\n## Faults\n")
    named = set(re.findall(r"^\| `([a-z0-9-]+)` \|", faults, re.MULTILINE))
    assert named == set(FaultKind) | set(Occasion)


# -- what is sent ----------------------------------------------------------------------------------------------------


def text(role: str, words: str, content: str = "t") -> list[OutputEvent]:
    return [
        ContentStart(content=content, type="TEXT", role=role, stage="FINAL"),
        TextOutput(content=content, role=role, text=words),
        ContentEnd(content=content, type="TEXT", stop_reason="PARTIAL_TURN"),
    ]


def tool(arguments: str = '{"a":1}') -> list[OutputEvent]:
    return [
        ContentStart(content="u", type="TOOL", role="TOOL"),
        ToolUse(content="u", tool_use="use-1", name="find", arguments=arguments),
        ContentEnd(content="u", type="TOOL", stop_reason="TOOL_USE"),
    ]


def audio(stop: str = "END_TURN") -> list[OutputEvent]:
    return [
        ContentStart(content="a", type="AUDIO", role="ASSISTANT", rate_hz=8000),
        AudioOutput(content="a", pcm=b"\0\0"),
        ContentEnd(content="a", type="AUDIO", stop_reason=stop),
    ]


USAGE = Usage(delta=Tokens(), total=Tokens())
WHOLE = [
    CompletionStart(),
    *text("USER", "one two three"),
    *tool(),
    *text("ASSISTANT", "yes"),
    *audio(),
    CompletionEnd(),
]


def distorted(*kinds: FaultKind, events: list[OutputEvent] = WHOLE) -> list[OutputEvent]:
    distortion = Distortion()
    distortion.active.update(kinds)
    return [one for event in events for one in distortion.apply(event)]


def test_without_a_fault_nothing_changes() -> None:
    assert distorted() == WHOLE


def test_a_tool_use_comes_twice_with_the_same_id() -> None:
    uses = [event for event in distorted(FaultKind.DOUBLE_TOOL_USE) if isinstance(event, ToolUse)]
    assert [use.tool_use for use in uses] == ["use-1", "use-1"]
    assert uses[0].content != uses[1].content


def test_arguments_are_encoded_twice() -> None:
    (use,) = [event for event in distorted(FaultKind.TWICE_ENCODED_ARGUMENTS) if isinstance(event, ToolUse)]
    assert use.arguments == '"{\\"a\\":1}"'


def test_a_transcript_comes_in_pieces() -> None:
    events = distorted(FaultKind.SPLIT_TRANSCRIPT)
    assert [e.text for e in events if isinstance(e, TextOutput)] == ["one two", "three", "yes"]
    assert sum(isinstance(e, ContentStart) and e.type == "TEXT" for e in events) == 3
    assert distorted(FaultKind.SPLIT_TRANSCRIPT, events=text("USER", "one")) == text("USER", "one")


def test_ends_that_do_not_come() -> None:
    assert CompletionEnd() not in distorted(FaultKind.COMPLETION_END_MISSING)
    stops = [e.stop_reason for e in distorted(FaultKind.END_TURN_MISSING) if isinstance(e, ContentEnd)]
    assert "END_TURN" not in stops
    assert distorted(FaultKind.END_TURN_MISSING, events=audio("PARTIAL_TURN")) == audio("PARTIAL_TURN")


def test_a_response_of_a_tool_alone() -> None:
    lead_in = [*text("ASSISTANT", "Let me look."), *audio()]
    events = distorted(FaultKind.TOOL_ONLY_RESPONSE, events=[*lead_in, *tool(), *text("ASSISTANT", "yes"), *audio()])
    assert events == [*tool(), *text("ASSISTANT", "yes"), *audio()], "what follows the tool is said"


def test_an_event_of_the_future() -> None:
    names = [event.name for event in distorted(FaultKind.UNKNOWN_EVENT) if isinstance(event, Unknown)]
    assert set(names) == {FUTURE_EVENT}


def test_stalled_audio_holds_what_follows_it_and_then_lets_it_go() -> None:
    distortion = Distortion()
    distortion.stall()
    passed = [one for event in (*WHOLE[:10], USAGE, *WHOLE[10:]) for one in distortion.apply(event)]
    assert passed == [*WHOLE[:10], USAGE], "what comes before, and usage"
    assert distortion.resume() == WHOLE[10:]
    assert distortion.apply(USAGE) == [USAGE]
    assert distortion.resume() == []
