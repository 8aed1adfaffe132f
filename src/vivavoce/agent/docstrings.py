"""What a function's docstring tells a model: what the function does, and what each parameter means."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

_SECTION = re.compile(r"(Args|Arguments|Parameters|Returns?|Yields?|Raises|Examples?|Notes?):\s*$")
_PARAMETER_SECTIONS = ("Args", "Arguments", "Parameters")
_ENTRY = re.compile(r"\s*(\w+)\s*(?:\([^)]*\))?:\s+(\S.*)$")


def read_docstring(function: Callable[..., Any], parameters: Iterable[str]) -> tuple[str, dict[str, str]]:
    """The description, and the parameters' descriptions as far as they are given.

    A parameter's line is ``name: text``, in an ``Args:`` section or anywhere else; deeper indented lines go on with it.
    Sections other than that one (what is returned, what is raised) are for programmers and left out.
    """
    names = set(parameters)
    description: list[str] = []
    described: dict[str, list[str]] = {}
    for kind, text in _lines(inspect.getdoc(function) or "", names):
        if kind == "":
            description.append(text)
        elif kind in names:
            described.setdefault(kind, []).append(text)
    paragraphs = "\n".join(description).strip()
    return re.sub(r"\n{3,}", "\n\n", paragraphs), {name: " ".join(texts) for name, texts in described.items()}


def _lines(doc: str, names: set[str]) -> Iterator[tuple[str, str]]:
    """Each line with what it belongs to: the description (``""``), a parameter, or a section that is left out."""
    section, owner, indent = "", "", 0
    for line in doc.splitlines():
        if heading := _SECTION.match(line):
            section, owner = heading[1], ""
            continue
        if section and line and not line[0].isspace():
            section, owner = "", ""
        entry = _ENTRY.match(line)
        here = len(line) - len(line.lstrip())
        if entry and entry[1] in names and section in ("", *_PARAMETER_SECTIONS):
            owner, indent = entry[1], here
            yield owner, entry[2].strip()
        elif owner and line.strip() and here > indent:
            yield owner, line.strip()
        else:
            owner = ""
            yield section, line.strip()
