"""The JSON Schema of agent files, for editors.

An editor with Taplo finds it by the first line of an agent file: ``#:schema ./agent.schema.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from vivavoce.agent.shape import AgentTable

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def agent_file_schema() -> dict[str, Any]:
    """A new dictionary each time. Keys that may be left out are not required; none is ever null, for TOML has no
    null."""
    schema = _without_null(AgentTable.model_json_schema())
    return {"$schema": DIALECT, "title": "Vivavoce agent file", **schema}


def agent_file_schema_text() -> str:
    """The schema as it is written to a file."""
    return json.dumps(agent_file_schema(), indent=2, ensure_ascii=False) + "\n"


def _without_null(node: Any, *, names: bool = False) -> Any:
    """Leaves out what pydantic adds for Python: titles, and null as a value; and says, where pydantic does not, that
    keys of another pattern are wrong. Below ``properties`` the keys are ``names``."""
    if isinstance(node, list):
        return [_without_null(one) for one in node if one != {"type": "null"}]
    if not isinstance(node, Mapping):
        return node
    inner = {
        key: _without_null(value, names=key in ("properties", "$defs", "patternProperties") and not names)
        for key, value in node.items()
        if names or not (key == "title" or (key == "default" and value is None))
    }
    if not names and "patternProperties" in inner:
        inner["additionalProperties"] = False
    if not names and len(inner.get("anyOf", ())) == 1:
        (only,) = inner.pop("anyOf")
        return {**only, **inner}
    return inner
