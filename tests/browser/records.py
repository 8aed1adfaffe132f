"""The real routes over calls that are made up, for tests and pictures of the pages about them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import PropertyMock, patch

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.browser.fake import running
from tests.unit.server.asgi import House
from tests.unit.server.kept import NOW, RATE_HZ, KeptCalls
from vivavoce.audio.wav import WavWriter
from vivavoce.console.routes import page_routes
from vivavoce.ledger.record import CallRecord, TurnKind
from vivavoce.server.application import application
from vivavoce.server.door import Door
from vivavoce.server.records import RECORD_ROUTES
from vivavoce.server.settings import ServerSettings

WANTED = {TurnKind.TOOL, TurnKind.INTERRUPTED, TurnKind.RENEWAL}


@dataclass
class RecordsServer:
    """``call`` has a recording and a turn of every kind that is wanted."""

    kept: KeptCalls
    calls: Path
    settings: ServerSettings = field(default_factory=ServerSettings)
    live: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        recorded = [call for call in self.kept.calls if call.recorded and not call.cost.unpriced]
        every = [call for call in recorded if {turn.kind for turn in call.record.turns} >= WANTED]
        self.call = (every or recorded)[-1]
        record_sound(self.calls / self.call.record.call, self.call.record)

    async def _live(self, _request: Request) -> Response:
        return JSONResponse({"object": "list", "data": self.live})

    @contextlib.contextmanager
    def running(self) -> Iterator[RecordsServer]:
        house = House(self.settings, calls=self.calls)
        for reason, count in (("busy", 7), ("rate_limit", 3)):
            for _ in range(count):
                house.door.metrics.count("vivavoce_calls_refused_total", reason=reason)
        routes = [*page_routes(), Route("/v1/calls", self._live), *RECORD_ROUTES]
        with (
            patch.object(Door, "records", PropertyMock(return_value=self.kept)),
            running(application(house.door, routes)) as self.url,
        ):
            yield self


def many_calls(count: int, days: int = 29) -> KeptCalls:
    """Over that many days before :data:`NOW`."""
    return KeptCalls.of(count, NOW - timedelta(minutes=7), timedelta(days=days) / count)


def record_sound(folder: Path, record: CallRecord) -> None:
    """Both sides as noise in syllables, where they spoke."""
    frames = record.duration_us * RATE_HZ // 1_000_000
    sound = np.zeros((frames, 2))
    dice = np.random.default_rng(7)
    for turn in record.turns:
        if turn.began_us is not None and turn.speech_ended_us is not None:
            _speak(sound[:, 0], dice, turn.began_us, turn.speech_ended_us, 6_000)
        assert turn.first_played_us is not None
        ended_us = turn.first_played_us + turn.played_samples * 1_000_000 // RATE_HZ
        _speak(sound[:, 1], dice, turn.first_played_us + (turn.silence_us or 0), ended_us, 9_000)
    folder.mkdir(parents=True)
    with WavWriter(folder / "audio.wav", RATE_HZ, channels=2) as wav:
        wav.write(sound.astype("<i2").tobytes())


def _speak(track: np.ndarray[Any, Any], dice: np.random.Generator, begin_us: int, end_us: int, loud: int) -> None:
    part = track[begin_us * RATE_HZ // 1_000_000 : end_us * RATE_HZ // 1_000_000]
    knots = np.arange(0, len(part) + 1_200, 600)
    envelope = np.interp(np.arange(len(part)), knots, dice.gamma(1.4, 0.45, len(knots)).clip(0, 2.4))
    part += dice.normal(0, loud, len(part)).clip(-1.6 * loud, 1.6 * loud) * envelope * 0.5
