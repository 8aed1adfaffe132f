"""What is sent to a carrier when, and how far the caller has heard it. Pure: instants are arguments, in seconds.

Two kinds of carriers, one surface (:class:`Playout`). Most keep a queue: they are sent a little ahead, so that a stall
of ours is not heard, and say by marks how far they have played; what they have not played can be taken back.
AudioSocket plays what it gets when it gets it: it is sent 20 ms every 20 ms and nothing ahead.

**How exact a pause is.** Paced: to the sample. A queue is cleared, and what it had not played is sent again when the
agent goes on: from the last mark and the time since, which is behind what the carrier has played by the way of that
mark here and of the clear there. The answer to the clear tells how long these two ways are; all of that but
:data:`SURE_MS` is left out, if the answer comes before the agent goes on. So no sample is lost, and about
:data:`SURE_MS` are heard twice, or one round trip where a carrier answers no clear. Until the first mark of a stretch
came back (some 200 ms and a round trip) nobody knows how long the carrier takes to begin: then that stretch begins
anew.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from vivavoce.audio.pcm import BYTES_PER_SAMPLE, samples_in, silence
from vivavoce.channel.pacing import PlayoutQueue
from vivavoce.channel.telephony.far_queue import Clearing, FarQueue
from vivavoce.events import Evidence, PlayoutProgress, PlayoutStopped, ResponseId, Samples
from vivavoce.wire.telephony.line import FRAME_MS, Clear, LineWish, Mark, SendMedia

AHEAD_MS = 1_000
"""So much audio may wait at the carrier. What is taken back is sent again for the next reply, so it is not more."""
MARK_MS = 200
"""After so much audio a mark: as exact as a position is without one, times the drift of two clocks."""
SURE_MS = 40
"""Of the measured way to the carrier and back, so much may be its own time, or ours."""

Report = PlayoutProgress | PlayoutStopped


class Playout(Protocol):
    """One call's. ``reports`` are facts that have become true, oldest first: take them out."""

    reports: deque[Report]

    def play(self, response: ResponseId, pcm: bytes) -> None: ...

    def finish(self, response: ResponseId) -> None: ...

    def flush(self, response: ResponseId, now_s: float) -> None: ...

    def mark_reached(self, name: str, now_s: float) -> None: ...

    def cleared(self, now_s: float) -> None:
        """The carrier says that it has dropped what it had."""
        ...

    def hold(self, held: bool) -> None:
        """The carrier asked to wait, or to go on."""
        ...

    def pause(self, now_s: float) -> None:
        """Play nothing, and keep what is there."""
        ...

    def resume(self) -> None: ...

    def next(self, now_s: float) -> LineWish | None:
        """What to send now; None if nothing is due."""
        ...

    @property
    def due_s(self) -> float | None:
        """When :meth:`next` may have something that it has not now; None while only a call can change that."""
        ...


class PacedPlayout:
    """20 ms every 20 ms, silence if there is nothing else: the carrier's clock is this one."""

    def __init__(self, rate_hz: int) -> None:
        self.reports: deque[Report] = deque()
        self._queue = PlayoutQueue(rate_hz, Evidence.PACED)
        self._frame = rate_hz * FRAME_MS // 1000
        self._due_s = 0.0

    def play(self, response: ResponseId, pcm: bytes) -> None:
        self._queue.play(response, pcm)

    def finish(self, response: ResponseId) -> None:
        if report := self._queue.finish(response):
            self.reports.append(report)

    def flush(self, response: ResponseId, now_s: float) -> None:
        del now_s
        self.reports.append(self._queue.flush(response))

    def mark_reached(self, name: str, now_s: float) -> None:
        del name, now_s

    def cleared(self, now_s: float) -> None:
        del now_s

    def hold(self, held: bool) -> None:
        del held

    def pause(self, now_s: float) -> None:
        del now_s
        self._queue.pause()

    def resume(self) -> None:
        self._queue.resume()

    def next(self, now_s: float) -> LineWish | None:
        if now_s < self._due_s:
            return None
        # A stall is not made up for: what was late once would be late for the rest of the call.
        late_s = now_s - self._due_s
        self._due_s = (self._due_s if late_s < FRAME_MS / 1000 else now_s) + FRAME_MS / 1000
        taken = self._queue.take(self._frame)
        self.reports.extend(taken.reports)
        return SendMedia(taken.pcm + silence(self._frame - samples_in(taken.pcm)))

    @property
    def due_s(self) -> float | None:
        return self._due_s


