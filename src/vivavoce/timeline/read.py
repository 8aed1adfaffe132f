"""Reading a timeline back: whole, torn by a crash, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vivavoce.errors import TimelineError
from vivavoce.events import CloseCall
from vivavoce.timeline.schema import Header, Line, decode_header, decode_line
from vivavoce.timeline.write import TIMELINE_FILE

_DAMAGED = "a crash can only cut short the last line: this file was changed, or its disk is damaged"


@dataclass(frozen=True, slots=True)
class Timeline:
    """``lines`` in order. ``torn``: the last line was cut short and is left out; the writer did not live to end it."""

    header: Header
    lines: tuple[Line, ...]
    torn: bool = False

    @property
    def closed(self) -> CloseCall | None:
        """The effect that ended the call; None if it never came, as after a crash."""
        values = (line.value for line in reversed(self.lines))
        return next((value for value in values if isinstance(value, CloseCall)), None)


def read_timeline(path: Path) -> Timeline:
    """``path`` is a timeline file or a call's folder. Raises :class:`TimelineError`, naming file and line."""
    file = path
    try:
        file = path / TIMELINE_FILE if path.is_dir() else path
        raw = file.read_bytes()
    except OSError as error:
        raise TimelineError(
            f"cannot read {file}: {error.strerror or error}", hint="name a call's folder or its timeline.jsonl"
        ) from error
    try:
        return parse_timeline(raw)
    except TimelineError as error:
        raise TimelineError(f"{file}: {error.message}", hint=error.hint) from error


def parse_timeline(raw: bytes) -> Timeline:
    """As :func:`read_timeline`, from the bytes of a file."""
    *whole, tail = raw.split(b"\n")  # a whole line ends with a newline, so the tail of a whole file is empty
    if not whole:
        raise TimelineError("the file is empty or its first line was cut short", hint="nothing of this call was kept")
    header = decode_header(whole[0])
    return Timeline(header, tuple(_lines(whole[1:])), torn=bool(tail))


def _lines(whole: list[bytes]) -> Iterator[Line]:
    for number, text in enumerate(whole):
        try:
            line = decode_line(text)
            if line.number != number:
                raise TimelineError(f"record {line.number} stands where record {number} should")
        except TimelineError as error:
            raise TimelineError(f"line {number + 2}: {error.message}", hint=_DAMAGED) from error
        yield line
