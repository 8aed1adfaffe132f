from __future__ import annotations

import pytest

from vivavoce.agent.problems import Problem, Proof, did_you_mean, raise_all
from vivavoce.errors import AgentFileError


def test_no_problem_raises_nothing() -> None:
    raise_all([])


def test_one_problem_is_an_error_with_its_place_and_hint() -> None:
    with pytest.raises(AgentFileError) as caught:
        raise_all([Problem("a.toml:3", "wrong", "mend it")])
    assert (str(caught.value), caught.value.where, caught.value.hint) == (
        "a.toml:3: wrong (mend it)",
        "a.toml:3",
        "mend it",
    )


def test_several_problems_are_one_error_with_a_line_each_and_none_twice() -> None:
    first, second = Problem("a.toml:3", "wrong", "mend it"), Problem("a.toml:9", "worse")
    with pytest.raises(AgentFileError) as caught:
        raise_all([first, second, first])
    assert str(caught.value).splitlines() == ["a.toml:3: wrong (mend it)", "a.toml:9: worse"]


@pytest.mark.parametrize(
    ("word", "hint"),
    [("greting", "did you mean greeting?"), ("zzz", "known here: farewell, greeting")],
)
def test_a_hint_names_the_nearest_word_or_all(word: str, hint: str) -> None:
    assert did_you_mean(word, ["greeting", "farewell"]) == hint
    assert did_you_mean(word, []) == ""


def test_a_proof_holds_without_problems() -> None:
    assert Proof("x").holds
    assert not Proof("x", problems=(Problem("", "wrong"),)).holds
