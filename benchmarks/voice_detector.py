"""Which voice detector a server can afford, and what the ear makes of voices into the agent's speech.

    python benchmarks/voice_detector.py [--quick] [--rate 8000]

Heard are synthetic voices (flite, and espeak-ng where it is installed), clean, in pink noise and among eight others: so
all figures are of simulated callers. Thresholds were set on the voices slt and kal16; kinds are reported for others.

- ``cpu_ms_per_s``: CPU time for each second of a line, asleep and while somebody talks.
- ``f1``: over frames of 20 ms, whether speech sounds. ``onset``: from the first sample that sounds to when it is
  told; 9999 is never.
- ``kinds``: the share that leaves the turn with the agent (the more of backchannels the better, the less of
  interruptions), if whoever asks the ear waits for 400 or 600 ms. ``kept``: at first. ``never_cut``: also later.
- ``echo``: starts that were taken for the caller in a minute of the agent's own voice, and how late a caller in it is.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from _common import finish
from _voice_lines import (
    BACKCHANNELS,
    ESPEAK,
    HELD_OUT,
    INTERRUPTIONS,
    RATE_HZ,
    SINGLE_WORDS,
    TUNED_ON,
    Line,
    Noise,
    clip,
    has_espeak,
    line,
    returned,
    wave,
)

from vivavoce.audio.arrays import to_pcm
from vivavoce.audio.level import add_noise, pink_noise
from vivavoce.audio.level_gate import LevelGate
from vivavoce.audio.resample import StreamResampler, resample
from vivavoce.events import EarEvent, ResponseId, VoiceJudged, VoiceKind, VoiceStarted, VoiceStopped
from vivavoce.voice.detector import CHUNK_BYTES, open_silero
from vivavoce.voice.ear import make_ear, why_not_here
from vivavoce.voice.recogniser import Kind, why_not_digits
from vivavoce.voice.recogniser_worker import Decoders

FRAME_MS = 20
NEVER = 9_999.0
NOISES: tuple[Noise, ...] = ("clean", "pink20", "pink10", "babble15")
BUDGET = {
    "asleep_cpu_ms_per_s": 2.0,
    "f1_pink10": 0.85,
    "onset_p95_ms_clean": 130,
    "backchannels_kept": 0.5,
    "echo_starts_a_minute": 2,
}


class Told(NamedTuple):
    """A voice: when it was told of, and where it is said to begin and end; milliseconds."""

    at: float
    begin: float
    end: float
    end_at: float


Detector = Callable[[Line, int], list[Told]]


def pieces(pcm: bytes, rate_hz: int, piece_ms: int = FRAME_MS) -> Iterator[tuple[float, bytes]]:
    """Each with the milliseconds that were heard by its end."""
    size = rate_hz * piece_ms // 1000 * 2
    for at in range(0, len(pcm) - size + 1, size):
        yield (at + size) / 2 / rate_hz * 1000, pcm[at : at + size]


def smoothed(frames: Sequence[tuple[float, bool]], step_ms: float, on: int, off: int) -> list[Told]:
    """Voices out of a detector's frames: ``on`` in a row start one, ``off`` end it."""
    told: list[Told] = []
    run, at, begin, last = 0, -1.0, 0.0, 0.0
    for now, speech in frames:
        run = run + 1 if speech else 0
        last = now if speech and (at >= 0 or run >= on) else last
        if at < 0 and run >= on:
            at, begin = now, now - on * step_ms
        elif at >= 0 and now - last >= off * step_ms:
            told.append(Told(at, begin, last, now))
            at = -1.0
    return told if at < 0 else [*told, Told(at, begin, last, frames[-1][0])]


def level_gate(heard: Line, rate_hz: int) -> list[Told]:
    gate, told, begun = LevelGate(rate_hz), [], None
    for now, pcm in pieces(heard.pcm, rate_hz):
        for edge in gate.hear(pcm):
            where = edge.at * 1000 / rate_hz
            if edge.starts:
                begun = now, where
            elif begun is not None:
                told.append(Told(*begun, where, now))
    return told


def silero(heard: Line, rate_hz: int) -> list[Told]:
    detector, resampler, held = open_silero(), StreamResampler(rate_hz, RATE_HZ), b""
    frames: list[tuple[float, bool]] = []
    for now, pcm in pieces(heard.pcm, rate_hz):
        held += resampler.push(pcm)
        while len(held) >= CHUNK_BYTES:
            frames.append((now, detector.infer(held[:CHUNK_BYTES]) >= 0.5))
            held = held[CHUNK_BYTES:]
    return smoothed(frames, 32, 1, 4)


