"""Values of an agent file that are kept in the environment: keys of an API, passwords, tokens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from vivavoce.agent.problems import Problem
from vivavoce.agent.source import Source
from vivavoce.agent.tool_shape import FromEnvironment

_SECRET = re.compile(
    r"authorization|cookie|secret|token|password|passwd|credential|api[-_]?key|access[-_]?key", re.IGNORECASE
)
_UNSENDABLE = re.compile(r"[^\t\x20-\x7e]")


class Values:
    """Reads texts that stand in the file or in the environment. What is wrong is gathered in ``problems``; no value is
    ever part of a message."""

    def __init__(self, source: Source, environment: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self._source = source
        self._environment = environment

    def read(self, value: str | FromEnvironment, *key: str | int) -> str:
        """The text of the value that stands at ``key``; empty if there is a problem with it."""
        name = str(key[-1])
        where = self._source.where(*key)
        if isinstance(value, str):
            if _SECRET.search(name):
                hint = f'write {name} = {{ env = "NAME" }} and set NAME in the environment'
                self.problems.append(Problem(where, f"{name} is a secret and may not stand in the file", hint))
            return value
        found = self._environment.get(value.env, "")
        if not found:
            self.problems.append(Problem(where, f"{name} has no value", f"set {value.env} in the environment"))
        return value.prefix + found if found else ""

    def pairs(
        self, values: Mapping[str, str | FromEnvironment], *key: str | int, sendable: bool = False
    ) -> tuple[tuple[str, str], ...]:
        """All of a table. ``sendable``: they must do as the values of HTTP headers."""
        pairs = tuple((name, self.read(value, *key, name)) for name, value in values.items())
        if sendable:
            self.problems += self._unsendable(pairs, *key)
        return pairs

    def _unsendable(self, pairs: tuple[tuple[str, str], ...], *key: str | int) -> Iterator[Problem]:
        for name, value in pairs:
            if _UNSENDABLE.search(value) or value != value.strip():
                where = self._source.where(*key, name)
                yield Problem(where, f"{name} is no value of a header", "take out line breaks and what is not ASCII")
