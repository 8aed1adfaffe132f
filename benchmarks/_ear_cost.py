"""What the ear costs against a server's call: CPU time for a second of a call, with nothing else in it."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from _realtime_stage import Calls, serving

from vivavoce.audio.level import pink_noise
from vivavoce.audio.pcm import silence
from vivavoce.events import ResponseId, Samples
from vivavoce.rehearsal.standing import QUESTIONS
from vivavoce.rehearsal.voices import RATE_HZ, spoken
from vivavoce.voice.ear import make_ear

FRAME = RATE_HZ // 50
REPLY = ResponseId("reply")
SERVER_CALLS, SERVER_S = 25, 3.0


def talk(of_time: float) -> bytes:
    """A caller who talks for that share of the time, on a line with a soft hiss."""
    said = b""
    for text in QUESTIONS:
        pcm = spoken(text, "rms").pcm
        said += pcm + silence(int(len(pcm) / 2 * (1 / of_time - 1)))
    return said


def ear_ms(of_time: float, *, audible: bool, repeat: int = 5) -> float:
    """CPU milliseconds for each second of a call; the best of some runs."""
    pcm = talk(of_time)
    frames: Sequence[bytes] = [pcm[at : at + 2 * FRAME] for at in range(0, len(pcm) - 2 * FRAME, 2 * FRAME)]
    agent = pink_noise(FRAME, -25.0, seed=1)
    best_s = float("inf")
    for _ in range(repeat):
        ear = make_ear(RATE_HZ)
        began_s = time.process_time()
        for number, frame in enumerate(frames, start=1):
            if audible:
                ear.queue(REPLY, agent)
                ear.played(REPLY, Samples(number * FRAME))
            ear.hear(frame, agent_audible=audible)
        best_s = min(best_s, time.process_time() - began_s)
    return best_s * 1000 / (len(frames) / 50)


def server_ms() -> float:
    """CPU milliseconds of a server without an ear, for each second of a call: as ``density.py`` measures it."""
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as (nova, server):
        load = Calls(nova, server, Path(name), SERVER_CALLS, SERVER_S)
        load.begin()
        return load.finish().cpu_percent * 10 / SERVER_CALLS


def main() -> None:
    """``usual``: the caller talks for a third of the time, half of it while the agent does; ``worst``: both talk all
    the time.
    """
    usual = (ear_ms(0.33, audible=True) + ear_ms(0.33, audible=False)) / 2
    costs = {"server_ms": server_ms(), "ear_usual_ms": usual, "ear_worst_ms": ear_ms(0.99, audible=True)}
    print(json.dumps({name: round(ms, 2) for name, ms in costs.items()}))


if __name__ == "__main__":
    main()
