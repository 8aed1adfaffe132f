"""One answered call: what is kept of it, whatever ends it."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from vivavoce.agent.declaration import Agent, Limits, Tool, TurnPolicy
from vivavoce.audio.pcm import silence
from vivavoce.channel.memory import MemoryChannel
from vivavoce.engine import planning
from vivavoce.engine.answer import AnsweredCall, Answering, Keeping, new_call_id
from vivavoce.engine.call import Witness
from vivavoce.engine.clock import run
from vivavoce.engine.planning import plan_of
from vivavoce.errors import NotAvailable, StoreFault
from vivavoce.events import (
    AgentRevised,
    AskApproval,
    CallPlan,
    CloseCall,
    Disposition,
    Effect,
    Event,
    Instant,
    StopRequested,
    StoreFailed,
)
from vivavoce.model.scripted import End, Say, Script, ScriptedModel, Step, UseTool, When
from vivavoce.timeline.disk import Disk, RawSink
from vivavoce.timeline.read import Timeline, read_timeline
from vivavoce.timeline.replay import replay
from vivavoce.timeline.write import RECORDING_FILE, TIMELINE_FILE

pytestmark = pytest.mark.timeout(20)

OPENED = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
AGENT = Agent("Northgate Motors", "Answer.", greeting="Hello.")
RECORDED = Agent("Northgate Motors", "Answer.", greeting="Hello.", record=True)
GREETS_AND_LEAVES = ScriptedModel(
    Script(step=(Step(ready=True), Step(when=When.SPEAK, say=Say(ms=200)), Step(wait_ms=400, end=End())))
)
STAYS = ScriptedModel(Script(step=(Step(ready=True),)))

Make = Callable[..., Answering]


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk(interval_s=0.002)
    yield disk
    disk.stop()
    assert [thread for thread in threading.enumerate() if thread.name == "vivavoce-disk"] == []


@pytest.fixture
def make(disk: Disk, tmp_path: Path) -> Make:
    """Makes a call, on the loop that it is to run on."""

    def make(
        agent: Agent = AGENT, model: ScriptedModel = GREETS_AND_LEAVES, witnesses: Sequence[Witness] = ()
    ) -> Answering:
        return Answering(
            agent, MemoryChannel(8000), [model], opened=OPENED, keeping=Keeping(tmp_path, disk), witnesses=witnesses
        )

    return make


def answered(make: Callable[[], Answering], *, virtual: bool = True) -> AnsweredCall:
    async def answer() -> AnsweredCall:
        return await make().run()

    return run(answer(), virtual=virtual)


def kept(folder: Path) -> Timeline:
    """The timeline of a call that is over; it must be closed and come again."""
    timeline = read_timeline(folder)
    assert not timeline.torn
    assert timeline.closed is not None
    assert replay(timeline).identical
    return timeline


def test_a_call_is_kept_where_and_as_it_says(make: Make, tmp_path: Path) -> None:
    call = answered(make)
    assert call.result.disposition is Disposition.COMPLETED
    assert (call.recording, call.store_failure) == (None, "")
    assert call.folder == tmp_path / call.call
    assert [path.name for path in call.folder.iterdir()] == [TIMELINE_FILE]
    timeline = kept(call.folder)
    assert timeline.header.call == call.call
    assert timeline.header.opened == "2026-03-02T09:15:00+00:00"
    assert timeline.header.agent == "Northgate Motors"
    assert timeline.header.simulated
    assert timeline.closed == CloseCall(call.result.disposition, call.result.reason)


def test_sound_is_kept_only_if_the_agent_file_allows_it(make: Make) -> None:
    call = answered(lambda: make(RECORDED))
    assert call.recording == call.folder / RECORDING_FILE
    assert call.recording.stat().st_size > 44 + 200 * 8 * 4
    kept(call.folder)


def test_there_is_no_sound_of_a_caller_who_was_never_connected(make: Make) -> None:
    async def answer() -> AnsweredCall:
        answering = make(RECORDED)
        answering.stop("before it began")
        return await answering.run()

    call = run(answer(), virtual=True)
    assert (call.result.disposition, call.recording, call.store_failure) == (Disposition.STOPPED, None, "")
    kept(call.folder)


def test_the_timeline_is_told_first_and_in_the_same_order(make: Make) -> None:
    """Whoever watches a call sees nothing that is not already on its timeline."""
    seen: list[tuple[Instant, Event | Effect]] = []
    on_timeline: list[int] = []

    async def answer() -> AnsweredCall:
        def watch(at: Instant, value: Event | Effect) -> None:
            seen.append((at, value))
            on_timeline.append(answering._kept._timeline._number)

        answering = make(witnesses=[watch])
        return await answering.run()

    call = run(answer(), virtual=True)
    assert on_timeline == list(range(1, len(seen) + 1))
    assert [(line.instant, line.value) for line in kept(call.folder).lines] == seen


def test_a_call_that_is_stopped(make: Make) -> None:
    async def answer() -> AnsweredCall:
        answering = make(model=STAYS)
        asyncio.get_running_loop().call_later(0.5, answering.stop, "the operator")
        return await answering.run()

    call = run(answer(), virtual=True)
    assert kept(call.folder).closed == CloseCall(Disposition.STOPPED, "the operator")


def test_a_call_that_is_cancelled_is_closed_on_disk_first(make: Make) -> None:
    async def answer() -> tuple[Path, Path]:
        answering = make(RECORDED, STAYS)
        task = asyncio.create_task(answering.run())
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert kept(answering.folder).closed is not None  # at once, not only when the loop has ended
        return answering.folder, answering.folder / RECORDING_FILE

    folder, recording = run(answer(), virtual=True)
    assert kept(folder).closed == CloseCall(Disposition.STOPPED, "interrupted")
    assert recording.stat().st_size > 44


def test_a_call_that_is_cancelled_again_while_it_closes_is_closed_all_the_same(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_sync = threading.Event()
    sync = RawSink.sync

    def slow(sink: RawSink) -> None:
        may_sync.wait(10)
        sync(sink)

    async def answer() -> Path:
        answering = make(model=STAYS)
        task = asyncio.create_task(answering.run())
        await asyncio.sleep(0.05)
        monkeypatch.setattr(RawSink, "sync", slow)
        task.cancel()
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        may_sync.set()
        return answering.folder

    assert kept(run(answer())).closed == CloseCall(Disposition.STOPPED, "interrupted")


def test_a_full_disk_ends_the_call_and_the_end_is_kept(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk takes nothing until the reserve is given back."""
    write = RawSink.write

    def full(sink: RawSink, data: bytes) -> int:
        if sink._reserve is not None and b"CallerAudio" in data:
            sink._give_back()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(sink, data)

    monkeypatch.setattr(RawSink, "write", full)
    call = answered(lambda: make(RECORDED, STAYS), virtual=False)
    why = f"cannot write {call.folder / TIMELINE_FILE}: No space left on device"
    assert call.result.disposition is Disposition.FAILED
    assert call.store_failure.startswith(why)
    timeline = kept(call.folder)
    assert [line.value for line in timeline.lines if isinstance(line.value, StoreFailed)] == [
        StoreFailed(call.store_failure)
    ]
    assert timeline.closed == CloseCall(Disposition.FAILED, call.store_failure)


