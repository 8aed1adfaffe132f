"""How well the embedded model hears and understands, and how fast it answers, on synthetic callers.

    python benchmarks/local_model.py [--quick] [--split dev|held_out|all] [--rows] [--conditions clean,noise20]

The requests of ``spoken_requests/`` (see its README) are heard by the embedded recogniser, clean and with pink noise
at 20 dB, and understood by the embedded dialogue; then some of them are real calls at real time, for latency and CPU.
Nothing was ever tuned on the ``held_out`` half, which is what is reported. The callers are synthetic voices: people
are harder to recognise.

An intent is right if it is the row's. A slot is right if it is there with the row's value; slots nobody gave count as
wrong. A task succeeds if intent and slots are right or, for a knowledge question, if the answer holds the expected
words.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import jiwer
from _common import finish

from vivavoce import app
from vivavoce.agent.declaration import Agent
from vivavoce.audio.files import read_audio
from vivavoce.audio.level import add_noise
from vivavoce.channel.wav import CallerUtterance, wav_channel
from vivavoce.engine.answer import Answering, Keeping
from vivavoce.ledger.figures import first_audio_ms, percentile
from vivavoce.ledger.turns import fold_turns
from vivavoce.model.local.dialogue.embedded import EmbeddedDialogue
from vivavoce.model.local.dialogue.phrases import spelled, training_sentences
from vivavoce.model.local.dialogue.port import Expecting, Heard, Say
from vivavoce.model.local.ear import Ear, EarFailed, EarSettings, Utterance
from vivavoce.timeline.disk import Disk
from vivavoce.timeline.read import read_timeline

HERE = Path(__file__).parent
REQUESTS = HERE / "spoken_requests"
EXAMPLES = HERE.parent / "examples"
RATE_HZ = 16_000
NOISE_DB = {"clean": None, "noise20": 20.0}
BUDGET = {
    "clean_intents": 0.92,
    "clean_slots": 0.85,
    "noise20_intents": 0.85,
    "first_audio_p50_ms": 500,
}


@dataclass
class Score:
    """Counts over the rows of one condition."""

    rows: int = 0
    intents: int = 0
    slots: int = 0
    slots_expected: int = 0
    tasks: int = 0
    references: list[str] = field(default_factory=list)
    hypotheses: list[str] = field(default_factory=list)

    def figures(self, condition: str) -> dict[str, Any]:
        return {
            f"{condition}_requests": self.rows,
            f"{condition}_word_error": round(float(jiwer.wer(self.references, self.hypotheses)), 3),
            f"{condition}_intents": round(self.intents / self.rows, 3),
            f"{condition}_slots": round(self.slots / max(1, self.slots_expected), 3),
            f"{condition}_slots_expected": self.slots_expected,
            f"{condition}_tasks": round(self.tasks / self.rows, 3),
        }


def clip(row: dict[str, Any], noise_db: float | None) -> bytes:
    pcm = read_audio(REQUESTS / "audio" / f"{row['id']}.flac").pcm
    return pcm if noise_db is None else add_noise(pcm, noise_db, seed=sum(row["id"].encode()), colour="pink")


async def hear(ear: Ear, pcm: bytes, expecting: Expecting, whole: Sequence[str] = ()) -> Heard:
    """One clip and the silence after it, as fast as the ear takes it. What it splits is joined again."""
    ear.expect(expecting, whole)
    parts: list[Heard] = []
    listening = asyncio.create_task(listen(ear, parts))
    padded = pcm + bytes(2 * RATE_HZ)  # a second of silence
    for at in range(0, len(padded), 640):
        ear.hear(padded[at : at + 640])
        while ear.waiting_samples > RATE_HZ // 2:  # noqa: ASYNC110  # the ear says how much waits, and signals nothing
            await asyncio.sleep(0.005)
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and (ear.waiting_samples or not parts):  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.15)  # a second utterance, if the clip was split, is on its way
    listening.cancel()
    await asyncio.wait({listening})
    if len(parts) == 1:
        return parts[0]
    return Heard(" ".join(part.text for part in parts))


async def listen(ear: Ear, parts: list[Heard]) -> None:
    async for event in ear.events():
        if isinstance(event, EarFailed):
            sys.exit(event.message)
        if isinstance(event, Utterance):
            parts.append(event.heard)


def plain(text: str) -> str:
    """Words as a recogniser writes them, without the fillers it is not meant to write."""
    words = re.findall(r"[a-z']+", spelled(text))
    return " ".join(word for word in words if word not in ("um", "uh", "er", "hmm")) or "-"


def place(row: dict[str, Any]) -> dict[str, Any]:
    """Where in a form the row is said, as ``EmbeddedDialogue.placed`` takes it: nothing is asked while confirming."""
    context = dict(row.get("context") or {})
    if context.get("asked") == "confirm":
        context["asked"] = ""
    return context


async def score_agent(
    agent: Agent, today: datetime, rows: Sequence[dict[str, Any]], noise_db: float | None, score: Score, show: bool
) -> None:
    trained = EmbeddedDialogue(agent, now=lambda: today)
    ear = await Ear.open(training_sentences(agent, today), settings=EarSettings())
    try:
        for row in rows:
            dialogue = trained.placed(**place(row))
            heard = await hear(ear, clip(row, noise_db), dialogue.expecting, dialogue.whole_answers)
            answer = " ".join([act.text async for act in dialogue.reply(heard) if isinstance(act, Say)])
            understood = dialogue.last_understanding
            tally(score, row, heard, understood.intent, dict(understood.slots), answer, show)
    finally:
        await ear.close()


def tally(
    score: Score, row: dict[str, Any], heard: Heard, intent: str, slots: dict[str, Any], answer: str, show: bool
) -> None:
    filled = (row.get("context") or {}).get("filled", {})
    expected = row["slots"]
    given = {name: value for name, value in slots.items() if filled.get(name) != value or name in expected}
    right = sum(given.get(name) == value for name, value in expected.items())
    spurious = sum(name not in expected for name in given)
    intent_right = intent == row["intent"]
    if row["intent"] == "knowledge":
        done = any(word.lower() in answer.lower() for word in row.get("answer_contains", []))
    else:
        done = intent_right and right == len(expected) and not spurious
    score.rows += 1
    score.intents += intent_right
    score.slots += right
    score.slots_expected += len(expected) + spurious
    score.tasks += done
    score.references.append(plain(row["text"]))
    score.hypotheses.append(plain(heard.text))
    if show and not done:
        print(f"  {row['id']}: said {row['text']!r}\n      heard {heard.text!r}: {intent} {slots} {answer!r}")


async def latencies(agents: dict[str, Agent], today: datetime, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Real calls at real time: the model's own latency and the CPU it takes, workers included."""
    waits: list[float] = []
    talked_s, before = 0.0, _cpu_s()
    with tempfile.TemporaryDirectory() as folder:
        for row in rows:
            agent = agents[row["agent"]]
            model = app.usable_models(agent, now=lambda: today)
            disk = Disk()
            started = time.monotonic()
            channel = wav_channel([CallerUtterance(clip(row, None))], RATE_HZ)
            answering = Answering(
                agent, channel, model, opened=datetime.now().astimezone(), keeping=Keeping(Path(folder), disk)
            )
            called = await answering.run()
            talked_s += time.monotonic() - started
            disk.stop()
            waits += first_audio_ms(fold_turns(read_timeline(called.folder).lines))
    return {
        "calls": len(rows),
        "first_audio_p50_ms": round(percentile(waits, 0.5) or -1),
        "first_audio_p95_ms": round(percentile(waits, 0.95) or -1),
        "cpu_s_per_minute_of_call": round((_cpu_s() - before) / talked_s * 60, 1),
    }


