"""A call on the terminal while it happens: who says what, tools, and who cut whom off."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from vivavoce.events import (
    AgentText,
    CallerText,
    CallerTranscribed,
    CloseCall,
    Effect,
    Event,
    Instant,
    PlayoutStopped,
    RunTool,
    ToolFinished,
    ToolStatus,
)

_STYLES = {"caller": "cyan", "agent": "green", "tool": "yellow", "call": "bold"}


class Captions:
    """A witness that prints. Words go to the terminal of whoever runs the command and nowhere else."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tools: dict[str, tuple[str, Instant]] = {}

    def __call__(self, at: Instant, value: Event | Effect) -> None:
        match value:
            case CallerTranscribed(_, text, True) if text:
                self._line(at, "caller", text)
            case CallerText(text):
                self._line(at, "caller", f"(typed) {text}")
            case AgentText(_, _, text):
                self._line(at, "agent", text)
            case RunTool(tool_call, name, arguments):
                self._tools[tool_call] = (name, at)
                self._line(at, "tool", f"{name} {arguments}")
            case ToolFinished(tool_call, status, result):
                name, started = self._tools.pop(tool_call, (tool_call, at))
                took_ms = (at - started) // 1000
                told = "" if status is ToolStatus.OK else f": {result}"
                self._line(at, "tool", f"{name} {status} after {took_ms} ms{told}")
            case PlayoutStopped(response):
                self._line(at, "call", f"the caller cut in; {response} stops")
            case CloseCall(disposition, reason):
                self._line(at, "call", f"{disposition}: {reason}")

    def _line(self, at: Instant, who: str, words: str) -> None:
        text = Text(f"{at / 1_000_000:7.2f} s  ", style="dim")
        text.append(f"{who:7}", style=_STYLES[who])
        text.append(words)
        self._console.print(text)
