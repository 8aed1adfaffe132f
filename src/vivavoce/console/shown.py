"""Facts and wishes of a call as the console's page is told them: JSON objects without sound.

Only what is listed here leaves the server: a new kind of event is told to nobody until someone decides that it may be.
Nothing is left out of what is said; who may read it is for whoever serves the stream.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from vivavoce.events import (
    AgentText,
    AskApproval,
    CallerConnected,
    CallerInterrupted,
    CallerPressed,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CallerTranscribed,
    CallStarted,
    CancelTool,
    CloseCall,
    Effect,
    Event,
    FloorDecided,
    Flush,
    Instant,
    ModelLost,
    ModelReady,
    OpenModel,
    PlayoutStopped,
    ResponseFinished,
    ResponseInterrupted,
    ResponseStarted,
    ReturnToolResult,
    RunTool,
    SwapModel,
    ToolApproved,
    ToolDenied,
    ToolFinished,
    ToolRequested,
    Truncate,
)
from vivavoce.ledger.prices import Cost
from vivavoce.ledger.turns import Turn

Shown = Mapping[str, Any]

SHOWN: frozenset[type] = frozenset(
    {
        CallStarted,
        CallerConnected,
        CallerText,
        CallerPressed,
        CallerInterrupted,
        CallerSpeechStarted,
        CallerSpeechStopped,
        CallerTranscribed,
        OpenModel,
        ModelReady,
        ModelLost,
        SwapModel,
        ResponseStarted,
        AgentText,
        ResponseFinished,
        ResponseInterrupted,
        FloorDecided,
        Flush,
        PlayoutStopped,
        Truncate,
        ToolRequested,
        AskApproval,
        ToolApproved,
        ToolDenied,
        RunTool,
        ToolFinished,
        CancelTool,
        ReturnToolResult,
        CloseCall,
    }
)
"""None of these carries audio."""


def shown(at: Instant, value: Event | Effect) -> Shown:
    """``value`` is of one of the types in :data:`SHOWN`."""
    if isinstance(value, CallStarted):  # the rest of the plan is the agent's own business
        return {
            "at_us": at,
            "type": "CallStarted",
            "plan": {"agent": value.plan.agent, "models": list(value.plan.models)},
        }
    told: dict[str, Any] = msgspec.to_builtins(value)
    return {"at_us": at, **told}


def shown_turn(at: Instant, turn: Turn) -> Shown:
    return {
        "at_us": at,
        "type": "turn",
        "number": turn.number,
        "responses": [*turn.responses],
        "speech_ended_us": turn.speech_ended_us,
        "first_audio_us": turn.first_audio_us,
        "first_audio_ms": turn.first_audio_ms,
        "tool_ms": turn.tool_ms,
        "interrupted": turn.interrupted,
    }


def shown_cost(at: Instant, cost: Cost, book: str) -> Shown:
    return {
        "at_us": at,
        "type": "cost",
        "usd": _number(cost.usd),
        "reason": cost.reason,
        "would_be_usd": _number(cost.would_be),
        "priced": book,
        "tokens": {
            "speech_in": cost.speech_in,
            "speech_out": cost.speech_out,
            "text_in": cost.text_in,
            "text_out": cost.text_out,
        },
    }


def _number(amount: Decimal | None) -> float | None:
    """As JSON has it, to be looked at: nobody counts on with it."""
    return None if amount is None else float(amount)


def shown_hold(at: Instant, *, held: bool) -> Shown:
    return {"at_us": at, "type": "hold", "held": held}


def encoded(told: Shown, number: int | None = None) -> bytes:
    """One event of ``text/event-stream``; only numbered ones can be asked for again. ASCII, so that half a surrogate
    pair, which a peer can spell, cannot break the stream."""
    data = json.dumps(told, separators=(",", ":")).encode()
    return b"data: %b\n\n" % data if number is None else b"id: %d\ndata: %b\n\n" % (number, data)
