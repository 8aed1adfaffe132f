"""The line finder against tomllib: it must see the keys that tomllib sees, each in a line where it is written."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.agent.toml_lines import KeyPath, find_lines

KEYS = st.text(st.sampled_from("ab.\" =#[]'"), max_size=4) | st.sampled_from(["name", "tools", "x-1"])
TEXTS = st.text(st.sampled_from("ab\"'\\#=[]{},\n"), max_size=8)
SCALARS = st.integers() | st.booleans() | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)
TABLES = st.dictionaries(KEYS, VALUES, max_size=5)


def inline(value: Any, newlines: bool) -> str:
    """A value as TOML; lists over several lines, texts in three quotes where they hold a line break."""
    match value:
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {inline(one, newlines)}" for key, one in value.items()) + "}"
        case list():
            space = "\n # a comment ]\n" if newlines else " "
            return f"[{space}" + f",{space}".join(inline(one, newlines) for one in value) + f"{space}]"
        case str() if newlines and "\n" in value:
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'"""\n{escaped}"""'
        case _:
            return json.dumps(value)


def document(tables: dict[str, Any], newlines: bool) -> str:
    """Plain values first, then tables and arrays of tables under headers of their own."""
    plain = [
        f"{json.dumps(key)} = {inline(value, newlines)}"
        for key, value in tables.items()
        if not is_table(value) and not is_tables(value)
    ]
    headed = [
        line
        for key, value in tables.items()
        if is_table(value) or is_tables(value)
        for table in ([value] if is_table(value) else value)
        for line in (
            f"[{json.dumps(key)}]" if is_table(value) else f"[[{json.dumps(key)}]]",
            *(f"{json.dumps(inner)} = {inline(one, newlines)}" for inner, one in table.items()),
        )
    ]
    return "\n".join([*plain, "# = [", *headed])


def is_table(value: Any) -> bool:
    return isinstance(value, dict)


def is_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def paths(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from paths(child, (*path, key))


@given(TABLES, st.booleans())
def test_it_sees_the_keys_that_tomllib_sees(tables: dict[str, Any], newlines: bool) -> None:
    text = document(tables, newlines)
    assert tomllib.loads(text) == tables
    lines = find_lines(text)
    assert set(lines) == set(paths(tables))
    rows = text.split("\n")
    for path, line in lines.items():
        if path and isinstance(path[-1], str):
            assert json.dumps(path[-1]) in rows[line - 1]
