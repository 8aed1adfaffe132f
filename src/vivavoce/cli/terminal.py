"""The terminal of whoever runs a command: silent for programs, and never the reason for a call to end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.style import StyleType
from rich.text import Text

from vivavoce.cli.exits import silence_output


class Terminal(Console):
    """Takes words as they are: neither markup nor emoji codes nor control characters in them mean anything.

    When nobody reads any more (``vivavoce call ... | head``) or the output's disk is full, it falls silent and the
    program goes on: what was promised to be kept is kept.
    """

    def __init__(self, *, quiet: bool = False, stderr: bool = False) -> None:
        super().__init__(quiet=quiet, stderr=stderr, highlight=False, markup=False, emoji=False)

    def say(self, words: str = "", style: StyleType = "") -> None:
        """A line, wrapped between words."""
        self._print_or_fall_silent(Text(words, style), soft_wrap=False)

    def say_whole(self, words: str, style: StyleType = "") -> None:
        """A line that is never wrapped, so that a path in it can be copied."""
        self._print_or_fall_silent(Text(words, style), soft_wrap=True)

    def say_indented(self, words: str) -> None:
        """A paragraph, two columns in."""
        self._print_or_fall_silent(Padding(Text(words), (0, 0, 0, 2), expand=False), soft_wrap=False)

    def show(self, thing: object) -> None:
        """A table or another thing that rich can render."""
        self._print_or_fall_silent(thing, soft_wrap=False)

    @contextlib.contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Says that something is going on, for as long as the block runs, where somebody looks."""
        if self.quiet or not self.is_terminal:
            yield
            return
        with self.status(Text(what, "dim")):
            yield

    def on_broken_pipe(self) -> None:
        """As rich does, but without leaving the program."""
        self.quiet = True
        silence_output()

    def _print_or_fall_silent(self, thing: object, *, soft_wrap: bool) -> None:
        try:
            self.print(thing, soft_wrap=soft_wrap)
        except BrokenPipeError:  # rich before 13.8
            self.on_broken_pipe()
        except OSError:  # the disk behind our output is full, or the terminal is gone: told when the program ends
            self.quiet = True


def plain(words: str) -> str:
    """One line that can be shown: a caller's or a tool's words must not steer the terminal."""
    one_line = " ".join(words.split())
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in one_line)
