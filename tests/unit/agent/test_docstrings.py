from __future__ import annotations

from vivavoce.agent.docstrings import read_docstring


def google(day: str, size: str) -> None:
    """Book a thing.

    It takes a day.

    Args:
        day: The day of it,
            as the caller says it.
        size (str): How large: small or large.
        other: Not a parameter.

    Returns:
        size: The booking.

    Raises:
        ValueError: Never.
    """


def plain(day: str, size: str) -> None:
    """Book a thing.

    day: The day of it.
    size: How large.

    Note that it costs: a lot.
    """


def bare() -> None: ...


def test_a_docstring_with_sections() -> None:
    description, described = read_docstring(google, ["day", "size"])
    assert description == "Book a thing.\n\nIt takes a day."
    assert described == {"day": "The day of it, as the caller says it.", "size": "How large: small or large."}


def test_plain_lines_for_parameters() -> None:
    description, described = read_docstring(plain, ["day", "size"])
    assert description == "Book a thing.\n\nNote that it costs: a lot."
    assert described == {"day": "The day of it.", "size": "How large."}


def test_a_line_that_names_no_parameter_belongs_to_the_description() -> None:
    assert read_docstring(plain, []) == (
        "Book a thing.\n\nday: The day of it.\nsize: How large.\n\nNote that it costs: a lot.",
        {},
    )


def test_no_docstring() -> None:
    assert read_docstring(bare, []) == ("", {})
