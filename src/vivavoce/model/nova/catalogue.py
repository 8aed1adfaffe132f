"""What is known of each Nova Sonic model: ids, voices, regions, rates, limits. Data; the rest of this package asks it.

From AWS's Nova user guides as of July 2026, and, where those are silent, from what other clients were seen to send.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from vivavoce.errors import SetupFault

RATES_HZ = (8000, 16_000, 24_000)
PAUSES_MS = {"HIGH": 1500, "MEDIUM": 1750, "LOW": 2000}
"""The silence after which a turn is taken, by endpointing sensitivity."""
PIECE_BYTES = 4096
"""Text is sent in pieces of this size: one of about 32 KB was refused by the service, which states no limit."""


@dataclass(frozen=True, slots=True)
class Voice:
    """``languages`` are those it is made for; a ``polyglot`` one speaks all of its model's."""

    name: str
    languages: tuple[str, ...]
    polyglot: bool = False


@dataclass(frozen=True, slots=True)
class NovaSonic:
    """One model. ``regions`` is empty where they are not published, ``history_messages`` 0 where only bytes count.
    ``system_bytes`` and ``tools_bytes`` are ours: the service states none, and a prompt beyond them makes it slow and
    forgetful.
    """

    model_id: str
    name: str
    regions: tuple[str, ...]
    voices: tuple[Voice, ...]
    lifetime_s: int = 480
    history_bytes: int = 200 * 1024
    history_message_bytes: int = 50 * 1024
    history_messages: int = 0
    system_bytes: int = 128 * 1024
    tools_bytes: int = 128 * 1024
    endpointing: Literal["flat", "nested"] = "nested"
    text_input: bool = True  # takes text while audio flows, and answers it by voice
    system_speech: bool = True

    @property
    def slug(self) -> str:
        """What agent files and commands call it: ``nova-2-sonic``."""
        return self.name.lower().replace(" ", "-").replace(".", "-")

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(language for voice in self.voices for language in voice.languages))


_V1_VOICES = (
    Voice("matthew", ("en-US",)),
    Voice("tiffany", ("en-US",)),
    Voice("amy", ("en-GB",)),
    Voice("ambre", ("fr-FR",)),
    Voice("florian", ("fr-FR",)),
    Voice("beatrice", ("it-IT",)),
    Voice("lorenzo", ("it-IT",)),
    Voice("greta", ("de-DE",)),
    Voice("lennart", ("de-DE",)),
    Voice("lupe", ("es-US",)),
    Voice("carlos", ("es-US",)),
)
_V2_VOICES = (
    Voice("matthew", ("en-US",), polyglot=True),
    Voice("tiffany", ("en-US",), polyglot=True),
    Voice("amy", ("en-GB",)),
    Voice("olivia", ("en-AU",)),
    Voice("kiara", ("en-IN", "hi-IN")),
    Voice("arjun", ("en-IN", "hi-IN")),
    Voice("ambre", ("fr-FR",)),
    Voice("florian", ("fr-FR",)),
    Voice("beatrice", ("it-IT",)),
    Voice("lorenzo", ("it-IT",)),
    Voice("tina", ("de-DE",)),
    Voice("lennart", ("de-DE",)),
    Voice("lupe", ("es-US",)),
    Voice("carlos", ("es-US",)),
    Voice("carolina", ("pt-BR",)),
    Voice("leo", ("pt-BR",)),
)
_V2_REGIONS = ("us-east-1", "us-west-2", "eu-north-1", "ap-northeast-1")

NOVA_2_SONIC = NovaSonic("amazon.nova-2-sonic-v1:0", "Nova 2 Sonic", _V2_REGIONS, _V2_VOICES)
NOVA_SONIC_1 = NovaSonic(
    "amazon.nova-sonic-v1:0",
    "Nova Sonic",
    ("us-east-1", "eu-north-1", "ap-northeast-1"),
    _V1_VOICES,
    history_bytes=40 * 1000,
    history_message_bytes=1000,
    history_messages=40,
    endpointing="flat",
    text_input=False,
    system_speech=False,
)
# Its regions and voices are not published; of the voices, what is known of 2 holds as far as its clients show.
NOVA_2_5_SONIC = NovaSonic("amazon.nova-2-5-sonic", "Nova 2.5 Sonic", (), _V2_VOICES)

MODELS = {model.model_id: model for model in (NOVA_2_SONIC, NOVA_2_5_SONIC, NOVA_SONIC_1)}


def find_model(model_id: str, like: str = "") -> NovaSonic:
    """The model with this id, or the known one that ``like`` says it resembles. Raises :class:`SetupFault`."""
    wanted = like or model_id
    if wanted in MODELS:
        return MODELS[wanted]
    hint = f"it may be {_or(MODELS)}; for another one set 'like' to the one of these that it resembles"
    raise SetupFault(f"there is no Nova Sonic model {wanted!r} that is known here", hint=hint)


def check_region(model: NovaSonic, region: str) -> None:
    """Raises :class:`SetupFault`, naming the regions that have the model."""
    if model.regions and region not in model.regions:
        raise SetupFault(f"{model.name} is not in the region {region!r}", hint=f"it is in {_or(model.regions)}")


def choose_voice(model: NovaSonic, language: str, wanted: str = "") -> str:
    """``wanted`` if it is a voice of the model that speaks ``language``, or the first that does if nothing is wanted.
    Raises :class:`SetupFault`, naming those that do.
    """
    primary = _primary(language)
    if primary not in map(_primary, model.languages):
        raise SetupFault(f"{model.name} does not speak {language!r}", hint=f"it speaks {_or(model.languages)}")
    exact = [voice.name for voice in model.voices if language in voice.languages]
    near = [voice.name for voice in model.voices if primary in map(_primary, voice.languages)]
    fitting = list(dict.fromkeys((*exact, *near, *(voice.name for voice in model.voices if voice.polyglot))))
    if not wanted:
        return fitting[0]
    if wanted in fitting:
        return wanted
    hint = f"for {language} it may be {_or(fitting)}; 'voice' in [models.settings] goes before that of the agent"
    if wanted in (voice.name for voice in model.voices):
        raise SetupFault(f"the voice {wanted!r} of {model.name} does not speak {language!r}", hint=hint)
    raise SetupFault(f"{model.name} has no voice {wanted!r}", hint=hint)


def sensitivity_for(endpoint_ms: int) -> str | None:
    """The endpointing sensitivity whose pause is nearest to ``endpoint_ms``; None for 0, the model's own choice."""
    if not endpoint_ms:
        return None
    return min(PAUSES_MS, key=lambda name: abs(PAUSES_MS[name] - endpoint_ms))


def _primary(language: str) -> str:
    return language.lower().partition("-")[0]


def _or(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last
