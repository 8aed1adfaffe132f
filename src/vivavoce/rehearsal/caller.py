"""A caller made of moves: says each when what they hear makes it the moment for it, and knows what was said when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vivavoce.audio.arrays import to_array, to_pcm
from vivavoce.audio.level import peak_dbfs
from vivavoce.audio.pcm import samples_for, samples_in, silence
from vivavoce.events import Effect, Event, FinishPlaying, Flush, Instant, Play
from vivavoce.rehearsal.spans import AUDIBLE_DBFS, Span
from vivavoce.rehearsal.truth import Said, SaidKind
from vivavoce.rehearsal.voices import RATE_HZ, Clip

PAUSE_MS = 900
"""So long the agent is silent before the caller takes it to have finished: longer than a pause between sentences."""
PUZZLED_MS = 3_000
"""So long the caller waits when the agent stopped for something that was not said to it."""
PATIENCE_MS = 8_000
"""So long the caller waits for an answer before asking anew."""
EARLY_MS = 350
"""So long before the agent's last sample an early answer begins."""
_BREATH_MS = 500
"""A gap no longer than this is one within the agent's speech."""


@dataclass(frozen=True, slots=True)
class Move:
    """``after_ms``: so long the agent must have been talking, since the caller was last heard; None for a move that
    waits until the agent is silent.
    """

    kind: SaidKind
    clip: Clip
    after_ms: int | None = None
    slots: tuple[tuple[str, str], ...] = ()


class RehearsedCaller:
    """Implements :class:`~vivavoce.channel.paced.CallerSource`, and is a witness of its call: to answer a little early
    one must feel the end coming, and this caller looks at what is still to be played.

    When a move needs the agent to talk and the agent does not, the caller asks one of ``questions`` in turn. Hangs up
    when all moves are made and what followed was heard, or ``longest_s`` are over. ``noise`` lies over all the caller
    sends, again and again.
    """

    def __init__(
        self, moves: Sequence[Move], questions: Sequence[Move], noise: bytes = b"", longest_s: int = 240
    ) -> None:
        self._moves = list(reversed(moves))
        self._questions = tuple(questions)
        self._asked = 0
        self._ear = _Ear()
        self._track = _Track(noise)
        self._longest = longest_s * RATE_HZ
        self._saying: Move | None = None
        self._said_bytes = 0
        self._last: SaidKind | None = None

    @property
    def rest(self) -> list[Move]:
        """The moves that were not made."""
        return list(reversed(self._moves))

    def watch(self, _at: Instant, value: Event | Effect) -> None:
        self._ear.watch(value)

    def speak(self, samples: int, heard: bytes) -> bytes | None:
        self._ear.hear(samples, heard)
        if self._saying is None:
            self._choose()
        if self._track.samples > self._longest or (not self._moves and self._saying is None and self._is_over()):
            return None
        return self._track.add(self._voice(samples), samples, heard)

    def truth(self, connected_us: int) -> tuple[Said, ...]:
        """What was said, on the clock of a call whose caller was connected then."""
        return tuple(self._track.said_at(connected_us))

    @property
    def recording(self) -> tuple[bytes, bytes]:
        """The caller's own channel without its noise, and the agent's as the caller heard it: sample for sample."""
        return bytes(self._track.clean), bytes(self._track.agent)

    def _choose(self) -> None:
        move = self._moves[-1] if self._moves else None
        if move is not None and self._is_moment(move):
            self._begin(self._moves.pop())
        elif move is not None and move.after_ms is not None and self._is_silent():
            self._begin(self._questions[self._asked % len(self._questions)])
            self._asked += 1

    def _is_moment(self, move: Move) -> bool:
        if move.after_ms is None:
            return self._is_silent()
        if move.kind is SaidKind.EARLY:
            left = self._ear.left
            return self._ear.hears and left is not None and left <= samples_for(EARLY_MS, RATE_HZ)
        return self._ear.hears and self._ear.talking >= samples_for(move.after_ms, RATE_HZ)

    def _is_silent(self) -> bool:
        """Whether it is the caller's turn: the agent has finished, or nothing comes any more."""
        if self._ear.heard_since:
            wait_ms = PAUSE_MS
        elif self._last is None or self._last.is_for_agent:
            wait_ms = PATIENCE_MS
        else:
            wait_ms = PUZZLED_MS
        return self._ear.quiet >= samples_for(wait_ms, RATE_HZ)

    def _is_over(self) -> bool:
        return self._is_silent()

    def _begin(self, move: Move) -> None:
        self._saying, self._said_bytes, self._last = move, 0, move.kind
        self._track.begin(move)

    def _voice(self, samples: int) -> bytes:
        if self._saying is None:
            return b""
        pcm = self._saying.clip.pcm
        frame = pcm[self._said_bytes : self._said_bytes + 2 * samples]
        self._said_bytes += len(frame)
        if self._said_bytes == len(pcm):
            self._saying = None
            self._ear.forget()
        return frame


