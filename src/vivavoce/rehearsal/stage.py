"""Rehearsed calls, run: many at once on one loop, each kept with its timeline, what was said, and both sounds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np

from vivavoce.agent.declaration import Agent
from vivavoce.audio.arrays import to_array, to_pcm
from vivavoce.audio.files import write_wav
from vivavoce.audio.level import pink_noise
from vivavoce.channel.paced import PacedChannel
from vivavoce.engine.answer import Answering, Keeping
from vivavoce.events import CallerAudio, Effect, Event, Instant
from vivavoce.model.port import Model
from vivavoce.rehearsal.caller import RehearsedCaller
from vivavoce.rehearsal.outcomes import Conversation
from vivavoce.rehearsal.recording import read_call
from vivavoce.rehearsal.standing import EVERY_KIND, StandingCall
from vivavoce.rehearsal.truth import HEARD_FILE, SaidKind, Truth, write_truth
from vivavoce.rehearsal.voices import RATE_HZ, SPEECH_DBFS
from vivavoce.timeline.disk import Disk
from vivavoce.voice.recogniser import Recogniser

Policy = Literal["model", "local", "hybrid", "never"]
_MOST_CALLS = 3
NOISE_S = 7
"""The noise repeats after so long."""


@dataclass(frozen=True, slots=True)
class Programme:
    """What is rehearsed: ``calls`` of the standing set, each with ``of_each`` of the ``kinds`` and so many
    ``corrections``; with noise ``snr_db`` below the caller's speech, or none.
    """

    policy: Policy
    snr_db: float | None = None
    calls: int = 6
    of_each: int = 2
    corrections: int = 2
    kinds: tuple[SaidKind, ...] = EVERY_KIND
    seed: int = 1
    longest_s: int = 240


@dataclass(frozen=True, slots=True)
class Hall:
    """Where calls are rehearsed: ``model`` makes the model of the call with that number; at most ``at_once`` go on at
    the same time, and begin so far apart. ``opened`` is the time of day that their agents know.
    """

    agent: Agent
    model: Callable[[int], Model]
    folder: Path
    opened: datetime
    at_once: int = 100
    apart_s: float = 0.0
    recogniser: Recogniser | None = None


async def rehearse(hall: Hall, programmes: Sequence[Programme]) -> list[list[Conversation]]:
    """The calls of each programme, in the order of their numbers; those of all go on at the same time."""
    disk = Disk()
    turns = asyncio.Semaphore(hall.at_once)
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [
                [tasks.create_task(_calls(hall, programme, number, disk, turns)) for number in range(programme.calls)]
                for programme in programmes
            ]
    finally:
        disk.stop()
    return [[call for task in row for call in task.result()] for row in running]


async def _calls(
    hall: Hall, programme: Programme, number: int, disk: Disk, turns: asyncio.Semaphore
) -> list[Conversation]:
    """One call, and another for what was left when the agent ended it: it may hand over a caller it cannot make out."""
    async with turns:
        await asyncio.sleep(hall.apart_s * (number % hall.at_once))
        cast = StandingCall(number, programme.seed, of_each=programme.of_each, corrections=programme.corrections)
        moves = cast.moves(programme.kinds)
        made: list[Conversation] = []
        while moves and len(made) < _MOST_CALLS:
            caller = RehearsedCaller(moves, cast.questions(), _noise(programme, number), programme.longest_s)
            name = f"{_name(programme, number)}{'abc'[len(made)]}"
            made.append(await _call(hall, programme.policy, number, caller, Keeping(hall.folder, disk, name)))
            moves = caller.rest
        return made


async def _call(hall: Hall, policy: Policy, number: int, caller: RehearsedCaller, keeping: Keeping) -> Conversation:
    connected = _Connected()
    agent = replace(hall.agent, turns=replace(hall.agent.turns, interruption=policy))
    answering = Answering(
        agent,
        PacedChannel("rehearsed", RATE_HZ, caller),
        [hall.model(number)],
        opened=hall.opened,
        keeping=keeping,
        witnesses=[caller.watch, connected.watch],
        recogniser=hall.recogniser,
    )
    answered = await answering.run()
    keep(answered.folder, caller, connected.at_us)
    return read_call(answered.folder)


def _noise(programme: Programme, number: int) -> bytes:
    if programme.snr_db is None:
        return b""
    return pink_noise(NOISE_S * RATE_HZ, SPEECH_DBFS - programme.snr_db, programme.seed * 100 + number)


def _name(programme: Programme, number: int) -> str:
    noise = "clean" if programme.snr_db is None else f"{programme.snr_db:g}db"
    return f"{programme.policy}-{noise}-{number:02}"


def keep(folder: Path, caller: RehearsedCaller, connected_us: int) -> None:
    """What the scorer wants beside the timeline."""
    write_truth(folder, Truth(caller.truth(connected_us), connected_us))
    clean, agent = caller.recording
    both = np.column_stack((to_array(clean), to_array(agent)))
    write_wav(folder / HEARD_FILE, to_pcm(both), RATE_HZ, channels=2)


class _Connected:
    """When the caller's first sample was due: a frame may come late, and none comes early."""

    def __init__(self) -> None:
        self.at_us = 0
        self._samples = 0

    def watch(self, at: Instant, value: Event | Effect) -> None:
        if isinstance(value, CallerAudio):
            first = self._samples == 0
            self._samples += value.audio.samples
            due_us = at - self._samples * 1_000_000 // RATE_HZ
            self.at_us = due_us if first else min(self.at_us, due_us)
