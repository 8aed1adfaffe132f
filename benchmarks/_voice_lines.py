"""Lines to listen to, made at run time: flite's voices (and espeak-ng's, where it is installed), silence, noise,
babble, and a loudspeaker in a room. All at 16 kHz before :func:`line` makes them what a call sends.
"""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vivavoce.audio.arrays import FULL_SCALE, to_array, to_pcm
from vivavoce.audio.level import active_rms_dbfs, pink_noise
from vivavoce.audio.resample import resample
from vivavoce.model.local.mouth_text import RATE_HZ as MOUTH_HZ
from vivavoce.rehearsal.voices import spoken

RATE_HZ = 16_000
SPEECH_DBFS = -20.0
LEAD_MS = 1_500
TAIL_MS = 900
_SOUNDS_DBFS = -50.0
TUNED_ON = ("slt", "kal16")
HELD_OUT = ("rms", "awb")
ESPEAK = ("en-us", "en-gb+f3")

INTERRUPTIONS = (
    "I would like to book an appointment for Tuesday morning please",
    "No, that is not what I meant at all",
    "Wait, can I change the time",
    "Actually I have another question",
    "Sorry, what did you say",
    "She sells fish and chips at the harbour",
    "Five six seven eight nine",
    "How much does it cost",
    "That doesn't work for me",
    "Can you repeat that",
    "okay but how much is it",
    "just a moment",
)
SINGLE_WORDS = ("stop", "wait", "no", "hello", "sorry", "what")
BACKCHANNELS = ("mm-hm", "yeah", "okay", "right", "I see", "sure", "yes", "got it")
Noise = Literal["clean", "pink20", "pink10", "babble15"]

_ESPEAK_PROGRAM = """
import sys
from vivavoce.model.local.mouth_engines import Espeak
espeak = Espeak()
espeak.use(sys.argv[1], 1.0)
espeak.synthesise(sys.argv[2], lambda samples: sys.stdout.buffer.write(bytes(samples)) >= 0)
"""


class Line(NamedTuple):
    """What a call sends, and where in it speech sounds, in milliseconds: taken before the noise was added."""

    pcm: bytes
    begin_ms: float
    end_ms: float


@lru_cache(maxsize=1024)
def clip(text: str, voice: str) -> bytes:
    if voice in TUNED_ON + HELD_OUT:
        return spoken(text, voice, SPEECH_DBFS).pcm
    made = subprocess.run([sys.executable, "-c", _ESPEAK_PROGRAM, voice, text], check=True, capture_output=True).stdout
    pcm = resample(made, MOUTH_HZ, RATE_HZ)
    return to_pcm(to_array(pcm) * 10 ** ((SPEECH_DBFS - active_rms_dbfs(pcm)) / 20))


def wave(pcm: bytes) -> NDArray[np.float64]:
    return to_array(pcm).astype(np.float64)


def has_espeak() -> bool:
    try:
        return len(clip("yes", ESPEAK[0])) > 0
    except subprocess.CalledProcessError:
        return False


def line(text: str, voice: str, noise: Noise, rate_hz: int, seed: int) -> Line:
    silent = np.zeros(LEAD_MS * 16 + seed * 37 % 512), np.zeros(TAIL_MS * 16)
    clean = np.concatenate((silent[0], wave(clip(text, voice)), silent[1]))
    sent = to_array(resample(to_pcm(clean), RATE_HZ, rate_hz))
    smooth = np.convolve(np.abs(sent.astype(np.float64)), np.ones(rate_hz // 200) / (rate_hz // 200), "same")
    sounds = np.flatnonzero(smooth > FULL_SCALE * 10 ** (_SOUNDS_DBFS / 20))
    heard = to_pcm(clean + noise_like(noise, len(clean), seed))
    times = (float(at) * 1000 / rate_hz for at in (sounds[0], sounds[-1]))
    return Line(resample(heard, RATE_HZ, rate_hz), *times)


def noise_like(noise: Noise, samples: int, seed: int) -> NDArray[np.float64]:
    match noise:
        case "clean":
            return wave(pink_noise(samples, -70.0, seed))
        case "pink20":
            return wave(pink_noise(samples, SPEECH_DBFS - 20, seed))
        case "pink10":
            return wave(pink_noise(samples, SPEECH_DBFS - 10, seed))
        case "babble15":
            return babble(samples, SPEECH_DBFS - 15, seed)


def babble(samples: int, dbfs: float, seed: int) -> NDArray[np.float64]:
    """Eight people at other tables."""
    random = np.random.default_rng(seed)
    total = np.zeros(samples)
    for n in range(8):
        voice = (TUNED_ON + HELD_OUT)[n % 4]
        talk = np.concatenate([to_array(clip(INTERRUPTIONS[(n + k) % 4], voice)) for k in range(2)])
        total += np.resize(np.roll(talk, int(random.integers(len(talk)))), samples)
    return total * float(FULL_SCALE * 10 ** (dbfs / 20) / np.sqrt(np.mean(total**2)))


def returned(pcm: bytes, softer_db: float, late_ms: int, seed: int) -> NDArray[np.float64]:
    """By a small loudspeaker, in a room that is silent after a quarter of a second."""
    random = np.random.default_rng(seed)
    tail = np.arange(RATE_HZ // 4)
    room = random.standard_normal(len(tail)) * 10 ** (-3 * tail / len(tail)) * 0.15
    room[0] = 1.0
    sent = wave(pcm)
    heard = np.convolve(sent, room)
    heard[1:] -= 0.6 * heard[:-1]
    heard *= 10 ** (-softer_db / 20) * np.sqrt(np.mean(sent**2) / np.mean(heard**2))
    return np.concatenate((np.zeros(late_ms * 16), heard))
