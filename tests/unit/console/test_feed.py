"""A call's feed: what is told of a call, to whom comes early, late or slowly, and what never leaves."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import pytest

from vivavoce.console import feed as feeds
from vivavoce.console.feed import READERS, WAITING_EVENTS, CallFeed
from vivavoce.engine.clock import VirtualLoop
from vivavoce.errors import Refused
from vivavoce.events import (
    AgentAudio,
    AgentText,
    AskApproval,
    Audio,
    CallerAudio,
    CallerConnected,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CallPlan,
    CallStarted,
    CloseCall,
    ConnectionId,
    Disposition,
    Effect,
    Event,
    Evidence,
    FloorDecided,
    FloorVerdict,
    ForwardAudio,
    HoldChanged,
    Ignore,
    Instant,
    Muted,
    OpenModel,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    Recall,
    RequestReply,
    ResponseId,
    ResponseStarted,
    Samples,
    ToolApproved,
    ToolCallId,
    UsageReported,
    VoiceKind,
)

ONE = ConnectionId(1)
REPLY = ResponseId("r1")
FRAME = Audio(b"\x00\x10" * 320)
Told = dict[str, Any]
T = TypeVar("T")


def run(scene: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(scene)


def a_feed(*, simulated: bool = False, models: tuple[str, ...] = ("nova-2-sonic",)) -> CallFeed:
    feed = CallFeed(simulated=simulated)
    plan = CallPlan(agent="Northgate", models=models, greeting="hello there", farewell="goodbye now")
    observe(feed, 0, CallStarted(plan), OpenModel(ONE, 0), CallerConnected("memory", 16_000))
    return feed


def observe(feed: CallFeed, at_ms: float, *values: Event | Effect) -> None:
    for value in values:
        feed.observe(Instant(int(at_ms * 1000)), value)


def close(feed: CallFeed, at_ms: float = 60_000) -> None:
    observe(feed, at_ms, CloseCall(Disposition.COMPLETED, "goodbye"))


def parsed(events: Sequence[bytes]) -> list[tuple[int | None, Told]]:
    found = []
    for event in events:
        lines = dict(line.split(": ", 1) for line in event.decode().strip().split("\n"))
        found.append((int(lines["id"]) if "id" in lines else None, json.loads(lines["data"])))
    return found


async def rest(feed: CallFeed, after: int = -1) -> list[tuple[int | None, Told]]:
    """All that a reader who comes now is told of a call that is over."""
    return parsed([event async for event in feed.read(after)])


def kinds(told: Sequence[tuple[int | None, Told]]) -> list[str]:
    return [event["type"] for _, event in told]


async def following(feed: CallFeed) -> tuple[list[bytes], asyncio.Task[None]]:
    """A reader who keeps up; it has read the backlog when this returns."""
    heard: list[bytes] = []

    async def read() -> None:
        async for event in feed.read():
            heard.append(event)  # noqa: PERF401  # each as it comes

    task = asyncio.create_task(read())
    await asyncio.sleep(0)
    return heard, task


def a_turn(feed: CallFeed) -> None:
    """The caller talks until 1000 ms; the first of the reply is played at 1640 ms."""
    observe(feed, 200, CallerSpeechStarted(ONE, Samples(0)))
    for at_ms in range(20, 1001, 20):
        observe(feed, at_ms, CallerAudio(FRAME), ForwardAudio(ONE, FRAME))
    observe(feed, 1300, CallerSpeechStopped(ONE, Samples(16_000)))
    observe(feed, 1640, ResponseStarted(ONE, REPLY), AgentAudio(ONE, REPLY, FRAME), Play(REPLY, FRAME))


def test_facts_are_numbered_without_a_gap_and_carry_no_sound() -> None:
    feed = a_feed()
    a_turn(feed)
    close(feed)
    told = run(rest(feed))
    numbers = [number for number, _ in told if number is not None]
    assert numbers == list(range(len(numbers)))
    assert not {"CallerAudio", "ForwardAudio", "AgentAudio", "Play"} & set(kinds(told))
    assert kinds(told)[:3] == ["CallStarted", "OpenModel", "CallerConnected"]


def test_what_the_agent_is_told_and_would_say_is_not_told() -> None:
    feed = a_feed()
    observe(feed, 10, Recall(ONE, ()), RequestReply(ONE, "say the secret"))
    close(feed)
    told = json.dumps([event for _, event in run(rest(feed))])
    assert not any(words in told for words in ("secret", "hello there", "goodbye now", "Recall"))


def test_a_turn_is_told_with_its_latency_and_its_replies() -> None:
    async def scene() -> list[Told]:
        feed = a_feed()
        heard, task = await following(feed)
        a_turn(feed)
        close(feed)
        await task
        return [event for _, event in parsed(heard) if event["type"] == "turn"]

    last = run(scene())[-1]
    assert (last["number"], last["first_audio_ms"], last["responses"]) == (1, 640.0, ["r1"])


def test_of_turns_before_the_first_reader_no_latency_is_told_and_later_ones_are_right() -> None:
    async def scene() -> dict[int, Told]:
        feed = a_feed()
        a_turn(feed)
        heard, task = await following(feed)
        observe(feed, 3000, CallerSpeechStarted(ONE, Samples(16_000)))
        for at_ms in range(3020, 4001, 20):
            observe(feed, at_ms, CallerAudio(FRAME), ForwardAudio(ONE, FRAME))
        observe(feed, 4200, CallerSpeechStopped(ONE, Samples(32_000)))
        again = ResponseId("r2")
        observe(feed, 4500, ResponseStarted(ONE, again), AgentAudio(ONE, again, FRAME), Play(again, FRAME))
        close(feed)
        await task
        return {event["number"]: event for _, event in parsed(heard) if event["type"] == "turn"}

    turns = run(scene())
    assert (turns[1]["first_audio_ms"], turns[1]["responses"]) == (None, ["r1"])
    assert (turns[2]["first_audio_ms"], turns[2]["responses"]) == (500.0, ["r2"])


@pytest.mark.parametrize(
    ("simulated", "models", "usd", "reason"),
    [
        (False, ("nova-2-sonic",), 0.00312, ""),
        (False, ("local",), None, "unpriced"),
        (True, ("nova-2-sonic",), None, "simulated"),
    ],
)
def test_cost_is_told_and_never_made_up(
    simulated: bool, models: tuple[str, ...], usd: float | None, reason: str
) -> None:
    feed = a_feed(simulated=simulated, models=models)
    observe(feed, 10, UsageReported(ONE, speech_in=240, speech_out=200))
    close(feed)
    cost = [event for _, event in run(rest(feed)) if event["type"] == "cost"][-1]
    assert (cost["usd"], cost["reason"]) == (usd, reason)
    assert cost["tokens"] == {"speech_in": 240, "speech_out": 200, "text_in": 0, "text_out": 0}


def test_frames_are_summed_ten_times_a_second() -> None:
    async def scene() -> list[str]:
        feed = a_feed()
        heard, task = await following(feed)
        observe(feed, 1000, ResponseStarted(ONE, REPLY))
        for at_ms in range(1000, 2000, 20):
            observe(feed, at_ms, CallerAudio(FRAME), AgentAudio(ONE, REPLY, FRAME), Play(REPLY, FRAME))
            observe(feed, at_ms, PlayoutProgress(REPLY, Samples(320), Evidence.PACED))
        close(feed)
        await task
        return kinds(parsed(heard))

    told = run(scene())
    assert 10 <= told.count("levels") <= 12
    assert 10 <= told.count("playout") <= 12
    assert told.count("CloseCall") == 1


def test_levels_are_those_of_the_sound() -> None:
    async def scene() -> list[Told]:
        feed = a_feed()
        heard, task = await following(feed)
        observe(feed, 1000, CallerAudio(FRAME))
        observe(feed, 1200, CallerAudio(Audio(bytes(640))))
        close(feed)
        await task
        return [event for _, event in parsed(heard) if event["type"] == "levels"]

    loud, quiet = run(scene())[:2]
    assert loud["caller_dbfs"] == pytest.approx(-18.1, abs=0.1)
    assert quiet["caller_dbfs"] == -100
    assert loud["agent_dbfs"] == -100


def test_a_late_reader_gets_what_was_and_what_it_came_to() -> None:
    feed = a_feed()
    a_turn(feed)
    observe(feed, 1700, PlayoutProgress(REPLY, Samples(160), Evidence.PACED))
    observe(feed, 1720, PlayoutStopped(REPLY, Samples(200), Evidence.PACED))
    close(feed)
    told = run(rest(feed))
    assert "ResponseStarted" in kinds(told)
    playout = next(event for _, event in told if event["type"] == "playout")
    assert (playout["generated"], playout["played"]) == (320, 200)


def test_a_reader_who_comes_again_gets_only_the_rest() -> None:
    feed = a_feed()
    a_turn(feed)
    close(feed)
    numbers = [number for number, _ in run(rest(feed, after=3)) if number is not None]
    assert numbers[0] == 4


def test_what_is_no_longer_kept_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "KEPT_FACTS", 5)
    feed = a_feed()
    for number in range(10):
        observe(feed, number, CallerText(f"{number}"))
    close(feed)
    told = run(rest(feed))
    assert told[0][1] == {"type": "gap", "events": 9}
    assert told[1][0] == 9


def test_a_slow_reader_gets_a_gap_and_not_a_longer_queue() -> None:
    async def scene() -> list[Told]:
        feed = a_feed()
        heard, task = await following(feed)
        for number in range(WAITING_EVENTS + 5):
            observe(feed, 1, CallerText(f"{number}"))
        await asyncio.sleep(0)
        close(feed)
        await task
        return [event for _, event in parsed(heard)]

    told = run(scene())
    gap = next(index for index, event in enumerate(told) if event["type"] == "gap")
    assert told[gap]["events"] >= WAITING_EVENTS
    assert any(event["type"] == "CloseCall" for event in told)


def test_half_a_surrogate_pair_does_not_break_the_stream() -> None:
    feed = a_feed()
    observe(feed, 10, AgentText(ONE, REPLY, "\ud83d", Samples(0)))
    close(feed)
    assert any(event.get("text") == "\ud83d" for _, event in run(rest(feed)))


def test_a_silent_call_is_kept_alive() -> None:
    async def scene() -> list[bytes]:
        feed = a_feed()
        heard, task = await following(feed)
        await asyncio.sleep(feeds.KEEP_ALIVE_S + 1)
        close(feed)
        await task
        return heard

    assert b": still here\n\n" in run(scene())


def test_only_so_many_look_at_one_call() -> None:
    async def scene() -> None:
        feed = a_feed()
        readers = [await following(feed) for _ in range(READERS)]
        with pytest.raises(Refused) as refusal:
            feed.check_room()
        assert refusal.value.status == 429
        readers[0][1].cancel()
        await asyncio.gather(readers[0][1], return_exceptions=True)
        feed.check_room()
        close(feed)
        await asyncio.gather(*(task for _, task in readers[1:]))

    run(scene())


def test_nothing_grows_with_the_length_of_a_call() -> None:
    feed = a_feed()
    a_turn(feed)

    tracemalloc.start()
    minute(feed, 2_000)
    before = tracemalloc.get_traced_memory()[0]
    minute(feed, 62_000)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 2_000


def minute(feed: CallFeed, from_ms: int) -> None:
    for at_ms in range(from_ms, from_ms + 60_000, 20):
        observe(feed, at_ms, CallerAudio(FRAME), ForwardAudio(ONE, FRAME))


def test_whose_turn_it_was_is_told() -> None:
    feed = a_feed()
    observe(feed, 100, FloorDecided(FloorVerdict.KEPT, Samples(800), VoiceKind.BACKCHANNEL, "it is backchannel"))
    close(feed)
    told = run(rest(feed))
    (floor,) = [event for _, event in told if event["type"] == "FloorDecided"]
    assert (floor["at_us"], floor["verdict"], floor["kind"], floor["cut"]) == (100_000, "kept", "backchannel", False)


def test_whether_the_caller_waits_is_told_when_it_changes_and_to_those_who_come_late() -> None:
    async def scene() -> tuple[list[Told], list[Told]]:
        feed = a_feed()
        early = asyncio.create_task(rest(feed))
        await asyncio.sleep(0)
        observe(feed, 1000, HoldChanged(held=True, by="ann"), HoldChanged(held=True), Ignore("HoldChanged", "it is so"))
        late = asyncio.create_task(rest(feed))
        await asyncio.sleep(0)
        observe(feed, 2000, Muted(Samples(0), Samples(160), "the caller is on hold"))
        close(feed)
        return [told for _, told in await early], [told for _, told in await late]

    early, late = ([told["held"] for told in all_told if told["type"] == "hold"] for all_told in run(scene()))
    assert early == [False, True, False]
    assert late == [True, False]


def test_who_approves_of_a_tool_is_told() -> None:
    asked = AskApproval(ToolCallId("t1"), "wipe", "{}")
    feed = a_feed()
    observe(feed, 1000, asked, ToolApproved(ToolCallId("t1"), "ann"))
    close(feed)
    told = [one for _, one in run(rest(feed)) if one["type"] in ("AskApproval", "ToolApproved")]
    assert [one.get("by") for one in told] == [None, "ann"]
    assert feed.decisions.waiting == ()
