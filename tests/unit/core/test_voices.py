"""Both voices begin in silence."""

from __future__ import annotations

from vivavoce.core.voices import Agent, AgentMove, Caller, CallerMove, agent_voice, caller_voice


def test_nobody_talks_at_first() -> None:
    assert caller_voice().state is Caller.SILENT
    assert agent_voice().state is Agent.IDLE


def test_the_caller_talks_in_turns() -> None:
    voice = caller_voice()
    for _ in range(2):
        assert voice.move(CallerMove.START) is Caller.TALKING
        assert voice.move(CallerMove.STOP) is Caller.SILENT


def test_a_response_without_audio_is_never_spoken() -> None:
    voice = agent_voice()
    voice.move(AgentMove.BEGIN)
    assert voice.move(AgentMove.FINISH) is Agent.IDLE


def test_the_agent_may_begin_anew_before_it_has_finished() -> None:
    voice = agent_voice()
    for move in (AgentMove.BEGIN, AgentMove.SPEAK, AgentMove.BEGIN):
        voice.move(move)
    assert voice.state is Agent.PREPARING
