"""The Markdown files that an agent may answer from."""

from __future__ import annotations

from pathlib import Path

from vivavoce.agent.declaration import Knowledge
from vivavoce.agent.problems import Problem
from vivavoce.agent.source import Source, read_text


def read_knowledge(source: Source, patterns: list[str]) -> tuple[list[Knowledge], list[Problem]]:
    """The files in the order of the patterns, and by name within one; a file that two patterns name is read once."""
    files: dict[Path, int] = {}
    problems: list[Problem] = []
    for index, pattern in enumerate(patterns):
        found = _matching(source.folder, pattern)
        if not found:
            hint = "names begin in the folder of the agent file"
            problems.append(Problem(source.where("knowledge", index), f'no file is named "{pattern}"', hint))
        for file in found:
            files.setdefault(file, index)
    knowledge: list[Knowledge] = []
    for file, index in files.items():
        text, reason = read_text(file)
        if not reason and not text.strip():
            reason = "is empty"
        if reason:
            problems.append(Problem(source.where("knowledge", index), f"{file}: {reason}"))
        else:
            knowledge.append(Knowledge(file.name, text))
    return knowledge, problems


def _matching(folder: Path, pattern: str) -> list[Path]:
    if not any(sign in pattern for sign in "*?["):
        file = folder / pattern
        return [file] if file.exists() else []
    anchor = Path(pattern).anchor
    try:
        found = Path(anchor).glob(pattern[len(anchor) :]) if anchor else folder.glob(pattern)
        return sorted(file for file in found if file.is_file())
    except (ValueError, OSError):
        return []  # ** beside other characters, or a folder that may not be listed
