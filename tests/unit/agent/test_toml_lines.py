from __future__ import annotations

import pytest

from vivavoce.agent.toml_lines import KeyPath, find_lines, line_of

DOCUMENT = '''# a comment with = and [brackets]
title = "a # b" # comment

[owner]
"quoted key" = 1
'single' = [1, 2] # [x]
a.b.c = { x = 1, "y z" = [
  { q = 1 },
] }
text = """
[not.a.table]
key = 1
"""
raw = \'\'\'
'quoted\' "" \'\'\'
after = 1979-05-27 07:32:00

[[fruits]]
name = "apple"
[fruits.physical] # belongs to the newest fruit
color = "red"
[[fruits.varieties]]
name = "one"
[[fruits.varieties]]
name = "two"

[[fruits]]
name = "banana"
[[fruits.varieties]]
name = "plantain"

[ x . "y.z" ]
empty = []
nothing = {}
quotes = """""two""""" # two quotes belong to the text on each side
last = true'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("title",), 2),
        (("owner",), 4),
        (("owner", "quoted key"), 5),
        (("owner", "single"), 6),
        (("owner", "single", 1), 6),
        (("owner", "a"), 7),
        (("owner", "a", "b", "c", "y z"), 7),
        (("owner", "a", "b", "c", "y z", 0), 8),
        (("owner", "a", "b", "c", "y z", 0, "q"), 8),
        (("owner", "text"), 10),
        (("owner", "raw"), 14),
        (("owner", "after"), 16),
        (("fruits",), 18),
        (("fruits", 0), 18),
        (("fruits", 0, "name"), 19),
        (("fruits", 0, "physical"), 20),
        (("fruits", 0, "physical", "color"), 21),
        (("fruits", 0, "varieties", 1, "name"), 25),
        (("fruits", 1), 27),
        (("fruits", 1, "varieties", 0), 29),
        (("fruits", 1, "varieties", 0, "name"), 30),
        (("x",), 32),
        (("x", "y.z"), 32),
        (("x", "y.z", "empty"), 33),
        (("x", "y.z", "last"), 36),
    ],
)
def test_each_key_has_the_line_it_stands_in(path: KeyPath, line: int) -> None:
    assert find_lines(DOCUMENT)[path] == line


def test_text_that_looks_like_keys_is_none() -> None:
    assert ("owner", "text", "key") not in find_lines(DOCUMENT)
    assert ("not",) not in find_lines(DOCUMENT)


def test_what_is_missing_has_the_line_of_what_is_around_it() -> None:
    lines = find_lines(DOCUMENT)
    assert line_of(lines, ("fruits", 1, "color")) == 27
    assert line_of(lines, ("gone", "too")) == 1


def test_an_empty_file_has_one_line() -> None:
    assert find_lines("") == find_lines("# nothing\n") == {(): 1}
