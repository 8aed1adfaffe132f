"""A ticket lets one stream in, once, for a while, and for what it was issued."""

from __future__ import annotations

import pytest

from vivavoce.errors import Refused
from vivavoce.server.telephony.tickets import LIFETIME_S, Tickets

NOW_S = 1_795_000_000.0


def refused(tickets: Tickets, ticket: str, agent: str = "desk", call: str = "CA1", now_s: float = NOW_S) -> bool:
    try:
        tickets.redeem(ticket, agent, call, now_s)
    except Refused as raised:
        return (raised.status, raised.code) == (403, "ticket_invalid")
    return False


def test_once_and_for_what_it_was_issued() -> None:
    tickets, worker = Tickets("twilio", b"k"), Tickets("twilio", b"k")
    ticket = tickets.issue("desk", "CA1", NOW_S)
    assert ticket.isalnum()
    assert ticket.isascii()
    assert refused(tickets, ticket, agent="sales")
    assert refused(tickets, ticket, call="CA2")
    assert refused(tickets, ticket, now_s=NOW_S + LIFETIME_S + 1)
    assert refused(Tickets("telnyx", b"k"), ticket)
    assert refused(Tickets("twilio", b"other"), ticket)
    assert not refused(tickets, ticket)
    assert refused(tickets, ticket)
    assert not refused(worker, ticket)
    assert tickets.issue("desk", "CA1", NOW_S) != ticket


@pytest.mark.parametrize("ticket", ["", "0" * 56, "ÿ" * 56, "g" * 56])
def test_what_is_no_ticket(ticket: str) -> None:
    assert refused(Tickets("twilio", b"k"), ticket)


def test_used_ones_are_forgotten_when_they_are_too_old_anyway() -> None:
    tickets = Tickets("twilio", b"k")
    for minute in range(20):
        now_s = NOW_S + 61 * minute
        tickets.redeem(tickets.issue("desk", "CA1", now_s), "desk", "CA1", now_s)
    assert len(tickets._used) == 1
