"""The documents agree with the repository: each path, link, command and version that they name is real."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import click
import pytest

import vivavoce
import vivavoce.cli
from tests.house.documents import Document, documents, exists
from tests.house.source import ROOT

DOCUMENTS = documents()
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.path)


def verbs() -> set[str]:
    groups = [value for value in vars(vivavoce.cli).values() if isinstance(value, click.Group)]
    return {verb for group in groups for verb in group.list_commands(click.Context(group))}


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def document(path: str) -> Document:
    return next(document for document in DOCUMENTS if document.path == path)


@each_document
def test_links_lead_somewhere(document: Document) -> None:
    folder = (ROOT / document.path).parent
    assert [link for link in document.links if not (folder / link).exists()] == []


@each_document
def test_paths_exist(document: Document) -> None:
    assert [path for path in document.paths() if not exists(path, beside=document.path)] == []


@each_document
def test_verbs_are_real(document: Document) -> None:
    assert document.named("vivavoce") - verbs() == set()


@each_document
def test_make_targets_are_real(document: Document) -> None:
    assert document.named("make") - make_targets() == set()


@each_document
def test_extras_are_real(document: Document) -> None:
    named = {extra for group in re.findall(r"vivavoce\[([\w,-]+)\]", document.text) for extra in group.split(",")}
    assert named - set(PROJECT["optional-dependencies"]) == set()


def test_every_verb_is_in_the_readme() -> None:
    assert verbs() - document("README.md").named("vivavoce") == set()


def test_tour_is_seven_files_at_most() -> None:
    tour = document("docs/tour.md")
    files = {path for path in (*tour.spans, *tour.links) if path.endswith(".py")}
    assert 0 < len(files) <= 7
    assert [path for path in files if not exists(path, beside=tour.path)] == []


def test_every_page_is_in_an_index() -> None:
    """A page that no ``README.md`` of its folder, or of docs/, links to is not found by anyone."""
    pages = {document.path for document in DOCUMENTS if document.path.startswith("docs/")}
    listed = {
        (ROOT / index.path).parent.joinpath(link).resolve().relative_to(ROOT.resolve()).as_posix()
        for index in DOCUMENTS
        if index.path.startswith("docs/") and index.path.endswith("README.md")
        for link in index.links
    }
    assert pages - listed == {"docs/README.md"}


def test_versions_agree() -> None:
    assert PROJECT["version"] == vivavoce.__version__
    assert re.search(rf"^## \[?{re.escape(PROJECT['version'])}\b", document("CHANGELOG.md").text, re.MULTILINE)


def test_what_is_wrong_would_be_noticed() -> None:
    planted = Document(
        "docs/planted.md",
        "See [it](gone.md#part), [out](https://example.org), `src/gone.py`, `core/gone.py`, `text/plain`.\n"
        "```sh\nmake gone  # make nothing\n.venv/bin/vivavoce vanish --help\n```\n"
        "```python\nimport vivavoce as v\n```\n",
    )
    assert planted.links == ["gone.md"]
    assert list(planted.paths()) == ["src/gone.py", "core/gone.py"]
    assert [path for path in planted.paths() if exists(path, beside=planted.path)] == []
    assert planted.named("make") == {"gone"}
    assert planted.named("vivavoce") == {"vanish"}
