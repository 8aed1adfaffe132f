"""One emulated session, without a wire or a clock: the client's events and the brain's facts in, moves out.

The brain is any :class:`~vivavoce.model.port.Model`. It hears what the client sends and says what it says; here its
facts become the service's events, and the service's rules are kept: order, limits, timers, usage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from vivavoce.emulator import complaints
from vivavoce.emulator.catalogue import Generation
from vivavoce.emulator.complaints import Complaint
from vivavoce.emulator.greeting import words_to_say
from vivavoce.emulator.intake import (
    AudioOpened,
    CallerSaid,
    Instructed,
    Intake,
    Interaction,
    Meaning,
    PromptClosed,
    PromptOpened,
    Remembered,
    Reopened,
    SessionClosed,
    ToolAnswered,
    Typed,
)
from vivavoce.emulator.moves import End, Fail, Happened, HearAt, Move, Note, Occasion, OpenBrain, Send, Wish
from vivavoce.emulator.pending import PendingTools
from vivavoce.emulator.rules import Rules
from vivavoce.emulator.talk import Talk
from vivavoce.emulator.usage import SPEECH_TOKENS_PER_SECOND, Meter
from vivavoce.events import (
    AgentAudio,
    AgentText,
    Audio,
    CallerSpeechStarted,
    CallerTranscribed,
    ConnectionId,
    ForwardAudio,
    ForwardText,
    Instant,
    ModelEvent,
    PastTurn,
    Recall,
    ResponseFinished,
    ResponseId,
    ResponseInterrupted,
    ResponseStarted,
    Speak,
    ToolRequested,
)
from vivavoce.model.nova.history import OPENING
from vivavoce.wire.nova_input import InputEvent, PromptStart
from vivavoce.wire.nova_output import AudioOutput, ContentEnd, Ids, TextOutput

CONNECTION = ConnectionId(1)
"""A brain has one session for each of ours."""
OUTPUT_RATE_HZ = 24_000
"""Where the client does not choose."""
QUIET_CLOSE_US = 200_000
"""So long after a second prompt the service ended the stream without a word."""


@dataclass(slots=True)
class _Clock:
    """When the session ends by itself. ``awake_us``: when something last came that keeps it awake."""

    opened_us: int
    awake_us: int
    closing_us: int | None = None


@dataclass(slots=True)
class _Caller:
    """``held``: what was said while the model of the first generation waits for a tool."""

    rate_hz: int = 0
    past: list[PastTurn] = field(default_factory=list)
    held: list[bytes] = field(default_factory=list)


class EmulatedSession:
    """``new_id`` makes ids. After :attr:`over` nothing that comes means anything."""

    def __init__(self, generation: Generation, rules: Rules, new_id: Callable[[], str], now: Instant) -> None:
        self._generation = generation
        self._rules = rules
        self._new_id = new_id
        self._tools = PendingTools(CONNECTION, new_id)
        self._intake = Intake(generation, self._tools.awaited, strict=rules.strict)
        self._meter = Meter()
        self._clock = _Clock(now, now)
        self._caller = _Caller()
        self._talk: Talk | None = None
        self.ids = Ids(session=new_id(), completion=new_id())
        self.over = False

    @property
    def deadline(self) -> Instant | None:
        """When :meth:`time_passed` has something to do, if nothing comes before."""
        if self.over:
            return None
        clock, rules = self._clock, self._rules
        ends = [clock.opened_us + round(rules.lifetime_s * 1e6), clock.awake_us + round(rules.idle_s * 1e6)]
        if clock.closing_us is not None:
            ends.append(clock.closing_us)
        if self._talk is not None and (due := self._talk.deadline) is not None:
            ends.append(due)
        return Instant(min(ends))

    def receive(self, event: InputEvent, now: Instant) -> list[Move]:
        """The client sent this."""
        moves = self.time_passed(now)
        if self.over:
            return moves
        try:
            for meaning in self._intake.take(event):
                moves += self._metered(self._means(meaning, now))
        except Complaint as complaint:
            moves.append(self._complain(complaint))
        return moves

    def input_ended(self, now: Instant) -> list[Move]:
        """The client ended its side of the stream, with or without saying so before."""
        moves = self.time_passed(now)
        return moves if self.over else [*moves, *self._metered(self._closes())]

    def brain_says(self, event: ModelEvent, now: Instant) -> list[Move]:
        moves = self.time_passed(now)
        if self.over or self._talk is None:
            return moves
        return [*moves, *self._metered(self._said(event, self._talk, now))]

    def brain_lost(self, why: str) -> list[Move]:
        """The brain failed. The client is told what the service tells in such a case, and whoever looks on, why."""
        if self.over:
            return []
        self.over = True
        return [Note(f"the brain failed: {why}"), Fail(complaints.MODEL_STREAM, complaints.UNEXPECTED)]

    def time_passed(self, now: Instant) -> list[Move]:
        if self.over:
            return []
        moves: list[Move] = list(self._metered(self._talk.time_passed(now))) if self._talk is not None else []
        clock, rules = self._clock, self._rules
        if clock.closing_us is not None and now >= clock.closing_us:
            moves.append(End())
        elif now >= clock.opened_us + round(rules.lifetime_s * 1e6):
            moves.append(Fail(complaints.MODEL_TIMEOUT, complaints.LIFETIME))
        elif now >= clock.awake_us + round(rules.idle_s * 1e6):
            text = self._generation.idle_text.format(seconds=f"{rules.idle_s:g}")
            moves.append(Fail(complaints.VALIDATION, text))
        else:
            return moves
        self.over = True
        return moves

    # -- the client ----------------------------------------------------------------------------------------------------

    def _means(self, meaning: Meaning, now: Instant) -> Iterable[Move]:  # noqa: C901, PLR0911  # a table
        match meaning:
            case CallerSaid(pcm, heard):
                return self._caller_said(pcm, heard=heard, now=now)
            case Note():
                return (meaning,)
            case PromptOpened(prompt):
                return self._prompt_opened(prompt)
            case Instructed(text):
                return self._read(text)
            case Remembered(turn):
                return self._remembered(turn)
            case AudioOpened(rate_hz):
                return self._audio_opened(rate_hz, now)
            case Interaction():
                return self._awake(now)
            case Typed(text):
                return self._typed(text)
            case ToolAnswered():
                return self._tool_answered(meaning)
            case PromptClosed():
                return self._completed()
            case Reopened():
                return self._ends_quietly(now)
            case SessionClosed():
                return self._closes()

    def _prompt_opened(self, prompt: PromptStart) -> Iterator[Move]:
        rate_hz = prompt.output_rate_hz or OUTPUT_RATE_HZ
        self.ids = Ids(session=self.ids.session, completion=self.ids.completion, prompt=prompt.prompt)
        self._talk = Talk(self._new_id, CONNECTION, rate_hz)
        self._tools.declared = frozenset(tool.name for tool in prompt.tools or ())
        for tool in prompt.tools or ():
            self._meter.read(tool.name + tool.description + tool.input_schema)
        yield OpenBrain(prompt)

    def _read(self, text: str) -> Iterator[Move]:
        self._meter.read(text)
        if (usage := self._meter.report()) is not None:
            yield Send(usage)

    def _remembered(self, turn: PastTurn) -> Iterator[Move]:
        if turn.text != OPENING:  # our own client's, in the place of words where the agent spoke first
            self._caller.past.append(turn)
        self._meter.read(turn.text)
        return iter(())

    def _audio_opened(self, rate_hz: int, now: Instant) -> Iterator[Move]:
        yield from self._awake(now)
        self._caller.rate_hz = rate_hz
        past, self._caller.past = self._caller.past, []
        yield HearAt(rate_hz)
        if past:
            yield Wish(Recall(CONNECTION, tuple(past)))
        yield Happened(Occasion.READY)

    def _caller_said(self, pcm: bytes, *, heard: bool, now: Instant) -> Iterator[Move]:
        yield from self._awake(now)
        if not heard:
            return
        self._meter.heard(len(pcm) // 2, self._caller.rate_hz)
        if self._tools.waiting and not self._generation.asynchronous_tools:
            self._caller.held.append(pcm)
        else:
            yield Wish(ForwardAudio(CONNECTION, Audio(pcm)))
        if self._meter.speech_in_since >= SPEECH_TOKENS_PER_SECOND and (usage := self._meter.report()) is not None:
            yield Send(usage)

    def _awake(self, now: Instant) -> Iterator[Move]:
        self._clock.awake_us = now
        return iter(())

    def _typed(self, text: str) -> Iterator[Move]:
        yield from self._read(text)
        if (words := words_to_say(text)) is not None:
            yield Wish(Speak(CONNECTION, ResponseId(self._new_id()), words))
        else:
            yield Wish(ForwardText(CONNECTION, text))

    def _tool_answered(self, answer: ToolAnswered) -> Iterator[Move]:
        self._meter.read(answer.result)
        yield from self._tools.answer(answer.tool_use, answer.result, readable=answer.readable)
        if not self._tools.waiting and self._caller.held:
            held, self._caller.held = self._caller.held, []
            yield Wish(ForwardAudio(CONNECTION, Audio(b"".join(held))))
        if not answer.readable:
            raise Complaint(complaints.TOOL_RESULT_UNREADABLE, fatal=self._rules.strict)

    def _complain(self, complaint: Complaint) -> Move:
        self.over = complaint.fatal
        return Fail(complaint.exception, complaint.message, complaint.fatal)

    def _completed(self) -> Iterator[Move]:
        """completionEnd comes once, for whichever end of the client's comes first."""
        talk, self._talk = self._talk, None
        if talk is not None:
            yield from talk.closes()
            if (usage := self._meter.report()) is not None:
                yield Send(usage)

    def _ends_quietly(self, now: Instant) -> Iterator[Move]:
        self._clock.closing_us = now + QUIET_CLOSE_US
        yield Note("a second prompt in one session: the service ends such a stream without a word")

    def _closes(self) -> Iterator[Move]:
        yield from self._completed()
        self.over = True
        yield End()

    # -- the brain -----------------------------------------------------------------------------------------------------

    def _said(self, event: ModelEvent, talk: Talk, now: Instant) -> Iterator[Move]:  # noqa: PLR0911  # a table
        match event:
            case ResponseStarted(_, response):
                return talk.starts(response)
            case AgentText(_, response, text, _, False):
                return talk.says(response, text, now)
            case AgentAudio(_, response, audio):
                return talk.sounds(response, audio.pcm, now)
            case ResponseFinished(_, response):
                return talk.finishes(response)
            case ResponseInterrupted(_, response):
                return talk.interrupted(now, response)
            case CallerSpeechStarted(takes_turn=takes_turn):
                return self._caller_speaks(talk, now, takes_turn=takes_turn)
            case CallerTranscribed(text=text, final=True):
                return talk.transcribes(text)
            case ToolRequested():
                return self._tools.ask(event, talk)
            case _:
                return iter(())

    def _caller_speaks(self, talk: Talk, now: Instant, *, takes_turn: bool) -> Iterator[Move]:
        yield Happened(Occasion.CALLER_SPEAKING)
        if takes_turn:
            yield from talk.interrupted(now)

    def _metered(self, moves: Iterable[Move]) -> Iterator[Move]:
        """Counts what the agent says, and tells it at the end of each stretch of speech."""
        for move in moves:
            yield move
            match move:
                case Send(AudioOutput(pcm=pcm)) if self._talk is not None:
                    self._meter.spoke(len(pcm) // 2, self._talk.rate_hz)
                case Send(TextOutput(role="ASSISTANT", text=text)):
                    self._meter.wrote(text)
                case Send(ContentEnd(type="AUDIO")) if (usage := self._meter.report()) is not None:
                    yield Send(usage)
