"""A small agent to begin with: what ``vivavoce init`` writes."""

from __future__ import annotations

import json
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from vivavoce.agent.schema import agent_file_schema_text
from vivavoce.errors import UsageError

STARTER = ("agent.toml", "tools.py", "README.md", "knowledge/about-us.md")
SCHEMA_FILE = "agent.schema.json"
_STARTER_NAME = "My agent"


def scaffold(directory: Path, name: str) -> list[Path]:
    """Writes a working agent with this name into the folder, which may exist. Nothing that is there is overwritten: if
    any of the files exists, :class:`UsageError` names them and nothing is written."""
    if not name.strip() or not name.isprintable():
        raise UsageError("an agent needs a name of printable characters")
    files = {directory / file: _starter_text(file, name) for file in STARTER}
    files[directory / SCHEMA_FILE] = agent_file_schema_text()
    existing = sorted(str(path) for path in files if path.exists())
    if existing:
        raise UsageError(f"{', '.join(existing)} would be overwritten", hint="choose another folder")
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}") from error
    return sorted(files)


def _starter_text(file: str, name: str) -> str:
    place: Traversable = resources.files("vivavoce.agent").joinpath("starter", *file.split("/"))
    text = place.read_text(encoding="utf-8")
    if file == "agent.toml":
        return text.replace(json.dumps(_STARTER_NAME), json.dumps(name, ensure_ascii=False))
    return text.replace(_STARTER_NAME, name) if file == "README.md" else text