@dataclass(slots=True)
class _Response:
    """Samples: given to us, put on the line, played as far as is known, reported so."""

    given: int = 0
    sent: int = 0
    played: int = 0
    reported: int = 0
    finished: bool = False
    flushed: bool = False
    over: bool = False

    @property
    def all_sent(self) -> bool:
        return self.finished and self.sent == self.given


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of a response; ``at`` is its position in the response."""

    response: ResponseId
    at: int
    pcm: bytes

    @property
    def samples(self) -> int:
        return len(self.pcm) // BYTES_PER_SAMPLE

    def split(self, samples: int) -> tuple[_Piece, _Piece]:
        cut = samples * BYTES_PER_SAMPLE
        return (
            _Piece(self.response, self.at, self.pcm[:cut]),
            _Piece(self.response, self.at + samples, self.pcm[cut:]),
        )


class QueuedPlayout:
    """For a carrier that keeps a queue. Whole frames only; a rest waits for more, or is filled up at the end."""

    def __init__(self, rate_hz: int, frames_per_message: int) -> None:
        self.reports: deque[Report] = deque()
        self._line = FarQueue(rate_hz)
        self._rate_hz = rate_hz
        self._frame = rate_hz * FRAME_MS // 1000
        self._most = self._frame * frames_per_message
        self._responses: dict[ResponseId, _Response] = {}
        self._unsent: deque[_Piece] = deque()
        self._unplayed: deque[tuple[int, _Piece]] = deque()  # on the line, with their positions there
        self._clearing = Clearing()
        self._held = False
        self._paused = False
        self._evidence = Evidence.MARK

    def play(self, response: ResponseId, pcm: bytes) -> None:
        state = self._state(response)
        if pcm and not state.flushed:
            self._unsent.append(_Piece(response, state.given, pcm))
            state.given += samples_in(pcm)

    def finish(self, response: ResponseId) -> None:
        state = self._state(response)
        state.finished = True
        self._end(response, state)

    def flush(self, response: ResponseId, now_s: float) -> None:
        state = self._state(response)
        state.flushed = True
        self._clearing.forget()
        self._unsent = deque(piece for piece in self._unsent if piece.response != response)
        self._take_played(self._line.played(now_s))
        guess = self._evidence
        if any(piece.response == response for _, piece in self._unplayed):
            guess = self._guess
            self._take_back(but=response)
        self.reports.append(PlayoutStopped(response, Samples(state.played), guess))
        self._tell_ends()

    def mark_reached(self, name: str, now_s: float) -> None:
        position = self._line.reached(name, now_s)
        if position is not None:
            self._evidence = Evidence.MARK
            self._report(position)
        elif name == self._clearing.mark:
            self.cleared(now_s)

    def cleared(self, now_s: float) -> None:
        took_s = self._clearing.took_s(now_s)
        if self._paused and took_s > 0:
            played = round((took_s - SURE_MS / 1000) * self._rate_hz)
            self._leave_out(min(played, self._clearing.most))

    def hold(self, held: bool) -> None:
        self._held = held

    def pause(self, now_s: float) -> None:
        """A rest that was played by all we know is left to the carrier."""
        self._paused = True
        heard, guess, told = self._line.played(now_s), self._guess, self._line.told
        self._take_played(self._line.surely_played(now_s))
        self._count_heard(heard)
        if heard < self._line.sent:
            most = sum(piece.samples for _, piece in self._unplayed) if told else 0
            mark = self._line.mark()  # it comes back by the clear, if not before
            self._take_back()
            self._clearing = Clearing(deque((Mark(mark), Clear())), None, mark, most)
        for response, state in self._responses.items():
            self._tell(response, state, guess)
        self._tell_ends()

    def resume(self) -> None:
        self._paused = False

    def next(self, now_s: float) -> LineWish | None:
        if self._clearing.due:
            return self._clearing.next(now_s)
        while (overdue_s := self._line.overdue_s) is not None and now_s >= overdue_s:
            self._assume()
        if self._mark_due():
            return Mark(self._line.mark())
        if not self._may_send or now_s < self._send_at_s:
            return None
        pcm = self._take(now_s)
        return SendMedia(pcm) if pcm else None

    @property
    def due_s(self) -> float | None:
        sending_s = self._send_at_s if self._may_send else None
        times_s = [time_s for time_s in (sending_s, self._line.overdue_s) if time_s is not None]
        return min(times_s, default=None)

    @property
    def _guess(self) -> Evidence:
        """Of a position that is as far behind a mark as time has passed."""
        return self._evidence if self._line.told else Evidence.ASSUMED

    @property
    def _may_send(self) -> bool:
        """Whether nobody says wait, and there is a whole frame, or an end that can be filled up to one."""
        if self._held or self._paused:
            return False
        samples = 0
        for piece in self._unsent:
            samples += piece.samples
            if samples >= self._frame:
                return True
        return bool(self._unsent) and self._responses[self._unsent[-1].response].finished

    @property
    def _send_at_s(self) -> float:
        return self._line.ahead_until_s((AHEAD_MS - FRAME_MS) * self._rate_hz // 1000)

    def _mark_due(self) -> bool:
        unmarked = self._line.sent - self._line.marked
        if unmarked <= 0:
            return False
        if unmarked >= MARK_MS * self._rate_hz // 1000:
            return True
        return bool(self._unplayed) and self._responses[self._unplayed[-1][1].response].all_sent

    def _take(self, now_s: float) -> bytes:
        """The next whole frames, put on the line."""
        room = self._most
        pieces: list[_Piece] = []
        for piece in self._unsent:
            pieces.append(piece if piece.samples <= room else piece.split(room)[0])
            room -= pieces[-1].samples
            if not room:
                break
        samples = self._most - room
        filling = -samples % self._frame
        if filling and not (len(pieces) == len(self._unsent) and self._responses[pieces[-1].response].finished):
            pieces = self._without_rest(pieces, samples % self._frame)
            filling = 0
        return b"".join([self._put(piece, now_s) for piece in pieces]) + self._fill(filling, now_s)

    @staticmethod
    def _without_rest(pieces: list[_Piece], rest: int) -> list[_Piece]:
        """The same but for the last ``rest`` samples."""
        kept = list(pieces)
        while rest:
            last = kept.pop()
            if last.samples > rest:
                kept.append(last.split(last.samples - rest)[0])
            rest -= min(rest, last.samples)
        return kept

    def _put(self, piece: _Piece, now_s: float) -> bytes:
        """``piece`` is the first of what is unsent, or a part of it."""
        first = self._unsent.popleft()
        if piece.samples < first.samples:
            self._unsent.appendleft(first.split(piece.samples)[1])
        self._unplayed.append((self._line.sent, piece))
        self._line.send(piece.samples, now_s)
        self._responses[piece.response].sent += piece.samples
        return piece.pcm

    def _fill(self, samples: int, now_s: float) -> bytes:
        if samples:
            self._line.send(samples, now_s)
        return silence(samples)

    def _assume(self) -> None:
        self._evidence = Evidence.ASSUMED
        self._report(self._line.give_up())

    def _report(self, position: int) -> None:
        for response in self._take_played(position):
            state = self._responses[response]
            state.over = self._played_out(response, state)
            self._tell(response, state, self._evidence, last=state.over)

    def _tell(self, response: ResponseId, state: _Response, evidence: Evidence, *, last: bool = False) -> None:
        """The last report, or if there is more to tell than was told."""
        if (last or state.played > state.reported) and not state.flushed:
            state.reported = state.played
            self.reports.append(PlayoutProgress(response, Samples(state.played), evidence))

    def _take_played(self, position: int) -> list[ResponseId]:
        """The line was played so far: whose audio that was, in order."""
        moved: dict[ResponseId, None] = {}
        self._count_heard(position)
        while self._unplayed and self._unplayed[0][0] < position:
            at, piece = self._unplayed.popleft()
            if at + piece.samples > position:
                self._unplayed.appendleft((position, piece.split(position - at)[1]))
            moved[piece.response] = None
        return list(moved)

    def _count_heard(self, position: int) -> None:
        """The same, where the carrier may be asked to play some of it again."""
        for at, piece in self._unplayed:
            if at >= position:
                return
            state = self._responses[piece.response]
            state.played = max(state.played, piece.at + min(piece.samples, position - at))

    def _leave_out(self, samples: int) -> None:
        """The first that is to be sent again was played before it was dropped."""
        while samples > 0 and self._unsent:
            piece = self._unsent.popleft()
            if piece.samples > samples:
                piece, rest = piece.split(samples)
                self._unsent.appendleft(rest)
            samples -= piece.samples
            state = self._responses[piece.response]
            state.sent += piece.samples
            state.played = max(state.played, piece.at + piece.samples)
            self._tell(piece.response, state, self._evidence)
        self._tell_ends()

    def _take_back(self, but: ResponseId | None = None) -> None:
        """The carrier drops all that it has. What is still to be heard is sent again: all that is not ``but``'s."""
        again = [piece for _, piece in self._unplayed if piece.response != but]
        for piece in again:
            self._responses[piece.response].sent -= piece.samples
        self._unsent.extendleft(reversed(again))
        self._unplayed.clear()
        self._line.clear()
        self._clearing = Clearing(deque((Clear(),)))

    def _played_out(self, response: ResponseId, state: _Response) -> bool:
        whole = state.all_sent and state.played == state.given
        return whole and all(piece.response != response for _, piece in self._unplayed)

    def _tell_ends(self) -> None:
        for response, state in self._responses.items():
            self._end(response, state)

    def _end(self, response: ResponseId, state: _Response) -> None:
        """The last report of a response that was played to its end before it was known to be finished."""
        if self._played_out(response, state) and not state.over:
            state.over = True
            self._tell(response, state, self._evidence, last=True)

    def _state(self, response: ResponseId) -> _Response:
        return self._responses.setdefault(response, _Response())
