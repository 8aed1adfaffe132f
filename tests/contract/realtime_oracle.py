"""What an independent reader says to our Realtime events: the strict types of OpenAI's Agents SDK, and the rules that
the JavaScript SDK is known to check and Python's is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

SERVER_EVENTS = frozenset(
    """
    conversation.created conversation.item.added conversation.item.created conversation.item.deleted
    conversation.item.done conversation.item.input_audio_transcription.completed
    conversation.item.input_audio_transcription.delta conversation.item.input_audio_transcription.failed
    conversation.item.input_audio_transcription.segment conversation.item.retrieved conversation.item.truncated error
    input_audio_buffer.cleared input_audio_buffer.committed input_audio_buffer.dtmf_event_received
    input_audio_buffer.speech_started input_audio_buffer.speech_stopped input_audio_buffer.timeout_triggered
    mcp_list_tools.completed mcp_list_tools.failed mcp_list_tools.in_progress output_audio_buffer.cleared
    output_audio_buffer.started output_audio_buffer.stopped rate_limits.updated response.content_part.added
    response.content_part.done response.created response.done response.function_call_arguments.delta
    response.function_call_arguments.done response.mcp_call.completed response.mcp_call.failed
    response.mcp_call.in_progress response.mcp_call_arguments.delta response.mcp_call_arguments.done
    response.output_audio.delta response.output_audio.done response.output_audio_transcript.delta
    response.output_audio_transcript.done response.output_item.added response.output_item.done
    response.output_text.delta response.output_text.done session.created session.updated
    """.split()
)
NULLS = frozenset(
    "previous_item_id status_details usage metadata conversation_id transcript code param event_id tracing prompt "
    "include transcription noise_reduction turn_detection idle_timeout_ms".split()
)
"""Members that OpenAI's own examples show as ``null``; anywhere else the JavaScript SDK drops the event for one."""


@cache
def _adapter() -> Any:
    """Slow to import, so only where it is asked for."""
    from agents.realtime.openai_realtime import get_server_event_type_adapter

    return get_server_event_type_adapter()


def check_event(data: bytes) -> dict[str, Any]:
    """The event as a client reads it. Fails if one of the SDKs would drop it."""
    event = check_shape(data)
    # The Agents SDK does the same before it validates.
    seen = {**event, "previous_item_id": ""} if event.get("previous_item_id", "") is None else event
    _adapter().validate_python(seen)
    return event


def check_shape(data: bytes) -> dict[str, Any]:
    """As :func:`check_event`, without the SDK, whose import takes as long as a hundred tests."""
    event: dict[str, Any] = json.loads(data)
    assert event["type"] in SERVER_EVENTS, event["type"]
    assert isinstance(event["event_id"], str)
    assert event["event_id"]
    for path, value in _leaves(event):
        name = path.rpartition(".")[2]
        assert value is not None or name in NULLS, f"{event['type']}: null at {path}"
        assert not name.endswith(("_ms", "_index", "_tokens")) or value is None or isinstance(value, int | str), path
    return event


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Without what a client sent itself and gets back: schemas of tools."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name != "parameters":
                yield from _leaves(member, f"{path}.{name}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _leaves(member, f"{path}.{index}")
    else:
        yield path, value
