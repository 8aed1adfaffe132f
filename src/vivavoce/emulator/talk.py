"""The agent's side of a session: from what a brain says to the blocks that the service would send, and when.

One block is open at a time. A reply comes in segments, each with its SPECULATIVE text and its AUDIO; the FINAL text of
a segment follows when it has been played, by a clock of the service's own that counts from the first sample sent. What
is still to be played when the caller speaks is lost: its FINAL texts never come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from vivavoce.audio.framing import Framer
from vivavoce.audio.pcm import samples_for
from vivavoce.emulator.moves import Happened, Move, Occasion, Send, Wish
from vivavoce.events import END_CALL, CancelResponse, ConnectionId, Instant, ResponseId, Samples, Truncate
from vivavoce.wire.nova_output import (
    INTERRUPTED_MARK,
    AudioOutput,
    CompletionEnd,
    CompletionStart,
    ContentEnd,
    ContentStart,
    OutputEvent,
    TextOutput,
    ToolUse,
)

PIECE_MS = 80
WORDLESS = "..."
"""The SPECULATIVE text where a brain gives sound without words: the service never sends audio without."""

Block = tuple[OutputEvent, ...]


@dataclass(slots=True)
class _Reply:
    """What of a response was played to its end."""

    response: ResponseId
    begun: bool = False
    heard_texts: list[str] = field(default_factory=list)
    heard_samples: int = 0


@dataclass(slots=True)
class _Segment:
    """``ends_us`` is when the last sample so far is played; ``closed`` says that no more will come."""

    reply: _Reply
    text: str
    ends_us: int
    samples: int = 0
    closed: bool = False
    last: bool = False

    def heard_samples(self, now: int, rate_hz: int) -> int:
        return max(0, min(self.samples, self.samples - (self.ends_us - now) * rate_hz // 1_000_000))

    def heard_text(self, now: int, rate_hz: int) -> str:
        """The words of which the sound was played, taking all to last equally long for each letter."""
        if not self.samples or self.text == WORDLESS:
            return ""
        played = self.heard_samples(now, rate_hz) * len(self.text) / self.samples
        words: list[str] = []
        for word in self.text.split():
            if len(" ".join((*words, word))) > played:
                break
            words.append(word)
        return " ".join(words)


class Talk:
    """What one session says. Every method gives the moves that follow, in their order."""

    def __init__(self, new_id: Callable[[], str], connection: ConnectionId, rate_hz: int) -> None:
        self._new_id = new_id
        self._connection = connection
        self.rate_hz = rate_hz
        self._framer = Framer(samples_for(PIECE_MS, rate_hz))
        self._begun = False
        self._making: dict[ResponseId, _Reply] = {}
        self._segments: deque[_Segment] = deque()
        self._audio = ""
        """The id of the AUDIO block that is open, of the newest segment; empty if none is."""
        self._waiting: list[Block] = []
        self._goodbye: Block = ()
        """The call for the end of the call, while the words that come before it are being made."""
        self._playing_until_us = 0

    @property
    def deadline(self) -> Instant | None:
        """When the next FINAL text is due."""
        first = self._segments[0] if self._segments else None
        return Instant(first.ends_us) if first is not None and first.closed else None

    # -- a reply -------------------------------------------------------------------------------------------------------

    def starts(self, response: ResponseId) -> Iterator[Move]:
        self._making[response] = _Reply(response)
        return iter(())

    def says(self, response: ResponseId, text: str, now: Instant) -> Iterator[Move]:
        """The words of what comes next."""
        reply = self._making.get(response)
        if reply is None:
            return
        yield from self._close_audio("PARTIAL_TURN")
        for segment in self._segments:
            segment.closed = True
        self._segments.append(_Segment(reply, text, max(self._playing_until_us, now)))
        yield from self._put(self._text("ASSISTANT", "SPECULATIVE", text, "PARTIAL_TURN"))

    def sounds(self, response: ResponseId, pcm: bytes, now: Instant) -> Iterator[Move]:
        reply = self._making.get(response)
        if reply is None or not pcm:
            return
        segment = self._segments[-1] if self._segments else None
        if segment is None or segment.closed or segment.reply is not reply:
            yield from self.says(response, WORDLESS, now)
            segment = self._segments[-1]
        samples = len(pcm) // 2
        segment.samples += samples
        begins_us = max(self._playing_until_us, now)
        self._playing_until_us = segment.ends_us = begins_us + samples * 1_000_000 // self.rate_hz
        if not self._audio:
            self._audio = self._new_id()
            opening = ContentStart(content=self._audio, type="AUDIO", role="ASSISTANT", rate_hz=self.rate_hz)
            yield from self._sends((opening,))
        yield from self._sends(tuple(AudioOutput(content=self._audio, pcm=piece) for piece in self._framer.push(pcm)))
        if not reply.begun:
            reply.begun = True
            yield Happened(Occasion.AGENT_SPEAKING)

    def finishes(self, response: ResponseId) -> Iterator[Move]:
        reply = self._making.pop(response, None)
        if reply is None:
            return
        own = [segment for segment in self._segments if segment.reply is reply]
        if own:
            own[-1].closed = own[-1].last = True
        if own and own[-1] is self._segments[-1]:
            yield from self._close_audio("END_TURN")
        yield from self._say_goodbye()

    def time_passed(self, now: Instant) -> Iterator[Move]:
        """The FINAL texts of what was played by now."""
        while self._segments and self._segments[0].closed and self._segments[0].ends_us <= now:
            segment = self._segments.popleft()
            segment.reply.heard_samples += segment.samples
            if segment.text != WORDLESS:
                segment.reply.heard_texts.append(segment.text)
            stop = "END_TURN" if segment.last else "PARTIAL_TURN"
            yield from self._put(self._text("ASSISTANT", "FINAL", segment.text, stop))
            if segment.last and not self._segments and not self._making:
                yield Happened(Occasion.LISTENING)

    # -- the caller ----------------------------------------------------------------------------------------------------

    def transcribes(self, text: str) -> Iterator[Move]:
        if text:
            yield from self._put(self._text("USER", "FINAL", text, "PARTIAL_TURN"))

    def interrupted(self, now: Instant, by_brain: ResponseId | None = None) -> Iterator[Move]:
        """The caller speaks. ``by_brain`` is the response that the brain broke off itself."""
        if not self._segments and not self._making:
            return
        yield from self._close_audio("END_TURN", whole=False)
        if self._segments:
            playing = self._segments[0]
            if heard := playing.heard_text(now, self.rate_hz):
                yield from self._put(self._text("ASSISTANT", "FINAL", heard, "PARTIAL_TURN"))
            yield from self._put(self._text("ASSISTANT", "FINAL", INTERRUPTED_MARK, "INTERRUPTED"))
            yield Happened(Occasion.INTERRUPTED)
        yield from self._drop(now, by_brain)

    def _drop(self, now: Instant, by_brain: ResponseId | None) -> Iterator[Move]:
        """Tell the brain what was heard of each reply that was not heard to its end."""
        for segment in self._segments:
            segment.reply.heard_samples += segment.heard_samples(now, self.rate_hz)
            if heard := segment.heard_text(now, self.rate_hz):
                segment.reply.heard_texts.append(heard)
        replies = {segment.reply.response: segment.reply for segment in self._segments} | self._making
        for response, reply in replies.items():
            if response in self._making and response != by_brain:
                yield Wish(CancelResponse(self._connection, response))
            heard_text = " ".join(reply.heard_texts)
            yield Wish(Truncate(self._connection, response, Samples(reply.heard_samples), heard_text))
        self._making.clear()
        self._segments.clear()
        self._playing_until_us = now
        yield from self._say_goodbye()

    # -- tools and the end ---------------------------------------------------------------------------------------------

    def uses_tool(self, tool_use: str, name: str, arguments: str) -> Iterator[Move]:
        content = self._new_id()
        block = (
            ContentStart(content=content, type="TOOL", role="TOOL"),
            ToolUse(content=content, tool_use=tool_use, name=name, arguments=arguments),
            ContentEnd(content=content, type="TOOL", stop_reason="TOOL_USE"),
        )
        if name == END_CALL and self._making:
            self._goodbye = block
            return
        yield from self._put(block)
        yield Happened(Occasion.TOOL_RUNNING)

    def _say_goodbye(self) -> Iterator[Move]:
        if self._goodbye and not self._making:
            block, self._goodbye = self._goodbye, ()
            yield from self._put(block)

    def closes(self) -> Iterator[Move]:
        """The client closed its prompt: nothing more is said."""
        yield from self._close_audio("END_TURN", whole=False)
        self._making.clear()
        self._segments.clear()
        yield from self._sends((CompletionEnd(),))

    # -- blocks --------------------------------------------------------------------------------------------------------

    def _text(self, role: str, stage: str, text: str, stop: str) -> Block:
        content = self._new_id()
        return (
            ContentStart(content=content, type="TEXT", role=role, stage=stage),
            TextOutput(content=content, role=role, text=text),
            ContentEnd(content=content, type="TEXT", stop_reason=stop),
        )

    def _put(self, block: Block) -> Iterator[Move]:
        """Send a whole block, now or as soon as none is open."""
        if self._audio:
            self._waiting.append(block)
            return
        yield from self._sends(block)

    def _close_audio(self, stop: str, *, whole: bool = True) -> Iterator[Move]:
        """``whole``: with the sound that has not filled a piece."""
        rest = self._framer.finish(pad=False)
        if not self._audio:
            return
        content, self._audio = self._audio, ""
        if rest and whole:
            yield from self._sends((AudioOutput(content=content, pcm=rest),))
        yield from self._sends((ContentEnd(content=content, type="AUDIO", stop_reason=stop),))
        waiting, self._waiting = self._waiting, []
        for block in waiting:
            yield from self._sends(block)

    def _sends(self, events: Block) -> Iterator[Move]:
        if events and not self._begun:
            self._begun = True
            yield Send(CompletionStart())
        for event in events:
            yield Send(event)
