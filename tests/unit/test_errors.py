from __future__ import annotations

import re

import pytest

from vivavoce import errors
from vivavoce.errors import AgentFileError, VivavoceError


def below(kind: type[VivavoceError]) -> list[type[VivavoceError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in below(child))]


OURS = [kind for kind in below(VivavoceError) if kind.__module__ == errors.__name__]


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    assert errors.__doc__ is not None
    drawn = re.findall(r"^    ([│ ]*)(?:[├└]── )?([A-Z]\w+)", errors.__doc__, re.MULTILINE)
    depths = {kind.__name__: len(kind.__mro__) - len(VivavoceError.__mro__) for kind in OURS}
    assert {name: _depth(indent, name) for indent, name in drawn} == depths


def _depth(indent: str, name: str) -> int:
    return 0 if name == "VivavoceError" else len(indent) // 4 + 1


def test_every_error_has_a_docstring_of_its_own() -> None:
    assert [kind.__name__ for kind in OURS if not kind.__dict__.get("__doc__")] == []


@pytest.mark.parametrize("kind", OURS)
def test_message_and_hint(kind: type[VivavoceError]) -> None:
    error = kind("the disk is full", hint="free some space")
    assert (error.message, error.hint) == ("the disk is full", "free some space")
    assert str(error) == "the disk is full (free some space)"
    assert (str(kind("alone")), kind("alone").hint) == ("alone", "")


def test_what_may_work_later_says_so() -> None:
    retryable = {kind.__name__ for kind in OURS if kind.retryable}
    assert retryable == {"ModelFault", "ModelUnreachable", "ModelBusy", "ModelExpired", "StoreFault", "ToolUnreachable"}


def test_an_agent_file_error_knows_its_place() -> None:
    error = AgentFileError("unknown key", where="agent.toml:7", hint="remove it")
    assert (error.where, error.message) == ("agent.toml:7", "agent.toml:7: unknown key")
    assert str(error) == "agent.toml:7: unknown key (remove it)"
    assert AgentFileError("unknown key").message == "unknown key"
