from __future__ import annotations

import dataclasses

import pytest

from tests.unit.cli.agents import Command
from vivavoce import app
from vivavoce.cli.exits import Exit


def test_every_model_with_what_it_is_and_needs(vivavoce: Command) -> None:
    ran = vivavoce("models")
    assert ran.code == Exit.OK
    assert "local  (can be used here)" in ran.out
    assert "no language model" in " ".join(ran.out.split())
    assert "It needs [models.settings] script" in " ".join(ran.out.split())
    assert max(map(len, ran.out.splitlines())) <= 80


def test_json(vivavoce: Command) -> None:
    told = vivavoce("models", "--json").told
    assert [model["name"] for model in told] == list(app.MODEL_KINDS)
    assert all(set(model) == {"name", "description", "usable", "why_not", "needs"} for model in told)


def test_a_model_that_cannot_be_used(vivavoce: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = dataclasses.replace(app.MODEL_KINDS["local"], why_not_here=lambda: "pip install it")
    monkeypatch.setattr(app, "MODEL_KINDS", {"local": broken})
    assert "local  (cannot be used here: pip install it)" in vivavoce("models").out
    (told,) = vivavoce("models", "--json").told
    assert (told["usable"], told["why_not"]) == (False, "pip install it")
