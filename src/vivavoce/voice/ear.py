"""The ear beside the model: whether somebody talks on the line, who, and what for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vivavoce.audio.framing import Framer
from vivavoce.audio.pcm import samples_for
from vivavoce.errors import UsageError
from vivavoce.events import (
    AnswererJudged,
    DigitsHeard,
    EarEvent,
    ResponseId,
    Samples,
    VoiceJudged,
    VoiceKind,
    VoiceStarted,
    VoiceStopped,
)
from vivavoce.voice import detector
from vivavoce.voice.answerer import AnswererJudge
from vivavoce.voice.detector import Detector, open_silero
from vivavoce.voice.digits import SpokenDigits
from vivavoce.voice.echo import EchoState
from vivavoce.voice.kinds import Kinds, UsualLevel
from vivavoce.voice.port import Ear
from vivavoce.voice.presence import FRAME_MS, LevelFloor, Presence
from vivavoce.voice.recogniser import Recogniser, shared_recogniser, why_not_digits
from vivavoce.voice.returns import Returns
from vivavoce.voice.sound import Moment, moment
from vivavoce.voice.words import SpokenWords

__all__ = ["RATES_HZ", "CallEar", "make_ear", "why_not_digits", "why_not_here"]

RATES_HZ = (8_000, 16_000, 24_000, 48_000)

_OURS = (VoiceKind.CALLER, VoiceKind.BACKCHANNEL)
BESIDE_ECHO_FRAMES = 4
"""Where the agent's voice comes back, single moments of it are louder than expected: a voice is so many in a row."""


def why_not_here() -> str:
    """Empty if an ear can be made here, else what to install."""
    return detector.why_not_here()


def make_ear(
    rate_hz: int, *, outbound: bool = False, english: bool = False, recogniser: Recogniser | None = None
) -> Ear:
    """An ear for one call; of one that we made, it says who took it. Where the talk is ``english`` and PocketSphinx is
    here, it tells "wait" from "okay"; ``recogniser`` takes the place of the one that calls share. Raises
    :class:`NotAvailable` where ``why_not_here`` says why.
    """
    knows = (recogniser or shared_recogniser()) if english else None
    words = SpokenWords(rate_hz, knows) if knows is not None else None
    return CallEar(rate_hz, open_silero(), outbound=outbound, words=words)


