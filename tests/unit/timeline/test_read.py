"""Reading a timeline back: whole, torn, or refused by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.timeline.recorded import HEADER, as_bytes, busy_call
from vivavoce.errors import TimelineError
from vivavoce.events import CloseCall, Disposition
from vivavoce.timeline.read import parse_timeline, read_timeline
from vivavoce.timeline.schema import Line, encode_header, encode_line
from vivavoce.timeline.write import TIMELINE_FILE


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return busy_call().lines


def test_a_whole_file_comes_back_from_file_and_from_folder(tmp_path: Path, lines: list[Line]) -> None:
    file = tmp_path / TIMELINE_FILE
    file.write_bytes(as_bytes(lines))
    timeline = read_timeline(file)
    assert timeline == read_timeline(tmp_path)
    assert timeline.header == HEADER
    assert timeline.lines == tuple(lines)
    assert not timeline.torn
    assert timeline.closed == CloseCall(Disposition.COMPLETED, "the agent ended the call")


def test_a_call_of_which_only_the_header_was_kept() -> None:
    timeline = parse_timeline(encode_header(HEADER))
    assert (timeline.lines, timeline.torn, timeline.closed) == ((), False, None)


def test_a_torn_tail_at_every_byte(lines: list[Line]) -> None:
    raw = as_bytes(lines)
    header = len(encode_header(HEADER))
    ends = [header]
    for line in raw.splitlines(keepends=True)[1:]:
        ends.append(ends[-1] + len(line))
    for cut in range(header, len(raw) + 1):
        timeline = parse_timeline(raw[:cut])
        kept = sum(end <= cut for end in ends) - 1
        assert len(timeline.lines) == kept
        assert timeline.torn == (cut not in ends)
    assert parse_timeline(raw).lines == tuple(lines)


def test_a_tail_of_zeros_is_a_torn_line(lines: list[Line]) -> None:
    """What a power cut leaves on some file systems."""
    timeline = parse_timeline(as_bytes(lines) + bytes(4096))
    assert timeline.torn
    assert timeline.lines == tuple(lines)


@pytest.mark.parametrize("cut", [0, 1, 40, len(encode_header(HEADER)) - 1])
def test_a_header_that_was_cut_short(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "t.jsonl"
    file.write_bytes(encode_header(HEADER)[:cut])
    with pytest.raises(TimelineError, match=r"t\.jsonl: the file is empty or its first line was cut short"):
        read_timeline(file)


@pytest.mark.parametrize(
    ("number", "broken", "why"),
    [
        (0, b"\n", "no record"),
        (3, b"rubbish\n", "no record"),
        (5, b'[5,0,{"type":"Nonsense"}]\n', "Nonsense"),
        (5, b'[6,0,{"type":"TimePassed"}]\n', "record 6 stands where record 5 should"),
        (5, b'[4,0,{"type":"TimePassed"}]\n', "record 4 stands where record 5 should"),
        (5, b"", "record 6 stands where record 5 should"),
    ],
)
def test_damage_before_the_end_names_file_and_line(
    tmp_path: Path, lines: list[Line], number: int, broken: bytes, why: str
) -> None:
    parts = as_bytes(lines).splitlines(keepends=True)
    parts[number + 1] = broken
    file = tmp_path / "t.jsonl"
    file.write_bytes(b"".join(parts))
    with pytest.raises(TimelineError, match=rf"t\.jsonl: line {number + 2}: .*{why}") as refused:
        read_timeline(file)
    assert "this file was changed, or its disk is damaged" in refused.value.hint


def test_two_lines_become_one_when_their_newline_is_lost(lines: list[Line]) -> None:
    raw = as_bytes(lines)
    at = raw.index(b"\n", raw.index(b"\n") + 1)
    with pytest.raises(TimelineError, match="line 2"):
        parse_timeline(raw[:at] + raw[at + 1 :])


def test_windows_line_ends_are_read(lines: list[Line]) -> None:
    """A file that went through a program which translates them."""
    assert parse_timeline(as_bytes(lines).replace(b"\n", b"\r\n")).lines == tuple(lines)


@pytest.mark.parametrize("raw", [bytes(range(256)), b"\x89PNG\r\n\x1a\n" * 9, b"RIFF\x00\x00\n", b"{}\n", b"\n\n\n"])
def test_what_is_not_a_timeline(tmp_path: Path, raw: bytes) -> None:
    file = tmp_path / "t.jsonl"
    file.write_bytes(raw)
    with pytest.raises(TimelineError, match=r"t\.jsonl: this is not a timeline"):
        read_timeline(file)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TimelineError, match=r"cannot read .*gone: No such file"):
        read_timeline(tmp_path / "gone")
    with pytest.raises(TimelineError, match=rf"cannot read .*{TIMELINE_FILE}: No such file") as refused:
        read_timeline(tmp_path)
    assert "call's folder" in refused.value.hint


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / TIMELINE_FILE).mkdir()
    with pytest.raises(TimelineError, match="Is a directory"):
        read_timeline(tmp_path)


def test_the_end_is_found_even_if_something_follows(lines: list[Line]) -> None:
    raw = as_bytes(lines) + encode_line(len(lines), lines[-1].instant, lines[2].value)
    assert parse_timeline(raw).closed is not None
