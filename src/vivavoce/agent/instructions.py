"""The templates of an agent file: the instructions in their versions, the greeting, the farewell."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vivavoce.agent.problems import Problem, did_you_mean
from vivavoce.agent.shape import AgentTable, InstructionsTable, TextFile
from vivavoce.agent.source import Source, read_text
from vivavoce.agent.templates import Flaw
from vivavoce.agent.toml_lines import KeyPath


@dataclass(frozen=True, slots=True)
class Template:
    """A template and where it stands: in the agent file at ``key``, or in a ``file`` that is named there."""

    text: str
    key: KeyPath
    file: Path | None = None

    def problem(self, source: Source, flaw: Flaw) -> Problem:
        where = f"{self.file}:{flaw.line}" if self.file else source.where_in_text(flaw.line, *self.key)
        return Problem(where, flaw.message, flaw.hint)


@dataclass(frozen=True, slots=True)
class Instructions:
    """Every version by its name; instructions that have no versions are the version ``""``, which is then the
    default."""

    versions: dict[str, Template]
    default: str

    def choose(self, version: str | None, source: Source) -> tuple[str, list[Problem]]:
        """The version to use, and what is wrong with the one that was asked for."""
        if version is None or version in self.versions:
            return self.default if version is None else version, []
        named = [name for name in self.versions if name]
        hint = did_you_mean(version, named) or "the instructions have no versions"
        return self.default, [Problem(source.where("instructions"), f'there is no version "{version}"', hint)]


def read_instructions(source: Source, shape: AgentTable) -> tuple[Instructions, list[Problem]]:
    """The texts of all versions; one whose file cannot be read is empty and a problem."""
    problems: list[Problem] = []

    def read(text: str | TextFile, *key: str | int) -> Template:
        if isinstance(text, str):
            return Template(text, key)
        file = source.folder / text.file
        content, reason = read_text(file)
        if reason:
            problems.append(Problem(source.where(*key, "file"), f"{file}: {reason}"))
        return Template(content, key, file)

    declared = shape.instructions
    if isinstance(declared, InstructionsTable):
        if declared.versions is not None:
            versions = {name: read(text, "instructions", "versions", name) for name, text in declared.versions.items()}
            return Instructions(versions, declared.default or next(iter(versions))), problems
        assert declared.file is not None, "the shape asks for file or versions"
        declared_text: str | TextFile = TextFile(file=declared.file)
    else:
        declared_text = declared
    return Instructions({"": read(declared_text, "instructions")}, ""), problems
