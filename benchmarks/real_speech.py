"""What the embedded recogniser makes of recorded people, as it is.

    python benchmarks/real_speech.py [--quick]

The only human speech that ordinary packages carry: Debian's ``pocketsphinx-testdata`` (five LibriVox readings, five
card players, one command) and ``alsa-utils`` (eight announcements). None of it is about what an agent here is for, so
this is the recogniser without its best help; leaning it towards an agent's own words must not make it deaf to others.
There is no budget.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import jiwer
import numpy as np
from _common import finish
from local_model import EXAMPLES, RATE_HZ, hear, plain

from vivavoce import app
from vivavoce.audio.files import read_audio
from vivavoce.audio.resample import resample
from vivavoce.model.local.dialogue.phrases import training_sentences
from vivavoce.model.local.dialogue.port import Expecting
from vivavoce.model.local.ear import Ear

TESTDATA = Path("/usr/share/pocketsphinx/test/data")
ALSA = Path("/usr/share/sounds/alsa")
TODAY = datetime(2026, 3, 2, 9).astimezone()


def read(path: Path) -> bytes:
    if path.suffix == ".raw":
        return path.read_bytes()
    recording = read_audio(path)
    return resample(recording.pcm, recording.rate_hz, RATE_HZ)


def transcribed(file: Path) -> list[tuple[Path, str]]:
    """The lines of a CMU transcription file: ``<s> words </s> (utterance)``."""
    rows = [re.match(r"(.*)\((\S+)\)", line.strip()) for line in file.read_text().splitlines()]
    clean = ((row[2].split("/")[-1], re.sub(r"</?s>|<sil>", "", row[1])) for row in rows if row)
    return [(file.parent / f"{name}.wav", text) for name, text in clean]


def people() -> dict[str, list[tuple[Path, str]]]:
    if not TESTDATA.exists() or not ALSA.exists():
        sys.exit("this needs Debian's recordings: apt-get install pocketsphinx-testdata alsa-utils")
    return {
        "alsa": [(path, path.stem.replace("_", " ")) for path in sorted(ALSA.glob("*_*.wav"))],
        "cards": transcribed(TESTDATA / "cards" / "cards.transcription"),
        "librivox": transcribed(TESTDATA / "librivox" / "transcription"),
        "command": [(TESTDATA / "goforward.raw", "go forward ten meters")],
    }


async def word_error(clips: Sequence[tuple[Path, str]], sentences: Sequence[str]) -> tuple[list[str], list[str]]:
    """References and hypotheses. Each clip has an ear of its own, as each caller has."""
    references, hypotheses = [], []
    for path, text in clips:
        pcm = read(path)
        silence = np.zeros(RATE_HZ // 3, "<i2").tobytes()
        ear = await Ear.open(sentences)
        try:
            heard = await hear(ear, silence + pcm, Expecting.ANYTHING)
        finally:
            await ear.close()
        references.append(plain(text))
        hypotheses.append(plain(heard.text))
    return references, hypotheses


async def measure(quick: bool) -> dict[str, float]:
    agent = app.read_agent(EXAMPLES / "dealership" / "agent.toml", {}, None)
    measured: dict[str, float] = {}
    for name, sentences in (("general", []), ("dealership", training_sentences(agent, TODAY))):
        everything: tuple[list[str], list[str]] = ([], [])
        for group, clips in people().items():
            heard = await word_error(clips[:2] if quick else clips, sentences)
            measured[f"{name}_{group}_word_error"] = round(float(jiwer.wer(*heard)), 3)
            everything[0].extend(heard[0])
            everything[1].extend(heard[1])
        measured[f"{name}_clips"] = len(everything[0])
        measured[f"{name}_word_error"] = round(float(jiwer.wer(*everything)), 3)
    return measured


def main() -> None:
    measured = asyncio.run(measure("--quick" in sys.argv))
    for name, value in measured.items():
        print(f"{name:32} {value}")
    finish("real_speech", measured, {}, True)


if __name__ == "__main__":
    main()
