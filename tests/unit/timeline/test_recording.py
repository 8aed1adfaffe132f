"""The sound of a call: who is where in it, to the sample, and nothing that was not heard."""

from __future__ import annotations

import errno
import threading
import wave
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.core.scenario import CONNECTED, R1, R2, RATE_HZ, instant
from vivavoce.events import (
    Audio,
    CallerAudio,
    CallerConnected,
    Effect,
    Event,
    Evidence,
    Instant,
    ListenForDigits,
    Play,
    PlayoutProgress,
    PlayoutStopped,
    ResponseId,
    Samples,
)
from vivavoce.timeline.disk import Disk
from vivavoce.timeline.recording import DRIFT_MS, WINDOW_S, Recorder

Sound = NDArray[np.int16]
Seen = tuple[float, Event | Effect]
MS = RATE_HZ // 1000


def constant(value: int, ms: float) -> Audio:
    return Audio(np.full(round(ms * MS), value, np.int16).tobytes())


def counting(first: int, samples: int) -> Audio:
    """Samples that are all different, so that a place is known by its value."""
    return Audio(np.arange(first, first + samples, dtype=np.int64).astype(np.int16).tobytes())


def played(response: ResponseId, samples: int) -> PlayoutProgress:
    return PlayoutProgress(response, Samples(samples), Evidence.PLAYED)


def stopped(response: ResponseId, samples: int) -> PlayoutStopped:
    return PlayoutStopped(response, Samples(samples), Evidence.PLAYED)


def caller(from_ms: int, to_ms: int, value: int = 1) -> list[Seen]:
    return [(ms, CallerAudio(constant(value, 20))) for ms in range(from_ms + 20, to_ms + 1, 20)]


def agent(response: ResponseId, from_ms: int, to_ms: int) -> list[Seen]:
    """Reports of a response that began to be played at ``from_ms``."""
    return [(ms, played(response, (ms - from_ms) * MS)) for ms in range(from_ms + 20, to_ms + 1, 20)]


def in_order(*parts: Iterable[Seen]) -> list[Seen]:
    return sorted((seen for part in parts for seen in part), key=lambda seen: seen[0])


def record(folder: Path, seen: Iterable[Seen]) -> tuple[Sound, Sound]:
    """Left and right of the recording of these."""
    disk = Disk(interval_s=3600)
    recorder = Recorder(disk, folder, pytest.fail)
    for ms, value in seen:
        recorder.observe(Instant(round(ms * 1000)), value)
    recorder.close()
    disk.stop()
    return read(recorder.path)


def read(path: Path) -> tuple[Sound, Sound]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE_HZ)
        stereo = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
    return stereo[:, 0], stereo[:, 1]


def expected(length_ms: float, *stretches: tuple[float, float, int]) -> Sound:
    sound = np.zeros(round(length_ms * MS), np.int16)
    for from_ms, to_ms, value in stretches:
        sound[round(from_ms * MS) : round(to_ms * MS)] = value
    return sound


def test_caller_left_and_agent_right_at_their_samples(tmp_path: Path) -> None:
    left, right = record(
        tmp_path,
        in_order(
            [(0, CONNECTED), (100, Play(R1, constant(7, 400)))],
            caller(0, 1000),
            agent(R1, 200, 600),
        ),
    )
    assert (left == expected(1000, (0, 1000, 1))).all()
    assert (right == expected(1000, (200, 600, 7))).all()


def test_every_sample_comes_once_and_in_order(tmp_path: Path) -> None:
    frames = [(20 * n + 20, CallerAudio(counting(n * 160, 160))) for n in range(100)]
    left, _ = record(tmp_path, [(0, CONNECTED), *frames])
    assert (left == np.arange(16_000)).all()


def test_jitter_below_the_drift_makes_no_seam(tmp_path: Path) -> None:
    late = [0, 7, 80, 3, 99, 0, 55, 12]
    frames = [
        (20 * n + 20 + late[n % len(late)] * DRIFT_MS / 100, CallerAudio(counting(n * 160, 160))) for n in range(200)
    ]
    left, _ = record(tmp_path, [(0, CONNECTED), *in_order(frames)])
    assert len(left) == 200 * 160
    frame_order = np.sort(left.astype(np.uint16))
    assert (frame_order == np.arange(200 * 160)).all()


def test_a_gap_is_silence_of_its_length(tmp_path: Path) -> None:
    left, _ = record(tmp_path, [(0, CONNECTED), *caller(0, 200), *caller(500, 700)])
    assert (left == expected(700, (0, 200, 1), (500, 700, 1))).all()


def test_sound_that_begins_late_begins_with_silence(tmp_path: Path) -> None:
    left, right = record(tmp_path, [(0, CONNECTED), *caller(3000, 3100)])
    assert (left == expected(3100, (3000, 3100, 1))).all()
    assert not right.any()


