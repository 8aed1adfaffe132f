"""Every event that a session can send, read by the strict types of OpenAI's Agents SDK."""

from __future__ import annotations

import pytest

from tests.contract.realtime_oracle import SERVER_EVENTS, check_event
from tests.unit.wire.realtime.line import ONE, A, B, Line
from vivavoce.events import (
    CallerInterrupted,
    CallerSpeechStarted,
    CancelResponse,
    CloseCall,
    Disposition,
    Evidence,
    FinishPlaying,
    Flush,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
    RunTool,
    Samples,
    ToolCallId,
    UsageReported,
)
from vivavoce.wire.realtime.actions import Action, Send
from vivavoce.wire.realtime.configuration import AudioOver

LEFT_OUT = frozenset(
    """
    conversation.created conversation.item.created conversation.item.input_audio_transcription.failed
    conversation.item.input_audio_transcription.segment input_audio_buffer.dtmf_event_received rate_limits.updated
    mcp_list_tools.completed mcp_list_tools.failed mcp_list_tools.in_progress response.mcp_call.completed
    response.mcp_call.failed response.mcp_call.in_progress response.mcp_call_arguments.delta
    response.mcp_call_arguments.done
    """.split()
)
"""Optional, of the beta, or of what is not offered here."""

SESSION = {
    "instructions": "Be kind.",
    "tools": [
        {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {"x": {"default": None}}}}
    ],
    "audio": {
        "input": {
            "transcription": {"model": "whisper-1"},
            "noise_reduction": {"type": "near_field"},
            "turn_detection": {"type": "server_vad", "idle_timeout_ms": 5000},
        }
    },
}


class Strict(Line):
    """Reads everything that is sent."""

    def __init__(self, over: AudioOver) -> None:
        self.read: set[str] = set()
        super().__init__(SESSION, over=over)

    @property
    def actions(self) -> list[Action]:
        return self._actions

    @actions.setter
    def actions(self, actions: list[Action]) -> None:
        self._actions = actions
        self.read |= {check_event(action.data)["type"] for action in actions if isinstance(action, Send)}


def talk(line: Strict) -> None:
    """A call in which everything happens."""
    line.caller_speaks("hello")
    line.see(UsageReported(ONE, 1, 2, 3, 4))
    line.agent_begins(text="one two")
    line.see(RunTool(ToolCallId("t"), "look", '{"x":1}'))
    line.agent_ends()
    line.see(PlayoutProgress(A, Samples(10), Evidence.PACED), PlayoutProgress(A, Samples(24_000), Evidence.PACED))
    (item,) = [item for item in line.front._parts.conversation.items if item.role == "assistant"]
    line.say("conversation.item.truncate", item_id=item.id, content_index=0, audio_end_ms=300)
    line.say("conversation.item.retrieve", item_id=item.id)
    (call,) = [item for item in line.front._parts.conversation.items if item.kind == "function_call"]
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "{}"}
    line.say("conversation.item.create", item=output)
    line.say("response.create", response={"metadata": {"k": "v"}})
    line.agent_begins(B, text="three")
    line.see(PlayoutProgress(B, Samples(10), Evidence.PACED), CallerSpeechStarted(ONE, Samples(0)))
    line.see(Flush(B), CancelResponse(ONE, B), PlayoutStopped(B, Samples(100), Evidence.PACED))
    line.say("input_audio_buffer.clear")
    line.write("hi", item={"id": "mine"})
    line.write("note", role="system")
    line.write("earlier", role="assistant", previous_item_id="root")
    line.say("conversation.item.delete", item_id="mine")
    line.say("nonsense")


@pytest.mark.slow
def test_the_sdk_takes_every_event() -> None:
    socket, peer = Strict(AudioOver.EVENTS), Strict(AudioOver.MEDIA)
    for line in (socket, peer):
        talk(line)
        line.update({"output_modalities": ["text"], "audio": {"input": {"turn_detection": None}}})
        line.agent_begins(ResponseId("c"))
        line.see(CallerInterrupted(), Flush(ResponseId("c")))
        line.update(SESSION)
        line.agent_begins(ResponseId("d"), length_s=0.1)
        line.agent_ends(ResponseId("d"))
        line.see(FinishPlaying(ResponseId("d")), PlayoutProgress(ResponseId("d"), Samples(2_400), Evidence.PACED))
        line.wait_until(20)
        line.agent_begins(ResponseId("e"))
        line.see(CloseCall(Disposition.MODEL_LOST, "lost"))
    socket.actions = Line().front.open(socket.now)
    assert SERVER_EVENTS - socket.read - peer.read == LEFT_OUT
