"""Templates of an agent file: Jinja in its sandbox, where a name that is not known is an error.

Jinja is imported when the first template is read: most commands need none.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vivavoce.agent.problems import did_you_mean

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong in a template, and in which of its lines (from 1)."""

    line: int
    message: str
    hint: str = ""


def template_flaws(template: str, names: Collection[str]) -> list[Flaw]:
    """What can be told without rendering: bad syntax, or names that are none of ``names``."""
    from jinja2 import TemplateSyntaxError, meta, nodes

    environment = _environment()
    try:
        tree = environment.parse(template)
        environment.compile(tree)
    except TemplateSyntaxError as error:
        return [Flaw(error.lineno, f"the template is broken: {error.message}")]
    # Parsed again: compiling rewrites the tree.
    tree = environment.parse(template)
    used = list(tree.find_all(nodes.Name))
    # Jinja takes a name that is set in only one branch for one that comes from outside, even inside that branch.
    assigned = {node.name for node in used if node.ctx == "store"}
    unknown = meta.find_undeclared_variables(tree) - set(names) - set(environment.globals) - assigned
    first_lines: dict[str, int] = {}
    for node in used:
        if node.name in unknown:
            first_lines.setdefault(node.name, node.lineno)
    return [
        Flaw(line, f'the template uses "{name}", which is not known here', did_you_mean(name, names))
        for name, line in first_lines.items()
    ]


def render(template: str, values: Mapping[str, Any]) -> tuple[str, Flaw | None]:
    """The rendered text without the space around it, or what went wrong."""
    flaws = template_flaws(template, values)
    if flaws:
        return "", flaws[0]
    try:
        return _environment().from_string(template).render(values).strip(), None
    except Exception as error:  # noqa: BLE001 (a template may call what its values can do)
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<template>"]
        return "", Flaw((lines and lines[-1]) or 1, f"the template cannot be rendered: {error}")


@functools.cache
def _environment() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    # Plain text, nothing is HTML. The cache is for replies, which are rendered at every call of their tool.
    return SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