def webrtc(heard: Line, rate_hz: int) -> list[Told]:
    from pocketsphinx import Vad

    vad = Vad(2, rate_hz, 0.02)
    size = vad.frame_bytes
    frames = [
        ((at + size) / 2 / rate_hz * 1000, bool(vad.is_speech(heard.pcm[at : at + size])))
        for at in range(0, len(heard.pcm) - size + 1, size)
    ]
    return smoothed(frames, 20, 3, 6)


def ear(heard: Line, rate_hz: int, *, agent_audible: bool = True) -> list[Told]:
    listening, told, begun = make_ear(rate_hz), [], None
    for now, pcm in pieces(heard.pcm, rate_hz):
        for fact in listening.hear(pcm, agent_audible=agent_audible):
            if isinstance(fact, VoiceStarted):
                begun = now, fact.at * 1000 / rate_hz
            elif isinstance(fact, VoiceStopped) and begun is not None:
                told.append(Told(*begun, fact.at * 1000 / rate_hz, now))
    return told


DETECTORS: dict[str, Detector] = {"level_gate": level_gate, "webrtc": webrtc, "silero": silero, "ear": ear}


def accuracy(detector: Detector, lines: Sequence[Line], rate_hz: int) -> dict[str, float]:
    right = told_frames = true_frames = early = 0
    onsets: list[float] = []
    ends: list[float] = []
    for heard in lines:
        told = detector(heard, rate_hz)
        grid = np.arange(0, len(heard.pcm) / 2 / rate_hz * 1000, FRAME_MS) + FRAME_MS / 2
        truth = (grid >= heard.begin_ms) & (grid <= heard.end_ms)
        said = np.any([(grid >= one.begin) & (grid <= one.end) for one in told], axis=0) if told else truth & False
        right += int((truth & said).sum())
        told_frames += int(said.sum())
        true_frames += int(truth.sum())
        early += sum(one.at < heard.begin_ms for one in told)
        onsets.append(next((one.at - heard.begin_ms for one in told if one.at >= heard.begin_ms), NEVER))
        ends.extend(one.end_at - heard.end_ms for one in told[-1:])
    return {
        "f1": round(2 * right / max(1, told_frames + true_frames), 3),
        "onset_p50_ms": round(float(np.percentile(onsets, 50))),
        "onset_p95_ms": round(float(np.percentile(onsets, 95, method="lower"))),
        "end_p50_ms": round(float(np.percentile(ends, 50))) if ends else -1,
        "false_starts": early,
    }


def cpu_ms_per_s(action: Callable[[], object], seconds: float) -> float:
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        action()
        best = min(best, time.process_time() - started)
    return round(best * 1000 / seconds, 2)


def ear_agent_silent(heard: Line, rate_hz: int) -> list[Told]:
    return ear(heard, rate_hz, agent_audible=False)


def costs(rate_hz: int, talk: Line) -> dict[str, dict[str, float]]:
    quiet = Line(pink_noise(10 * rate_hz, -60.0, 5), 0, 0)
    return {
        name: {
            "asleep": cpu_ms_per_s(lambda detector=detector: detector(quiet, rate_hz), 10),  # type: ignore[misc]
            "talk": cpu_ms_per_s(lambda detector=detector: detector(talk, rate_hz), len(talk.pcm) / 2 / rate_hz),  # type: ignore[misc]
        }
        for name, detector in {**DETECTORS, "ear_agent_silent": ear_agent_silent}.items()
    }


DECIDE_MS = (400, 600)


def said_of(heard: Line, rate_hz: int) -> list[tuple[float, EarEvent]]:
    """What the ear says of a voice into the agent's speech; milliseconds from when it first told of it."""
    listening = make_ear(rate_hz)
    facts: list[tuple[float, EarEvent]] = []
    for now, pcm in pieces(heard.pcm, rate_hz):
        facts.extend((now, fact) for fact in listening.hear(pcm, agent_audible=True))
    begun = next((now for now, fact in facts if isinstance(fact, VoiceStarted)), 0.0)
    return [(now - begun, fact) for now, fact in facts if now >= begun]


