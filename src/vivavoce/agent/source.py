"""An agent file's text, its values, and where each stands."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vivavoce.agent.problems import Problem
from vivavoce.agent.toml_lines import KeyPath, find_lines, line_of

MAX_FILE_BYTES = 1_048_576
"""The largest agent file, template or knowledge file that is read."""

_TOML_POSITION = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Source:
    """A file that is valid TOML; whether it is a valid agent file is not yet known."""

    path: Path
    text: str
    data: Mapping[str, Any]
    lines: Mapping[KeyPath, int]

    @property
    def folder(self) -> Path:
        """Where the names in the file begin."""
        return self.path.parent

    def where(self, *key: str | int) -> str:
        """``path:line`` of a key, or of the nearest thing around it."""
        return f"{self.path}:{line_of(self.lines, key)}"

    def where_in_text(self, line: int, *key: str | int) -> str:
        """``path:line`` of a line (from 1) of the string that stands at ``key``."""
        first = line_of(self.lines, key)
        opening = self.text.splitlines()[first - 1].rstrip()
        # TOML drops the line break that follows three opening quotes.
        below = 1 if opening.endswith(('"""', "'''")) and opening.count(opening[-3:]) == 1 else 0
        return f"{self.path}:{first + below + line - 1}"


def read_source(path: Path) -> tuple[Source | None, list[Problem]]:
    """The file, or why there is none: it is not there, not text, or not TOML."""
    text, reason = read_text(path)
    if reason:
        hint = "" if path.exists() else "vivavoce init makes a new one"
        return None, [Problem(str(path), reason, hint)]
    try:
        source = Source(path, text, tomllib.loads(text), find_lines(text))
    except tomllib.TOMLDecodeError as error:
        return None, [_syntax_problem(path, text, str(error))]
    except RecursionError:
        return None, [Problem(str(path), "not valid TOML: nested too deep")]
    return source, []


def read_text(path: Path) -> tuple[str, str]:
    """The text of a UTF-8 file, and why it could not be read (empty if it could)."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            return "", "is no regular file"  # reading a pipe may never end
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        reasons = {FileNotFoundError: "there is no such file", IsADirectoryError: "this is a folder, not a file"}
        return "", reasons.get(type(error), f"cannot be read: {error.strerror}")
    except ValueError:
        return "", "is no name of a file"  # it holds a NUL
    if len(content) > MAX_FILE_BYTES:
        return "", f"is larger than {MAX_FILE_BYTES} bytes"
    try:
        return content.decode("utf-8-sig"), ""
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return "", f"is not UTF-8 text (line {line})"


def _syntax_problem(path: Path, text: str, message: str) -> Problem:
    position = _TOML_POSITION.search(message)
    line = int(position[1]) if position and position[1] else text.rstrip("\n").count("\n") + 1
    return Problem(f"{path}:{line}", f"not valid TOML: {_TOML_POSITION.sub('', message)}")
