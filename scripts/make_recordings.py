"""Makes the recorded callers: the spoken requests of the benchmark, and the caller of ``vivavoce demo``.

Only this script needs the synthesisers; the recordings ship with the repository. On Debian or Ubuntu::

    apt install flite festival festvox-kallpc16k festvox-us-slt-hts
    python scripts/make_recordings.py            # whatever is missing
    python scripts/make_recordings.py --all      # everything again

Two files say what is said: ``benchmarks/spoken_requests/requests.json`` and ``src/vivavoce/demo/caller.json``. A row's
``voice`` is ``flite:NAME`` or ``festival:NAME``; ``say``, where there is one, is ``text`` as the synthesiser must be
told it; ``stretch`` makes the speech slower (over 1) or faster. After a change to a row, delete its file and run again.

A recording is 16 kHz mono FLAC with its peak at -6 dBFS and 300 ms of silence around the speech. Same versions of the
synthesisers, same samples.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
import soxr
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
REQUESTS = ROOT / "benchmarks/spoken_requests/requests.json"
CALLER = ROOT / "src/vivavoce/demo/caller.json"

RATE_HZ = 16_000
PEAK = 10 ** (-6 / 20)
AROUND_SAMPLES = RATE_HZ * 300 // 1000
EDGE_SAMPLES = RATE_HZ * 20 // 1000
SILENCE = 0.01  # of the peak

# The HTS voice has no setting for its speed that text2wave can reach.
FIXED_SPEED = "festival:cmu_us_slt_arctic_hts"


def command(row: dict[str, Any], target: Path) -> list[str]:
    """The program that speaks a row into ``target``; festival's takes the text on its input."""
    engine, _, name = row["voice"].partition(":")
    stretch = row.get("stretch", 1.0)
    if row["voice"] == FIXED_SPEED and stretch != 1.0:
        sys.exit(f"{FIXED_SPEED} speaks at its own speed; set stretch to 1.0")
    if engine == "flite":
        # With a space at its end even a single word is a text, not the name of a file.
        text = f"{spoken(row)} "
        return ["flite", "-voice", name, "--setf", f"duration_stretch={stretch}", "-t", text, "-o", str(target)]
    if engine == "festival":
        setting = f"(Parameter.set 'Duration_Stretch {stretch})"
        return ["text2wave", "-eval", f"(voice_{name})", "-eval", setting, "-o", str(target)]
    sys.exit(f"{row['voice']} is neither a flite nor a festival voice")


def spoken(row: dict[str, Any]) -> str:
    text: str = row.get("say", row["text"])
    return text


def prepared(recording: NDArray[np.float64], rate_hz: int) -> NDArray[np.float64]:
    """``recording`` at 16 kHz and -6 dBFS, its own silence replaced by 300 ms of ours."""
    samples = soxr.resample(recording, rate_hz, RATE_HZ) if rate_hz != RATE_HZ else recording
    peak = float(np.abs(samples).max())
    speech = np.flatnonzero(np.abs(samples) > SILENCE * peak)
    start, end = max(0, int(speech[0]) - EDGE_SAMPLES), int(speech[-1]) + EDGE_SAMPLES
    silence = np.zeros(AROUND_SAMPLES)
    return np.concatenate([silence, samples[start:end] * (PEAK / peak), silence])


def make(row: dict[str, Any], target: Path) -> float:
    """Writes one recording and returns its length in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.wav"
        program = command(row, raw)
        try:
            subprocess.run(program, input=spoken(row).encode(), check=True, stdout=subprocess.DEVNULL)
        except FileNotFoundError:
            sys.exit(f"{program[0]} is not installed; the head of this script names the packages")
        recording, rate_hz = sf.read(raw, dtype="float64")
    samples = prepared(recording, rate_hz)
    target.parent.mkdir(parents=True, exist_ok=True)
    sf.write(target, samples, RATE_HZ, format="FLAC", subtype="PCM_16", compression_level=1.0)
    return len(samples) / RATE_HZ


def wanted() -> dict[Path, dict[str, Any]]:
    requests = json.loads(REQUESTS.read_text())["requests"]
    rows = {REQUESTS.parent / "audio" / f"{row['id']}.flac": row for row in requests}
    return rows | {CALLER.parent / row["file"]: row for row in json.loads(CALLER.read_text())}


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the recorded callers that ship with the repository.")
    parser.add_argument("--all", action="store_true", help="make everything again, not only what is missing")
    everything = parser.parse_args().all
    rows = wanted()
    made = [make(row, target) for target, row in rows.items() if everything or not target.exists()]
    total_bytes = sum(target.stat().st_size for target in rows)
    print(f"{len(made)} recordings made, {sum(made):.0f} s of audio; {len(rows)} in all, {total_bytes / 1e6:.1f} MB")
    for folder in {target.parent for target in rows}:
        for path in set(folder.glob("*.flac")) - set(rows):
            print(f"{path.relative_to(ROOT)} belongs to no row; delete it")


if __name__ == "__main__":
    main()
