"""Reading a timeline back: whole, torn by a crash, or refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vivavoce.errors import TimelineError
from vivavoce.events import CloseCall
from vivavoce.timeline.schema import Header, Line, decode_header, decode_line
from vivavoce.timeline.write import TIMELINE_FILE


@dataclass(frozen=True, slots=True)
class Timeline:
    """``lines`` in order. ``torn`` says that the last line was cut short and left out: the writer did not live to end
    it.
    """

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
    file = path / TIMELINE_FILE if path.is_dir() else path
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise TimelineError(
            f"cannot read {file}: {error.strerror}", hint="name a call's folder or its timeline.jsonl"
        ) from error
    try:
        return parse_timeline(raw)
    except TimelineError as error:
        raise TimelineError(f"{file}: {error.message}", hint=error.hint) from error


def parse_timeline(raw: bytes) -> Timeline:
    """As :func:`read_timeline`, from the bytes of a file."""
    *whole, tail = raw.split(b"\n")  # a whole line ends with a newline, so the tail of a whole file is empty
    if not whole:
        raise TimelineError("the file is empty or its first line was cut short")
    header = decode_header(whole[0])
    lines: list[Line] = []
    for number, text in enumerate(whole[1:]):
        try:
            line = decode_line(text)
        except TimelineError as error:
            raise TimelineError(f"line {number + 2}: {error.message}") from error
        if line.number != number:
            raise TimelineError(f"line {number + 2}: record {line.number} stands where record {number} should")
        lines.append(line)
    return Timeline(header, tuple(lines), torn=bool(tail))
