"""Whatever clients send and brains say, in any order and at any time: what goes out keeps the protocol's grammar."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.emulator.catalogue import GENERATIONS
from vivavoce.emulator.moves import End, Fail, Move, Send, Wish
from vivavoce.emulator.rules import Rules
from vivavoce.emulator.session import CONNECTION, EmulatedSession
from vivavoce.events import (
    AgentAudio,
    AgentText,
    Audio,
    CallerSpeechStarted,
    CallerTranscribed,
    CancelResponse,
    Instant,
    ModelEvent,
    ResponseFinished,
    ResponseId,
    ResponseInterrupted,
    ResponseStarted,
    Samples,
    ToolCallId,
    ToolRequested,
    Truncate,
)
from vivavoce.wire.nova_input import (
    AudioInput,
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
)
from vivavoce.wire.nova_output import (
    AudioOutput,
    CompletionEnd,
    CompletionStart,
    TextOutput,
    ToolUse,
    Usage,
)
from vivavoce.wire.nova_output import ContentEnd as OutputEnd
from vivavoce.wire.nova_output import ContentStart as OutputStart
from vivavoce.wire.nova_output import (
    Unknown as UnknownOutput,
)

C = CONNECTION
FIND = ToolSpec(name="find", description="d", input_schema="{}")
names = st.sampled_from(["a", "t", "s", "r", "id-4"])
texts = st.sampled_from(["", "Hello.", "one two three", "x" * 2000])
responses = st.sampled_from([ResponseId("r1"), ResponseId("r2")])

inputs: st.SearchStrategy[InputEvent] = st.one_of(
    st.just(SessionStart()),
    st.builds(
        PromptStart, prompt=st.just("p"), voice=st.just("amy"), output_rate_hz=st.just(8000), tools=st.just((FIND,))
    ),
    st.builds(
        ContentStart,
        prompt=st.just("p"),
        content=names,
        type=st.sampled_from(["TEXT", "AUDIO", "TOOL"]),
        role=st.sampled_from(["SYSTEM", "USER", "ASSISTANT", "TOOL", None]),
        interactive=st.sampled_from([True, False, None]),
        rate_hz=st.just(16_000),
        tool_use=names,
    ),
    st.builds(TextInput, prompt=st.just("p"), content=names, text=texts),
    st.builds(AudioInput, prompt=st.just("p"), content=names, pcm=st.sampled_from([b"", bytes(640), bytes(32_000)])),
    st.builds(ToolResult, prompt=st.just("p"), content=names, result=st.sampled_from(["{}", "[]", "x"])),
    st.builds(ContentEnd, prompt=st.just("p"), content=names),
    st.just(PromptEnd(prompt="p")),
    st.just(SessionEnd()),
    st.just(Unknown(name="other", why="")),
    st.binary(max_size=40).map(decode),
)
facts: st.SearchStrategy[ModelEvent] = st.one_of(
    responses.map(lambda r: ResponseStarted(C, r)),
    st.builds(AgentText, st.just(C), responses, texts, st.just(Samples(0)), st.booleans()),
    responses.map(lambda r: AgentAudio(C, r, Audio(bytes(3200)))),
    responses.map(lambda r: ResponseFinished(C, r)),
    responses.map(lambda r: ResponseInterrupted(C, r)),
    st.builds(CallerSpeechStarted, st.just(C), st.just(Samples(0)), st.booleans()),
    st.builds(CallerTranscribed, st.just(C), texts, st.booleans()),
    st.just(ToolRequested(C, ToolCallId("call"), "find", "{}")),
)
steps = st.lists(st.tuples(st.integers(0, 400_000), st.one_of(facts, facts, inputs)), max_size=60)
BEGIN: list[InputEvent] = [
    SessionStart(),
    PromptStart(prompt="p", voice="amy", output_rate_hz=8000, tools=(FIND,)),
    ContentStart(prompt="p", content="sys", type="TEXT", role="SYSTEM", interactive=False),
    ContentEnd(prompt="p", content="sys"),
    ContentStart(prompt="p", content="mic", type="AUDIO", role="USER", interactive=True, rate_hz=16_000),
]


def play(session: EmulatedSession, course: list[tuple[int, ModelEvent | InputEvent]]) -> list[Move]:
    now = 0
    moves: list[Move] = []
    for wait, event in course:
        now += wait
        if isinstance(event, InputEvent):
            moves += session.receive(event, Instant(now))
        else:
            moves += session.brain_says(event, Instant(now))
        deadline = session.deadline
        assert deadline is None or deadline >= now or session.time_passed(Instant(now)) != [] or session.over
    while (deadline := session.deadline) is not None:
        now = max(now, deadline)
        passed = session.time_passed(Instant(now))
        assert passed, "a deadline that comes does something"
        moves += passed
    return moves


@given(steps, st.booleans(), st.sampled_from(list(GENERATIONS)), st.booleans())
def test_grammar_of_what_goes_out(
    course: list[tuple[int, ModelEvent | InputEvent]], strict: bool, generation: str, begun: bool
) -> None:
    numbers = count(1)
    session = EmulatedSession(GENERATIONS[generation], Rules(strict=strict), lambda: f"id-{next(numbers)}", Instant(0))
    opening: list[tuple[int, ModelEvent | InputEvent]] = [(0, event) for event in BEGIN] if begun else []
    moves = play(session, [*opening, *course])
    ends = [
        index for index, move in enumerate(moves) if isinstance(move, End) or (isinstance(move, Fail) and move.fatal)
    ]
    assert ends == [len(moves) - 1], "one end, and nothing after it"
    check_blocks([move.event for move in moves if isinstance(move, Send)])
    check_wishes([move for move in moves if isinstance(move, Wish)])


def check_blocks(events: list[object]) -> None:
    """One block at a time, all of them closed but the last, each of its own id; one beginning and at most one end."""
    told = [event for event in events if not isinstance(event, Usage)]
    assert not any(isinstance(event, UnknownOutput) for event in told)
    if told:
        assert isinstance(told[0], CompletionStart)
    assert sum(isinstance(event, CompletionStart) for event in told) <= 1
    assert [index for index, event in enumerate(told) if isinstance(event, CompletionEnd)] in ([], [len(told) - 1])
    open_block: OutputStart | None = None
    seen: set[str] = set()
    for event in told[1:]:
        match event:
            case OutputStart():
                assert open_block is None
                assert event.content not in seen
                seen.add(event.content)
                open_block = event
            case OutputEnd():
                assert open_block is not None
                assert (event.content, event.type) == (open_block.content, open_block.type)
                open_block = None
            case TextOutput() | AudioOutput() | ToolUse():
                assert open_block is not None
                assert event.content == open_block.content
            case CompletionEnd():
                assert open_block is None


def check_wishes(wishes: list[Wish]) -> None:
    """A reply is cut once and cancelled before."""
    cancelled = [wish.effect.response for wish in wishes if isinstance(wish.effect, CancelResponse)]
    cut = [wish.effect.response for wish in wishes if isinstance(wish.effect, Truncate)]
    assert len(cancelled) <= len(cut)


@given(steps)
def test_usage_adds_up(course: list[tuple[int, ModelEvent | InputEvent]]) -> None:
    numbers = count(1)
    session = EmulatedSession(GENERATIONS["v2"], Rules(), lambda: f"id-{next(numbers)}", Instant(0))
    moves = play(session, [*((0, event) for event in BEGIN), *course])
    usage = [move.event for move in moves if isinstance(move, Send) and isinstance(move.event, Usage)]
    for name in ("speech_in", "speech_out", "text_in", "text_out"):
        total = 0
        for event in usage:
            assert event.delta is not None
            assert getattr(event.delta, name) >= 0
            total += getattr(event.delta, name)
            assert getattr(event.total, name) == total
