from __future__ import annotations

from typing import Any

import pytest

from vivavoce.agent import Spoken


def test_a_form_and_a_length() -> None:
    assert (Spoken("digits", length=5).form, Spoken("digits", length=5).length, Spoken("name").length) == (
        "digits",
        5,
        None,
    )


@pytest.mark.parametrize(
    ("form", "length", "message"),
    [("digit", None, "the form is one of name, digits"), ("digits", 0, "from 1"), ("digits", True, "whole number")],
)
def test_what_makes_no_sense_is_an_error(form: Any, length: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Spoken(form, length)
