"""Ids as the service makes them, from a seed where runs have to be alike."""

from __future__ import annotations

from uuid import UUID

import numpy as np


class IdMaker:
    """The ids of one stream. ``seed`` None takes chance; the same seed and number give the same ids."""

    def __init__(self, seed: int | None, number: int) -> None:
        self._random = np.random.default_rng(None if seed is None else [seed, number])
        self.seed = int(self._random.integers(0, 2**31))
        """For whatever else in this stream is left to chance."""

    def new(self) -> str:
        return str(UUID(bytes=self._random.bytes(16), version=4))
