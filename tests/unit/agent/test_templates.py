from __future__ import annotations

import pytest

from vivavoce.agent.templates import Flaw, render, template_flaws


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


def test_a_name_that_the_template_sets_is_known() -> None:
    template = "{% if x %}{% else %}{% set y = 2 %}{% if y %}{{ y }}{% endif %}{% endif %}"
    assert template_flaws(template, ["x"]) == []
    assert render(template, {"x": 0}) == ("2", None)
    assert render(template + "{{ y }}", {"x": 1})[1] == Flaw(1, "the template cannot be rendered: 'y' is undefined")
