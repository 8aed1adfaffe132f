"""An ear that comes in the middle of a call, and one that cannot be had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from vivavoce.agent.declaration import Agent, CallControl, TurnPolicy
from vivavoce.core.session import Session
from vivavoce.engine import planning
from vivavoce.engine.listening import Listening
from vivavoce.engine.planning import ear_for
from vivavoce.errors import NotAvailable, UsageError
from vivavoce.events import (
    Audio,
    CallerPressed,
    EarEvent,
    EarLost,
    Instant,
    ListenForDigits,
    ResponseId,
    Samples,
    VoiceJudged,
    VoiceKind,
    VoiceStarted,
    VoiceStopped,
)
from vivavoce.voice.port import Ear

FRAME = Audio(bytes(320))
AGENT = Agent("Front", "Answer.")


class FrameEar:
    """Hears a voice in every frame, whose positions it counts itself."""

    def __init__(self) -> None:
        self.at = 0
        self.digits: list[bool] = []

    def hear(self, pcm: bytes, *, agent_audible: bool) -> Sequence[EarEvent]:
        begin, self.at = self.at, self.at + len(pcm) // 2
        del agent_audible
        return [VoiceStarted(Samples(begin)), VoiceJudged(VoiceKind.NOISE), VoiceStopped(Samples(self.at))]

    def queue(self, response: ResponseId, pcm: bytes) -> None: ...

    def played(self, response: ResponseId, samples: int) -> None: ...

    def flushed(self, response: ResponseId) -> None: ...

    def listen_for_digits(self, listens: bool) -> None:
        self.digits.append(listens)


def positions(facts: Sequence[EarEvent]) -> list[int]:
    return [fact.at for fact in facts if isinstance(fact, VoiceStarted | VoiceStopped)]


def test_an_ear_from_the_beginning() -> None:
    listening = Listening(FrameEar())
    assert positions(listening.hear(FRAME, agent_audible=False)) == [0, 160]
    assert positions(listening.hear(FRAME, agent_audible=False)) == [160, 320]


def test_an_ear_that_comes_later_counts_from_the_callers_first_sample_all_the_same() -> None:
    listening, ear = Listening(None), FrameEar()
    assert listening.hear(FRAME, agent_audible=False) == ()
    listening.begin(ear)
    assert positions(listening.hear(FRAME, agent_audible=False)) == [160, 320]
    listening.begin(FrameEar())
    assert positions(listening.hear(FRAME, agent_audible=False)) == [320, 480], "the one that is there goes on"


@pytest.mark.parametrize("listens", [True, False])
def test_an_ear_that_comes_later_knows_whether_digits_are_collected(listens: bool) -> None:
    listening, ear = Listening(None), FrameEar()
    listening.observe(Instant(0), ListenForDigits(listens))
    listening.begin(ear)
    assert ear.digits == [listens]


def test_keys_that_nobody_collects_are_seen() -> None:
    assert Listening(None).seen(CallerPressed("12"), Session().digits) == CallerPressed("12")


# -- whether there is one ----------------------------------------------------------------------------------------------

FAULTS = [NotAvailable("no package"), UsageError("no ear hears at 22050 Hz")]


def fail_with(monkeypatch: pytest.MonkeyPatch, fault: Exception | None) -> list[tuple[int, bool]]:
    made: list[tuple[int, bool]] = []

    def make(rate_hz: int, *, outbound: bool, **_rest: object) -> Ear:
        made.append((rate_hz, outbound))
        if fault is not None:
            raise fault
        return FrameEar()

    monkeypatch.setattr(planning, "make_ear", make)
    return made


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("policy", ["local", "hybrid"])
def test_a_policy_that_needs_an_ear_says_why_there_is_none(
    monkeypatch: pytest.MonkeyPatch, fault: Exception, policy: str
) -> None:
    fail_with(monkeypatch, fault)
    agent = replace(AGENT, turns=TurnPolicy(interruption=policy))  # type: ignore[arg-type]
    with pytest.raises(type(fault)):
        ear_for(agent, 22_050, outbound=False)


@pytest.mark.parametrize("fault", FAULTS)
def test_to_whom_it_is_only_a_help_goes_on_without(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    """Keys can be pressed, and a call can be made, where nothing can be heard."""
    fail_with(monkeypatch, fault)
    collects = replace(AGENT, control=CallControl(collect_digits=True))
    assert ear_for(collects, 22_050, outbound=False) is None
    assert ear_for(AGENT, 22_050, outbound=True) is None


def test_of_a_call_that_we_made_it_says_who_took_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made = fail_with(monkeypatch, None)
    assert ear_for(AGENT, 8_000, outbound=True) is not None
    assert ear_for(AGENT, 8_000, outbound=False) is None
    assert made == [(8_000, True)]


class BrokenEar(FrameEar):
    def hear(self, pcm: bytes, *, agent_audible: bool) -> Sequence[EarEvent]:
        raise ZeroDivisionError


def test_an_ear_that_fails_ends_no_call() -> None:
    listening = Listening(BrokenEar())
    assert listening.hear(FRAME, agent_audible=True) == (EarLost(),)
    assert not listening.hears
    assert listening.hear(FRAME, agent_audible=True) == ()
