"""However replies, barge-ins, marks and a carrier's delays fall together: what is reported was heard, and ends."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.channel.telephony.far_queue import OVERDUE_S
from vivavoce.channel.telephony.playout import (
    AHEAD_MS,
    SURE_MS,
    PacedPlayout,
    Playout,
    QueuedPlayout,
    Report,
)
from vivavoce.events import PlayoutProgress, PlayoutStopped, ResponseId, Samples
from vivavoce.wire.telephony.line import Clear, Mark, SendMedia

RATE_HZ = 8000
FRAME = 160
STEP_S = 0.02
CLEARED = "cleared"
NAMES = [ResponseId(name) for name in ("a", "b", "c")]


@dataclass
class FarEnd:
    """Plays what it gets, and its marks take so long to come back. What it is sent takes ``way_s``, and where it has
    nothing it waits ``begins_s`` before it plays.
    """

    delay_s: float
    marks_come: bool
    way_s: float = 0.0
    begins_s: float = 0.0
    says_cleared: bool = False  # instead of letting the marks come back
    coming: deque[tuple[float, SendMedia | Mark | Clear]] = field(default_factory=deque)
    queue: deque[bytes | str] = field(default_factory=deque)
    heard: bytearray = field(default_factory=bytearray)
    playing_s: float = 0.0
    returning: deque[tuple[float, str]] = field(default_factory=deque)

    def receive(self, wish: SendMedia | Mark | Clear, now_s: float) -> None:
        self.coming.append((now_s + self.way_s, wish))
        self.play(now_s)

    def play(self, now_s: float) -> None:
        while self.coming and self.coming[0][0] <= now_s + 1e-9:
            at_s, wish = self.coming.popleft()
            self.play_until(at_s)
            self.obey(wish, at_s)
        self.play_until(now_s)

    def obey(self, wish: SendMedia | Mark | Clear, now_s: float) -> None:
        if isinstance(wish, Clear):
            names = [CLEARED] if self.says_cleared else [name for name in self.queue if isinstance(name, str)]
            self.returning.extend((now_s + self.delay_s, name) for name in names)
            self.queue.clear()
            self.playing_s = max(self.playing_s, now_s)  # of the frame it is at, nothing is taken back
        else:
            if not self.queue and self.playing_s <= now_s:
                self.playing_s = now_s + self.begins_s
            self.queue.append(wish.pcm if isinstance(wish, SendMedia) else wish.name)

    def play_until(self, now_s: float) -> None:
        """In frames of 20 ms."""
        while self.queue:
            first = self.queue[0]
            if isinstance(first, bytes):
                if self.playing_s > now_s - STEP_S + 1e-9:
                    return
                self.playing_s += STEP_S
                self.heard += first[: FRAME * 2]
                if len(first) > FRAME * 2:
                    self.queue[0] = first[FRAME * 2 :]
                    continue
            elif self.marks_come:
                self.returning.append((max(self.playing_s, 0.0) + self.delay_s, first))
            self.queue.popleft()
        self.playing_s = max(self.playing_s, now_s)


@dataclass
class Call:
    playout: Playout
    far: FarEnd
    now_s: float = 0.0
    given: dict[ResponseId, int] = field(default_factory=lambda: defaultdict(int))
    finished: set[ResponseId] = field(default_factory=set)
    reports: list[Report] = field(default_factory=list)

    def act(self, action: str, response: ResponseId, ms: int) -> None:
        if action == "wait":
            self.wait(ms / 1000)
        elif action == "flush":
            self.playout.flush(response, self.now_s)
            assert isinstance(self.playout.reports[0], PlayoutProgress | PlayoutStopped)
        elif action == "finish":
            self.playout.finish(response)
            self.finished.add(response)
        elif response not in self.finished:
            samples = ms * RATE_HZ // 1000
            self.playout.play(response, bytes((NAMES.index(response) + 1, 1)) * samples)
            self.given[response] += samples
        self.settle()

    def settle(self) -> None:
        """All that can be done now."""
        self.far.play(self.now_s)
        while self.far.returning and self.far.returning[0][0] <= self.now_s:
            name = self.far.returning.popleft()[1]
            if name == CLEARED:
                self.playout.cleared(self.now_s)
            else:
                self.playout.mark_reached(name, self.now_s)
        for _ in range(1000):
            wish = self.playout.next(self.now_s)
            if wish is None:
                break
            assert isinstance(wish, SendMedia | Mark | Clear)
            assert not isinstance(wish, SendMedia) or len(wish.pcm) % (FRAME * 2) == 0
            self.far.receive(wish, self.now_s)
        else:
            raise AssertionError("there is always more to send")
        due_s = self.playout.due_s
        assert due_s is None or due_s > self.now_s, "it waits for what is past"
        self.reports.extend(self.playout.reports)
        self.playout.reports.clear()

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP_S)):
            self.now_s = round(self.now_s + STEP_S, 6)
            self.settle()


ACTIONS = st.tuples(
    st.sampled_from(["play", "play", "play", "wait", "wait", "finish", "flush"]),
    st.sampled_from(NAMES),
    st.integers(1, 30).map(lambda n: n * 5),
)


def judge(call: Call, flushed: set[ResponseId]) -> None:
    latest: dict[ResponseId, int] = defaultdict(int)
    stopped: dict[ResponseId, int] = {}
    for report in call.reports:
        assert 0 <= report.played <= call.given[report.response]
        if isinstance(report, PlayoutProgress):
            assert report.played <= stopped.get(report.response, report.played), "played on after it was stopped"
        else:
            stopped[report.response] = report.played
        assert report.played >= latest[report.response], "a position went back"
        latest[report.response] = report.played
    assert set(stopped) == flushed
    for response in call.finished - flushed:
        assert latest[response] == call.given[response], "a reply that was played to its end did not end"
        if not flushed:  # else a part of a frame may be lost where it was taken back
            assert call.far.heard.count(bytes((NAMES.index(response) + 1, 1))) >= call.given[response]


@settings(max_examples=40)
@given(st.lists(ACTIONS, max_size=16), st.sampled_from([0.0, 0.05, 0.3]), st.booleans(), st.integers(1, 5))
def test_a_queue_at_the_carrier(
    actions: list[tuple[str, ResponseId, int]], delay_s: float, marks_come: bool, frames: int
) -> None:
    call = Call(QueuedPlayout(RATE_HZ, frames), FarEnd(delay_s, marks_come))
    for action, response, ms in actions:
        call.act(action, response, ms)
        waiting = sum(len(piece) for piece in call.far.queue if isinstance(piece, bytes)) / 16
        assert waiting <= AHEAD_MS + frames * 20 + delay_s * 1000 + 20
    for response in call.given:
        call.act("finish", response, 0)
    call.wait(sum(call.given.values()) / RATE_HZ + OVERDUE_S + 2 * delay_s + 0.1)
    judge(call, {response for action, response, _ in actions if action == "flush"})


@settings(max_examples=40)
@given(st.lists(ACTIONS, max_size=12))
def test_no_queue_at_all(actions: list[tuple[str, ResponseId, int]]) -> None:
    call = Call(PacedPlayout(RATE_HZ), FarEnd(0.0, True))
    call.playout.reports.clear()
    for action, response, ms in actions:
        call.act(action, response, ms)
    for response in call.given:
        call.act("finish", response, 0)
    call.wait(sum(call.given.values()) / RATE_HZ + 0.1)
    judge(call, {response for action, response, _ in actions if action == "flush"})
    assert len(call.far.heard) // 2 <= (call.now_s + 0.021) * RATE_HZ


# -- pauses -----------------------------------------------------------------------------------------------------------

FIRST_MARK_S = 0.3
"""200 ms of sound, and what the messages that bring it hold beyond."""


def numbered(first: int, samples: int) -> bytes:
    """No two samples alike, none of them silence."""
    return b"".join((first + n + 1).to_bytes(2, "little") for n in range(samples))


PAUSES = st.tuples(
    st.sampled_from(["play", "play", "wait", "wait", "pause", "resume"]), st.integers(1, 60).map(lambda n: n * 10)
)


@settings(max_examples=60)
@given(
    st.lists(PAUSES, max_size=16),
    st.sampled_from([0.0, 0.05, 0.2]),
    st.sampled_from([0.0, 0.06]),
    st.sampled_from([0.0, 0.1]),
    st.booleans(),
    st.integers(1, 5),
)
def test_after_a_pause_the_carrier_goes_on_where_it_was(
    actions: list[tuple[str, int]], delay_s: float, way_s: float, begins_s: float, says_cleared: bool, frames: int
) -> None:
    """Nothing is left out. Little is heard twice, unless no mark of what is played came back yet."""
    playout = QueuedPlayout(RATE_HZ, frames)
    call = Call(playout, FarEnd(delay_s, True, way_s, begins_s, says_cleared))
    trip_s = delay_s + way_s
    twice_s = SURE_MS / 1000 + 2 * STEP_S  # marks are looked for every 20 ms
    given, bounds_s = 0, [0.0]
    for action, ms in actions:
        if action == "play":
            samples = ms * RATE_HZ // 1000
            playout.play(NAMES[0], numbered(given, samples))
            given += samples
        elif action == "pause":
            told = playout._line.told
            bounds_s.append(twice_s if told else trip_s + 2 * STEP_S + FIRST_MARK_S + begins_s)
            playout.pause(call.now_s)
            call.wait(trip_s + begins_s + STEP_S)
            quiet = len(call.far.heard)
            call.wait(0.2)
            assert len(call.far.heard) == quiet, "it plays on while it is paused"
        elif action == "resume":
            playout.resume()
        else:
            call.wait(ms / 1000)
        call.settle()
    playout.resume()
    playout.finish(NAMES[0])
    call.wait(2 * given / RATE_HZ + len(bounds_s) + OVERDUE_S)
    heard = [int.from_bytes(call.far.heard[at : at + 2], "little") for at in range(0, len(call.far.heard), 2)]
    last = 0
    for number in filter(None, heard):
        assert number <= last + 1, "something was left out"
        assert (last + 1 - number) / RATE_HZ <= max(bounds_s) + 1e-9, "too much was heard twice"
        last = number
    assert last == given
    positions = [report.played for report in call.reports]
    assert positions == sorted(positions)
    assert positions[-1] == given
    assert positions.count(Samples(given)) <= 2, "by its last mark, and once more if it was finished only then"
