"""What stands on the time axis of a call."""

from __future__ import annotations

import pytest

from tests.unit.server.kept import NOW, call_name, made_call, timeline_of
from vivavoce.console.marks import marks_of
from vivavoce.errors import TimelineError
from vivavoce.ledger.record import TurnKind


def test_speech_playout_tools_and_swaps_stand_where_they_were() -> None:
    call = next(call for call in (made_call(n, NOW) for n in range(40)) if {TurnKind.TOOL, TurnKind.INTERRUPTED,
                TurnKind.RENEWAL} <= {turn.kind for turn in call.record.turns})  # fmt: skip
    record = call.record
    assert record.call == call_name(int(record.call.split("-")[1]))
    marks = marks_of(timeline_of(record))
    spoken = [turn for turn in record.turns if turn.began_us is not None]
    assert len(marks["caller"]) == len(spoken)
    for mark, turn in zip(marks["caller"], spoken, strict=True):
        assert turn.began_us is not None
        assert turn.speech_ended_us is not None
        assert abs(mark["begin_us"] - turn.began_us) <= 20_000
        assert abs(mark["end_us"] - turn.speech_ended_us) <= 20_000
    for mark, turn in zip(marks["agent"], record.turns, strict=True):
        assert turn.first_played_us is not None
        assert mark["response"] == f"r{turn.number}"
        assert abs(mark["begin_us"] - turn.first_played_us) <= 1_000
    tools = [tool for turn in record.turns for tool in turn.tools]
    assert [(one["name"], one["status"], one["begin_us"], one["end_us"]) for one in marks["tools"]] == [
        (tool.name, tool.status, tool.started_us, tool.finished_us) for tool in tools
    ]
    cuts = [turn for turn in record.turns if turn.interrupted]
    assert [one["what"] for one in marks["floor"]] == ["taken", "flushed"] * len(cuts)
    assert [one["begin_us"] for one in marks["swaps"]] == [swap.at_us for swap in record.swaps]
    assert [one["end_us"] - one["begin_us"] for one in marks["holds"]] == [400_000]


def test_a_damaged_file_is_refused() -> None:
    with pytest.raises(TimelineError):
        marks_of(b'{"vivavoce_timeline":1}\n[1,0,{"type":"RunTool"}]\n')
