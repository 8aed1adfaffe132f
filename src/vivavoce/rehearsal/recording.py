"""A call read from its folder, to be scored: timeline, sound, and, where the caller was simulated, what they said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from vivavoce.audio.files import read_audio
from vivavoce.errors import UsageError
from vivavoce.events import CallerTranscribed, VoiceJudged, VoiceKind, VoiceStarted
from vivavoce.rehearsal.marks import Marks, read_marks
from vivavoce.rehearsal.outcomes import Conversation
from vivavoce.rehearsal.spans import Span, at, merged, sounding
from vivavoce.rehearsal.truth import HEARD_FILE, Said, SaidKind, Truth, read_truth
from vivavoce.timeline.read import Timeline, read_timeline
from vivavoce.timeline.write import RECORDING_FILE

CALLER_MERGE_US = 600_000
"""A gap no longer than this is one within the caller's speech (Full-Duplex-Bench v1.5's ``get_timing.py``)."""
CALLER_DBFS = -40.0
"""A step of the caller's channel, which may have noise on it, must be so loud to be speech."""
_TRANSCRIBED_WITHIN_US = 3_000_000
_BACKCHANNEL = re.compile(
    r"(?:(?:mm+|m+hm+|mm+ ?hmm*|uh ?huh|yeah|yes|yep|okay|ok|right|sure|i see|got it|oh|ah|hm+)[ ,.]*)+", re.IGNORECASE
)
_TIC = re.compile(r"(?:(?:um+|uh+|er+|hm+)[ ,.]*)+", re.IGNORECASE)
_BY_EAR = {
    VoiceKind.BACKCHANNEL: SaidKind.BACKCHANNEL,
    VoiceKind.NOISE: SaidKind.TIC,
    VoiceKind.OTHERS: SaidKind.OTHERS,
}


def read_call(folder: Path) -> Conversation:
    """Raises :class:`~vivavoce.errors.VivavoceError` for a call of which too little was kept."""
    timeline = read_timeline(folder)
    marks = read_marks(timeline.lines)
    truth = read_truth(folder)
    if truth is not None:
        return rehearsed_call(timeline.header.call, truth, marks, folder / HEARD_FILE)
    sound = folder / RECORDING_FILE
    if not sound.is_file():
        raise UsageError(f"{folder} has no recording", hint="the agent file asks for one with [recording] keep = true")
    agent = read_audio(sound, channel=1)
    caller = read_audio(sound, channel=0)
    spans = merged(sounding(caller.pcm, caller.rate_hz, CALLER_DBFS), CALLER_MERGE_US)
    heard = merged(sounding(agent.pcm, agent.rate_hz), ends_us=_cuts(marks))
    said = tuple(_said(span, timeline, heard) for span in spans)
    return Conversation(timeline.header.call, said, heard, marks)


def rehearsed_call(call: str, truth: Truth, marks: Marks, sound: Path) -> Conversation:
    """The agent's side as the caller recorded it."""
    agent = read_audio(sound, channel=1)
    heard = (span.moved(truth.connected_us) for span in sounding(agent.pcm, agent.rate_hz))
    return Conversation(call, truth.said, merged(heard, ends_us=_cuts(marks)), marks)


def _cuts(marks: Marks) -> list[int]:
    """When replies were cut: what is heard afterwards is another reply, however soon it comes."""
    return [reply.stopped_us for reply in marks.replies.values() if reply.stopped_us is not None]


def _said(span: Span, timeline: Timeline, agent: Sequence[Span]) -> Said:
    """What somebody said of whom nothing is known: by the words that the model wrote down, else by what the ear took it
    for, else it is for the agent.
    """
    until_us = span.end_us + _TRANSCRIBED_WITHIN_US
    near = [line.value for line in timeline.lines if span.begin_us <= line.at <= until_us]
    text = next((value.text for value in near if isinstance(value, CallerTranscribed) and value.final), "")
    kinds = [value.kind for value in near if isinstance(value, VoiceStarted | VoiceJudged)]
    if _TIC.fullmatch(text):
        kind = SaidKind.TIC
    elif _BACKCHANNEL.fullmatch(text) and at(agent, span.begin_us):
        kind = SaidKind.BACKCHANNEL
    elif not text and kinds and kinds[-1] in _BY_EAR:
        kind = _BY_EAR[kinds[-1]]
    else:
        kind = SaidKind.INTERRUPTION if at(agent, span.begin_us) else SaidKind.TURN
    return Said(kind=kind, text=text, span=span)
