"""The repository's Markdown: its links, and what its code spans and code blocks name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from tests.house.source import PACKAGE, ROOT, repository_files

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)[^)]*\)")
_PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]+)+/?|[\w.-]+/")
_SHELL = {"", "sh", "bash", "console", "shell"}

TOP_FOLDERS = {name.split("/")[0] for name in repository_files() if "/" in name}
PACKAGES = {path.name for path in PACKAGE.iterdir() if path.is_dir()}


@dataclass(frozen=True)
class Document:
    """One Markdown file. ``path`` is relative to the repository's root."""

    path: str
    text: str

    @property
    def spans(self) -> list[str]:
        """What stands in backticks, outside code blocks."""
        return _SPAN.findall(_FENCE.sub("", self.text))

    @property
    def commands(self) -> list[str]:
        """Every line that a reader might type."""
        blocks = [body for language, body in _FENCE.findall(self.text) if language in _SHELL]
        return [*self.spans, *(line for body in blocks for line in body.splitlines())]

    @property
    def links(self) -> list[str]:
        """The links that stay in the repository, without their fragments."""
        targets = _LINK.findall(_FENCE.sub("", self.text))
        inside = [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:", target)]
        return [target for target in inside if target]

    def paths(self) -> Iterator[str]:
        """The code spans that name a file or a folder of ours, from the root or from the package.

        ``channel/model`` is no path but ``channel/`` and ``channel/wav.py`` are: below the package only a slash at the
        end or an ending tells.
        """
        for span in self.spans:
            if _PATH.fullmatch(span):
                first, last = span.split("/")[0], PurePosixPath(span).name
                if first in TOP_FOLDERS or (first in PACKAGES and (span.endswith("/") or "." in last)):
                    yield span

    def named(self, program: str) -> set[str]:
        """The words that follow ``program`` in what a reader might type: verbs, targets."""
        pattern = re.compile(rf"(?:^|[\s/$(]){program} ([a-z][a-z-]*)\b")
        return {word for command in self.commands for word in pattern.findall(command.partition(" #")[0])}


def documents() -> list[Document]:
    """What people read to use or change Vivavoce. The instructions and knowledge of agents are not among it."""
    return [
        Document(name, (ROOT / name).read_text(encoding="utf-8"))
        for name in repository_files()
        if name.endswith(".md") and ("/" not in name or name.startswith("docs/") or name.endswith("/README.md"))
    ]


def exists(path: str, beside: str = "") -> bool:
    """Whether a path names something in the root, in the package, or beside the document it stands in."""
    bases = [ROOT, PACKAGE, (ROOT / beside).parent]
    return any(next(iter(base.glob(path.rstrip("/"))), None) is not None for base in bases)
