"""However replies, barge-ins, marks and a carrier's delays fall together: what is reported was heard, and ends."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.channel.telephony.playout import AHEAD_MS, OVERDUE_S, PacedPlayout, Playout, QueuedPlayout, Report
from vivavoce.events import PlayoutProgress, PlayoutStopped, ResponseId
from vivavoce.wire.telephony.line import Clear, Mark, SendMedia

RATE_HZ = 8000
FRAME = 160
STEP_S = 0.02
NAMES = [ResponseId(name) for name in ("a", "b", "c")]


@dataclass
class FarEnd:
    """Plays what it gets, so long after it was sent, and its marks take as long to come back."""

    delay_s: float
    marks_come: bool
    queue: deque[bytes | str] = field(default_factory=deque)
    heard: bytearray = field(default_factory=bytearray)
    playing_s: float = 0.0
    returning: deque[tuple[float, str]] = field(default_factory=deque)

    def receive(self, wish: SendMedia | Mark | Clear, now_s: float) -> None:
        self.play(now_s)
        if isinstance(wish, Clear):
            names = [name for name in self.queue if isinstance(name, str)]
            self.returning.extend((now_s + self.delay_s, name) for name in names)
            self.queue.clear()
        else:
            self.queue.append(wish.pcm if isinstance(wish, SendMedia) else wish.name)

    def play(self, now_s: float) -> None:
        while self.queue:
            first = self.queue[0]
            if isinstance(first, bytes):
                if self.playing_s + len(first) / 2 / RATE_HZ > now_s + 1e-9:
                    return
                self.playing_s += len(first) / 2 / RATE_HZ
                self.heard += first
            elif self.marks_come:
                self.returning.append((now_s + self.delay_s, first))
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
            self.playout.mark_reached(self.far.returning.popleft()[1], self.now_s)
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
