"""The repository's own Python, read but not run: what the house rules are asked about."""

from __future__ import annotations

import ast
import io
import subprocess
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "vivavoce"

_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One Python file. ``path`` is relative to the repository's root."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def line_count(self) -> int:
        return len(self.text.splitlines())

    @cached_property
    def code_lines(self) -> frozenset[int]:
        """The numbers of the lines with a token that is neither comment nor docstring."""
        lines: set[int] = set()
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type not in _NO_CODE:
                lines.update(range(token.start[0], token.end[0] + 1))
        return frozenset(lines - self._docstring_lines())

    def _docstring_lines(self) -> set[int]:
        lines: set[int] = set()
        for node in ast.walk(self.tree):
            match node:
                case ast.Expr(ast.Constant(str())):
                    lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        return lines

    def code_lines_of(self, node: ast.stmt) -> int:
        return sum(node.lineno <= line <= (node.end_lineno or 0) for line in self.code_lines)

    @cached_property
    def functions(self) -> tuple[Function, ...]:
        return tuple(node for node in ast.walk(self.tree) if isinstance(node, Function))

    @cached_property
    def classes(self) -> tuple[ast.ClassDef, ...]:
        return tuple(node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))


@cache
def repository_files() -> tuple[str, ...]:
    """Every file that git tracks or would track, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\0")
    return tuple(sorted({name for name in listed if name and (ROOT / name).is_file()}))


@cache
def modules(under: str = "") -> tuple[Module, ...]:
    """The Python files under a folder of the repository."""
    return tuple(
        Module(name, (ROOT / name).read_text(encoding="utf-8"))
        for name in repository_files()
        if name.startswith(under) and name.endswith(".py")
    )


def code_line_count(read: Iterable[Module]) -> int:
    return sum(len(module.code_lines) for module in read)


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of a chain of names; a call in it is written ``a().b``; empty for anything else."""
    match node:
        case ast.Name(name):
            return name
        case ast.Attribute(value, name):
            owner = dotted(value)
            return f"{owner}.{name}" if owner else ""
        case ast.Call(function):
            called = dotted(function)
            return f"{called}()" if called else ""
        case _:
            return ""
