"""How exactly the latency of a call is read from its recording.

    python benchmarks/audio_latency.py [--quick]

Calls are built to the sample: the recorded callers of ``spoken_requests/`` (six synthetic voices; the held-out half, as
the limits were set on the other; with ``--quick`` every second of these) at -20 dBFS, and an agent whose replies begin
after a pause of 0.3 to 2 s that is known. The end of speech is that of the last 5 ms of the clean speech louder than
-50 dBFS, before any coding or noise. The timeline is made up around it: the model's end of speech is off by 80 ms
(standard deviation), reports of playout by up to 100 ms.

- error: measured latency minus the true one, ms: ``median``, ``p95`` and ``max`` without its sign. ``refused``: the
  share for which the instrument says that it cannot tell. ``n``: turns.
- clicks: one 80 to 250 ms after each end of speech. soft: the last 150 ms of speech 12 dB softer. cough: one 0.4 to
  0.8 s after the end.
- events: the same calls by an end of speech that a level gate tells (-40 dBFS, as the scripted model hears) and the
  first audio sent, which here is sounded after 80 ms of silence: what that basis adds.
- ``ms_a_minute``: what measuring takes for each minute of a call at 24 kHz, read from its file, best of three.
- ``first_sound_us``: what looking for the first sound of a response takes, at 24 kHz in chunks of 100 ms with 200 ms of
  silence before it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _common import best_us, finish
from numpy.typing import NDArray

from vivavoce.audio.arrays import FULL_SCALE, to_array, to_pcm
from vivavoce.audio.files import read_audio, write_wav
from vivavoce.audio.g711 import ulaw_decode, ulaw_encode
from vivavoce.audio.level import active_rms_dbfs, pink_noise
from vivavoce.audio.pcm import silence
from vivavoce.audio.resample import resample
from vivavoce.engine.audible import FirstSound
from vivavoce.events import AgentAudio, Audio, ConnectionId, ResponseId, ResponseStarted
from vivavoce.ledger.record import CallRecord, TurnKind, TurnRecord
from vivavoce.ledger.sound import measure, measured
from vivavoce.rehearsal.spans import sounding
from vivavoce.rehearsal.voices import cough

REQUESTS = Path(__file__).parent / "spoken_requests"
WIDE_HZ = 16_000
SPEECH_DBFS = -20.0
PADDING_MS = 80
TURNS_A_CALL = 8
BUDGET = {"clean_p95_ms": 40, "g711_p95_ms": 40}
Samples = NDArray[Any]


class Condition(NamedTuple):
    """What is done to the caller's side."""

    name: str
    g711: bool = False
    snr_db: float | None = None
    spoilt: str = ""


CONDITIONS = (
    Condition("clean"),
    Condition("g711", g711=True),
    Condition("clicks", spoilt="clicks"),
    Condition("soft", spoilt="soft"),
    Condition("soft_g711", g711=True, spoilt="soft"),
    Condition("cough", spoilt="cough"),
    *(Condition(f"pink{db}", snr_db=db) for db in (40, 30, 25, 20, 10)),
    *(Condition(f"pink{db}_g711", g711=True, snr_db=db) for db in (40, 30, 20, 10)),
)


class Said(NamedTuple):
    """At 16 kHz, and where in it the speech ends."""

    wave: Samples
    end: int


class Built(NamedTuple):
    """A call whose latencies are known."""

    record: CallRecord
    caller: NDArray[np.int16]
    agent: NDArray[np.int16]
    true_ms: list[float]
    gate_ms: list[float]
    """How much later than it was the end of speech is for a gate at -40 dBFS."""


def recorded(quick: bool) -> list[Said]:
    rows = json.loads((REQUESTS / "requests.json").read_text())["requests"]
    said: list[Said] = []
    rows = [row for row in rows if row["split"] == "held_out"]
    for row in rows[:: 2 if quick else 1]:
        sound = read_audio(REQUESTS / "audio" / f"{row['id']}.flac")
        pcm = resample(sound.pcm, sound.rate_hz, WIDE_HZ)
        wave = to_array(pcm) * 10 ** ((SPEECH_DBFS - active_rms_dbfs(pcm)) / 20)
        said.append(Said(wave, ends(wave, -50.0)))
    return said