def keeps(facts: list[tuple[float, EarEvent]], decide_ms: int) -> tuple[bool, bool]:
    """Whether the agent goes on within ``decide_ms``, and whether it is not cut after that, either."""
    kept = False
    for after_ms, fact in facts:
        if after_ms >= decide_ms and not kept:
            return False, False
        if isinstance(fact, VoiceJudged) and fact.certain:
            return kept, False
        kept = kept or isinstance(fact, VoiceStopped) or fact == VoiceJudged(VoiceKind.BACKCHANNEL)
    return kept, kept


def kinds(voices: Sequence[str], texts: Sequence[str], rate_hz: int) -> dict[str, float]:
    lines = [line(text, voice, "clean", rate_hz, n) for n, text in enumerate(texts) for voice in voices]
    facts = [said_of(heard, rate_hz) for heard in lines]
    shares: dict[str, float] = {"n": len(lines)}
    for decide_ms in DECIDE_MS:
        answers = np.array([keeps(one, decide_ms) for one in facts])
        shares[f"kept_{decide_ms}"], shares[f"never_cut_{decide_ms}"] = (
            round(float(x), 2) for x in answers.mean(axis=0)
        )
    return shares


AGENT = (
    "Good morning and thank you for calling Riverside Motors. This call may be recorded. How can I help you today?",
    "We have three appointments left on Tuesday: at nine, at half past eleven and a quarter to four. Which suits you?",
    "Your car will be ready on Thursday afternoon, and the price is two hundred and forty pounds including tax.",
)
_CALLER_AT_MS = 4_000


def echo(softer_db: float, late_ms: int, rate_hz: int, voice: str) -> tuple[float, float]:
    """Starts taken for the caller in a minute of echo alone; how late the caller in it is told."""
    said = clip(" ".join(AGENT), "slt")
    caller = np.concatenate((np.zeros(_CALLER_AT_MS * 16), wave(clip(INTERRUPTIONS[0], voice))))
    back = returned(said, softer_db, late_ms, seed=late_ms)
    alone = callers(back, said, rate_hz)
    both = back.copy()
    both[: len(caller)] += caller
    late = [at - _CALLER_AT_MS for at in callers(both, said, rate_hz) if at >= _CALLER_AT_MS]
    return len(alone) * 60_000 / (len(said) / 32), late[0] if late else NEVER


