"""Whole sessions against the emulator, by our own client, on virtual time: talk, faults and limits."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.emulator.clients import QUIET, V2, Bench, Client, virtual_now, with_emulator
from vivavoce.emulator.brain import READY_LIMIT_S
from vivavoce.emulator.faults import FaultKind, parse_fault
from vivavoce.emulator.profile import PublishedProfile
from vivavoce.emulator.rules import Rules
from vivavoce.emulator.stream import SLOW_CLIENT_S
from vivavoce.errors import AccessFault, ModelBusy, ModelExpired, ModelFault, ModelRefused, ModelUnreachable
from vivavoce.model.bedrock.settings import Timeouts
from vivavoce.model.scripted import Hear, Lose, Say, Step, UseTool, When
from vivavoce.wire.nova_input import ContentEnd, PromptEnd, SessionEnd
from vivavoce.wire.nova_output import AudioOutput, CompletionEnd, ContentStart, ToolUse, Unknown

TURN = (
    Step(when=When.CALLER_STOPS, wait_ms=300, hear=Hear(text="what do I owe")),
    Step(tool=UseTool(name="balance", arguments={"account": 7})),
    Step(when=When.TOOL_RESULT, wait_ms=200, say=Say(text="Twelve euros, to be paid by Friday.", ms=3000)),
    Step(when=When.CALLER_STOPS, wait_ms=300, hear=Hear(text="thanks")),
    Step(say=Say(text="Goodbye.", ms=500)),
)
TEXT = (Step(when=When.TEXT, wait_ms=100, say=Say(text="Hello there, caller.", ms=2000)),)


async def whole_talk(bench: Bench) -> Client:
    client = await bench.open()
    client.begin()
    await client.say(600)
    await client.hush(1500)
    client.answer_tool('{"owed": 12}')
    await client.hush(600)
    await client.say(400)
    await client.hush(3000)
    await client.close()
    return client


WHOLE_TALK = [
    "CompletionStart",
    "USER: what do I owe [PARTIAL_TURN]",
    'tool balance {"account":7} [TOOL_USE]',
    "ASSISTANT: Twelve euros, to be paid by Friday. [PARTIAL_TURN]",
    "start AUDIO",
    "AudioOutput",
    "end AUDIO [END_TURN]",
    "ASSISTANT: Twelve [PARTIAL_TURN]",
    'ASSISTANT: { "interrupted" : true } [INTERRUPTED]',
    "USER: thanks [PARTIAL_TURN]",
    "ASSISTANT: Goodbye. [PARTIAL_TURN]",
    "start AUDIO",
    "AudioOutput",
    "end AUDIO [END_TURN]",
    "ASSISTANT: Goodbye. [END_TURN]",
    "CompletionEnd",
]


@pytest.mark.parametrize("strict", [False, True])
def test_a_whole_talk(strict: bool) -> None:
    client = with_emulator(whole_talk, *TURN, rules=Rules(strict=strict))
    assert client.shape() == WHOLE_TALK
    assert client.fault is None


def test_the_same_seed_gives_the_same_session() -> None:
    first, again, other = (with_emulator(whole_talk, *TURN, seed=seed).heard for seed in (7, 7, 8))
    assert first == again
    assert [e for _, e in first if isinstance(e, ToolUse)] != [e for _, e in other if isinstance(e, ToolUse)]


def test_final_text_comes_when_it_was_played() -> None:
    async def talk(bench: Bench) -> Client:
        client = await bench.open()
        client.begin()
        client.text("USER", "Hello.", interactive=True)
        await client.hush(2500)
        await client.close()
        return client

    client = with_emulator(talk, *TEXT)
    first = next(at for at, event in client.heard if isinstance(event, AudioOutput))
    final = next(at for at, e in client.heard if isinstance(e, ContentStart) and e.stage == "FINAL")
    assert final - first == pytest.approx(2000, abs=1)
    last = [at for at, event in client.heard if isinstance(event, AudioOutput)][-1]
    assert last - first < 600, "made faster than it is played"


def test_rates_are_converted_both_ways() -> None:
    async def talk(bench: Bench) -> int:
        client = await bench.open()
        client.begin(rate_hz=8000)
        client.text("USER", "Hello.", interactive=True)
        await client.hush(1000)
        await client.close()
        return sum(len(event.pcm) for event in client.events if isinstance(event, AudioOutput))

    assert with_emulator(talk, *TEXT) == 2 * 8000 * 2


def test_many_sessions_on_one_connection_and_on_many() -> None:
    async def talk(bench: Bench) -> list[int]:
        shared = bench.client(streams_per_connection=4)
        clients = [Client(await shared.open(V2)) for _ in range(3)]
        clients += [await bench.open() for _ in range(3)]
        for client in clients:
            client.begin()
            client.text("USER", "Hello.", interactive=True)
        await asyncio.gather(*(client.hush(1000) for client in clients))
        for client in clients:
            await client.close()
        assert len(bench.network.links) == 1 + 3
        return [len(client.texts("ASSISTANT", "SPECULATIVE")) for client in clients]

    assert with_emulator(talk, *TEXT) == [1] * 6


def test_more_streams_than_the_quota_are_throttled() -> None:
    async def talk(bench: Bench) -> None:
        clients = [await bench.open() for _ in range(2)]
        with pytest.raises(ModelBusy, match="Too many requests"):
            await bench.open()
        clients[0].begin()
        await clients[0].close()
        clients.append(await bench.open())
        for client in clients[1:]:
            client.stream.abort()
            await client.reader
        await asyncio.sleep(0.1)

    with_emulator(talk, rules=Rules(concurrency=2))


def test_a_client_that_vanishes_leaves_nothing() -> None:
    async def talk(bench: Bench) -> None:
        client = await bench.open()
        client.begin()
        await client.say(200)
        bench.network.links[0].cut()
        await client.reader
        await asyncio.sleep(0)
        assert bench.emulator.open_streams == 0

    with_emulator(talk, *TURN)


def test_a_session_left_alone_ends_by_its_timers() -> None:
    async def talk(bench: Bench) -> list[Exception | None]:
        quiet, long = await bench.open(), await bench.open()
        for client in (quiet, long):
            client.begin()
        await long.hush(30_000)
        for client in (quiet, long):
            await client.reader
        return [quiet.fault, long.fault]

    quiet, long = with_emulator(talk, rules=Rules(idle_s=10, lifetime_s=25))
    assert "less than 10 seconds" in str(quiet)
    assert "RequestId=" in str(quiet)
    assert isinstance(long, ModelExpired)


def test_a_client_that_takes_nothing_is_given_up() -> None:
    """It has sent its requests and reads no more: what waits for it is bounded, and at last the stream is reset."""

    async def talk(bench: Bench) -> None:
        patient = bench.client(timeouts=Timeouts(quiet_ms=600_000))  # it would ask whether the emulator is there
        client = Client(await patient.open(V2))
        client.begin()
        client.text("USER", "Hello.", interactive=True)
        await asyncio.sleep(0.05)
        bench.network.links[0].client.pause_reading()
        await client.hush(round(SLOW_CLIENT_S * 1000) + 10_000)
        assert any("took nothing" in notice for notice in bench.notices)
        bench.network.links[0].client.resume_reading()
        await client.reader
        assert isinstance(client.fault, ModelUnreachable)

    long = Step(when=When.TEXT, wait_ms=100, say=Say(text="Very long.", ms=600_000, pace=100))
    with_emulator(talk, long, rules=Rules(idle_s=300))


def test_a_brain_that_fails_is_told_as_the_models_fault() -> None:
    async def talk(bench: Bench) -> Client:
        client = await bench.open()
        client.begin()
        await client.reader
        assert any("the brain failed: it is tired" in notice for notice in bench.notices)
        return client

    lost = with_emulator(talk, Step(ready=True), Step(wait_ms=500, lose=Lose(message="it is tired")))
    assert isinstance(lost.fault, ModelFault)
    assert "unexpected error during processing" in str(lost.fault)


def test_a_brain_that_is_never_ready_is_given_up_and_one_that_is_late_has_missed_nothing() -> None:
    async def never(bench: Bench) -> Exception | None:
        client = await bench.open()
        client.begin()
        await client.hush(round(READY_LIMIT_S * 1000) + 1000)
        await client.reader
        return client.fault

    assert isinstance(with_emulator(never, Step(wait_ms=900_000, ready=True)), ModelFault)

    async def late(bench: Bench) -> list[str]:
        client = await bench.open()
        client.begin()
        await client.say(400)
        await client.hush(3000)
        await client.close()
        return client.texts("USER", "FINAL")

    heard = Step(when=When.CALLER_STOPS, hear=Hear(text="early words"))
    assert with_emulator(late, Step(wait_ms=2000, ready=True), heard) == ["early words"]


def test_tools_that_nobody_declared_are_said_to_whoever_runs_it() -> None:
    async def talk(bench: Bench) -> list[str]:
        client = await bench.open()
        client.begin(tools=())
        await client.say(400)
        await client.hush(1000)
        await client.close()
        return bench.notices

    assert any("balance" in notice and "declares none at all" in notice for notice in with_emulator(talk, *TURN))


def test_bytes_that_are_no_event_stream() -> None:
    async def talk(bench: Bench) -> Exception | None:
        client = await bench.open()
        client.begin()
        client.stream._exchange.send(b"garbage" * 10)
        await client.reader
        return client.fault

    assert "Invalid event bytes" in str(with_emulator(talk))


def test_an_end_without_any_of_the_closing_events() -> None:
    async def talk(bench: Bench) -> Client:
        client = await bench.open()
        client.begin()
        await client.hush(100)
        await client.stream.finish()
        await client.reader
        return client

    client = with_emulator(talk)
    assert client.shape()[-1] == "CompletionEnd"
    assert client.fault is None


def test_the_published_profile_keeps_its_times() -> None:
    async def talk(bench: Bench) -> tuple[float, list[str]]:
        client = await bench.open()
        client.begin()
        await client.say(400)
        ended = asyncio.get_running_loop().time() * 1000
        await client.hush(15_000)
        first = next(at for at, event in client.heard if isinstance(event, AudioOutput)) - ended
        await client.say(400)
        await client.hush(4000)
        client.answer_tool("{}")
        await client.hush(12_000)
        await client.close()
        return first, client.shape()

    first, shape = with_emulator(talk, brain=PublishedProfile)
    assert 400 < first < 4600
    assert sum(line.startswith("tool balance") for line in shape) == 1
    assert shape[-1] == "CompletionEnd"
    assert with_emulator(talk, brain=PublishedProfile) == (first, shape), "by its seed"


# -- faults ----------------------------------------------------------------------------------------------------------

BEFORE: dict[str, type[Exception] | tuple[type[Exception], ...]] = {
    "http-400": ModelRefused,
    "http-403": AccessFault,
    "http-429": ModelBusy,
    "http-500": ModelFault,
    "http-503": ModelFault,
    "expired-token": (AccessFault, ModelExpired),
    "clock-skew": AccessFault,
}


@pytest.mark.parametrize("kind", BEFORE)
def test_faults_before_the_stream(kind: str) -> None:
    async def talk(bench: Bench) -> None:
        with pytest.raises(BEFORE[kind]):
            await bench.open()
        client = await bench.open()  # once, and the next is in order
        client.begin()
        await client.close()

    with_emulator(talk, faults=[parse_fault(f"{kind}@open")])


def test_slow_open() -> None:
    async def talk(bench: Bench) -> float:
        client = await bench.open()
        at = asyncio.get_running_loop().time()
        client.begin()
        await client.close()
        return at

    assert with_emulator(talk, faults=[parse_fault("slow-open=3@open")]) == pytest.approx(3)


ENDS: dict[str, type[object]] = {
    "validation": ModelFault,
    "model-stream-error": ModelFault,
    "throttling": ModelBusy,
    "model-timeout": ModelExpired,
    "internal-server": ModelFault,
    "service-unavailable": ModelFault,
    "system-instability": ModelFault,
    "unmodelled-error": ModelFault,
    "credentials-expired": ModelExpired,
    "rst-stream": ModelUnreachable,
    "rst-stream=INTERNAL_ERROR": ModelUnreachable,
    "rst-stream=REFUSED_STREAM": ModelBusy,
    "tcp-reset": ModelUnreachable,
    "half-open": ModelUnreachable,
    "corrupt-frame": ModelFault,
    "end-of-stream": type(None),
}
MOMENTS = ("1.5", "caller-speaking+0.1", "tool-running", "agent-speaking+0.2", "interrupted", "listening")


async def until_it_ends(bench: Bench) -> Client:
    client = await bench.open()
    client.begin()
    talk = asyncio.create_task(_go_on_talking(client))
    await asyncio.wait([talk, client.reader], return_when=asyncio.FIRST_COMPLETED, timeout=60)
    talk.cancel()
    await asyncio.wait([talk])
    assert client.ended
    return client


async def _go_on_talking(client: Client) -> None:
    """Asks, answers the tool, hears the reply out once and cuts it off once."""
    for answer_ms in (5000, 700, 0):
        await client.say(600)
        await client.hush(1200)
        if any(isinstance(event, ToolUse) for event in client.events):
            client.answer_tool("{}")
        await client.hush(answer_ms)
    await client.hush(60_000)


TWICE = (*TURN[:3], *TURN[:3])


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("kind", ENDS)
def test_faults_that_end_a_stream_at_every_moment(kind: str, moment: str) -> None:
    client = with_emulator(until_it_ends, *TWICE, faults=[parse_fault(f"{kind}@{moment}")])
    assert isinstance(client.fault, ENDS[kind]), repr(client.fault)


@pytest.mark.parametrize("kind", ["mute", "stalled-audio=2", "unknown-event", "completion-end-missing"])
def test_faults_that_do_not_end_it(kind: str) -> None:
    async def talk(bench: Bench) -> Client:
        client = await bench.open()
        client.begin()
        client.text("USER", "Hello.", interactive=True)
        await client.hush(6000)
        await client.close()
        return client

    client = with_emulator(talk, *TEXT, faults=[parse_fault(f"{kind}@agent-speaking")])
    assert client.fault is None
    pcm = sum(len(event.pcm) for event in client.events if isinstance(event, AudioOutput))
    assert (pcm == 24_000 * 2 * 2) is (kind != "mute")
    assert any(isinstance(event, Unknown) for event in client.events) is (kind == "unknown-event")
    assert any(isinstance(event, CompletionEnd) for event in client.events) is (
        kind in ("stalled-audio=2", "unknown-event")
    )


def test_malformed_event_is_the_clients_to_bear() -> None:
    async def talk(bench: Bench) -> Client:
        client = await bench.open()
        client.begin()
        await client.hush(1000)
        await client.close()
        return client

    client = with_emulator(talk, faults=[parse_fault("malformed-event@ready")])
    assert [event.name for event in client.events if isinstance(event, Unknown)] == [""]


def test_a_fault_on_command_happens_to_what_is_open() -> None:
    async def talk(bench: Bench) -> None:
        client = await bench.open()
        client.begin()
        await client.hush(100)
        assert bench.emulator.inject(parse_fault("tcp-reset")) == 1
        await client.reader
        assert isinstance(client.fault, ModelUnreachable)
        assert bench.emulator.inject(parse_fault("http-429")) == 0, "that is for the next"
        with pytest.raises(ModelBusy):
            await bench.open()

    with_emulator(talk)


def test_half_open_says_nothing_any_more() -> None:
    """Neither the answer to a PING nor an end: only the client's own watch ends it."""

    async def talk(bench: Bench) -> float:
        client = await bench.open()
        client.begin()
        await client.hush(500)
        began = asyncio.get_running_loop().time()
        bench.emulator.inject(parse_fault("half-open"))
        while not client.ended:
            await client.say(100, QUIET)
        return asyncio.get_running_loop().time() - began

    assert 2 < with_emulator(talk) < 20


