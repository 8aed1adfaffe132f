"""Whole calls over Nova Sonic sessions that end and break, against the emulator in memory: in small what
``benchmarks/renewal_soak.py`` and ``benchmarks/fault_matrix.py`` do at length.
"""

from __future__ import annotations

import fault_matrix
import pytest
import renewal_soak

from vivavoce.emulator.faults import BEFORE_STREAM, FaultKind

pytestmark = pytest.mark.slow


def test_calls_outlive_their_sessions_without_a_loss() -> None:
    measured = renewal_soak.measure(renewal_soak.on_virtual_time(calls=4, talk_s=60), took_s=0)
    assert renewal_soak.holds(measured), measured
    assert sum(measured["swaps"].values()) >= 4 * 60 / renewal_soak.LIFETIME_S, "every session was replaced in time"
    assert not measured["swaps"]["recovery"], "and none was lost first"


@pytest.mark.parametrize("state", fault_matrix.STATES, ids=lambda state: state.name)
@pytest.mark.parametrize("kind", fault_matrix.QUICK)
def test_no_fault_ends_in_silence(kind: FaultKind, state: fault_matrix.State) -> None:
    cell = fault_matrix.play(kind, state)
    assert cell.outcome in fault_matrix.GOOD
    if kind not in BEFORE_STREAM:
        assert cell.outcome != "ended", "another session can be had, so the call goes on"


@pytest.mark.parametrize("kind", [FaultKind.HTTP_403, FaultKind.CLOCK_SKEW])
def test_where_no_other_session_can_be_had_the_call_is_ended_clearly(kind: FaultKind) -> None:
    assert {fault_matrix.play(kind, state).outcome for state in fault_matrix.STATES} == {"ended"}
