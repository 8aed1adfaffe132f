from __future__ import annotations

import pytest

from vivavoce.agent import Tool
from vivavoce.agent.templates import Flaw, render, render_reply, template_flaws
from vivavoce.errors import AgentFileError


def test_a_template_is_rendered_without_the_space_around_it() -> None:
    assert render("\n {{ x }}{% if y %} yes{% endif %} \n", {"x": "<1>", "y": True}) == ("<1> yes", None)


def test_unknown_names_are_told_with_their_first_lines() -> None:
    flaws = template_flaws("{{ x }}\n{{ nam }}\n{{ nam }} {{ z }}{% for i in x %}{{ i }}{% endfor %}", ["x", "name"])
    assert [(flaw.line, flaw.hint) for flaw in sorted(flaws, key=lambda flaw: flaw.line)] == [
        (2, "did you mean name?"),
        (3, "known here: name, x"),
    ]


@pytest.mark.parametrize(
    ("template", "line", "message"),
    [
        ("a\n{{ x", 2, "the template is broken"),
        ("a\n\n{{ x | nofilter }}", 3, "No filter named 'nofilter'"),
        ("a\n{{ x.gone.more }}", 2, "has no attribute 'gone'"),
        ("a\n{{ x() }}", 2, "not callable"),
        ("{{ ''.__class__.mro() }}", 1, "unsafe"),
    ],
)
def test_what_goes_wrong_is_told_with_its_line(template: str, line: int, message: str) -> None:
    text, flaw = render(template, {"x": "1"})
    assert text == ""
    assert isinstance(flaw, Flaw)
    assert flaw.line == line
    assert message in flaw.message


def reply(template: str) -> Tool:
    properties = {"day": {"type": "string"}, "size": {"type": "string", "default": "small"}}
    return Tool("book", "Book.", {"type": "object", "properties": properties, "required": []}, print, reply=template)


def test_a_reply_knows_the_result_the_arguments_and_what_was_left_out() -> None:
    tool = reply("{{ result.n }} {{ size }}{% if day %} on {{ day }}{% endif %}")
    assert render_reply(tool, {"n": 1}, {}) == "1 small"
    assert render_reply(tool, {"n": 1}, {"day": "Monday", "size": "large"}) == "1 large on Monday"


def test_a_reply_that_cannot_be_rendered_says_whose_it_is() -> None:
    with pytest.raises(AgentFileError, match=r"the reply of book, line 2: .*has no attribute 'm'"):
        render_reply(reply("x\n{{ result.m }}"), {"n": 1}, {})
