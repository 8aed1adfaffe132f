"""What one session says to the service, in the order it wants: who may speak, what was said, then the caller's audio.

One prompt for each session, and one block of audio for all of its life. The block is opened late, with the first thing
that is meant for it: history can only go before it, and a session that waits in reserve must not send anything yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from vivavoce.events import ToolStatus
from vivavoce.model.nova.history import USER, Block, clean, pieces
from vivavoce.wire.nova_input import (
    AudioInputEncoder,
    ContentEnd,
    ContentStart,
    InputEvent,
    PromptEnd,
    PromptStart,
    SessionEnd,
    SessionStart,
    TextInput,
    ToolResult,
    ToolSpec,
    encode,
)


@dataclass(frozen=True, slots=True)
class Opening:
    """How every session of a model begins."""

    start: SessionStart
    voice: str
    input_rate_hz: int
    output_rate_hz: int
    tools: tuple[ToolSpec, ...]
    tool_choice: str | None = None
    system_speech: str = ""


class Prompt:
    """``new_name`` makes names that no other block has. Nothing is sent before :meth:`attach`."""

    def __init__(self, opening: Opening, new_name: Callable[[], str]) -> None:
        self._opening = opening
        self._new_name = new_name
        self._prompt = new_name()
        self._first: list[bytes] = []
        self._send_raw: Callable[[bytes], None] = self._first.append
        self._audio_block = ""
        self._audio: AudioInputEncoder | None = None

    @property
    def audio_open(self) -> bool:
        return self._audio is not None

    def begin(self, system: str) -> list[bytes]:
        """The events that open the session, to be sent with its request."""
        opening = self._opening
        self._send(opening.start)
        self._send(
            PromptStart(
                prompt=self._prompt,
                voice=opening.voice,
                output_rate_hz=opening.output_rate_hz,
                tools=opening.tools,
                tool_choice=opening.tool_choice,
            )
        )
        self._text_block("SYSTEM", system, interactive=False)
        if opening.system_speech:
            self._text_block("SYSTEM_SPEECH", opening.system_speech, interactive=False)
        return self._first

    def attach(self, send: Callable[[bytes], None]) -> None:
        """``send`` takes the events from now on."""
        self._send_raw = send

    def recall(self, blocks: Iterable[Block]) -> None:
        """What was said before. Only before any audio."""
        for block in blocks:
            self._text_block(block.role, block.text, interactive=False)

    def open_audio(self) -> None:
        """Once; again is nothing."""
        if self._audio is not None:
            return
        self._audio_block = self._new_name()
        self._audio = AudioInputEncoder(self._prompt, self._audio_block)
        rate_hz = self._opening.input_rate_hz
        self._send(
            ContentStart(
                prompt=self._prompt,
                content=self._audio_block,
                type="AUDIO",
                role=USER,
                interactive=True,
                rate_hz=rate_hz,
            )
        )

    def audio(self, pcm: bytes) -> None:
        self.open_audio()
        assert self._audio is not None  # just opened
        self._send_raw(self._audio.encode(pcm))

    def text(self, text: str) -> None:
        """Words in the midst of the talk, which the model answers by voice."""
        self.open_audio()
        self._text_block(USER, clean(text), interactive=True)

    def tool_result(self, tool_use: str, result: str, status: ToolStatus) -> None:
        """The answer to a tool call of this session."""
        self.open_audio()
        content = self._new_name()
        self._send(
            ContentStart(
                prompt=self._prompt, content=content, type="TOOL", role="TOOL", interactive=False, tool_use=tool_use
            )
        )
        self._send(ToolResult(prompt=self._prompt, content=content, result=as_object(result, status)))
        self._send(ContentEnd(prompt=self._prompt, content=content))

    def end(self) -> None:
        """The polite close."""
        if self._audio is not None:
            self._send(ContentEnd(prompt=self._prompt, content=self._audio_block))
        self._send(PromptEnd(prompt=self._prompt))
        self._send(SessionEnd())

    def _text_block(self, role: str, text: str, *, interactive: bool) -> None:
        content = self._new_name()
        self._send(ContentStart(prompt=self._prompt, content=content, type="TEXT", role=role, interactive=interactive))
        for piece in pieces(text):
            self._send(TextInput(prompt=self._prompt, content=content, text=piece))
        self._send(ContentEnd(prompt=self._prompt, content=content))

    def _send(self, event: InputEvent) -> None:
        self._send_raw(encode(event))


def as_object(result: str, status: ToolStatus) -> str:
    """A tool's result as the JSON object that the service wants: anything else is refused and may end the session."""
    try:
        value = msgspec.json.decode(clean(result))
    except (msgspec.DecodeError, RecursionError):
        value = clean(result)
    if not isinstance(value, dict):
        value = {"result": value}
    elif status is ToolStatus.OK:
        return clean(result)  # as it came
    if status is not ToolStatus.OK and "error" not in value:
        value = {"error": value.get("result", value) or str(status)}
    return msgspec.json.encode(value).decode()
