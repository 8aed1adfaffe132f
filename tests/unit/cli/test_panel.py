from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.sound import Sound
from vivavoce.channel.microphone import MicrophoneChannel
from vivavoce.cli.panel import END_OF_INPUT, Panel, bar, keys
from vivavoce.cli.terminal import Terminal
from vivavoce.events import ConnectionId, Instant, ModelReady, OpenModel


class Hearing(MicrophoneChannel):
    """Notes that it was hung up."""

    def __init__(self) -> None:
        super().__init__(sounddevice=Sound())
        self.ended = 0

    def hang_up(self) -> None:
        self.ended += 1


def a_panel(*, push_to_talk: bool = False) -> tuple[Panel, Hearing]:
    panel, channel = Panel(Terminal(quiet=True), push_to_talk=push_to_talk), Hearing()
    assert panel.watch(channel) is channel
    return panel, channel


def test_m_mutes_and_the_space_bar_does_not() -> None:
    panel, channel = a_panel()
    seen: list[bool] = []
    for key in " mM":
        panel.press(channel, key)
        seen.append(channel.muted)
    assert seen == [False, True, False]


def test_push_to_talk_begins_muted_and_the_space_bar_opens() -> None:
    panel, channel = a_panel(push_to_talk=True)
    assert channel.muted
    panel.press(channel, " ")
    assert not channel.muted


@pytest.mark.parametrize("key", ["q", "Q", END_OF_INPUT])
def test_keys_that_hang_up(key: str) -> None:
    panel, channel = a_panel()
    panel.press(channel, key)
    assert channel.ended == 1


def test_what_the_microphone_lost_is_told_in_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hearing, "lost_samples", 3_200)
    panel, _ = a_panel()
    assert panel.microphone_lost_ms == 200.0
    assert Panel(Terminal(quiet=True), push_to_talk=False).microphone_lost_ms == 0.0


def test_other_keys_do_nothing() -> None:
    panel, channel = a_panel()
    for key in "xyz\x1b[A\n":
        panel.press(channel, key)
    assert (channel.muted, channel.ended) == (False, 0)


def test_the_line_says_what_there_is_to_know() -> None:
    panel, channel = a_panel()
    panel(Instant(0), OpenModel(ConnectionId(1), 0))
    assert "the model gets ready" in panel.line(channel).plain
    panel(Instant(1), ModelReady(ConnectionId(1)))
    assert "m mutes, q hangs up" in panel.line(channel).plain
    channel.muted = True
    assert "MUTED" in panel.line(channel).plain
    assert len(panel.line(channel).plain) < 80
    assert "space talks" in Panel(Terminal(), push_to_talk=True).line(channel).plain


@pytest.mark.parametrize(
    ("level_dbfs", "cells"), [(-90.0, 0), (-60.0, 0), (-30.0, 6), (0.0, 12), (3.0, 12), (float("-inf"), 0)]
)
def test_bar(level_dbfs: float, cells: int) -> None:
    assert bar(level_dbfs) == "█" * cells + "·" * (12 - cells)


class Keys:
    """Collects what is typed until there is enough of it."""

    def __init__(self, enough: int) -> None:
        self.pressed: list[str] = []
        self.all_pressed = asyncio.Event()
        self._enough = enough

    def __call__(self, key: str) -> None:
        self.pressed.append(key)
        if len(self.pressed) == self._enough:
            self.all_pressed.set()


def type_on_a_terminal(act: Callable[[int], None], enough: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """``act`` gets the other end of the terminal."""
    controller, descriptor = os.openpty()

    async def read_keys() -> list[str]:
        typed = Keys(enough)
        with keys(typed):
            assert not termios.tcgetattr(descriptor)[3] & termios.ICANON
            act(controller)
            async with asyncio.timeout(5):
                await typed.all_pressed.wait()
                await asyncio.sleep(0)
        return typed.pressed

    with os.fdopen(descriptor) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        before = termios.tcgetattr(descriptor)
        pressed = asyncio.run(read_keys())
        with contextlib.suppress(termios.error):  # it is gone
            assert termios.tcgetattr(descriptor) == before
    with contextlib.suppress(OSError):
        os.close(controller)
    return pressed


def _type_mq(controller: int) -> None:
    os.write(controller, b"mq")


def test_keys_come_one_by_one_and_the_terminal_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    assert type_on_a_terminal(_type_mq, 2, monkeypatch) == ["m", "q"]


def test_a_terminal_that_is_gone_is_the_end_of_input(monkeypatch: pytest.MonkeyPatch) -> None:
    assert type_on_a_terminal(os.close, 1, monkeypatch) == [END_OF_INPUT]


def test_without_a_terminal_there_are_no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "input").write_text("mq", "utf-8")
    with (tmp_path / "input").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with keys(pytest.fail):
            pass
