"""Whatever a service says in whatever order, its facts make sense as a whole."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.conformance.facts import require_in_order
from vivavoce.engine.clock import run
from vivavoce.events import ConnectionId, ModelEvent, ModelReady, ResponseFinished, ResponseId, ResponseInterrupted
from vivavoce.model.nova.outbox import Outbox
from vivavoce.model.nova.reading import Reader
from vivavoce.wire.nova_output import (
    INTERRUPTED_MARK,
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
    decode,
    encode,
)

C = ConnectionId(1)
contents = st.sampled_from(["a", "b", "c", "d"])
roles = st.sampled_from(["USER", "ASSISTANT", "TOOL", ""])
types = st.sampled_from(["TEXT", "AUDIO", "TOOL"])
texts = st.sampled_from(["One.", "Two.", "One", "", " ", INTERRUPTED_MARK])
counts = st.integers(0, 1000)
tokens = st.builds(Tokens, speech_in=counts, speech_out=counts, text_in=counts, text_out=counts)
events: st.SearchStrategy[OutputEvent] = st.one_of(
    st.builds(
        ContentStart, content=contents, type=types, role=roles, stage=st.sampled_from([None, "SPECULATIVE", "FINAL"])
    ),
    st.builds(TextOutput, content=contents, role=roles, text=texts),
    st.builds(AudioOutput, content=contents, pcm=st.sampled_from([b"", b"\0\0", bytes(320)])),
    st.builds(
        ToolUse,
        content=contents,
        tool_use=st.sampled_from(["t1", "t2"]),
        name=st.just("look_up"),
        arguments=st.sampled_from(["{}", '{"a":1}']),
    ),
    st.builds(
        ContentEnd,
        content=contents,
        type=types,
        stop_reason=st.sampled_from(["PARTIAL_TURN", "END_TURN", "INTERRUPTED", "TOOL_USE", ""]),
    ),
    st.builds(Usage, delta=st.none() | tokens, total=tokens),
    st.just(CompletionStart()),
    st.just(CompletionEnd()),
    st.just(Unknown(name="x", why="")),
)
wishes = st.tuples(st.sampled_from(["expect", "cancel"]), st.sampled_from(["greeting", "farewell", "nova-1-1"]))


@given(st.lists(events | wishes, max_size=60))
@settings(max_examples=300)
def test_any_events_in_any_order_make_facts_in_order(steps: list[OutputEvent | tuple[str, str]]) -> None:
    reader = Reader(C)
    facts: list[ModelEvent] = [ModelReady(C)]
    for step in steps:
        if not isinstance(step, tuple):
            facts += reader.take(step)
        elif step[0] == "expect":
            reader.expect(ResponseId(step[1]))
        else:
            reader.cancel(ResponseId(step[1]))
    require_in_order(facts, C, 0)
    over = [fact.response for fact in facts if isinstance(fact, ResponseFinished)]
    assert len(over) == len(set(over))
    cut = [fact.response for fact in facts if isinstance(fact, ResponseInterrupted)]
    assert len(cut) == len(set(cut))


@given(st.lists(events, max_size=40))
def test_at_most_one_reply_is_open(steps: list[OutputEvent]) -> None:
    reader = Reader(C)
    open_replies: set[ResponseId] = set()
    for step in steps:
        for fact in reader.take(step):
            if type(fact).__name__ == "ResponseStarted":
                open_replies.add(fact.response)  # type: ignore[union-attr]
            elif isinstance(fact, ResponseFinished | ResponseInterrupted):
                open_replies.discard(fact.response)
            assert len(open_replies) <= 1


@given(st.lists(st.binary(max_size=60) | events.map(encode), max_size=20))
def test_any_bytes_at_all_make_facts_in_order(raws: list[bytes]) -> None:
    reader = Reader(C)
    facts: list[ModelEvent] = [ModelReady(C)]
    for raw in raws:
        facts += reader.take(decode(raw))
    require_in_order(facts, C, 0)


@given(st.lists(events, max_size=60), st.integers(0, 20))
def test_the_lanes_keep_facts_in_order_whatever_waits(steps: list[OutputEvent], held_after: int) -> None:
    """Read with the audio's lane at a standstill after some facts, then let go."""
    run(_through_the_lanes(steps, held_after), virtual=True)


async def _through_the_lanes(steps: list[OutputEvent], held_after: int) -> None:
    gate = asyncio.Event()
    told: list[ModelEvent] = [ModelReady(C)]

    async def emit(fact: ModelEvent) -> None:
        if type(fact).__name__ == "AgentAudio" and len(told) > held_after:
            await gate.wait()
        told.append(fact)

    outbox, reader = Outbox(10**9), Reader(C)
    tasks = [
        asyncio.create_task(outbox.deliver_reply(emit)),
        asyncio.create_task(outbox.deliver_others(emit)),
    ]
    for step in steps:
        for fact in reader.take(step):
            outbox.put(fact)
        await asyncio.sleep(0)
    await outbox.settle()
    gate.set()
    await asyncio.sleep(1)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    require_in_order(told, C, 0)