def callers(sound: Any, said: bytes, rate_hz: int) -> list[float]:
    noisy = to_pcm(sound + wave(pink_noise(len(sound), -65.0, 3)))
    heard, agent = resample(noisy, RATE_HZ, rate_hz), resample(said, RATE_HZ, rate_hz)
    listening, response = make_ear(rate_hz), ResponseId("agent")
    listening.queue(response, agent)
    told: list[float] = []
    for now, pcm in pieces(heard, rate_hz):
        if now % 200 == 0:
            listening.played(response, min(round(now * rate_hz / 1000), len(agent) // 2))
        facts = listening.hear(pcm, agent_audible=now * rate_hz / 500 < len(agent))
        kinds_told = (fact.kind for fact in facts if isinstance(fact, VoiceStarted | VoiceJudged))
        told.extend(now for kind in kinds_told if kind is VoiceKind.CALLER)
    return told


WORDS = "zero one two three four five six seven eight nine".split()
STRINGS = ("4172", "903558", "2861")


def digits(voices: Sequence[str], rate_hz: int) -> dict[str, float]:
    """The share of strings that are written down without a mistake, with pink noise so many dB below."""
    decoders = Decoders()
    right: dict[str, float] = {}
    spelled = {string: ", ".join(WORDS[int(digit)] for digit in string) for string in STRINGS}
    said = [(string, clip(spelled[string], voice)) for string in STRINGS for voice in voices]
    for snr_db in (30.0, 15.0):
        answers = []
        for string, pcm in said:
            noisy = add_noise(bytes(6_400) + pcm + bytes(6_400), snr_db, seed=1, colour="pink")
            line_pcm = resample(resample(noisy, RATE_HZ, rate_hz), rate_hz, RATE_HZ)
            answers.append(decoders.answer(Kind.DIGITS, line_pcm, b"") == string)
        right[f"at_{snr_db:.0f}_dB"] = round(sum(answers) / len(answers), 2)
    return {**right, "n": len(said)}


ORDERS = ("Stop.", "Wait.", "No.", "Hold on.", "Hang on.", "No, wait.")


def words(voices: Sequence[str], rate_hz: int) -> dict[str, dict[str, str]]:
    """How many orders to stop and how many backchannels are told for what they are, by the word."""
    decoders = Decoders()

    def told(text: str, voice: str, snr_db: float | None, seed: int) -> bool:
        pcm = bytes(9_600) + clip(text, voice)
        noisy = pcm if snr_db is None else add_noise(pcm, snr_db, seed=seed, colour="pink")
        heard = resample(resample(noisy, RATE_HZ, rate_hz), rate_hz, RATE_HZ)
        return bool(decoders.answer(Kind.WORDS, heard[9_600:], heard[:9_600]))

    figures: dict[str, dict[str, str]] = {}
    for name, snr_db in (("clean", None), ("20_dB", 20.0), ("10_dB", 10.0)):
        orders = [told(text, voice, snr_db, n) for n, text in enumerate(ORDERS) for voice in voices]
        others = [told(text, voice, snr_db, n) for n, text in enumerate(BACKCHANNELS) for voice in voices]
        figures[name] = {
            "orders": f"{sum(orders)} of {len(orders)}",
            "backchannels": f"{len(others) - sum(others)} of {len(others)}",
        }
    return figures


def measure(rate_hz: int, quick: bool) -> dict[str, Any]:
    espeak = ESPEAK if has_espeak() else ()
    heard_voices = (*HELD_OUT, *espeak[:1]) if quick else (*TUNED_ON, *HELD_OUT, *espeak)
    texts = INTERRUPTIONS[:4] if quick else INTERRUPTIONS
    measured: dict[str, Any] = {"rate_hz": rate_hz, "voices": heard_voices}
    lines = {
        noise: [line(text, voice, noise, rate_hz, n) for n, text in enumerate(texts) for voice in heard_voices]
        for noise in NOISES
    }
    measured["cpu_ms_per_s"] = costs(rate_hz, lines["clean"][0])
    measured["detection"] = {
        name: {noise: accuracy(detector, lines[noise], rate_hz) for noise in NOISES}
        for name, detector in DETECTORS.items()
    }
    held_out = HELD_OUT if quick else (*HELD_OUT, *espeak)
    measured["kinds"] = {
        name: kinds(held_out, said, rate_hz)
        for name, said in (
            ("backchannels", BACKCHANNELS),
            ("interruptions", texts),
            ("single_words", SINGLE_WORDS),
        )
    }
    conditions = [(15, 200)] if quick else [(db, ms) for db in (10, 20, 30) for ms in (0, 120, 350, 600)]
    if not why_not_digits():
        measured["words"] = words((*TUNED_ON, *HELD_OUT), rate_hz)
    if not quick and not why_not_digits():
        measured["digits"] = {"strings": digits((*TUNED_ON, *HELD_OUT), rate_hz)}
    measured["echo"] = {}
    for softer_db, late_ms in conditions:
        starts, late = echo(softer_db, late_ms, rate_hz, HELD_OUT[0])
        row = {"starts_a_minute": round(starts, 1), "caller_late_ms": round(late)}
        measured["echo"][f"-{softer_db}dB_{late_ms}ms"] = row
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rate", type=int, default=8_000, help="of the call, Hz")
    options = parser.parse_args()
    why = why_not_here() or ("" if shutil.which("flite") else "no flite here: apt-get install flite")
    if why:
        sys.exit(why)
    measured = measure(options.rate, options.quick)
    for name, value in measured.items():
        for key, row in value.items() if isinstance(value, dict) else [(name, value)]:
            print(f"{name:14s} {key:14s} {row}")
    got = measured["detection"]["ear"]
    holds = (
        measured["cpu_ms_per_s"]["ear"]["asleep"] <= BUDGET["asleep_cpu_ms_per_s"]
        and got["pink10"]["f1"] >= BUDGET["f1_pink10"]
        and got["clean"]["onset_p95_ms"] <= BUDGET["onset_p95_ms_clean"]
        and measured["kinds"]["backchannels"]["never_cut_400"] >= BUDGET["backchannels_kept"]
        and max(row["starts_a_minute"] for row in measured["echo"].values()) <= BUDGET["echo_starts_a_minute"]
    )
    finish("voice_detector", measured, BUDGET, holds)


if __name__ == "__main__":
    main()