def ends(wave: Samples, dbfs: float) -> int:
    return sounding(to_pcm(wave), WIDE_HZ, dbfs)[-1].end_us * WIDE_HZ // 1_000_000


def spoil(said: Said, how: str, random: np.random.Generator) -> Said:
    wave = np.concatenate((said.wave[: said.end + WIDE_HZ // 10], np.zeros(WIDE_HZ)))
    if how == "soft":
        wave[said.end - 150 * WIDE_HZ // 1000 :] *= 10 ** (-12 / 20)
        return Said(wave, ends(wave, -50.0))
    if how == "clicks":
        at = said.end + int(random.uniform(0.08, 0.25) * WIDE_HZ)
        wave[at : at + 8] = 9000
    elif how == "cough":
        sound = to_array(cough(int(random.integers(1000))).pcm)
        at = said.end + int(random.uniform(0.4, 0.8) * WIDE_HZ)
        wave = np.concatenate((wave, np.zeros(WIDE_HZ)))
        wave[at : at + len(sound)] += sound
    return Said(wave, said.end)


def build(said: list[Said], condition: Condition, seed: int) -> Built:
    random = np.random.default_rng(seed)
    at, caller, agent = WIDE_HZ, [np.zeros(WIDE_HZ)], [np.zeros(WIDE_HZ)]
    turns: list[TurnRecord] = []
    true_ms: list[float] = []
    gate_ms: list[float] = []
    for number, clean in enumerate(said, 1):
        one = spoil(clean, condition.spoilt, random) if condition.spoilt else clean
        gap = int(random.uniform(1.6 if condition.spoilt == "cough" else 0.3, 2.0) * WIDE_HZ)
        at_s = (np.arange(random.integers(WIDE_HZ, 2 * WIDE_HZ)) + 0.5) / WIDE_HZ
        reply = 0.1 * FULL_SCALE * np.sin(2 * np.pi * 220 * at_s)
        onset = one.end + gap
        length = max(onset + len(reply), len(one.wave)) + int(random.uniform(0.5, 1.5) * WIDE_HZ)
        caller.append(np.concatenate((one.wave, np.zeros(length - len(one.wave)))))
        agent.append(np.concatenate((np.zeros(onset), reply, np.zeros(length - onset - len(reply)))))
        turns.append(told(number, at, at + one.end, at + onset, random))
        true_ms.append(gap * 1000 / WIDE_HZ)
        gate_ms.append((ends(one.wave, -40.0) - one.end) * 1000 / WIDE_HZ)
        at += length
    voice = np.concatenate(caller)
    if condition.snr_db is not None:
        voice = voice + to_array(pink_noise(len(voice), SPEECH_DBFS - condition.snr_db, seed))
    rate_hz = 8000 if condition.g711 else WIDE_HZ
    sides = [resample(to_pcm(side), WIDE_HZ, rate_hz) for side in (voice, np.concatenate(agent))]
    sides = [ulaw_decode(ulaw_encode(side)) for side in sides] if condition.g711 else sides
    record = CallRecord(call="built", opened="", agent="built", rate_hz=rate_hz, turns=tuple(turns))
    return Built(record, to_array(sides[0]), to_array(sides[1]), true_ms, gate_ms)


def told(number: int, begin: int, end: int, onset: int, random: np.random.Generator) -> TurnRecord:
    """What the timeline says of it."""
    begin_us, end_us, onset_us = (position * 1_000_000 // WIDE_HZ for position in (begin, end, onset))
    return TurnRecord(
        number=number,
        kind=TurnKind.CLEAN,
        began_us=begin_us + 350_000,
        speech_ended_us=end_us + int(random.normal(0, 80_000)),
        first_sent_us=onset_us - PADDING_MS * 1000,
        first_played_us=onset_us - PADDING_MS * 1000 + int(random.uniform(0, 100_000)),
        silence_us=PADDING_MS * 1000,
    )


def figures(errors: list[float], asked: int) -> dict[str, float | None]:
    size = np.abs(errors) if errors else None
    return {
        "median_ms": None if size is None else round(float(np.median(errors)), 1),
        "p95_ms": None if size is None else round(float(np.percentile(size, 95)), 1),
        "max_ms": None if size is None else round(float(size.max()), 1),
        "refused": round(1 - len(errors) / asked, 3),
        "n": asked,
    }


def read(said: list[Said], condition: Condition) -> tuple[dict[str, Any], dict[str, Any]]:
    """By the sound, and by events."""
    errors: list[float] = []
    by_events: list[float] = []
    for begin in range(0, len(said), TURNS_A_CALL):
        built = build(said[begin : begin + TURNS_A_CALL], condition, begin)
        after = measure(built.record, built.caller, built.agent)
        for turn, true_ms in zip(after.turns, built.true_ms, strict=True):
            if turn.audio_ms is not None:
                errors.append(turn.audio_ms - true_ms)
        by_events.extend(-PADDING_MS - late for late in built.gate_ms)
    return figures(errors, len(said)), figures(by_events, len(said))


def cost(said: list[Said]) -> tuple[float, float]:
    """Milliseconds a minute, and those without reading the file."""
    built = build((said * 8)[:30], Condition("clean"), 1)
    tracks = [to_array(resample(side.tobytes(), WIDE_HZ, 24_000)) for side in (built.caller, built.agent)]
    record = CallRecord(call="built", opened="", agent="built", rate_hz=24_000, turns=built.record.turns)
    minutes = len(tracks[0]) / 24_000 / 60
    with tempfile.TemporaryDirectory(prefix="vivavoce-") as folder:
        path = Path(folder) / "audio.wav"
        write_wav(path, np.column_stack(tracks).tobytes(), 24_000, channels=2)
        whole_us = best_us(lambda: measured(record, path), repeat=3, number=1)
    alone_us = best_us(lambda: measure(record, *tracks), repeat=3, number=1)
    return round(whole_us / 1000 / minutes, 2), round(alone_us / 1000 / minutes, 2)


def first_sound_us() -> float:
    quiet, voice = Audio(silence(2400)), Audio(to_pcm(np.full(2400, 3000)))
    connection, response = ConnectionId(1), ResponseId("r")

    def a_response() -> None:
        looking = FirstSound(24_000)
        looking.seen(ResponseStarted(connection, response))
        for audio in (quiet, quiet, *[voice] * 18):
            looking.seen(AgentAudio(connection, response, audio))

    return round(best_us(a_response, repeat=5, number=200), 1)


def table(name: str, row: dict[str, Any]) -> str:
    cells = [f"{row[key]:>9}" if row[key] is not None else "        -" for key in row]
    return f"{name:<14}" + "".join(cells)


def main() -> int:
    parser = argparse.ArgumentParser(description="How exactly latency is read from a call's recording.")
    parser.add_argument("--quick", action="store_true", help="every second recording")
    said = recorded(parser.parse_args().quick)
    print(f"{'condition':<14}" + "".join(f"{name:>9}" for name in ("median", "p95", "max", "refused", "n")))
    rows: dict[str, dict[str, Any]] = {}
    for condition in CONDITIONS:
        rows[condition.name], events = read(said, condition)
        print(table(condition.name, rows[condition.name]))
        if condition.name == "clean":
            rows["events"] = events
    print(table("events, clean", rows["events"]))
    whole, alone = cost(said)
    looking = first_sound_us()
    print(f"measuring a minute at 24 kHz: {whole} ms from its file, {alone} ms without reading it")
    print(f"the first sound of a response: {looking} us")
    holds = all(rows[name]["p95_ms"] <= BUDGET[f"{name}_p95_ms"] for name in ("clean", "g711"))
    measured_now = {**rows, "ms_a_minute": whole, "first_sound_us": looking}
    finish("audio_latency", measured_now, BUDGET, holds)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
