"""A client of an agent that decides itself whose turn it is: from its sound to what it sees, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.server.realtime.stage import Client, Stage, script
from vivavoce.agent.declaration import Agent, TurnPolicy
from vivavoce.audio.level import peak_dbfs
from vivavoce.audio.pcm import samples_in
from vivavoce.events import (
    Ability,
    CallerConnected,
    EarEvent,
    Evidence,
    FloorDecided,
    FloorVerdict,
    PausePlaying,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
    ResumePlaying,
    Samples,
    Truncate,
    VoiceStarted,
    VoiceStopped,
)
from vivavoce.model.scripted import Hear, Say, Step, When, tone
from vivavoce.server.realtime.line import Line

REPLY = (
    Step(when=When.CALLER_STOPS, wait_ms=200, hear=Hear(text="hello there")),
    Step(say=Say(ms=2000, text="one two three four five six seven eight nine ten")),
)


class LoudEar:
    """Takes what is loud for a voice, 20 ms after it begins and 100 ms after it ends."""

    def __init__(self) -> None:
        self._at = 0
        self._quiet = 0
        self._voice = False

    def hear(self, pcm: bytes, *, agent_audible: bool) -> Sequence[EarEvent]:
        begin, self._at = self._at, self._at + samples_in(pcm)
        loud = peak_dbfs(pcm) > -40
        self._quiet = 0 if loud else self._quiet + samples_in(pcm)
        if loud and not self._voice:
            self._voice = True
            return [VoiceStarted(Samples(begin))]
        if self._voice and self._quiet >= 2_400:
            self._voice = False
            return [VoiceStopped(Samples(self._at - self._quiet))]
        return []

    def queue(self, response: ResponseId, pcm: bytes) -> None:
        pass

    def played(self, response: ResponseId, samples: int) -> None:
        pass

    def flushed(self, response: ResponseId) -> None:
        pass

    def listen_for_digits(self, listens: bool) -> None:
        pass


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr("vivavoce.engine.planning.make_ear", lambda *_, **__: LoudEar())
    return Stage([script(*REPLY)], Agent("The desk", "Answer.", turns=TurnPolicy("hybrid")))


async def interjects(client: Client, ms: int) -> None:
    """Asks, and says something of that length into the answer."""
    client.updates()
    await client.speaks(then_s=0)
    await client.gets("response.output_audio.delta")
    await client.speaks(bytes(48 * 700), then_s=0)
    await client.speaks(tone(0, ms * 24, 24_000), then_s=0)


def test_a_short_word_is_a_gap_in_the_answer_and_the_client_sees_nothing(tmp_path: Path, stage: Stage) -> None:
    async def talk(client: Client) -> None:
        await interjects(client, 160)
        await client.speaks(bytes(48 * 3000))

    client = stage.play(tmp_path, talk)
    assert stage.seen(CallerConnected) == [CallerConnected("realtime", 24_000, (Ability.PAUSE,))]
    assert stage.seen(PausePlaying)
    assert stage.seen(ResumePlaying)
    assert [decided.verdict for decided in stage.seen(FloorDecided)] == [FloorVerdict.KEPT]
    assert client.spoken_ms == 2000
    assert len(client.all("input_audio_buffer.speech_started")) == 1, "the question"
    assert client.all("response.done")[0]["response"]["status"] == "completed"


def test_who_carries_the_sound_is_told_to_pause(tmp_path: Path, stage: Stage) -> None:
    carried: list[object] = []

    async def talk(client: Client) -> None:
        client.updates()
        client.says("response.create")
        await asyncio.sleep(0.5)
        for pcm in (tone(0, 24 * 160, 24_000), bytes(48 * 400)):
            for at in range(0, len(pcm), 960):
                client.conversation.hear(pcm[at : at + 960])
                await asyncio.sleep(0.02)

    stage.scripts = [script(Step(when=When.TEXT, say=Say(ms=4000, text="Yes.")))]
    client = stage.play(tmp_path, talk, Line("webrtc", carried.append))
    assert stage.seen(CallerConnected) == [CallerConnected("webrtc", 24_000, (Ability.PAUSE,))]
    pauses = [effect for effect in carried if isinstance(effect, PausePlaying | ResumePlaying)]
    assert pauses == [PausePlaying(), ResumePlaying()]
    assert not client.all("input_audio_buffer.speech_started")


def test_speech_takes_the_turn_and_the_item_says_what_was_heard(tmp_path: Path, stage: Stage) -> None:
    async def talk(client: Client) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(interjects(client, 900))
            await client.gets("input_audio_buffer.speech_started", 2)
            item = client.all("conversation.item.added")[-1]["item"]["id"]
            client.says("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=650)
        client.says("conversation.item.retrieve", item_id=item)

    client = stage.play(tmp_path, talk)
    order = [event["type"] for event in client.events]
    second = [at for at, kind in enumerate(order) if kind == "input_audio_buffer.speech_started"][1]
    assert second < order.index("response.done")
    assert client.all("response.done")[0]["response"]["status_details"]["reason"] == "turn_detected"
    assert 700 < client.spoken_ms < 1200
    assert stage.seen(Truncate)[0].heard == 15_600
    heard = stage.seen(Truncate)[0].heard_text
    assert heard == "one two three"
    (shown,) = client.all("conversation.item.retrieved")
    assert shown["item"]["content"][0]["transcript"] == heard
    assert stage.seen(PlayoutStopped) == [PlayoutStopped(ResponseId("response-1-1"), Samples(15_600), Evidence.PLAYED)]


def test_what_a_silent_client_heard_is_taken_from_the_clock_and_never_more_than_was_sent(
    tmp_path: Path, stage: Stage
) -> None:
    async def talk(client: Client) -> None:
        await interjects(client, 900)
        await client.speaks(bytes(48 * 1000))

    client = stage.play(tmp_path, talk)
    (stopped,) = stage.seen(PlayoutStopped)
    assert stopped.evidence is Evidence.ASSUMED
    assert 16_800 <= stopped.played <= client.spoken_ms * 24
    assert all(report.played <= stopped.played for report in stage.seen(PlayoutProgress))