class _Ear:
    """What the caller hears of the agent, and feels to be coming. Counts are samples."""

    def __init__(self) -> None:
        self.hears = False
        self.talking = 0  # since the agent began, or the caller was last heard
        self.quiet = 0  # since the agent, or the caller, was last heard
        self.heard_since = False  # the agent, since the caller was last heard
        self._queued = 0
        self._finished = False

    @property
    def left(self) -> int | None:
        """Of a reply that is whole, what is still to be heard."""
        return self._queued if self._finished and self._queued > 0 else None

    def watch(self, value: Event | Effect) -> None:
        match value:
            case Play(_, audio):
                self._queued += audio.samples
                self._finished = False
            case FinishPlaying():
                self._finished = True
            case Flush():
                self._queued = 0

    def hear(self, samples: int, heard: bytes) -> None:
        self._queued = max(0, self._queued - samples_in(heard))
        self.hears = peak_dbfs(heard) >= AUDIBLE_DBFS
        if self.hears:
            self.talking += samples
            self.quiet = 0
            self.heard_since = True
            return
        self.quiet += samples
        if self.quiet > samples_for(_BREATH_MS, RATE_HZ):
            self.talking = 0

    def forget(self) -> None:
        self.talking = self.quiet = 0
        self.heard_since = False


class _Track:
    """Both channels of the call, as the caller would record them."""

    def __init__(self, noise: bytes) -> None:
        self.clean = bytearray()
        self.agent = bytearray()
        self._noise = noise
        self._begun: list[tuple[Move, int]] = []

    @property
    def samples(self) -> int:
        return len(self.clean) // 2

    def begin(self, move: Move) -> None:
        self._begun.append((move, self.samples))

    def add(self, voice: bytes, samples: int, heard: bytes) -> bytes:
        """One frame of each; gives what the caller's channel carries."""
        frame = voice + silence(samples - samples_in(voice))
        at = len(self.clean)
        self.clean += frame
        self.agent += heard + silence(samples - samples_in(heard))
        if not self._noise:
            return frame
        begin = at % (len(self._noise) - len(frame))
        return to_pcm(to_array(frame).astype(float) + to_array(self._noise[begin : begin + len(frame)]))

    def said_at(self, connected_us: int) -> Sequence[Said]:
        return [_said(move, begin, connected_us) for move, begin in self._begun]


def _said(move: Move, begin: int, connected_us: int) -> Said:
    def us(sample: int) -> int:
        return connected_us + (begin + sample) * 1_000_000 // RATE_HZ

    parts = tuple(Span(us(first), us(end)) for first, end in move.clip.parts)
    span = Span(parts[0].begin_us, parts[-1].end_us)
    return Said(kind=move.kind, text=move.clip.text, span=span, parts=parts, slots=dict(move.slots))
