from __future__ import annotations

import errno
import io
from typing import Any

import pytest

from vivavoce.cli.terminal import Terminal, plain


class Refusing(io.StringIO):
    """An output that fails after ``room`` writes."""

    def __init__(self, error: OSError, room: int = 0) -> None:
        super().__init__()
        self.error = error
        self.room = room

    def write(self, text: str, /) -> int:
        if self.room <= 0:
            raise self.error
        self.room -= 1
        return super().write(text)


def terminal(file: Any, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setattr("sys.stdout", file)
    return Terminal()


def test_words_are_taken_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().say("[recording] keep = true :smile: [/] 42")
    assert capsys.readouterr().out == "[recording] keep = true :smile: [/] 42\n"


def test_a_path_is_never_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    long = "calls/" + "x" * 300 + " and more"
    Terminal().say_whole(long)
    assert capsys.readouterr().out == f"{long}\n"


def test_a_paragraph_is_indented_and_wrapped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    Terminal().say_indented("one two three four five six")
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == ["  one two three four", "  five six"]


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = Terminal(quiet=True)
    quiet.say("a")
    quiet.say_whole("b")
    with quiet.working("c"):
        pass
    assert capsys.readouterr() == ("", "")


def test_no_spinner_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with Terminal().working("the model gets ready"):
        pass
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "error", [BrokenPipeError(errno.EPIPE, "Broken pipe"), OSError(errno.ENOSPC, "full"), OSError(errno.EIO, "gone")]
)
def test_output_that_fails_silences_and_raises_nothing(error: OSError, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Refusing(error)
    output = terminal(file, monkeypatch)
    output.say("one")
    file.room = 10
    output.say("two")
    assert output.quiet
    assert file.getvalue() == ""


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("two\nlines\tand  gaps", "two lines and gaps"),
        ("\x1b[31mred\x07", "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}"),
        ("Grüße 你好", "Grüße 你好"),
        ("\u202eevil", "\N{REPLACEMENT CHARACTER}evil"),
    ],
)
def test_words_cannot_steer_the_terminal(words: str, shown: str) -> None:
    assert plain(words) == shown
