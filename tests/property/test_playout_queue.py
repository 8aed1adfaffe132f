"""Whatever is asked of a playout queue: nothing lost, nothing repeated, nothing after a flush, nothing in a pause."""

import struct
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.channel.pacing import FADE_MS, PlayoutQueue
from vivavoce.events import PlayoutProgress, ResponseId, Samples

RESPONSES = st.sampled_from([ResponseId("a"), ResponseId("b"), ResponseId("c")])
NO_FADE_HZ = 100  # 5 ms are no sample there
PHONE_HZ = 8000


class Step(NamedTuple):
    """One thing asked of the queue."""

    what: str
    response: ResponseId = ResponseId("")
    samples: int = 0


STEPS = st.lists(
    st.one_of(
        st.builds(Step, st.just("play"), RESPONSES, st.integers(0, 300)),
        st.builds(Step, st.just("take"), samples=st.integers(0, 300)),
        st.builds(Step, st.sampled_from(["finish", "flush"]), RESPONSES),
        st.builds(Step, st.sampled_from(["pause", "resume"])),
    ),
    max_size=40,
)


class Mirror:
    """The queue, and beside it what must come of it: a list of samples."""

    def __init__(self, rate_hz: int) -> None:
        self.queue = PlayoutQueue(rate_hz)
        self.fade = FADE_MS * rate_hz // 1000
        self.waiting: list[tuple[ResponseId, int]] = []
        self.sent: dict[ResponseId, int] = {}
        self.played: dict[ResponseId, int] = {}
        self.reported: dict[ResponseId, int] = {}
        self.flushed: set[ResponseId] = set()
        self.in_pause = 0
        self.next_value = 1

    def do(self, step: Step) -> None:
        match step:
            case Step("play", response, samples):
                values = range(self.next_value, self.next_value + samples)
                self.next_value += samples
                self.queue.play(response, struct.pack(f"<{samples}h", *values))
                if response not in self.flushed:
                    self.sent[response] = self.sent.get(response, 0) + samples
                    self.waiting += [(response, value) for value in values]
            case Step("take", _, samples):
                self.take(samples)
            case Step("finish", response):
                if report := self.queue.finish(response):
                    self.check(report)
            case Step("flush", response):
                stopped = self.queue.flush(response)
                assert stopped.played == self.played.get(response, 0)
                self.flushed.add(response)
                self.waiting = [piece for piece in self.waiting if piece[0] != response]
            case Step("pause"):
                self.queue.pause()
            case Step("resume"):
                self.queue.resume()
                self.in_pause = 0

    def take(self, samples: int) -> None:
        taken = self.queue.take(samples)
        heard = struct.unpack(f"<{len(taken.pcm) // 2}h", taken.pcm)
        if self.queue.paused:
            self.in_pause += len(heard)
            assert self.in_pause <= self.fade
        else:
            assert len(heard) == min(samples, len(self.waiting))
        due, self.waiting = self.waiting[: len(heard)], self.waiting[len(heard) :]
        for (response, value), sample in zip(due, heard, strict=True):
            assert sample == value if not self.fade else 0 <= sample <= value
            self.played[response] = self.played.get(response, 0) + 1
        for report in taken.reports:
            self.check(report)

    def check(self, report: PlayoutProgress) -> None:
        assert report.played == self.played.get(report.response, 0) <= self.sent.get(report.response, 0)
        assert report.played >= self.reported.get(report.response, 0)
        assert report.response not in self.flushed
        self.reported[report.response] = report.played


@given(st.sampled_from([NO_FADE_HZ, PHONE_HZ]), STEPS)
def test_every_sample_comes_once_and_in_order(rate_hz: int, steps: list[Step]) -> None:
    mirror = Mirror(rate_hz)
    for step in steps:
        mirror.do(step)
        assert mirror.queue.queued_samples == len(mirror.waiting)
    mirror.do(Step("resume"))
    mirror.do(Step("take", samples=len(mirror.waiting)))
    assert mirror.queue.queued_samples == 0
    for response, sent in mirror.sent.items():
        if response not in mirror.flushed:
            assert Samples(sent) == mirror.played.get(response, 0)
