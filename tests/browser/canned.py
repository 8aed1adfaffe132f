"""A call as its timeline tells it, for pictures and tests of the page: a tool, a barge-in, figures."""

from __future__ import annotations

from typing import Any

RATE_HZ = 16_000
Facts = list[dict[str, Any]]


def at(seconds: float, kind: str, **more: Any) -> dict[str, Any]:
    return {"at_us": int(seconds * 1e6), "type": kind, **more}


def playout(seconds: float, response: str, played_s: float, generated_s: float) -> dict[str, Any]:
    played, generated = int(played_s * RATE_HZ), int(generated_s * RATE_HZ)
    return at(seconds, "playout", response=response, played=played, generated=generated)


def text(seconds: float, response: str, words: str, from_s: float) -> dict[str, Any]:
    return at(seconds, "AgentText", response=response, text=words, at=int(from_s * RATE_HZ), final=False)


def said(seconds: float, words: str, final: bool = True) -> dict[str, Any]:
    return at(seconds, "CallerTranscribed", text=words, final=final)


def turn(
    seconds: float, number: int, responses: list[str], first_audio_ms: float | None, **more: Any
) -> dict[str, Any]:
    folded = {"number": number, "responses": responses, "first_audio_ms": first_audio_ms, "interrupted": False, **more}
    return at(seconds, "turn", **folded)


def cost(seconds: float, usd: float | None, reason: str = "", **tokens: int) -> dict[str, Any]:
    return at(seconds, "cost", usd=usd, reason=reason, priced="2026-11-22", tokens=tokens)


GREETING: Facts = [
    at(0, "CallStarted", plan={"agent": "Northgate Motors"}),
    at(0.2, "CallerConnected", channel="realtime", rate_hz=RATE_HZ),
    at(0.4, "ResponseStarted", response="greeting"),
    text(0.5, "greeting", "Thank you for calling Northgate Motors. How can I help you today?", 0),
    playout(4, "greeting", 3.6, 3.6),
    turn(4.1, 0, ["greeting"], None),
]
ESTATES: Facts = [
    at(5.2, "CallerSpeechStarted", takes_turn=True),
    said(6, "which estates do", False),
    at(8.4, "CallerSpeechStopped"),
    said(8.6, "Which estates do you have under twenty five thousand dollars?"),
    at(8.7, "RunTool", tool_call="1", name="find_cars", arguments='{"body_style":"estate","max_price":25000}'),
    at(
        8.812,
        "ToolFinished",
        tool_call="1",
        status="ok",
        result='{"count":2,"cars":[{"model":"Beacon","color":"grey","price":19500},{"model":"Beacon","color":"green","price":21900}]}',
    ),
    at(9, "ResponseStarted", response="r1"),
    text(9, "r1", "We have two of those.", 0),
    text(9.1, "r1", "The lower price is for a grey Beacon estate, at 19,500 dollars.", 1.4),
    playout(16, "r1", 5.8, 5.8),
    turn(16, 1, ["r1"], 624.0),
    cost(16, 0.00312, speech_in=412, speech_out=168, text_in=960, text_out=74),
]
CUT_IN: Facts = [
    at(17.5, "CallerSpeechStarted", takes_turn=True),
    at(19, "CallerSpeechStopped"),
    said(19.2, "Could I test drive the green one on Saturday?"),
    at(19.9, "ResponseStarted", response="r2"),
    text(20, "r2", "Of course.", 0),
    text(
        20,
        "r2",
        "On Saturday we are open from nine to five, and I could offer you ten o'clock, half past eleven or two.",
        0.9,
    ),
    playout(23.4, "r2", 3.4, 7.6),
    turn(20.3, 2, ["r2"], 911.0),
    at(23.5, "CallerSpeechStarted", takes_turn=True),
    at(23.5, "Flush", response="r2"),
    at(23.52, "PlayoutStopped", response="r2", played=54400),
    at(
        23.52,
        "Truncate",
        response="r2",
        heard=54400,
        heard_text="Of course. On Saturday we are open from nine to five, and I",
    ),
    turn(23.6, 2, ["r2"], 911.0, interrupted=True),
    said(24.6, "Half past eleven is perfect."),
]
BOOKING: Facts = [
    at(
        25.3,
        "RunTool",
        tool_call="2",
        name="book_test_drive",
        arguments='{"car":"Beacon, green","day":"saturday","time":"11:30"}',
    ),
    at(
        26.9,
        "ToolFinished",
        tool_call="2",
        status="failed",
        result='{"error":{"message":"the calendar did not answer"}}',
    ),
    at(
        27,
        "RunTool",
        tool_call="3",
        name="book_test_drive",
        arguments='{"car":"Beacon, green","day":"saturday","time":"11:30"}',
    ),
    at(27.4, "ResponseStarted", response="r3"),
    text(27.4, "r3", "One moment, the calendar is slow today.", 0),
    text(27.4, "r3", "Your test drive is booked for Saturday at half past eleven.", 2.6),
    playout(30.2, "r3", 2.9, 6.4),
    turn(30.2, 3, ["r3"], 1840.0),
    cost(30.2, 0.00711, speech_in=861, speech_out=402, text_in=2210, text_out=155),
]
