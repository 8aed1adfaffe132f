"""The one queue of a call: order, what overtakes what, and who waits."""

from __future__ import annotations

import asyncio

from vivavoce.engine.clock import run
from vivavoce.engine.inbox import Inbox, InboxStatistics
from vivavoce.events import (
    AgentAudio,
    Audio,
    CallerAudio,
    CallerHungUp,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    ConnectionId,
    Event,
    ResponseId,
    ResponseInterrupted,
    ResponseStarted,
    Samples,
    StopRequested,
    TimePassed,
)

C = ConnectionId(1)
R = ResponseId("r")
STARTED, STOPPED = CallerSpeechStarted(C, Samples(0)), CallerSpeechStopped(C, Samples(9))
BEGUN, BROKEN = ResponseStarted(C, R), ResponseInterrupted(C, R)
STOP = StopRequested("")


def caller(samples: int) -> CallerAudio:
    return CallerAudio(Audio(b"", samples))


def agent(samples: int) -> AgentAudio:
    return AgentAudio(C, R, Audio(b"", samples))


def order(*events: Event) -> list[Event]:
    """How these come out if they wait together."""
    inbox = Inbox(1000)
    for event in events:
        inbox.put_now(event)
    return [taken for _ in events if (taken := inbox.take()) is not None]


def test_first_come_first_served() -> None:
    assert order(caller(1), TimePassed(), agent(2), CallerText("x")) == [
        caller(1),
        TimePassed(),
        agent(2),
        CallerText("x"),
    ]


def test_a_hush_overtakes_speech() -> None:
    assert order(caller(1), agent(2), agent(3), STARTED) == [STARTED, caller(1), agent(2), agent(3)]


def test_an_end_that_we_want_overtakes_speech() -> None:
    assert order(caller(1), agent(2), STOP) == [STOP, caller(1), agent(2)]


def test_what_the_caller_said_before_hanging_up_counts() -> None:
    assert order(caller(1), agent(2), CallerHungUp()) == [caller(1), agent(2), CallerHungUp()]


def test_hushes_keep_their_order() -> None:
    assert order(agent(2), BROKEN, STARTED, STOP) == [BROKEN, STARTED, STOP, agent(2)]


def test_a_hush_does_not_overtake_the_response_that_it_hushes() -> None:
    assert order(BEGUN, agent(2), BROKEN) == [BEGUN, BROKEN, agent(2)]


def test_the_caller_starts_again_after_having_stopped() -> None:
    assert order(STOPPED, caller(1), STARTED) == [STOPPED, STARTED, caller(1)]


def test_each_sides_audio_waits_when_enough_of_it_is_there() -> None:
    async def main() -> None:
        inbox = Inbox(100)
        await inbox.put(caller(60))
        await inbox.put(caller(60))  # over the limit, but there was room
        more = asyncio.create_task(inbox.put(caller(1)))
        await asyncio.sleep(1)
        assert not more.done()
        await inbox.put(agent(100))  # the other side has its own limit
        await inbox.put(STOPPED)  # and facts without audio have none
        assert inbox.take() == caller(60)
        await asyncio.sleep(0)
        assert more.done()
        assert [inbox.take() for _ in range(5)] == [caller(60), agent(100), STOPPED, caller(1), None]

    run(main(), virtual=True)


def test_all_who_wait_are_served_in_turn() -> None:
    async def main() -> None:
        inbox = Inbox(100)
        waiting = [asyncio.create_task(inbox.put(caller(100 + n))) for n in range(4)]
        taken: list[Event | None] = []
        while len(taken) < 4:
            await inbox.arrival()
            taken.append(inbox.take())
        assert taken == [caller(100 + n) for n in range(4)]
        await asyncio.gather(*waiting)

    run(main(), virtual=True)


def test_agent_audio_can_be_held() -> None:
    async def main() -> None:
        inbox = Inbox(100)
        inbox.hold_agent_audio(True)
        held = asyncio.create_task(inbox.put(agent(1)))
        await inbox.put(caller(1))
        await asyncio.sleep(1)
        assert not held.done()
        inbox.hold_agent_audio(False)
        await asyncio.sleep(0)
        assert held.done()
        assert [inbox.take(), inbox.take()] == [caller(1), agent(1)]

    run(main(), virtual=True)


def test_the_reader_sleeps_until_something_comes() -> None:
    async def main() -> float:
        inbox = Inbox(100)
        asyncio.get_running_loop().call_later(3, inbox.put_now, STOP)
        await inbox.arrival()
        assert inbox.take() == STOP
        return asyncio.get_running_loop().time()

    assert run(main(), virtual=True) == 3


def test_counts_what_went_through_and_the_most_that_waited() -> None:
    inbox = Inbox(100)
    for event in (caller(40), caller(50), agent(30)):
        inbox.put_now(event)
    inbox.take()
    inbox.put_now(agent(40))
    inbox.take()
    assert inbox.statistics == InboxStatistics(taken=2, peak_waiting=3, peak_audio_samples=90)