@pytest.mark.parametrize("stall_ms", [120, 300, 2_000])
def test_a_stall_moves_nothing(tmp_path: Path, stall_ms: int) -> None:
    """The process stood still; then everything that had waited came at once. The caller had not paused."""
    seen = in_order([(0, CONNECTED), (10, Play(R1, constant(7, 4000)))], caller(0, 5000), agent(R1, 500, 4500))
    stalled = [(1000 + stall_ms if 1000 < ms < 1000 + stall_ms else ms, value) for ms, value in seen]
    left, right = record(tmp_path, stalled)
    assert (left == expected(5000, (0, 5000, 1))).all()
    assert (right == expected(5000, (500, 4500, 7))).all()


def test_many_stalls_do_not_add_up(tmp_path: Path) -> None:
    stalled = [(ms // 1000 * 1000 + 300 if ms % 1000 < 300 else ms, value) for ms, value in caller(0, 19_980)]
    left, _ = record(tmp_path, [(0, CONNECTED), *stalled, *caller(30_000, 30_100, value=2)])
    assert (left == expected(30_100, (0, 19_980, 1), (30_000, 30_100, 2))).all()


def test_only_what_was_played_is_there(tmp_path: Path) -> None:
    left, right = record(
        tmp_path,
        in_order([(0, CONNECTED), (10, Play(R1, counting(1, 8000)))], agent(R1, 200, 400), [(420, stopped(R1, 1700))]),
    )
    assert len(left) == 200 * MS + 1700
    assert (right[200 * MS :] == np.arange(1, 1701)).all()


def test_digits_that_are_private_are_not_recorded(tmp_path: Path) -> None:
    seen = in_order(
        [(0, CONNECTED), (200, ListenForDigits(listens=True, private=True)), (400, ListenForDigits(listens=False))],
        [(600, ListenForDigits(listens=True))],
        caller(0, 800),
    )
    left, _ = record(tmp_path, seen)
    assert (left[: 180 * MS] == 1).all()
    assert not left[200 * MS : 380 * MS].any()
    assert (left[400 * MS :] == 1).all(), "and no sound is out of its place"


def test_what_was_cut_off_never_comes_back(tmp_path: Path) -> None:
    _, right = record(
        tmp_path,
        in_order(
            [(0, CONNECTED), (10, Play(R1, constant(7, 1000)))],
            agent(R1, 200, 300),
            [(310, stopped(R1, 800)), (400, played(R1, 8000)), (500, stopped(R1, 8000))],
        ),
    )
    assert len(right) == 300 * MS


def test_a_response_that_is_made_while_it_plays(tmp_path: Path) -> None:
    _, right = record(
        tmp_path,
        in_order(
            [(0, CONNECTED), *((100 + 50 * n, Play(R1, counting(n * 800, 800))) for n in range(5))],
            agent(R1, 140, 640),
        ),
    )
    assert (right[140 * MS :] == np.arange(4000)).all()


def test_two_responses_back_to_back_and_a_third_after_a_pause(tmp_path: Path) -> None:
    third = ResponseId("r3")
    _, right = record(
        tmp_path,
        [
            (0, CONNECTED),
            *((10, Play(response, constant(value, 90))) for response, value in ((R1, 7), (R2, 8), (third, 9))),
            *agent(R1, 200, 280),
            (300, played(R1, 90 * MS)),  # both in one frame
            (300, played(R2, 10 * MS)),
            (380, played(R2, 90 * MS)),
            (590, played(third, 90 * MS)),
        ],
    )
    assert (right == expected(590, (200, 290, 7), (290, 380, 8), (500, 590, 9))).all()


def test_a_channel_that_reports_seldom(tmp_path: Path) -> None:
    _, right = record(
        tmp_path,
        [(0, CONNECTED), (10, Play(R1, constant(7, 2000))), (1500, played(R1, 8000)), (2500, played(R1, 16_000))],
    )
    assert (right == expected(2500, (500, 2500, 7))).all()


@pytest.mark.parametrize("report", [played(R2, 800), played(R1, 0), played(R1, -5), stopped(R2, 10)])
def test_reports_that_say_nothing_new_place_nothing(tmp_path: Path, report: Event) -> None:
    _, right = record(tmp_path, [(0, CONNECTED), (10, Play(R1, constant(7, 100))), *agent(R1, 200, 240), (500, report)])
    assert (right == expected(240, (200, 240, 7))).all()


def test_more_played_than_was_sent_is_what_was_sent(tmp_path: Path) -> None:
    _, right = record(tmp_path, [(0, CONNECTED), (10, Play(R1, constant(7, 100))), (300, played(R1, 10**9))])
    assert (right == expected(300, (200, 300, 7))).all()


def test_a_long_call_has_its_exact_length_in_bounded_memory(tmp_path: Path) -> None:
    """Ten minutes with an answer every ten seconds; no more than the window is ever held."""
    disk = Disk(interval_s=3600)
    recorder = Recorder(disk, tmp_path, pytest.fail)
    recorder.observe(Instant(0), CONNECTED)
    for second in range(600):
        response = ResponseId(f"r{second // 10}")
        if second % 10 == 0:
            recorder.observe(instant(second * 1000), Play(response, constant(7, 5000)))
        for ms in range(second * 1000 + 100, second * 1000 + 1001, 100):
            recorder.observe(instant(ms), CallerAudio(constant(1, 100)))
            recorder.observe(instant(ms), played(response, (ms - second // 10 * 10_000) * MS))
        assert recorder._tape is not None
        assert len(recorder._tape._mixer._pending) <= WINDOW_S * RATE_HZ
        assert sum(len(pcm) for pcm in recorder._unheard.values()) <= 5000 * MS * 2
        recorder._tape.file.flush()
    recorder.close()
    disk.stop()
    left, right = read(recorder.path)
    assert (left == expected(600_000, (0, 600_000, 1))).all()
    assert (right == expected(600_000, *((at, at + 5000, 7) for at in range(0, 600_000, 10_000)))).all()


def test_nothing_is_begun_before_the_caller_is_connected(tmp_path: Path) -> None:
    disk = Disk(interval_s=3600)
    recorder = Recorder(disk, tmp_path / "call", pytest.fail)
    recorder.observe(instant(0), Play(R1, constant(7, 100)))
    recorder.observe(instant(20), played(R1, 800))
    recorder.observe(instant(20), CallerAudio(constant(1, 20)))
    recorder.observe(instant(30), CallerConnected("odd", 0))
    recorder.close()
    disk.stop()
    assert list(tmp_path.iterdir()) == []


def test_a_second_connection_changes_nothing(tmp_path: Path) -> None:
    left, _ = record(
        tmp_path, [(0, CONNECTED), *caller(0, 100), (100, CallerConnected("b", 48_000)), *caller(100, 200)]
    )
    assert (left == expected(200, (0, 200, 1))).all()


def test_a_caller_who_says_nothing_leaves_a_whole_file(tmp_path: Path) -> None:
    left, right = record(tmp_path, [(0, CONNECTED)])
    assert len(left) == len(right) == 0


def test_no_file_is_touched_by_the_call_itself(tmp_path: Path) -> None:
    """Only the disk's thread, or who closes, may wait for a disk."""
    disk = Disk(interval_s=3600)
    recorder = Recorder(disk, tmp_path / "call", pytest.fail)
    for ms, value in [(0, CONNECTED), *caller(0, 20_000)]:
        recorder.observe(instant(int(ms)), value)
    assert not (tmp_path / "call").exists()
    disk.stop()
    assert (tmp_path / "call" / "audio.wav").stat().st_size > 44 + 14 * RATE_HZ * 4
    recorder.close()


def test_a_disk_that_refuses_is_reported_and_not_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[str] = []
    disk = Disk(interval_s=3600)
    recorder = Recorder(disk, tmp_path, failures.append)
    recorder.observe(instant(0), CONNECTED)
    disk.stop()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("vivavoce.audio.wav._write_all", full)
    for ms, value in caller(0, 20_000):
        recorder.observe(instant(int(ms)), value)
    recorder.close()
    disk.stop()
    assert len(failures) == 1
    assert failures[0].startswith(f"cannot write {recorder.path}: No space left on device (")
    assert failures[0].count("cannot write") == 1
    assert threading.active_count() == 1 or all(t.name != "vivavoce-disk" for t in threading.enumerate())


def test_a_disk_that_has_room_again_misses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[str] = []
    disk = Disk(interval_s=3600)
    recorder = Recorder(disk, tmp_path, failures.append)
    recorder.observe(instant(0), CONNECTED)
    disk.stop()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("vivavoce.audio.wav._write_all", full)
        for ms, value in caller(0, 10_000):
            recorder.observe(instant(int(ms)), value)
        disk.stop()
    for ms, value in caller(10_000, 20_000, value=2):
        recorder.observe(instant(int(ms)), value)
    recorder.close()
    assert len(failures) == 1
    left, _ = read(recorder.path)
    assert (left == expected(20_000, (0, 10_000, 1), (10_000, 20_000, 2))).all()


def test_a_folder_that_cannot_be_written_is_reported_too(tmp_path: Path) -> None:
    failures: list[str] = []
    (tmp_path / "call").write_text("a file in the place of the folder")
    disk = Disk(interval_s=3600)
    recorder = Recorder(disk, tmp_path / "call", failures.append)
    recorder.observe(instant(0), CONNECTED)
    recorder.observe(instant(20), CallerAudio(constant(1, 20)))
    recorder.close()
    disk.stop()
    assert len(failures) == 1
    assert "call/audio.wav" in failures[0]