class CallEar:
    """An :class:`~vivavoce.voice.port.Ear`."""

    def __init__(
        self, rate_hz: int, detector_: Detector, *, outbound: bool = False, words: SpokenWords | None = None
    ) -> None:
        if rate_hz not in RATES_HZ:
            raise UsageError(f"no ear hears at {rate_hz} Hz", hint=f"it hears at {', '.join(map(str, RATES_HZ))} Hz")
        self._rate_hz = rate_hz
        self._framer = Framer(samples_for(FRAME_MS, rate_hz))
        self._floor = LevelFloor()
        self._presence = Presence(rate_hz, detector_)
        self._returns = Returns(rate_hz)
        self._kinds = Kinds()
        self._usual = UsualLevel()
        self._words = words
        self._digits: SpokenDigits | None = None
        self._answerer = AnswererJudge() if outbound else None
        self._last = b""

    def hear(self, pcm: bytes, *, agent_audible: bool) -> Sequence[EarEvent]:
        return [fact for frame in self._framer.push(pcm) for fact in self._hear_frame(frame, agent_audible)]

    def queue(self, response: ResponseId, pcm: bytes) -> None:
        self._returns.played.queue(response, pcm)

    def played(self, response: ResponseId, samples: int) -> None:
        self._returns.played.report(response, samples)

    def flushed(self, response: ResponseId) -> None:
        self._returns.played.flush(response)

    def listen_for_digits(self, listens: bool) -> None:
        recogniser = shared_recogniser() if listens else None
        self._digits = SpokenDigits(self._rate_hz, recogniser) if recogniser is not None else None

    def _hear_frame(self, frame: bytes, agent_audible: bool) -> Iterator[EarEvent]:
        if self._words is not None:
            self._words.hear(frame)
            yield from self._know(self._words)
        sound, own = self._listen(frame, agent_audible)
        if sound is None or not (own or self._presence.awake):
            self._presence.pass_by(frame)
        else:
            yield from self._attend(frame, sound, own, agent_audible)
        if self._digits is not None and (digits := self._digits.hear(frame, talks=self._presence.begin is not None)):
            yield DigitsHeard(digits)
        if self._answerer is not None:
            speech = self._presence.begin is not None and self._presence.end == self._presence.frames
            answerer = self._answerer.hear(sound if own else None, speech=speech)
            if answerer is not None:
                yield AnswererJudged(answerer)
            if self._answerer.done:
                self._answerer = None

    def _listen(self, frame: bytes, agent_audible: bool) -> tuple[Moment | None, bool]:
        """What is looked at of this frame, and whether it is loud and not the agent's own voice."""
        loud = self._floor.hear(frame)
        sound = moment(self._last + frame, self._rate_hz) if loud or self._presence.awake else None
        self._last = frame
        return sound, self._returns.hear(sound if loud else None, agent_audible=agent_audible)

    def _attend(self, frame: bytes, sound: Moment, own: bool, agent_audible: bool) -> Iterator[EarEvent]:
        least = BESIDE_ECHO_FRAMES if self._returns.path.state is EchoState.KNOWN else 1
        if self._presence.hear(frame, sound, loud=own, agent_audible=agent_audible, least=least):
            yield from self._edge(agent_audible)
        elif self._presence.begin is not None:
            yield from self._follow(sound)

    def _edge(self, agent_audible: bool) -> Iterator[EarEvent]:
        presence, size = self._presence, self._framer.frame_samples
        if presence.begin is None:
            yield from self._end(VoiceStopped(Samples(presence.end * size)))
            return
        if self._words is not None and self._words.stopped is not None:
            yield self._words.stopped
            self._words.give_up()
        kind, may_be_echo = VoiceKind.CALLER, self._returns.may_be_echo
        if agent_audible or may_be_echo:
            heard = presence.frames - presence.begin
            kind = self._kinds.begin(presence.frames, heard, peak_db=presence.peak_db, may_be_echo=may_be_echo)
        yield VoiceStarted(Samples(presence.begin * size), kind)

    def _end(self, stopped: VoiceStopped) -> Iterator[EarEvent]:
        """A short one is told to be over once its words are known; until then it is a backchannel."""
        voice, frames = self._kinds.voice, self._presence.frames
        if voice is not None and voice.certain:  # they had the turn
            self._usual.add(voice.peak_db)
        self._kinds.end(frames)
        self._kinds.usual_db = self._usual.stop()
        in_doubt = voice is not None and not voice.certain and voice.kind in _OURS
        if voice is None or self._words is None or not in_doubt or not self._words.ask(frames - voice.began, stopped):
            yield stopped
        elif voice.kind is VoiceKind.CALLER:
            yield VoiceJudged(VoiceKind.BACKCHANNEL)

    def _know(self, words: SpokenWords) -> Iterator[EarEvent]:
        """What a voice that is over has said, where that is waited for."""
        stopped = words.stopped
        if stopped is None or (order := words.answer()) is None:
            return
        if order:
            yield VoiceJudged(VoiceKind.CALLER, certain=True)
        yield stopped

    def _follow(self, sound: Moment) -> Iterator[VoiceJudged]:
        voice = self._kinds.voice
        if voice is None:
            self._usual.hear(sound)
            return
        if voice.kind is VoiceKind.ECHO and self._returns.path.state is EchoState.NONE:
            voice.kind = VoiceKind.CALLER
            yield VoiceJudged(voice.kind)
        presence = self._presence
        judged = self._kinds.hear(sound, speech=presence.end == presence.frames, confirmed=presence.confirmed)
        if judged is not None:
            yield judged
