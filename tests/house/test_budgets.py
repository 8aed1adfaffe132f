"""The budgets hold, and each rule would notice if they did not."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

import pytest

from tests.house import rules
from tests.house.rules import Breach, Rule
from tests.house.source import Module, code_line_count, modules

EXCUSED: dict[tuple[str, str], str] = {
    # (rule, where): why this one may
}


def unexcused(rule: str, breaches: Iterable[Breach]) -> str:
    return "\n".join(f"{where}: {what}" for where, what in breaches if (rule, where) not in EXCUSED)


@pytest.mark.parametrize("rule", rules.BUDGETS, ids=lambda rule: rule.__name__)
def test_budget_holds(rule: Rule) -> None:
    breaches = [breach for module in modules("src/") for breach in rule(module)]
    assert unexcused(rule.__name__, breaches) == ""


def test_files_are_short() -> None:
    assert unexcused("file_length", (breach for module in modules() for breach in rules.file_length(module))) == ""


def test_scripts_and_examples_are_short_functions_too() -> None:
    folders = ("examples/", "benchmarks/", "scripts/")
    breaches = [breach for folder in folders for module in modules(folder) for breach in rules.function_length(module)]
    assert unexcused("function_length", breaches) == ""


def test_inheritance_is_shallow() -> None:
    assert unexcused("deep_inheritance", rules.deep_inheritance(modules("src/"))) == ""


def test_core_has_half_as_much_test_again_as_code() -> None:
    properties = [module for module in modules("tests/property/") if "vivavoce.core" in module.text]
    tests = code_line_count((*modules("tests/unit/core/"), *properties))
    core = code_line_count(modules(rules.CORE))
    assert tests >= 1.5 * core, f"{tests} lines of tests for {core} of core"


def test_every_excuse_has_a_reason_and_is_needed() -> None:
    assert all(len(reason) > 20 for reason in EXCUSED.values())
    excused = {rule for rule, _ in EXCUSED}
    everywhere = [rule for rule in (*rules.BUDGETS, rules.file_length) if rule.__name__ in excused]
    breached = {(rule.__name__, breach.where) for rule in everywhere for module in modules() for breach in rule(module)}
    breached |= {("deep_inheritance", breach.where) for breach in rules.deep_inheritance(modules("src/"))}
    assert set(EXCUSED) <= breached


def planted(source: str, path: str = "src/vivavoce/audio/planted.py") -> Module:
    return Module(path, textwrap.dedent(source))


NINE = "; ".join(f"self.a{number} = 0" for number in range(9))
FIFTY_LINES = "".join(f"    line {number}\n" for number in range(50))


@pytest.mark.parametrize(
    ("rule", "bad", "good"),
    [
        (rules.file_length, "x = 1\n" * 601, "x = 1\n" * 600),
        (rules.function_length, "def f():\n" + "    x = 1\n" * 40, "def f():\n" + "    x = 1\n    # why\n" * 39),
        (
            rules.function_length,
            "async def f():\n" + "    x = 1\n" * 40,
            f'def f():\n    """\n{FIFTY_LINES}    """',
        ),
        (
            rules.class_size,
            f"class A:\n    def go(self): {NINE}",
            f"class A:\n    def __init__(self): {NINE}",
        ),
        (
            rules.class_size,
            "@dataclass(slots=True)\nclass A:\n" + "".join(f"    a{number}: int\n" for number in range(13)),
            "@dataclass(frozen=True)\nclass A:\n" + "".join(f"    a{number}: int\n" for number in range(13)),
        ),
        (
            rules.class_size,
            "class A(msgspec.Struct):\n" + "".join(f"    a{number}: int\n" for number in range(13)),
            "class A(msgspec.Struct, frozen=True):\n" + "".join(f"    a{number}: int\n" for number in range(13)),
        ),
        (rules.hidden_import, "def f():\n    from vivavoce.core import x", "from vivavoce.core import x"),
        (rules.hidden_import, "def f():\n    import vivavoce.core", "def f():\n    import numpy"),
        (rules.clock_read, "import time\nclock = time.monotonic", "import time\ntime.sleep(1)"),
        (rules.clock_read, "from time import perf_counter_ns", "from time import sleep"),
        (rules.clock_read, "datetime.datetime.now()", "datetime.datetime.fromtimestamp(0)"),
        (rules.clock_read, "date.today()", "agent.today"),
        (rules.clock_read, "asyncio.get_running_loop().time()", "reading.time()"),
        (rules.clock_read, "self.loop.time()", "self.loop.call_soon(f)"),
        (rules.asyncio_import, "import asyncio", "import array"),
        (rules.asyncio_import, "from asyncio import Queue", "from collections import deque"),
        (rules.vague_raise, "raise RuntimeError('x')", "raise UsageError('x')"),
        (rules.vague_raise, "raise Exception", "raise"),
    ],
)
def test_rule_notices_a_breach_and_nothing_else(rule: Rule, bad: str, good: str) -> None:
    assert len(list(rule(planted(bad)))) == 1
    assert list(rule(planted(good))) == []


def test_rules_know_the_places_that_may() -> None:
    assert list(rules.clock_read(planted("import time\ntime.monotonic()", rules.CLOCK))) == []
    assert list(rules.asyncio_import(planted("import asyncio", "src/vivavoce/engine/call.py"))) == []
    assert len(list(rules.file_length(planted("x = 1\n" * 401, f"{rules.CORE}planted.py")))) == 1


def test_inheritance_is_counted_without_exceptions_and_protocols() -> None:
    three = "class A: ...\nclass B(A): ...\nclass C(B): ...\n"
    faults = "class F(Exception): ...\nclass G(F): ...\nclass H(G): ...\n"
    ports = "class P(Protocol): ...\nclass Q(P): ...\nclass R(Q): ...\n"
    assert [breach.where for breach in rules.deep_inheritance([planted(three)])] == ["src/vivavoce/audio/planted.py:C"]
    assert list(rules.deep_inheritance([planted(faults), planted(ports)])) == []