def _cpu_s() -> float:
    """Of this process and of its workers that have ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


async def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    corpus = json.loads((REQUESTS / "requests.json").read_text())
    today = datetime.fromisoformat(corpus["today"]).astimezone()
    rows = [row for row in corpus["requests"] if arguments.split in ("all", row["split"])]
    if arguments.quick:
        rows = rows[::12]
    agents = {name: app.read_agent(EXAMPLES / name / "agent.toml", {}, None) for name in {row["agent"] for row in rows}}
    measured: dict[str, Any] = {"split": arguments.split}
    for condition in arguments.conditions.split(","):
        score = Score()
        for name, agent in sorted(agents.items()):
            own = [row for row in rows if row["agent"] == name]
            await score_agent(agent, today, own, NOISE_DB[condition], score, arguments.rows)
        measured |= score.figures(condition)
        print(f"{condition}: {score.figures(condition)}")
    whole = [row for row in rows if not row.get("context")]
    step = max(1, len(whole) // (1 if arguments.quick else 15))
    return measured | await latencies(agents, today, whole[::step])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a twelfth of the requests, one call")
    parser.add_argument("--split", default="held_out", choices=("dev", "held_out", "all"))
    parser.add_argument("--rows", action="store_true", help="print the requests that failed")
    parser.add_argument("--conditions", default="clean,noise20")
    measured = asyncio.run(measure(parser.parse_args()))
    floors = {name: limit for name, limit in BUDGET.items() if name in measured and not name.endswith("_ms")}
    holds = all(measured[name] >= limit for name, limit in floors.items())
    holds = holds and measured["first_audio_p50_ms"] <= BUDGET["first_audio_p50_ms"]
    finish("local_model", measured, BUDGET, holds)


if __name__ == "__main__":
    main()
