"""Whole calls over our Nova client against the emulator: in memory on virtual time, or on sockets in real time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from _talkers import Book, NumberBrain, NumberCaller, NumberTools, number_agent

from vivavoce.channel.paced import PacedChannel
from vivavoce.emulator.admission import Access
from vivavoce.emulator.authority import authority_in
from vivavoce.emulator.faults import Fault
from vivavoce.emulator.listen import Door, listening
from vivavoce.emulator.rules import Rules
from vivavoce.emulator.service import Emulator, EmulatorSettings, fixed
from vivavoce.engine.call import Call, CallResult
from vivavoce.engine.planning import plan_of
from vivavoce.events import Audio, Effect, Event, Instant
from vivavoce.ledger.swaps import UsualWaits
from vivavoce.ledger.turns import Turn, fold_turns
from vivavoce.model.bedrock.client import BedrockClient
from vivavoce.model.bedrock.identity import FixedIdentity, Identity
from vivavoce.model.bedrock.memory import MemoryNetwork
from vivavoce.model.bedrock.settings import BedrockSettings
from vivavoce.model.nova.model import NovaModel
from vivavoce.timeline.read import Timeline
from vivavoce.timeline.replay import replay
from vivavoce.timeline.schema import VERSION, Header, Line
from vivavoce.wire.sigv4 import Keys

RATE_HZ = 16_000
KEYS = Keys("AKIDEXAMPLE", "a-made-up-secret")
BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HEADER = Header(vivavoce_timeline=VERSION, call="c", opened=BEGAN.isoformat(), agent="numbers", vivavoce="benchmark")
CALL_LIMIT_S = 7_200
SILENCE_LIMIT_S = 60


def virtual_now() -> datetime:
    """The time of day on the loop's clock."""
    return BEGAN + timedelta(seconds=asyncio.get_running_loop().time())


def real_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Finished:
    """A call that is over."""

    result: CallResult
    lines: list[Line]
    caller: NumberCaller
    tools: NumberTools
    turns: list[Turn] = field(default_factory=list)
    book: Book = field(default_factory=Book)

    def __post_init__(self) -> None:
        self.turns = fold_turns(self.lines)
        self.book = Book.of(self.lines)

    def add_to(self, usual: UsualWaits) -> None:
        usual.add(self.lines, self.turns)

    @property
    def replays_alike(self) -> bool:
        return replay(Timeline(HEADER, tuple(self.lines))).identical


class RenewableIdentity(FixedIdentity):
    """Keys of which fresh ones can be had, as from a role."""

    async def renew(self) -> bool:
        return True


class Stage:
    """One emulator, and calls to it."""

    def __init__(
        self, emulator: Emulator, connect: Any, endpoint: str, now: Callable[[], datetime], ca_file: Path | None = None
    ) -> None:
        self.emulator = emulator
        self._ca_file = ca_file
        self._connect = connect
        self._endpoint = endpoint
        self._now = now

    def model(self, seed: int, **settings: Any) -> NovaModel:
        """Each call has a client of its own here: connections are not shared, as in a fleet."""
        bedrock = BedrockClient(
            BedrockSettings(region="us-east-1", endpoint=self._endpoint, ca_file=self._ca_file),
            now=self._now,
            environment={},
            random=Random(seed),
            identities=RenewableIdentity(Identity(KEYS), "us-east-1"),
            connect=self._connect,
        )
        given = {"endpoint": self._endpoint, **settings} if self._endpoint else settings
        return NovaModel(number_agent(), given, now=self._now, environment={}, bedrock=bedrock)

    async def call(self, model: NovaModel, caller: NumberCaller, tools: NumberTools, *watchers: Any) -> Finished:
        lines: list[Line] = []

        def witness(at: Instant, value: Event | Effect) -> None:
            for watch in watchers:
                watch(at, value)
            if hasattr(value, "audio"):
                value = msgspec.structs.replace(value, audio=Audio(b"", value.audio.samples))
            lines.append(Line(len(lines), at, value))

        plan = msgspec.structs.replace(
            plan_of(number_agent(), [model]),
            greeting="Hello.",
            apology="I am sorry.",
            call_limit_us=CALL_LIMIT_S * 1_000_000,
            silence_limit_us=SILENCE_LIMIT_S * 1_000_000,
        )
        channel = PacedChannel("numbers", RATE_HZ, caller)
        result = await Call(plan, channel, [model], tools, [witness]).run()
        return Finished(result, lines, caller, tools)


@asynccontextmanager
async def in_memory(
    rules: Rules, brain: NumberBrain, *, faults: Sequence[Fault] = (), verify: bool = True
) -> AsyncIterator[Stage]:
    """For a virtual loop. Signatures of requests and events are checked, unless that is what takes the time."""
    access = Access(virtual_now, {KEYS.access_key: KEYS} if verify else {})
    emulator = Emulator(EmulatorSettings(fixed(brain), access, rules, seed=1), faults)
    network = MemoryNetwork(emulator.protocol)
    yield Stage(emulator, network.connect, "", virtual_now)
    emulator.close()
    await asyncio.sleep(1)


@asynccontextmanager
async def on_sockets(rules: Rules, brain: NumberBrain, folder: Path) -> AsyncIterator[Stage]:
    """For a real loop: TLS over loopback, with a certificate made for it."""
    authority = authority_in(folder, real_now())
    emulator = Emulator(EmulatorSettings(fixed(brain), Access(real_now, {KEYS.access_key: KEYS}), rules, seed=1))
    async with listening(emulator, Door("127.0.0.1", 0, authority.context())) as (url,):
        yield Stage(emulator, None, url, real_now, authority.certificate)
