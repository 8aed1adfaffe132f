"""A client's session, its call, and what goes beside it, on virtual time."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.unit.server.realtime.stage import SPEECH, Client, Stage, script
from vivavoce.agent.declaration import Agent, Tool, TurnPolicy
from vivavoce.engine.clock import loop_time_s
from vivavoce.events import (
    AgentRevised,
    CallerAudio,
    CallerConnected,
    CallerHungUp,
    CallerInterrupted,
    ChannelLost,
    CloseCall,
    Disposition,
    Event,
    Evidence,
    Flush,
    HistoryRevised,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ReturnToolResult,
    SwapModel,
    ToolStatus,
)
from vivavoce.model.port import Model
from vivavoce.model.scripted import End, Hear, Lose, Say, Step, UseTool, When
from vivavoce.server.realtime.audience import JOINED
from vivavoce.server.realtime.line import Line

REPLY = (
    Step(when=When.CALLER_STOPS, wait_ms=200, hear=Hear(text="hello there")),
    Step(say=Say(ms=2000, text="Good morning. How can I help?")),
)
LOOKS_UP = (
    Step(when=When.CALLER_STOPS, wait_ms=200, tool=UseTool(name="weather", arguments={"city": "Bern"})),
    Step(when=When.TOOL_RESULT, wait_ms=200, say=Say(ms=500, text="It snows.")),
)
WEATHER = {"type": "function", "name": "weather", "description": "The weather.", "parameters": {"type": "object"}}


def kinds(client: Client) -> list[str]:
    return [event["type"] for event in client.events]


def test_a_session_without_a_word_is_over_when_the_client_leaves(tmp_path: Path) -> None:
    stage = Stage([script()])

    async def leave(client: Client) -> None:
        await client.gets("session.created")

    client = stage.play(tmp_path, leave)
    assert kinds(client) == ["session.created"]
    assert not stage.made
    assert not stage.timeline


def test_a_spoken_turn(tmp_path: Path) -> None:
    stage = Stage([script(*REPLY)])

    async def talk(client: Client) -> None:
        client.updates(audio={"input": {"transcription": {"model": "any"}}})
        await client.speaks()
        await client.gets("response.done")
        await asyncio.sleep(3)

    client = stage.play(tmp_path, talk)
    assert client.spoken_ms == 2000
    assert client.all("conversation.item.input_audio_transcription.completed")[0]["transcript"] == "hello there"
    assert client.all("response.output_audio_transcript.done")[0]["transcript"] == "Good morning. How can I help?"
    connected = stage.seen(CallerConnected)
    assert connected == [CallerConnected("realtime", 24_000)]
    assert stage.seen(CallerHungUp) == [CallerHungUp("the client closed the connection")]
    last = [report for report in stage.seen(PlayoutProgress) if report.played == 48_000]
    assert last, "the client is taken to have played it all"
    assert last[0].evidence is Evidence.ASSUMED


def test_silence_is_filled_where_a_client_sends_none(tmp_path: Path) -> None:
    stage = Stage([script(*REPLY)])

    async def talk(client: Client) -> None:
        await client.speaks(then_s=0)
        await client.gets("response.done")

    client = stage.play(tmp_path, talk)
    assert client.all("input_audio_buffer.committed"), "the model heard the caller stop"
    assert sum(fact.audio.samples for fact in stage.seen(CallerAudio)) > 24_000


def test_a_barge_in_ends_with_what_the_client_says_was_heard(tmp_path: Path) -> None:
    stage = Stage([script(*REPLY)])

    async def talk(client: Client) -> None:
        await client.speaks()
        await client.gets("response.output_audio.delta", 12)
        item = client.all("response.output_item.added")[0]["item"]["id"]
        await client.speaks(SPEECH[:9600], then_s=0)
        assert (await client.gets("response.done"))["response"]["status"] in ("completed", "cancelled")
        client.says("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=700)
        await client.gets("conversation.item.truncated")
        await asyncio.sleep(1)

    stage.play(tmp_path, talk)
    assert len(stage.seen(Flush)) == 1
    (stopped,) = stage.seen(PlayoutStopped)
    assert (stopped.played, stopped.evidence) == (700 * 24, Evidence.PLAYED)


def test_a_stop_button(tmp_path: Path) -> None:
    stage = Stage([script(*REPLY)])

    async def talk(client: Client) -> None:
        await client.speaks()
        await client.gets("response.output_audio.delta", 2)
        client.says("response.cancel")
        done = await client.gets("response.done")
        assert done["response"]["status_details"]["reason"] == "client_cancelled"

    stage.play(tmp_path, talk)
    assert stage.seen(CallerInterrupted)


def test_a_tool_of_the_client(tmp_path: Path) -> None:
    stage = Stage([script(*LOOKS_UP)])

    async def talk(client: Client) -> None:
        client.updates(tools=[WEATHER])
        await client.speaks()
        called = (await client.gets("response.output_item.done"))["item"]
        assert (called["name"], called["arguments"]) == ("weather", '{"city":"Bern"}')
        await client.gets("response.done")
        output = {"type": "function_call_output", "call_id": called["call_id"], "output": "snow"}
        client.says("conversation.item.create", item=output)
        client.says("response.create")
        await client.gets("response.done", 2)

    client = stage.play(tmp_path, talk)
    assert client.spoken_ms == 500
    (result,) = stage.seen(ReturnToolResult)
    assert (result.status, result.result) == (ToolStatus.OK, '{"result":"snow"}')
    assert [tool.name for tool in stage.made[0].tools] == ["weather"]


def test_the_agents_own_tools_stay_and_run_here(tmp_path: Path) -> None:
    def weather(city: str) -> str:
        return f"fog in {city}"

    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    agent = Agent("The desk", "Answer.", tools=(Tool("weather", "The weather.", parameters, weather),))
    stage = Stage([script(*LOOKS_UP)], agent)

    async def talk(client: Client) -> None:
        client.updates(tools=[{**WEATHER, "name": "news"}])
        await client.speaks()
        await client.gets("response.done")

    client = stage.play(tmp_path, talk)
    assert not client.all("response.function_call_arguments.done")
    assert stage.seen(ReturnToolResult)[0].result == '"fog in Bern"'
    assert [tool.name for tool in stage.made[0].tools] == ["weather", "news"]


def test_another_agent_takes_over_and_what_was_asked_meanwhile_is_asked_of_it(tmp_path: Path) -> None:
    answers = Step(when=When.TEXT, wait_ms=100, say=Say(ms=300, text="Moo."))
    stage = Stage([script(), script(answers)])

    async def talk(client: Client) -> None:
        client.updates(instructions="You are a cat.")
        await asyncio.sleep(2)
        client.updates(instructions="You are a cow.")
        client.says("response.create")
        await client.gets("response.done")

    client = stage.play(tmp_path, talk)
    assert [agent.instructions for agent in stage.made] == ["You are a cat.", "You are a cow."]
    assert len(stage.seen(SwapModel)) == 1
    assert client.all("response.output_audio_transcript.done")[0]["transcript"] == "Moo."
    assert stage.seen(AgentRevised) == [AgentRevised("model")]


def test_what_was_said_before_a_hang_up_counts_while_the_agent_is_revised(tmp_path: Path) -> None:
    stage = Stage([script()])

    async def talk(client: Client) -> None:
        client.updates()
        await asyncio.sleep(2)
        client.updates(instructions="You are a cow.")
        client.says("input_audio_buffer.append", audio=base64.b64encode(SPEECH[:960]).decode())

    stage.play(tmp_path, talk)
    assert stage.seen(CallerAudio)[-1].audio.samples == 480
    assert isinstance(next(value for value in stage.timeline[::-1] if isinstance(value, Event)), CallerHungUp)


def test_a_flood_of_revisions_opens_few_sessions(tmp_path: Path) -> None:
    stage = Stage([script()])

    async def talk(client: Client) -> None:
        client.updates()
        await asyncio.sleep(1)
        began_s = loop_time_s()
        for cow in range(30):
            client.updates(instructions=f"You are cow {cow}.")
            await client.conversation.room()
        assert loop_time_s() - began_s == pytest.approx(10)

    stage.play(tmp_path, talk)
    assert len(stage.seen(AgentRevised)) == 30


def test_a_call_that_is_stopped_while_the_agent_is_revised_says_why(tmp_path: Path) -> None:
    stage = Stage([script()])

    async def talk(client: Client) -> None:
        client.updates()
        await asyncio.sleep(1)
        for cow in range(12):
            client.updates(instructions=f"You are cow {cow}.")
            await asyncio.sleep(0.01)
        live = client.conversation.live
        assert live is not None
        assert not client.conversation.has_room, "a revision waits its turn"
        live.answering.stop("the server is shutting down")
        await asyncio.sleep(0.1)
        assert client.closed == (1001, "the server is shutting down")

    stage.play(tmp_path, talk)


def test_nothing_is_begun_for_a_session_that_is_over(tmp_path: Path) -> None:
    stage = Stage([script()])

    async def leave(client: Client) -> None:
        client.conversation.hang_up("the server is shutting down")
        await asyncio.sleep(0)
        client.updates(instructions="You are a cow.")
        await asyncio.sleep(1)

    client = stage.play(tmp_path, leave)
    assert kinds(client) == ["session.created"]
    assert not stage.made


def test_a_revision_that_no_model_takes_is_an_error_and_the_call_goes_on(tmp_path: Path) -> None:
    stage = Stage([script(*REPLY)])

    async def talk(client: Client) -> None:
        client.updates()
        await asyncio.sleep(1)
        client.updates(instructions="impossible")
        error = (await client.gets("error"))["error"]
        assert "too long" in error["message"]
        await client.speaks()
        await client.gets("response.done")

    stage.play(tmp_path, talk)
    assert not stage.seen(AgentRevised)


def test_a_call_that_cannot_begin_is_told_why(tmp_path: Path) -> None:
    stage = Stage([script()])

    async def talk(client: Client) -> None:
        client.updates(instructions="impossible")
        await client.gets("error")
        await asyncio.sleep(1)

    client = stage.play(tmp_path, talk)
    assert client.closed is not None
    assert not stage.timeline


def test_a_model_that_is_lost_for_good_ends_the_session(tmp_path: Path) -> None:
    stage = Stage([script(*[Step(wait_ms=100, lose=Lose())] * 2)])

    async def talk(client: Client) -> None:
        client.updates()
        await client.gets("error")
        await asyncio.sleep(1)

    client = stage.play(tmp_path, talk)
    assert client.closed is not None
    assert client.closed[0] == 1011
    (end,) = stage.seen(CloseCall)
    assert end.disposition is Disposition.MODEL_LOST


def test_the_agent_hangs_up(tmp_path: Path) -> None:
    stage = Stage([script(Step(when=When.CALLER_STOPS, wait_ms=100, end=End()))])

    async def talk(client: Client) -> None:
        await client.speaks(then_s=5)

    client = stage.play(tmp_path, talk)
    assert client.closed is not None
    assert client.closed[0] == 1000
    assert stage.seen(CloseCall) == [CloseCall(Disposition.COMPLETED, "the agent ended the call")]


def test_a_reply_beside_the_call(tmp_path: Path) -> None:
    beside = Step(when=When.TEXT, wait_ms=100, say=Say(ms=400, text="It is about the weather."))
    stage = Stage([script(*REPLY), script(beside)])

    async def talk(client: Client) -> None:
        await client.speaks()
        await client.gets("response.done")
        message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is it about?"}]}
        wanted = {"conversation": "none", "input": [message], "output_modalities": ["text"], "metadata": {"n": "1"}}
        client.says("response.create", response=wanted)
        await client.gets("response.done", 2)

    client = stage.play(tmp_path, talk)
    response = client.all("response.done")[1]["response"]
    assert response["output"][0]["content"] == [{"type": "output_text", "text": "It is about the weather."}]
    assert (response["conversation_id"], response["metadata"]) == (None, {"n": "1"})
    assert [agent.tools for agent in stage.made] == [(), ()]


def test_a_reply_beside_the_call_that_no_model_makes_is_told_why(tmp_path: Path) -> None:
    stage = Stage([script(), script(Step(wait_ms=100, lose=Lose("overloaded")))])

    async def talk(client: Client) -> None:
        client.updates()
        client.says("response.create", response={"conversation": "none", "input": []})
        failed = (await client.gets("response.done"))["response"]
        assert failed["status"] == "failed"
        assert "overloaded" in failed["status_details"]["error"]["message"]
        client.says("response.create", response={"conversation": "none", "instructions": "impossible"})
        failed = (await client.gets("response.done", 2))["response"]
        assert "too long" in failed["status_details"]["error"]["message"]

    stage.play(tmp_path, talk)


def test_a_mistake_in_a_reply_beside_the_call_does_not_end_it(tmp_path: Path) -> None:
    class Breaks(Stage):
        def make_models(self, agent: Agent) -> Sequence[Model]:
            if agent.instructions == "broken":
                raise ZeroDivisionError("words of the caller")
            return super().make_models(agent)

    stage = Breaks([script(Step(when=When.TEXT, say=Say(ms=200, text="Yes.")))])

    async def talk(client: Client) -> None:
        client.updates()
        client.says("response.create", response={"conversation": "none", "instructions": "broken"})
        failed = (await client.gets("response.done"))["response"]
        assert failed["status_details"]["error"]["message"] == "unexpected ZeroDivisionError"
        client.says("response.create")
        await client.gets("response.done", 2)

    stage.play(tmp_path, talk)


def test_what_was_said_before_can_be_given(tmp_path: Path) -> None:
    stage = Stage([script(*REPLY)])

    async def talk(client: Client) -> None:
        client.updates()
        said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "As I said."}]}
        client.says("conversation.item.create", item=said)
        await client.speaks()
        await client.gets("response.done")

    stage.play(tmp_path, talk)
    (revised,) = stage.seen(HistoryRevised)
    assert [turn.text for turn in revised.turns] == ["As I said."]


def test_a_broken_wire_is_no_hang_up(tmp_path: Path) -> None:
    stage = Stage([script()])

    async def talk(client: Client) -> None:
        client.updates()
        await asyncio.sleep(1)
        client.conversation.lose("reset")
        await asyncio.sleep(1)

    stage.play(tmp_path, talk)
    assert stage.seen(ChannelLost) == [ChannelLost("reset")]


def test_an_agent_that_may_not_be_interrupted_is_not(tmp_path: Path) -> None:
    stage = Stage([script(*REPLY)], Agent("The desk", "Answer.", turns=TurnPolicy("model")))

    async def talk(client: Client) -> None:
        client.updates(audio={"input": {"turn_detection": {"type": "server_vad", "interrupt_response": False}}})
        await client.speaks()
        await client.gets("response.output_audio.delta", 3)
        await client.speaks()

    stage.play(tmp_path, talk)
    assert not stage.seen(Flush)


def test_another_client_joins(tmp_path: Path) -> None:
    stage = Stage([script(*REPLY)])
    second = Client()

    async def talk(client: Client) -> None:
        client.updates()
        with client.conversation.joined(second):
            await client.speaks()
            await client.gets("response.done")
        client.says("conversation.item.retrieve", item_id="nobody")

    client = stage.play(tmp_path, talk)
    assert second.events[0]["type"] == "session.created"
    heard = [event for event in client.events if event["type"] != "response.output_audio.delta"]
    assert second.events[1:] == heard[2 : 1 + len(second.events)]
    assert client.all("error")
    assert not second.all("error"), "it had left"


@pytest.mark.parametrize("modality", ["audio", "text"])
def test_where_a_carrier_plays_only_sound_is_given_to_it(tmp_path: Path, modality: str) -> None:
    carried: list[object] = []
    stage = Stage([script(Step(when=When.TEXT, say=Say(ms=1000, text="Yes.")))])

    async def talk(client: Client) -> None:
        client.updates(output_modalities=[modality])
        client.says("response.create")
        await client.gets("response.done")
        await asyncio.sleep(1)

    client = stage.play(tmp_path, talk, Line("webrtc", carried.append))
    played = [effect for effect in carried if isinstance(effect, Play)]
    assert bool(played) == (modality == "audio")
    assert not client.all("response.output_audio.delta")
    if modality == "text":
        assert client.all("response.output_text.done")[0]["text"] == "Yes."
        assert stage.seen(PlayoutProgress)[-1].played == 24_000


def test_output_of_a_tool_that_nests_too_deep_is_text(tmp_path: Path) -> None:
    stage = Stage([script(*LOOKS_UP)])
    output = "[" * 5_000

    async def talk(client: Client) -> None:
        client.updates(tools=[WEATHER])
        await client.speaks()
        call_id = (await client.gets("response.function_call_arguments.done"))["call_id"]
        item = {"type": "function_call_output", "call_id": call_id, "output": output}
        client.says("conversation.item.create", item=item)
        client.says("response.create")
        await client.gets("response.done", 2)

    stage.play(tmp_path, talk)
    assert [(each.status, output in each.result) for each in stage.seen(ReturnToolResult)] == [(ToolStatus.OK, True)]


def test_only_so_many_join(tmp_path: Path) -> None:
    stage = Stage([script()])

    async def talk(client: Client) -> None:
        client.updates()
        with ExitStack() as joined:
            for count in range(JOINED):
                assert not client.conversation.full, count
                joined.enter_context(client.conversation.joined(Client()))
            assert client.conversation.full
        assert not client.conversation.full

    stage.play(tmp_path, talk)
