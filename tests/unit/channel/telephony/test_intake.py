"""The caller's audio on a steady clock, whatever the carrier's says."""

from __future__ import annotations

from vivavoce.channel.telephony.intake import Intake
from vivavoce.wire.telephony.line import Media


def test_several_holes_are_believed_no_more_than_one() -> None:
    intake = Intake(8000, 0.0)
    pieces = [piece for at_ms in (0, 20, 2020) for piece in intake.receive(Media(b"", at_ms), 0.0)]
    assert sum(len(piece) for piece in pieces) // 2 == 16_000