def test_a_disk_that_stays_full_leaves_a_beginning(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    write = RawSink.write
    room = [1500]

    def full(sink: RawSink, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = write(sink, data[: room[0]])
        room[0] -= written
        return written

    monkeypatch.setattr(RawSink, "write", full)
    call = answered(lambda: make(model=STAYS), virtual=False)
    assert call.result.disposition is Disposition.FAILED
    assert "No space left on device" in call.store_failure
    timeline = read_timeline(call.folder)
    assert timeline.lines
    assert replay(timeline).identical


def test_sound_that_cannot_be_kept_ends_the_call_too(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("vivavoce.audio.wav._write_all", full)
    call = answered(lambda: make(RECORDED, STAYS), virtual=False)
    assert call.result.disposition is Disposition.FAILED
    assert RECORDING_FILE in call.store_failure
    assert kept(call.folder).closed == CloseCall(Disposition.FAILED, call.store_failure)


def test_a_failure_before_the_call_runs_is_not_forgotten(make: Make) -> None:
    async def answer() -> AnsweredCall:
        answering = make()
        answering._kept.fail("the disk is gone")
        return await answering.run()

    call = run(answer(), virtual=True)
    assert (call.result.disposition, call.store_failure) == (Disposition.FAILED, "the disk is gone")


def test_a_failure_after_the_loop_is_gone_is_kept(make: Make) -> None:
    async def answer() -> Answering:
        answering = make()
        await answering.run()
        return answering

    answering = run(answer(), virtual=True)
    answering._kept.fail("too late")
    assert answering._kept.failure == "too late"


def test_a_folder_that_cannot_be_written_refuses_the_call_and_leaves_nothing(disk: Disk, tmp_path: Path) -> None:
    (tmp_path / "calls").write_text("a file in the place of the folder")
    with pytest.raises(StoreFault, match="cannot write"):
        Answering(RECORDED, MemoryChannel(8000), [STAYS], opened=OPENED, keeping=Keeping(tmp_path / "calls", disk))
    assert disk._files == set()
    assert disk._thread is None


def test_a_call_that_cannot_be_made_leaves_nothing(disk: Disk, tmp_path: Path) -> None:
    class Unfinished(MemoryChannel):
        def __init__(self) -> None:
            """Without a rate."""

    with pytest.raises(AttributeError):
        Answering(RECORDED, Unfinished(), [STAYS], opened=OPENED, keeping=Keeping(tmp_path, disk))
    assert disk._files == set()
    assert list(tmp_path.iterdir()) == []


def test_a_call_that_is_made_and_never_run_is_on_disk_by_its_header(make: Make, disk: Disk) -> None:
    answering = make()
    disk.stop()
    assert read_timeline(answering.folder).lines == ()
    answering._kept.close()


def test_a_call_may_be_made_in_a_thread(make: Make) -> None:
    """So that a loop with other calls on it does not wait for a disk."""

    async def answer() -> AnsweredCall:
        answering = await asyncio.to_thread(make)
        answering.stop("enough")
        return await answering.run()

    assert kept(run(answer()).folder)


def test_a_caller_who_talks_is_on_the_recording(make: Make, disk: Disk, tmp_path: Path) -> None:
    async def answer() -> AnsweredCall:
        channel = MemoryChannel(8000)
        channel.say(silence(800) + b"\x10\x27" * 1600)
        answering = Answering(RECORDED, channel, [STAYS], opened=OPENED, keeping=Keeping(tmp_path, disk))
        asyncio.get_running_loop().call_later(1.0, answering.stop, "enough")
        return await answering.run()

    call = run(answer(), virtual=True)
    assert call.recording is not None
    sound = call.recording.read_bytes()[44:]
    left = b"".join(sound[at : at + 2] for at in range(0, len(sound), 4))
    assert left[:4800] == silence(800) + b"\x10\x27" * 1600
    assert not left[4800:].strip(b"\0")
    assert any(isinstance(line.value, StopRequested) for line in kept(call.folder).lines)


def test_the_plan_is_the_agents() -> None:
    agent = Agent(
        "a",
        "Answer.",
        greeting="Hello.",
        farewell="Goodbye.",
        turns=TurnPolicy(interruption="never", protect_greeting=True),
        limits=Limits(silence_ms=5_000, call_ms=60_000),
    )
    assert plan_of(agent, [STAYS, STAYS]) == CallPlan(
        agent="a",
        models=("scripted", "scripted"),
        greeting="Hello.",
        farewell="Goodbye.",
        interruption="never",
        protect_greeting=True,
        silence_limit_us=5_000_000,
        pause_us=185_000,
        decide_us=490_000,
        reprompt_us=15_000_000,
        call_limit_us=60_000_000,
    )


def test_calls_of_one_second_do_not_meet() -> None:
    ids = {new_call_id(OPENED) for _ in range(100)}
    assert len(ids) == 100
    assert all(name.startswith("20260302-091500-") for name in ids)


# -- the agent is another in the middle of the call --------------------------------------------------------------------


def test_a_tool_that_waits_for_approval_is_the_one_that_was_asked_for(disk: Disk, tmp_path: Path) -> None:
    """Meanwhile the call has become another agent, whose tool of that name does something else, or who has none."""
    ran: list[str] = []

    def refund_of(who: str) -> Tool:
        async def refund() -> str:
            ran.append(who)
            return "done"

        return Tool("refund", "Pay back.", {"type": "object", "properties": {}}, refund, approval=True)

    agent = Agent("Front", "Answer.", tools=(refund_of("front"),))
    other = Agent("Other", "Answer.", tools=(refund_of("other"),))
    model = ScriptedModel(Script(step=(Step(ready=True), Step(tool=UseTool(name="refund", arguments={})))))
    seen: list[Event | Effect] = []

    async def main() -> None:
        call = Answering(
            agent,
            MemoryChannel(8000),
            [model],
            opened=OPENED,
            keeping=Keeping(tmp_path, disk),
            witnesses=[lambda _, value: seen.append(value)],
        )
        running = asyncio.create_task(call.run())
        await asyncio.sleep(1)
        (asked,) = [value for value in seen if isinstance(value, AskApproval)]
        call.revise(other, [STAYS])
        await asyncio.sleep(1)
        call.approve(asked.tool_call, "ann")
        await asyncio.sleep(1)
        call.stop("enough")
        await running

    run(main(), virtual=True)
    assert ran == ["front"]


def test_an_agent_that_cannot_be_had_leaves_the_call_as_it_was(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_ear(*_arguments: object, **_options: object) -> None:
        raise NotAvailable("no package")

    monkeypatch.setattr(planning, "make_ear", no_ear)

    async def main() -> None:
        seen: list[Event | Effect] = []
        call = make(model=STAYS, witnesses=[lambda _, value: seen.append(value)])
        running = asyncio.create_task(call.run())
        await asyncio.sleep(0.5)
        with pytest.raises(NotAvailable):
            call.revise(Agent("Other", "Answer.", turns=TurnPolicy(interruption="hybrid")), [STAYS])
        await asyncio.sleep(0.5)
        call.stop("enough")
        await running
        assert not [value for value in seen if isinstance(value, AgentRevised)]

    run(main(), virtual=True)
