"""The call as a whole."""

from __future__ import annotations

import pytest

from vivavoce.core.phase import Phase, PhaseMove, phase


def test_a_call_goes_through_its_phases_in_order() -> None:
    call = phase()
    states = [call.state, *(call.move(move) for move in PhaseMove)]
    assert states == [Phase.NEW, Phase.OPENING, Phase.TALKING, Phase.ENDING, Phase.CLOSED]


@pytest.mark.parametrize("done", range(4))
def test_a_call_can_close_from_every_phase(done: int) -> None:
    call = phase()
    for move in list(PhaseMove)[:done]:
        call.move(move)
    assert call.move(PhaseMove.CLOSE) is Phase.CLOSED
