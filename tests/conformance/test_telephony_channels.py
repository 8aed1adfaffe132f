"""A telephone line passes the suite, whoever the carrier is."""

from __future__ import annotations

import pytest

from tests.unit.channel.telephony.carriers import DIALECTS, Carrier, Dialect, Vonage
from vivavoce.conformance import ChannelUnderTest, check_channel
from vivavoce.engine.clock import run

pytestmark = pytest.mark.timeout(30)


def on_the_line(dialect: type[Dialect]) -> ChannelUnderTest:
    carrier = Carrier(dialect())
    # The suite compares sample by sample: G.711 is not exact, and AudioSocket fills up the frame where a pause begins.
    return ChannelUnderTest(carrier.line(), carrier.hang_up, (lambda: carrier.heard) if dialect is Vonage else None)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_carrier(dialect: type[Dialect]) -> None:
    run(check_channel(lambda: on_the_line(dialect)), virtual=True)
