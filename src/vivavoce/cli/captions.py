"""A call on the terminal while it happens: who says what, tools, and who cut whom off."""

from __future__ import annotations

import json
from contextlib import ExitStack
from enum import StrEnum
from types import TracebackType
from typing import NamedTuple

from rich.table import Table
from rich.text import Text

from vivavoce.cli.terminal import Terminal, plain
from vivavoce.events import (
    AgentAudio,
    AgentText,
    CallerConnected,
    CallerText,
    CallerTranscribed,
    CloseCall,
    Disposition,
    Effect,
    Event,
    Instant,
    ModelLost,
    ModelReady,
    OpenModel,
    ResponseId,
    RunTool,
    SwapModel,
    ToolCallId,
    ToolFinished,
    ToolStatus,
    Truncate,
)

SLOW_TOOL_US = 1_000_000
"""A tool that runs longer is announced before it has finished."""
ARGUMENT_CHARACTERS = 40
_STYLES = {"caller": "cyan", "agent": "green", "tool": "yellow", "cut": "magenta", "call": "bold"}


class _Tool(NamedTuple):
    words: str
    began: Instant


class Captions:
    """A witness that prints. Words go to the terminal of whoever runs the command and nowhere else.

    The agent's words are shown when they are made, which is before they are heard; a line ``cut`` says how much of
    them was. A tool gets one line when it has finished, and one before that if it is slow.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._rate_hz = 0
        self._made: dict[ResponseId, int] = {}
        self._saying: ResponseId | None = None  # whose words the last line was
        self._tools: dict[ToolCallId, _Tool] = {}
        self._slow: set[ToolCallId] = set()
        self._lost_because = ""

    def __call__(self, at: Instant, value: Event | Effect) -> None:
        self._count(value)
        self._announce_slow_tools(at)
        match value:
            case CallerTranscribed(_, text, True) if text:
                self._line(at, "caller", text)
            case CallerText(text):
                self._line(at, "caller", f"(typed) {text}")
            case AgentText(_, response, text, _, False):  # what it is said to have said comes after it was shown
                self._agent(at, response, text)
            case Truncate(_, response, heard, heard_text):
                self._cut(at, response, heard, heard_text)
            case RunTool(tool_call, name, arguments):
                self._tools[tool_call] = _Tool(call_in_words(name, arguments), at)
            case ToolFinished(tool_call, status, result):
                self._finished(at, tool_call, status, result)
            case ModelLost(_, message):
                self._lost_because = message
                self._line(at, "call", f"the model is lost: {message}")
            case SwapModel(moment=moment, reason=reason):
                why = f" ({reason})" if reason and reason != self._lost_because else ""
                self._line(at, "call", f"another model session takes over: {in_words(moment)}{why}")
            case CloseCall(disposition, reason):
                told = disposition is Disposition.MODEL_LOST and reason == self._lost_because
                why = "there is no other to go on with" if told else reason
                self._line(at, "call", f"{in_words(disposition)}: {why}")

    def _count(self, value: Event | Effect) -> None:
        match value:
            case CallerConnected(_, rate_hz):
                self._rate_hz = rate_hz
            case AgentAudio(_, response, audio):
                self._made[response] = self._made.get(response, 0) + audio.samples

    def _agent(self, at: Instant, response: ResponseId, text: str) -> None:
        """Sentences of one response are one caption, unless a program reads along line by line."""
        if response == self._saying and self._terminal.is_terminal:
            self._print("", "", "", text)
        else:
            self._line(at, "agent", text)
        self._saying = response

    def _cut(self, at: Instant, response: ResponseId, heard: int, heard_text: str) -> None:
        made = self._made.get(response, 0)
        share = f" {heard / self._rate_hz:.1f} s of {made / self._rate_hz:.1f} s" if self._rate_hz else ""
        words = f"heard{share}: {heard_text}" if heard_text else f"heard{share}, no whole word"
        self._line(at, "cut", f"the caller cuts in, having {words}")

    def _announce_slow_tools(self, at: Instant) -> None:
        for tool_call, tool in self._tools.items():
            if tool_call not in self._slow and at - tool.began >= SLOW_TOOL_US:
                self._slow.add(tool_call)
                self._line(at, "tool", f"{tool.words} is running")

    def _finished(self, at: Instant, tool_call: ToolCallId, status: ToolStatus, result: str) -> None:
        tool = self._tools.pop(tool_call, None)
        if tool is not None:
            why = "" if status is ToolStatus.OK else f": {_error_in(result)}"
            self._line(at, "tool", f"{tool.words} → {in_words(status)}, {(at - tool.began) // 1000} ms{why}")

    def _line(self, at: Instant, who: str, words: str) -> None:
        self._saying = None
        self._print(f"{at / 1_000_000:7.2f} s", who, _STYLES[who], words)

    def _print(self, time: str, who: str, style: str, words: str) -> None:
        if not self._terminal.is_terminal:
            self._terminal.say_whole(f"{time}  {who:6}  {plain(words)}")
            return
        line = Table.grid(padding=(0, 2))
        line.add_column(width=9, no_wrap=True)
        line.add_column(width=6, no_wrap=True)
        line.add_column(overflow="fold")
        line.add_row(Text(time, "dim"), Text(who, style), Text(plain(words)))
        self._terminal.show(line)


class Loading:
    """A witness that shows that a model session is being opened: that takes a second or more."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._shown = ExitStack()

    def __call__(self, _: Instant, value: Event | Effect) -> None:
        match value:
            case OpenModel():
                self._shown.enter_context(self._terminal.working("the model gets ready ..."))
            case ModelReady() | ModelLost() | CloseCall():
                self._shown.close()

    def __enter__(self) -> Loading:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._shown.close()


def call_in_words(name: str, arguments: str) -> str:
    """``find_cars(body_style="estate", max_price=25000)``: a tool call as people write one."""
    try:
        given = json.loads(arguments)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        return f"{name}({_short(arguments)})"
    return (
        f"{name}({', '.join(f'{key}={_short(json.dumps(value, ensure_ascii=False))}' for key, value in given.items())})"
    )


def in_words(member: StrEnum) -> str:
    return member.value.replace("_", " ")


def _short(words: str) -> str:
    return words if len(words) <= ARGUMENT_CHARACTERS else f"{words[: ARGUMENT_CHARACTERS - 1]}…"


def _error_in(result: str) -> str:
    """The message of ``{"error": {"message": ...}}``, which is what a tool that failed comes to."""
    try:
        return str(json.loads(result)["error"]["message"])
    except (ValueError, TypeError, KeyError):
        return result
