"""What one event costs: the core's step, the timeline's line, the audio conversions; and what importing costs.

python benchmarks/core.py [--quick]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from _common import best_us, finish

from vivavoce.audio.g711 import ulaw_decode, ulaw_encode
from vivavoce.audio.resample import StreamResampler
from vivavoce.core.session import Session
from vivavoce.events import (
    AgentAudio,
    Audio,
    CallerAudio,
    CallerConnected,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallPlan,
    CallStarted,
    ConnectionId,
    Event,
    Evidence,
    Instant,
    ModelReady,
    PlayoutProgress,
    PlayoutStopped,
    ResponseFinished,
    ResponseId,
    ResponseStarted,
    Samples,
)
from vivavoce.timeline.disk import Disk
from vivavoce.timeline.read import read_timeline
from vivavoce.timeline.replay import replay
from vivavoce.timeline.schema import VERSION, Header
from vivavoce.timeline.write import TimelineWriter

BUDGET = {"core_step_us": 10.0, "import_vivavoce_s": 0.3, "help_s": 0.6}
RATE_HZ = 16_000
CONNECTION = ConnectionId(1)
FRAME = Audio(bytes(640))


def conversation(turns: int) -> list[Event]:
    """A call of so many turns, each with a second of the caller, three of the agent, and a barge-in in every third."""
    events: list[Event] = [
        CallStarted(CallPlan(agent="benchmark", models=("none",), call_limit_us=10**15, silence_limit_us=10**15)),
        CallerConnected("memory", RATE_HZ),
        ModelReady(CONNECTION),
    ]
    heard = 0
    for turn in range(turns):
        response = ResponseId(f"r{turn}")
        events.append(CallerSpeechStarted(CONNECTION, Samples(heard)))
        events += [CallerAudio(FRAME)] * 50
        heard += 50 * FRAME.samples
        events += [CallerSpeechStopped(CONNECTION, Samples(heard)), ResponseStarted(CONNECTION, response)]
        for frame in range(150):
            events += [AgentAudio(CONNECTION, response, FRAME), CallerAudio(FRAME)]
            heard += FRAME.samples
            if frame % 5 == 0:
                events.append(PlayoutProgress(response, Samples(frame * FRAME.samples), Evidence.PACED))
        if turn % 3 == 0:
            events.append(CallerSpeechStarted(CONNECTION, Samples(heard)))
            events.append(PlayoutStopped(response, Samples(100 * FRAME.samples), Evidence.PACED))
            events.append(CallerSpeechStopped(CONNECTION, Samples(heard)))
        else:
            events.append(ResponseFinished(CONNECTION, response))
            events.append(PlayoutProgress(response, Samples(150 * FRAME.samples), Evidence.PACED))
    return events


def core_step_us(turns: int, repeat: int) -> float:
    """The mean over a whole conversation, timers and all, of the best run."""
    events = conversation(turns)
    means = []
    for _ in range(repeat):
        session = Session()
        started = time.perf_counter()
        for at, event in enumerate(events):
            session.receive(event, Instant(at * 10_000))
            _ = session.deadline
        means.append((time.perf_counter() - started) / len(events) * 1e6)
    return min(means)


def timeline_figures(turns: int) -> dict[str, float]:
    """Appending a conversation to a timeline on disk, reading it back, and replaying it."""
    events = conversation(turns)
    with tempfile.TemporaryDirectory() as folder:
        disk = Disk()
        header = Header(vivavoce_timeline=VERSION, call="c", opened="", agent="benchmark", vivavoce="")
        writer = TimelineWriter(disk, Path(folder), header, sys.exit)
        session = Session()
        lines, spent = 0, 0.0
        for at, event in enumerate(events):
            now = Instant(at * 10_000)
            values = (event, *session.receive(event, now))
            started = time.perf_counter()
            for value in values:
                writer.write(now, value)
            spent += time.perf_counter() - started
            lines += len(values)
        writer.close()
        disk.stop()
        started = time.perf_counter()
        timeline = read_timeline(Path(folder))
        read_s = time.perf_counter() - started
        started = time.perf_counter()
        if not replay(timeline).identical:
            sys.exit("the replay of the benchmark's own call differs")
        replay_s = time.perf_counter() - started
        size = (Path(folder) / "timeline.jsonl").stat().st_size
    talk_minutes = turns * 4 / 60
    return {
        "timeline_append_us": spent / lines * 1e6,
        "timeline_kib_per_minute": size / 1024 / talk_minutes,
        "timeline_read_s_per_hour": read_s / talk_minutes * 60,
        "replay_s_per_hour": replay_s / talk_minutes * 60,
    }


def audio_figures(repeat: int, number: int) -> dict[str, float]:
    """Microseconds for 20 ms of audio."""
    frame_8k, frame_16k, frame_24k = bytes(320), bytes(640), bytes(960)
    coded = ulaw_encode(frame_8k)
    up, down, same = StreamResampler(8000, 16_000), StreamResampler(24_000, 16_000), StreamResampler(16_000, 16_000)
    actions: dict[str, Callable[[], object]] = {
        "ulaw_encode_us": lambda: ulaw_encode(frame_8k),
        "ulaw_decode_us": lambda: ulaw_decode(coded),
        "resample_8_to_16_us": lambda: up.push(frame_8k),
        "resample_24_to_16_us": lambda: down.push(frame_24k),
        "resample_none_us": lambda: same.push(frame_16k),
    }
    return {name: best_us(action, repeat=repeat, number=number) for name, action in actions.items()}


def start_s(arguments: list[str], repeat: int) -> float:
    """The median time of a fresh interpreter with ``arguments``, less that of one that does nothing."""

    def once(command: list[str]) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started

    once(arguments)  # from a warm file cache, as any second start is
    bare = statistics.median(once(["-c", "pass"]) for _ in range(repeat))
    return max(0.0, statistics.median(once(arguments) for _ in range(repeat)) - bare)


def main() -> None:
    quick = "--quick" in sys.argv
    repeat = 3 if quick else 10
    measured: dict[str, float] = {"core_step_us": core_step_us(turns=30, repeat=repeat)}
    measured |= timeline_figures(turns=60 if quick else 900)
    measured |= audio_figures(repeat=repeat, number=300 if quick else 3000)
    measured["import_vivavoce_s"] = start_s(["-c", "import vivavoce"], repeat)
    measured["help_s"] = start_s(["-m", "vivavoce", "--help"], repeat)
    rounded = {name: round(value, 3) for name, value in measured.items()}
    for name, value in rounded.items():
        print(f"{name:28} {value:10}", f"(budget {BUDGET[name]})" if name in BUDGET else "")
    finish("core", rounded, BUDGET, all(rounded[name] <= limit for name, limit in BUDGET.items()))


if __name__ == "__main__":
    main()
