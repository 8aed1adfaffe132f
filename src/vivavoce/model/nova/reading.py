"""What Nova Sonic says, as facts. Pure: events in, facts out, whatever their order.

The service has no notion of a reply, only of blocks. A reply is what lies between the first SPECULATIVE or AUDIO block
and an AUDIO block that ends with END_TURN; since a reply that leads to a tool call, or into the caller's next words,
may come without that, those end it too. ``completionStart`` and ``completionEnd`` frame the session and say nothing of
replies.

SPECULATIVE text comes before its audio and says what will be spoken. FINAL text comes seconds later, one for each,
paced by the service's own clock of what has been played; until then a segment counts as not yet heard. An interruption
is told up to three times (a text that stands for it, and blocks that end with INTERRUPTED) and concerns every reply of
which something was not yet heard.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from vivavoce.audio.pcm import samples_in
from vivavoce.events import (
    AgentAudio,
    AgentText,
    Audio,
    CallerTranscribed,
    ConnectionId,
    ModelEvent,
    ResponseFinished,
    ResponseId,
    ResponseInterrupted,
    ResponseStarted,
    Samples,
    ToolCallId,
    ToolRequested,
    UsageReported,
)
from vivavoce.wire.nova_output import (
    INTERRUPTED_MARK,
    AudioOutput,
    CompletionEnd,
    ContentEnd,
    ContentStart,
    OutputEvent,
    TextOutput,
    Tokens,
    ToolUse,
    Usage,
)

_OPEN_BLOCKS = 64
"""The service has one block open at a time; a peer that never closes any must not fill the memory."""
_ECHOES = 16


@dataclass(slots=True)
class _Response:
    """A reply in the making. It is ``silent`` when it was cancelled: its sound and words are not told any more."""

    id: ResponseId
    samples: int = 0
    silent: bool = False
    over: bool = False


@dataclass(slots=True)
class _Segment:
    """A stretch of a reply with its words: SPECULATIVE, and not yet FINAL."""

    response: _Response
    at: int
    text: str = ""


@dataclass(slots=True)
class _Block:
    """An open block, and what it belongs to."""

    type: str
    role: str
    stage: str | None
    response: _Response | None = None
    segment: _Segment | None = None
    text: list[str] = field(default_factory=list)

    @property
    def is_final(self) -> bool:
        return self.stage == "FINAL"


class Reader:
    """One connection's events as its facts. :meth:`take` never raises."""

    def __init__(self, connection: ConnectionId) -> None:
        self._connection = connection
        self._blocks: dict[str, _Block] = {}
        self._ended: deque[str] = deque(maxlen=_OPEN_BLOCKS)
        self._responses: dict[ResponseId, _Response] = {}
        self._newest: _Response | None = None
        self._unheard: deque[_Segment] = deque()
        self._expected: deque[ResponseId] = deque()
        self._cancelled: set[ResponseId] = set()
        self._interrupted: set[ResponseId] = set()
        self._tool_calls: set[ToolCallId] = set()
        self._counted = Tokens()
        self._echoes: deque[str] = deque(maxlen=_ECHOES)

    def expect(self, response: ResponseId) -> None:
        """The next reply that begins, after those expected before, has this id."""
        self._expected.append(response)

    def cancel(self, response: ResponseId) -> None:
        """Nothing of this reply is wanted any more, begun or not. The service cannot be told; its end is still a
        fact.
        """
        self._cancelled.add(response)
        if response in self._responses:
            self._responses[response].silent = True

    def told(self, text: str) -> None:
        """These words went to the service as text: should it echo them, the caller has not said them."""
        self._echoes.append(text.strip())

    def take(self, event: OutputEvent) -> list[ModelEvent]:
        """What follows from an event, in order."""
        read = _READ.get(type(event))
        return list(read(self, event)) if read is not None else []

    # -- blocks --------------------------------------------------------------------------------------------------------

    def _starts(self, event: ContentStart) -> Iterator[ModelEvent]:
        block = _Block(event.type, event.role, event.stage)
        while len(self._blocks) >= _OPEN_BLOCKS:
            del self._blocks[next(iter(self._blocks))]
        self._blocks[event.content] = block
        if event.type == "TOOL" or event.role == "USER":
            yield from self._finish()
        elif event.type == "AUDIO" or (event.type == "TEXT" and not block.is_final):
            yield from self._begin(block)

    def _begin(self, block: _Block) -> Iterator[ModelEvent]:
        """The block belongs to the open reply, or opens one."""
        response = self._newest
        if response is None or response.over:
            response = self._newest = _Response(self._next_id())
            self._responses[response.id] = response
            response.silent = response.id in self._cancelled
            yield ResponseStarted(self._connection, response.id)
        block.response = response
        if block.type == "TEXT":
            block.segment = _Segment(response, response.samples)
            self._unheard.append(block.segment)

    def _next_id(self) -> ResponseId:
        while self._expected:
            expected = self._expected.popleft()
            if expected not in self._responses:
                return expected
        return ResponseId(f"nova-{self._connection}-{len(self._responses) + 1}")

    def _text(self, event: TextOutput) -> Iterator[ModelEvent]:
        block = self._blocks.get(event.content) or _Block("TEXT", event.role, None)
        if (block.role or event.role) == "USER":
            yield from self._caller_text(event.text, final=block.stage != "SPECULATIVE")
        elif _is_interruption(event.text):
            yield from self._interrupt()
            block.text.clear()
        elif block.is_final:
            block.text.append(event.text)
        elif block.segment is not None and event.text.strip():
            segment = block.segment
            segment.text = f"{segment.text} {event.text}".strip()
            if not (segment.response.silent or segment.response.over):
                yield AgentText(self._connection, segment.response.id, event.text, Samples(segment.at))

    def _caller_text(self, text: str, *, final: bool) -> Iterator[ModelEvent]:
        said = text.replace(INTERRUPTED_MARK, "").strip()
        if said in self._echoes:
            self._echoes.remove(said)
        elif said:
            yield CallerTranscribed(self._connection, said, final)

    def _audio(self, event: AudioOutput) -> Iterator[ModelEvent]:
        block = self._blocks.get(event.content)
        if block is None and event.content in self._ended:
            return
        if block is None:  # it never said that it begins
            yield from self._starts(ContentStart(content=event.content, type="AUDIO", role="ASSISTANT"))
            block = self._blocks[event.content]
        response = block.response
        if response is None or response.over or not event.pcm:
            return
        response.samples += samples_in(event.pcm)
        if not response.silent:
            yield AgentAudio(self._connection, response.id, Audio(event.pcm))

    def _ends(self, event: ContentEnd) -> Iterator[ModelEvent]:
        block = self._blocks.pop(event.content, None)
        self._ended.append(event.content)
        kind = block.type if block is not None else event.type
        if event.stop_reason == "INTERRUPTED":
            yield from self._interrupt()
        elif block is not None and block.is_final and block.role != "USER":
            yield from self._spoken(" ".join(block.text).strip())
        if kind == "AUDIO" and event.stop_reason == "END_TURN" and (block is None or block.response is self._newest):
            yield from self._finish()

    # -- replies -------------------------------------------------------------------------------------------------------

    def _finish(self) -> Iterator[ModelEvent]:
        """The open reply, if there is one, is whole."""
        response = self._newest
        if response is not None and not response.over:
            response.over = True
            yield ResponseFinished(self._connection, response.id)

    def _spoken(self, text: str) -> Iterator[ModelEvent]:
        """A FINAL text: what was spoken of the oldest segment that is still waiting for it.

        Where it is only the beginning of what was announced, the caller interrupted, and the service's guess of what
        was heard by then is worth less than what the channel knows.
        """
        if not text or not self._unheard:
            return
        while len(self._unheard) > 1 and text != self._unheard[0].text and self._announced(text):
            self._unheard.popleft()  # its FINAL was left out
        segment = self._unheard.popleft()
        cut_short = segment.text.startswith(text.rstrip(" .…")) and len(text) < len(segment.text)
        if not (cut_short or segment.response.silent or segment.response.id in self._interrupted):
            yield AgentText(self._connection, segment.response.id, text, Samples(segment.at), final=True)

    def _announced(self, text: str) -> bool:
        return any(segment.text == text for segment in self._unheard)

    def _interrupt(self) -> Iterator[ModelEvent]:
        """The caller broke in: whatever the service holds to be not yet heard will not be. Told twice, it says nothing
        the second time.
        """
        broken_off = [segment.response for segment in self._unheard]
        if self._newest is not None:
            broken_off.append(self._newest)
        self._unheard.clear()
        for response in broken_off:
            if response.id not in self._interrupted:
                self._interrupted.add(response.id)
                response.over = True
                yield ResponseInterrupted(self._connection, response.id)

    # -- the rest ------------------------------------------------------------------------------------------------------

    def _tool_use(self, event: ToolUse) -> Iterator[ModelEvent]:
        tool_call = ToolCallId(event.tool_use)
        if tool_call not in self._tool_calls:
            self._tool_calls.add(tool_call)
            yield ToolRequested(self._connection, tool_call, event.name, event.arguments)

    def _usage(self, event: Usage) -> Iterator[ModelEvent]:
        """What came on top, by the service's own word or as the difference of its totals."""
        counted, total = self._counted, event.total
        self._counted = total
        delta = event.delta or Tokens(
            speech_in=max(0, total.speech_in - counted.speech_in),
            speech_out=max(0, total.speech_out - counted.speech_out),
            text_in=max(0, total.text_in - counted.text_in),
            text_out=max(0, total.text_out - counted.text_out),
        )
        if delta != Tokens():
            yield UsageReported(self._connection, delta.speech_in, delta.speech_out, delta.text_in, delta.text_out)

    def _completed(self, event: CompletionEnd) -> Iterator[ModelEvent]:
        if event.stop_reason == "INTERRUPTED":
            yield from self._interrupt()
        yield from self._finish()


def _is_interruption(text: str) -> bool:
    """The mark, alone or before words that were told already."""
    return INTERRUPTED_MARK in text or "".join(text.split()) == "".join(INTERRUPTED_MARK.split())


_READ: dict[type, Callable[[Reader, Any], Iterator[ModelEvent]]] = {
    ContentStart: Reader._starts,
    TextOutput: Reader._text,
    AudioOutput: Reader._audio,
    ContentEnd: Reader._ends,
    ToolUse: Reader._tool_use,
    Usage: Reader._usage,
    CompletionEnd: Reader._completed,
}
"""What happens upon what. ``completionStart`` and what is unknown change nothing."""
