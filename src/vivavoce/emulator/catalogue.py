"""The models that the emulator can be: ids, and how the service behaves that has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from vivavoce.emulator import complaints
from vivavoce.model.nova.catalogue import NOVA_2_5_SONIC, NOVA_2_SONIC, NOVA_SONIC_1, PAUSES_MS, NovaSonic

SENSITIVITIES = tuple(PAUSES_MS)
SYSTEM_TEXT_BYTES = 32 * 1024
"""A SYSTEM prompt in one textInput of this size was refused; in pieces of 4 KB it passes."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of Nova Sonic: what the catalogue of our own client says of it, and two traits that only a service
    has. ``asynchronous_tools``: it hears the caller while a tool runs.
    """

    name: str
    model: NovaSonic
    asynchronous_tools: bool = True
    idle_text: str = complaints.IDLE

    @property
    def voices(self) -> frozenset[str]:
        return frozenset(voice.name for voice in self.model.voices)


V1 = Generation("v1", NOVA_SONIC_1, asynchronous_tools=False, idle_text=complaints.IDLE_V1)
V2 = Generation("v2", NOVA_2_SONIC)
V2_5 = Generation("v2.5", NOVA_2_5_SONIC)

GENERATIONS: Mapping[str, Generation] = MappingProxyType({one.name: one for one in (V1, V2, V2_5)})
MODEL_IDS: Mapping[str, Generation] = MappingProxyType({one.model.model_id: one for one in GENERATIONS.values()})