def test_every_kind_of_fault_is_tried_here() -> None:
    tried = {parse_fault(kind).kind for kind in (*BEFORE, *ENDS)} | {
        FaultKind.SLOW_OPEN,
        FaultKind.MUTE,
        FaultKind.STALLED_AUDIO,
        FaultKind.UNKNOWN_EVENT,
        FaultKind.COMPLETION_END_MISSING,
        FaultKind.MALFORMED_EVENT,
    }
    in_distortion = {
        FaultKind.DOUBLE_TOOL_USE,
        FaultKind.TOOL_ONLY_RESPONSE,
        FaultKind.SPLIT_TRANSCRIPT,
        FaultKind.END_TURN_MISSING,
        FaultKind.TWICE_ENCODED_ARGUMENTS,
    }
    assert tried | in_distortion == set(FaultKind)


def test_closing_events_in_any_order_of_a_client_that_does_not_wait() -> None:
    async def talk(bench: Bench) -> list[str]:
        client = await bench.open()
        client.begin()
        client.send(SessionEnd(), PromptEnd(prompt="p"), ContentEnd(prompt="p", content="a"))
        await client.reader
        return client.shape()

    assert with_emulator(talk) == ["CompletionStart", "CompletionEnd"]


def test_clock_is_the_tests_own() -> None:
    async def now(bench: Bench) -> str:
        del bench
        await asyncio.sleep(90)
        return virtual_now().isoformat()

    assert with_emulator(now).startswith("2026-03-02T09:01:30")
