"""Who may look at which call, and from when on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest
from starlette.requests import Request

from tests.unit.server.asgi import KEY_LINE, SHOP, House
from vivavoce.console.feed import CallFeed
from vivavoce.engine.clock import run
from vivavoce.errors import Refused
from vivavoce.server.application import application
from vivavoce.server.desk import LiveCall
from vivavoce.server.feeds import Feeds
from vivavoce.server.keys import hash_of
from vivavoce.server.settings import KeyLine, ServerSettings

READER = KeyLine("auditor", hash_of("vv_audit"), scopes=("calls:read",))
KEYED = ServerSettings(keys=(KEY_LINE, READER))


@dataclass
class Session:
    """An :class:`~vivavoce.server.sessions.OpenSession` whose call begins after ``begins_s``."""

    caller_name: str = "shop"
    begins_s: float = 0
    live: LiveCall = field(
        default_factory=lambda: cast("LiveCall", SimpleNamespace(call="c1", feed=CallFeed(simulated=True)))
    )

    async def answered(self) -> LiveCall | None:
        await asyncio.sleep(self.begins_s)
        return self.live

    def hang_up(self, reason: str) -> None: ...


def look(session: Session, name: str, key: str, settings: ServerSettings = KEYED) -> CallFeed:
    house = House(settings)
    scope = house.scope("http", "/", {"authorization": f"Bearer {key}"}, method="GET", app=application(house.door))

    cast("dict[str, LiveCall]", house.door.desk.live)[session.live.call] = session.live

    async def looking() -> CallFeed:
        with house.door.sessions.holding(session, "sess_1"):
            return await Feeds().feed(Request(scope), name)

    return run(looking(), virtual=True)


def test_whoever_opened_it_may_by_the_sessions_id() -> None:
    session = Session()
    assert look(session, "sess_1", SHOP) is session.live.feed


def test_a_call_that_begins_in_a_moment_is_waited_for() -> None:
    session = Session(begins_s=4)
    assert look(session, "sess_1", SHOP) is session.live.feed
    with pytest.raises(Refused) as refusal:
        look(Session(begins_s=6), "sess_1", SHOP)
    assert refusal.value.status == 404


@pytest.mark.parametrize("name", ["sess_1", "c1", "nobody"])
def test_another_key_needs_leave_to_read(name: str) -> None:
    with pytest.raises(Refused) as refusal:
        look(Session("another"), name, SHOP)
    assert (refusal.value.status, refusal.value.code) == (403, "scope_missing")


def test_the_id_of_a_call_is_no_secret_and_opens_nothing() -> None:
    with pytest.raises(Refused) as refusal:
        look(Session(), "c1", SHOP)
    assert refusal.value.code == "scope_missing"


def test_a_key_that_may_read_may_by_either_id() -> None:
    session = Session()
    assert look(session, "sess_1", "vv_audit") is session.live.feed
    assert look(session, "c1", "vv_audit") is session.live.feed
    with pytest.raises(Refused) as refusal:
        look(session, "nobody", "vv_audit")
    assert refusal.value.status == 404
