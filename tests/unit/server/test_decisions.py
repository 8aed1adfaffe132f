"""Who may decide in a live call, and what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.unit.server.asgi import KEY_LINE, OPENED, SHOP, Answer, House, answer_of, served
from vivavoce.console.feed import CallFeed
from vivavoce.engine.clock import run
from vivavoce.events import AskApproval, HoldChanged, Instant, ToolCallId
from vivavoce.server.application import application
from vivavoce.server.decisions import ROUTES
from vivavoce.server.desk import LiveCall
from vivavoce.server.keys import hash_of
from vivavoce.server.listen import Connections
from vivavoce.server.secrets import Ticket
from vivavoce.server.settings import KeyLine, Scope, ServerSettings

BOSS = "vv_boss"
CONTROLS = KeyLine("boss", hash_of(BOSS), scopes=("calls:read", "calls:control"))
KEYED = ServerSettings(keys=(KEY_LINE, CONTROLS, KeyLine("other", hash_of("vv_other"))))
SCOPES_APART: tuple[tuple[str, Scope], ...] = (("reads", "calls:read"), ("decides", "calls:control"))
ASKED = AskApproval(ToolCallId("call/1"), "wipe_phone", '{"number":"4711"}')


@dataclass
class Answering:
    """What is decided, instead of a call."""

    call: str
    decided: list[tuple[Any, ...]] = field(default_factory=list)

    def approve(self, tool_call: str, by: str) -> None:
        self.decided.append(("approve", tool_call, by))

    def deny(self, tool_call: str, by: str, reason: str) -> None:
        self.decided.append(("deny", tool_call, by, reason))

    def hold(self, held: bool, by: str) -> None:
        self.decided.append(("hold", held, by))


@dataclass
class Place:
    """A server with one live call, opened by the key ``shop`` as the session ``sess_1``."""

    settings: ServerSettings = KEYED
    call: str = "c1"
    caller_name: str = "shop"

    def __post_init__(self) -> None:
        self.house = House(self.settings, routes=ROUTES)
        self.answering = Answering(self.call)
        feed = CallFeed(simulated=True)
        live = SimpleNamespace(call=self.call, feed=feed, answering=self.answering, agent=served("desk"), opened=OPENED)
        self.live = cast("LiveCall", live)
        cast("dict[str, LiveCall]", self.house.door.desk.live)[self.call] = self.live
        feed.observe(Instant(0), ASKED)

    def post(self, path: str, told: object = b"", key: str = SHOP) -> Answer:
        session: Any = SimpleNamespace(caller_name=self.caller_name, live=self.live)
        with self.house.door.sessions.holding(session, "sess_1"):
            return self.house.post(path, told, authorization=f"Bearer {key}")


def test_a_tool_is_approved_by_whoever_opened_the_call_and_once() -> None:
    place = Place()
    answer = place.post("/v1/calls/sess_1/tools/call/1/approve")
    assert answer.status == 200
    assert answer.told == {"call": "c1", "tool_call": "call/1", "approved": True, "by": "shop"}
    assert place.answering.decided == [("approve", "call/1", "shop")]
    again = place.post("/v1/calls/sess_1/tools/call/1/deny")
    assert (again.status, again.code) == (409, "already_decided")
    assert len(place.answering.decided) == 1


def test_a_denial_may_say_why() -> None:
    place = Place()
    assert place.post("/v1/calls/c1/tools/call/1/deny", {"reason": "not hers"}, key=BOSS).status == 200
    assert place.answering.decided == [("deny", "call/1", "boss", "not hers")]
    silent = Place()
    assert silent.post("/v1/calls/sess_1/tools/call/1/deny").told["approved"] is False
    assert silent.answering.decided == [("deny", "call/1", "shop", "")]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "invalid_json"),
        ({"reason": 3}, "invalid_value"),
        ({"reason": "x" * 501}, "invalid_value"),
        ({"why": "x"}, "invalid_value"),
    ],
)
def test_a_denial_that_cannot_be_read_decides_nothing(body: object, code: str) -> None:
    place = Place()
    answer = place.post("/v1/calls/sess_1/tools/call/1/deny", body)
    assert (answer.status, answer.code) == (400, code)
    assert place.live.feed.decisions.waiting


@pytest.mark.parametrize("path", ["sess_1/tools/call/2/approve", "sess_1/tools/x/deny"])
def test_a_tool_call_that_nobody_asked_about_is_not_found(path: str) -> None:
    answer = Place().post(f"/v1/calls/{path}")
    assert (answer.status, answer.code) == (404, "tool_call_not_found")


def test_the_caller_is_held_and_taken_off_hold() -> None:
    place = Place()
    assert place.post("/v1/calls/sess_1/hold").told == {"call": "c1", "held": True, "by": "shop"}
    place.live.feed.observe(Instant(1), HoldChanged(held=True, by="shop"))
    assert place.post("/v1/calls/sess_1/hold").status == 409
    assert place.post("/v1/calls/c1/resume", key=BOSS).status == 200
    assert place.answering.decided == [("hold", True, "shop"), ("hold", False, "boss")]


@pytest.mark.parametrize("what", ["tools/call/1/approve", "tools/call/1/deny", "hold", "resume"])
@pytest.mark.parametrize(
    ("call", "key", "status", "code"),
    [
        ("sess_1", "vv_other", 403, "scope_missing"),
        ("c1", SHOP, 403, "scope_missing"),
        ("nobody", SHOP, 403, "scope_missing"),
        ("nobody", BOSS, 404, "call_id_not_found"),
        ("sess_1", "vv_wrong", 401, "invalid_api_key"),
    ],
)
def test_nobody_else_decides(what: str, call: str, key: str, status: int, code: str) -> None:
    place = Place()
    answer = place.post(f"/v1/calls/{call}/{what}", key=key)
    assert (answer.status, answer.code) == (status, code)
    assert place.answering.decided == []


def test_a_callers_own_secret_does_not_decide() -> None:
    place = Place()
    secret = place.house.door.sealer.seal(Ticket("shop", "desk", {}, int(OPENED.timestamp()) + 60))
    answer = place.post("/v1/calls/sess_1/tools/call/1/approve", key=secret)
    assert (answer.status, answer.code) == (403, "scope_missing")
    assert place.answering.decided == []


def test_a_call_that_is_over_takes_no_decisions() -> None:
    place = Place()
    cast("dict[str, LiveCall]", place.house.door.desk.live).clear()
    assert place.post("/v1/calls/sess_1/hold").code == "call_id_not_found"


def test_without_keys_whoever_is_on_this_machine_decides() -> None:
    place = Place(ServerSettings(), caller_name="")
    assert place.post("/v1/calls/c1/tools/call/1/approve", key="").told["by"] == "somebody without a key"


def test_to_decide_in_calls_or_to_see_them_is_no_leave_to_do_the_other() -> None:
    reads, decides = (KeyLine(name, hash_of(f"vv_{name}"), scopes=(scope,)) for name, scope in SCOPES_APART)
    place = Place(ServerSettings(keys=(reads, decides)), caller_name="another")
    assert place.post("/v1/calls/c1/hold", key="vv_reads").code == "scope_missing"
    assert place.post("/v1/calls/c1/hold", key="vv_decides").status == 200
    assert place.house.ask("/v1/calls", authorization="Bearer vv_reads").status == 200
    assert place.house.ask("/v1/calls", authorization="Bearer vv_decides").code == "scope_missing"


LISTED = {
    "id": "c1",
    "object": "call",
    "agent": "desk",
    "opened": OPENED.isoformat(),
    "held": False,
    "approvals": [{"tool_call": "call/1", "name": "wipe_phone", "arguments": '{"number":"4711"}'}],
}


def test_live_calls_are_listed_with_what_waits_in_each() -> None:
    house = Place().house
    assert house.ask("/v1/calls", authorization=f"Bearer {BOSS}").told == {"object": "list", "data": [LISTED]}
    assert house.ask("/v1/calls", authorization=f"Bearer {SHOP}").code == "scope_missing"


def test_another_workers_calls_are_listed_and_decided_too(tmp_path: Path) -> None:
    settings = ServerSettings(keys=(CONTROLS,), workers=2)
    first = House(settings, routes=ROUTES, worker=1, siblings=tmp_path)
    place = Place(settings, call="c1-w2")
    second = place.house = House(settings, routes=ROUTES, worker=2, siblings=tmp_path)
    cast("dict[str, LiveCall]", second.door.desk.live)["c1-w2"] = place.live

    def asked(path: str, method: str) -> Callable[[], Any]:
        scope = first.scope("http", path, {"authorization": f"Bearer {BOSS}"}, method=method)
        return lambda: answer_of(application(first.door, ROUTES), scope, b"")

    async def main() -> list[Any]:
        connections = Connections(application(second.door, ROUTES), settings, second.door.metrics)
        server = await asyncio.get_running_loop().create_unix_server(connections.protocol, tmp_path / "2.sock")
        try:
            return [await asked("/v1/calls", "GET")(), await asked("/v1/calls/c1-w2/hold", "POST")()]
        finally:
            server.close()
            await connections.close()

    listed, held = run(main())
    assert [one["id"] for one in listed.told["data"]] == ["c1-w2"]
    assert held.told == {"call": "c1-w2", "held": True, "by": "boss"}
    assert place.answering.decided == [("hold", True, "boss")]
