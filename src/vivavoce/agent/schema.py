"""The JSON Schema of agent files, for editors: write ``#:schema agent.schema.json`` in the first line of an agent
file."""

from __future__ import annotations

import json
from typing import Any

from vivavoce.agent.shape import AgentTable

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def agent_file_schema() -> dict[str, Any]:
    """A new dictionary each time; what editors such as those with Taplo complete and check agent files with."""
    schema = AgentTable.model_json_schema()
    return {"$schema": DIALECT, **schema, "title": "Vivavoce agent file"}


def agent_file_schema_text() -> str:
    """The schema as it is written to a file."""
    return json.dumps(agent_file_schema(), indent=2, ensure_ascii=False) + "\n"
