"""The budgets as functions: a module in, its breaches out. Why each number: the table in CONTRIBUTING.md."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from tests.house.source import Function, Module, dotted

CORE = "src/vivavoce/core/"
CLOCK = "src/vivavoce/engine/clock.py"
MAY_USE_ASYNCIO = tuple(
    f"src/vivavoce/{package}/"
    for package in (
        "engine",
        "channel",
        "model",
        "tools",
        "server",
        "console",
        "cli",
        "conformance",
        "emulator",
        "rehearsal",
    )
)
_CLOCKS = {
    f"time.{name}{unit}"
    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time", "clock_gettime")
    for unit in ("", "_ns")
} | {"time.localtime", "time.gmtime", "time.ctime", "time.strftime"}
_CALENDARS = tuple(
    f"{owner}.{method}" for owner in ("datetime", "date") for method in ("now", "today", "utcnow") if owner != method
)
_LOOPS = ("loop", "get_running_loop()", "get_event_loop()")
_EXCEPTIONS = {"Exception", "BaseException", "RuntimeError", "ValueError", "TypeError", "OSError", "VivavoceError"}


class Breach(NamedTuple):
    """``where`` names the file, or file and name, for the table of exceptions; ``what`` is for people."""

    where: str
    what: str


Rule = Callable[[Module], Iterator[Breach]]


def file_length(module: Module) -> Iterator[Breach]:
    limit = 400 if module.path.startswith(CORE) else 600
    if module.line_count > limit:
        yield Breach(module.path, f"{module.line_count} lines, {limit} allowed")


def function_length(module: Module) -> Iterator[Breach]:
    for function in module.functions:
        lines = module.code_lines_of(function) - sum(module.code_lines_of(match) for match in _dispatches(function))
        if lines > 40:
            yield Breach(f"{module.path}:{function.name}", f"line {function.lineno}: {lines} code lines, 40 allowed")


def _dispatches(function: Function) -> list[ast.Match]:
    """A ``match`` with one statement an arm is a table, and a table may be long."""
    matches = [statement for statement in function.body if isinstance(statement, ast.Match)]
    simple = (ast.Return, ast.Expr, ast.Assign, ast.Pass, ast.Raise)
    return [match for match in matches if all(len(c.body) == 1 and isinstance(c.body[0], simple) for c in match.cases)]


def class_size(module: Module) -> Iterator[Breach]:
    for node in module.classes:
        everything, later = _attributes(node)
        if len(everything) > 12:
            yield Breach(f"{module.path}:{node.name}", f"{len(everything)} attributes, 12 allowed")
        if len(later) > 8:
            yield Breach(f"{module.path}:{node.name}", f"{len(later)} change later, 8 may: {sorted(later)}")


def _attributes(node: ast.ClassDef) -> tuple[set[str], set[str]]:
    """What a class sets on itself, and what of it after construction. The fields of a frozen value are no state."""
    everything: set[str] = set()
    later: set[str] = set()
    for statement in node.body:
        if isinstance(statement, Function):
            written = set(_written_on_self(statement))
            everything |= written
            if statement.name not in {"__init__", "__post_init__", "__new__"}:
                later |= written
        elif (
            isinstance(statement, ast.AnnAssign) and _is_mutable_record(node) and "ClassVar" not in ast.dump(statement)
        ):
            everything.add(dotted(statement.target))
    return everything, later


def _written_on_self(method: Function) -> Iterator[str]:
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and dotted(node.value) == "self":
            yield node.attr


def _is_mutable_record(node: ast.ClassDef) -> bool:
    """A dataclass or a msgspec struct without ``frozen=True``."""
    for decorator in node.decorator_list:
        if dotted(decorator).rstrip("()").endswith("dataclass"):
            return not (isinstance(decorator, ast.Call) and _is_frozen(decorator.keywords))
    return any(dotted(base).endswith("Struct") for base in node.bases) and not _is_frozen(node.keywords)


def _is_frozen(keywords: Iterable[ast.keyword]) -> bool:
    return any(
        word.arg == "frozen" and isinstance(word.value, ast.Constant) and word.value.value is True for word in keywords
    )


def hidden_import(module: Module) -> Iterator[Breach]:
    for function in module.functions:
        for node in ast.walk(function):
            match node:
                case ast.ImportFrom(name, _, level) if level or (name or "").split(".")[0] == "vivavoce":
                    yield Breach(module.path, f"line {node.lineno}: imports its own package inside {function.name}()")
                case ast.Import(names) if any(alias.name.split(".")[0] == "vivavoce" for alias in names):
                    yield Breach(module.path, f"line {node.lineno}: imports its own package inside {function.name}()")


def clock_read(module: Module) -> Iterator[Breach]:
    if module.path == CLOCK:
        return
    for node in ast.walk(module.tree):
        match node:
            case ast.Attribute() if _reads_clock(dotted(node)):
                yield Breach(
                    module.path, f"line {node.lineno}: {dotted(node)} reads a clock; take the time as argument"
                )
            case ast.ImportFrom("time", names) if any(f"time.{alias.name}" in _CLOCKS for alias in names):
                yield Breach(module.path, f"line {node.lineno}: imports a clock from time")


def _reads_clock(name: str) -> bool:
    owner, _, attribute = name.rpartition(".")
    return (
        name in _CLOCKS
        or any(name == calendar or name.endswith(f".{calendar}") for calendar in _CALENDARS)
        or (attribute == "time" and owner.endswith(_LOOPS))
    )


def asyncio_import(module: Module) -> Iterator[Breach]:
    if module.path.startswith(MAY_USE_ASYNCIO):
        return
    for node in ast.walk(module.tree):
        match node:
            case ast.Import(names) if any(alias.name.split(".")[0] in {"asyncio", "anyio"} for alias in names):
                yield Breach(module.path, f"line {node.lineno}: this package has no business with a loop")
            case ast.ImportFrom(name) if (name or "").split(".")[0] in {"asyncio", "anyio"}:
                yield Breach(module.path, f"line {node.lineno}: this package has no business with a loop")


def vague_raise(module: Module) -> Iterator[Breach]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            name = dotted(node.exc).rstrip("()")
            if name in {"Exception", "BaseException", "RuntimeError"}:
                yield Breach(module.path, f"line {node.lineno}: raises {name}; vivavoce.errors says whose fault it is")


def deep_inheritance(modules: Iterable[Module]) -> Iterator[Breach]:
    """Three generations of our own classes, exceptions and protocols aside. Classes are told apart by their names."""
    homes: dict[str, tuple[str, list[str]]] = {}
    for module in modules:
        for node in module.classes:
            homes[node.name] = (module.path, [dotted(base).rpartition(".")[2] for base in node.bases])
    for name, (path, _) in homes.items():
        line = _ancestry(name, homes)
        if len(line) > 2 and not _EXCEPTIONS & set(line):
            yield Breach(f"{path}:{name}", f"inherits {' <- '.join(line)}; two generations are allowed")


def _ancestry(name: str, homes: dict[str, tuple[str, list[str]]]) -> list[str]:
    """The longest line of own classes from ``name`` up, protocols not counted; an exception's line ends in its base."""
    if name not in homes:
        return [name] if name in _EXCEPTIONS else []
    bases = homes[name][1]
    if "Protocol" in bases:
        return []
    return [name, *max((_ancestry(base, homes) for base in bases if base != name), key=len, default=[])]


BUDGETS: tuple[Rule, ...] = (function_length, class_size, hidden_import, clock_read, asyncio_import, vague_raise)
