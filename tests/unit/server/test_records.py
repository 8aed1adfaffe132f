"""What is told of calls that are over, and to whom."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.unit.server.asgi import KEY_LINE, SHOP, House
from tests.unit.server.kept import KeptCalls, call_name, timeline_of
from vivavoce.audio.wav import WavWriter
from vivavoce.errors import AccessFault
from vivavoce.ledger.record import Basis, TurnKind
from vivavoce.server.application import application
from vivavoce.server.keys import hash_of
from vivavoce.server.records import RECORD_ROUTES
from vivavoce.server.settings import KeyLine, ServerSettings
from vivavoce.store.port import CallFilter, Order

READS = KeyLine("reads", hash_of("vv_reads"), scopes=("calls:read",))
SALES = KeyLine("sales", hash_of("vv_sales"), scopes=("calls:read",), agents=("sales",))
KEYED = ServerSettings(keys=(KEY_LINE, READS, SALES))
FIRST = call_name(0)


@pytest.fixture
def kept() -> KeptCalls:
    return KeptCalls.of(12)


@pytest.fixture
def ask(kept: KeptCalls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Asks with a key for everything that is kept."""
    house = House(KEYED, calls=tmp_path)
    monkeypatch.setattr(type(house.door), "records", kept)
    with TestClient(application(house.door, RECORD_ROUTES), "http://127.0.0.1:8000") as client:
        client.headers["authorization"] = "Bearer vv_reads"
        yield client


def as_sales() -> dict[str, str]:
    return {"authorization": "Bearer vv_sales"}


def test_a_page_of_calls_is_told_with_what_follows(ask: TestClient) -> None:
    answer = ask.get("/v1/records?limit=5")
    told = answer.json()
    assert (told["object"], told["total"], told["after"], len(told["data"])) == ("list", 12, "5", 5)
    assert isinstance(told["data"][0]["amounts"]["USD"], str)
    assert answer.headers["cache-control"] == "private, no-store"
    assert [row["call"] for row in ask.get("/v1/records?limit=5&after=10").json()["data"]] == [call_name(1), FIRST]


def test_every_filter_reaches_the_store(ask: TestClient, kept: KeptCalls) -> None:
    query = {
        "since": "2026-03-01T00:00:00Z", "agent": "The desk", "tenant": "", "model": "nova-2-sonic", "kind": "tool",
        "simulated": "false", "text": "Beacon", "slower_than_ms": "900", "order": "slowest", "limit": "7",
    }  # fmt: skip
    assert ask.get("/v1/records", params=query).status_code == 200
    which = CallFilter(
        since=datetime(2026, 3, 1, tzinfo=UTC), agent="The desk", tenant="", model="nova-2-sonic", kind=TurnKind.TOOL,
        simulated=False, text="Beacon", slower_than_ms=900,
    )  # fmt: skip
    order: Order = "slowest"
    assert kept.asked == [("list", which, order, 7, "")]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("records?since=yesterday", "'since'"),
        ("records?since=2026-03-01T00:00:00", "needs its offset"),
        ("records?slower_than_ms=nan", "'slower_than_ms'"),
        ("records?dearer_than=much", "'dearer_than'"),
        ("records?kind=odd", "'kind'"),
        ("records?simulated=perhaps", "'simulated'"),
        ("records?order=prettiest", "none of newest"),
        ("records?limit=501", "not from 1 to 500"),
        ("records?limit=some", "'limit'"),
        ("records?agents=x", "no such filter"),
        ("records?colour=red", "no such filter"),
        ("latency?by=colour", "'colour' is none of"),
        ("latency?basis=guess", "'basis'"),
        ("costs?by=kind", "'kind' is none of"),
        ("values/colour", "'colour'"),
        ("records?text=a%00b", "'text'"),
        (f"records/{FIRST}/waveform?points=0", "not from 1"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_name(ask: TestClient, path: str, says: str) -> None:
    answer = ask.get(f"/v1/{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_value")
    assert says in answer.json()["error"]["message"]


def test_one_call_is_told_with_its_latencies_and_marks(ask: TestClient, kept: KeptCalls) -> None:
    told = ask.get(f"/v1/records/{FIRST}").json()
    turn, record = told["record"]["turns"][1], kept.calls[0].record.turns[1]
    assert [turn[f"{basis.value}_ms"] for basis in Basis] == [record.latency_ms(basis) for basis in Basis]
    assert turn["model_ms"] == record.model_ms
    assert set(told["marks"]) == {"caller", "agent", "tools", "floor", "swaps", "holds"}
    assert told["cost"]["turns"][1]["amounts"]["USD"] == str(kept.calls[0].cost.turns[1].amounts["USD"])
    timeline = ask.get(f"/v1/records/{FIRST}/timeline")
    assert timeline.content == timeline_of(kept.calls[0].record)
    assert timeline.headers["content-type"] == "application/jsonl"


@pytest.mark.parametrize("what", ["", "/timeline", "/audio", "/waveform"])
@pytest.mark.parametrize("call", ["nobody", "20260302", "..%2f..%2fetc", f"{FIRST}%00"])
def test_a_call_that_is_not_kept_is_not_found(ask: TestClient, call: str, what: str) -> None:
    assert ask.get(f"/v1/records/{call}{what}").status_code == 404


def test_the_sound_is_sent_in_ranges(ask: TestClient, tmp_path: Path) -> None:
    assert ask.get(f"/v1/records/{FIRST}/audio").json()["error"]["code"] == "sound_not_kept"
    folder = tmp_path / FIRST
    folder.mkdir()
    with WavWriter(folder / "audio.wav", 8_000, channels=2) as wav:
        wav.write(bytes(range(200)) * 4)
    part = ask.get(f"/v1/records/{FIRST}/audio", headers={"range": "bytes=44-47"})
    assert (part.status_code, part.content, part.headers["content-type"]) == (206, bytes(range(4)), "audio/wav")
    assert part.headers["cache-control"].startswith("private")
    assert "authorization" in part.headers["vary"].lower()  # another key may not hear it
    outline = ask.get(f"/v1/records/{FIRST}/waveform?points=10").json()
    assert (outline["frames"], len(outline["caller"])) == (200, 20)
    assert ask.get(f"/v1/records/{call_name(1)}/audio").json()["error"]["code"] == "sound_not_kept"
    (folder / "audio.wav").write_bytes(b"broken")
    assert ask.get(f"/v1/records/{FIRST}/waveform").status_code == 404


def test_figures_are_told_by_what_was_asked_for(ask: TestClient, kept: KeptCalls) -> None:
    rows = ask.get("/v1/latency?by=day,agent&basis=played").json()["data"]
    assert kept.asked[0][2:] == (["agent", "day"], Basis.PLAYED)
    assert set(rows[0]["group"]) == {"agent", "day"}
    costs = ask.get("/v1/costs?by=tenant&simulated=false").json()["data"]
    assert {row["group"]["tenant"] for row in costs} <= {"acme", "globex", ""}
    assert all(isinstance(row["minutes"], str) for row in costs)
    assert sum(row["calls"] for row in ask.get("/v1/trouble").json()["data"]) == 12
    assert ask.get("/v1/values/channel").json()["data"] == ["realtime", "twilio", "webrtc"]


@pytest.mark.parametrize("path", ["records", f"records/{FIRST}", f"records/{FIRST}/audio", "costs", "latency",
                                  "trouble", "values/agent", f"records/{FIRST}/timeline"])  # fmt: skip
def test_nobody_else_is_told(ask: TestClient, path: str) -> None:
    assert (
        ask.get(f"/v1/{path}", headers={"authorization": f"Bearer {SHOP}"}).json()["error"]["code"] == "scope_missing"
    )
    assert ask.get(f"/v1/{path}", headers={"authorization": ""}).status_code == 401


def test_a_key_for_one_agent_sees_no_other(ask: TestClient, kept: KeptCalls) -> None:
    theirs = [call.record.call for call in kept.calls if call.record.agent == "The sales"]
    rows = ask.get("/v1/records", headers=as_sales()).json()["data"]
    assert sorted(row["call"] for row in rows) == theirs
    assert ask.get("/v1/records?agent=The+desk", headers=as_sales()).json()["data"] == []
    assert ask.get(f"/v1/records/{FIRST}", headers=as_sales()).status_code == 404
    assert ask.get(f"/v1/records/{theirs[0]}", headers=as_sales()).status_code == 200
    for path, of in (("latency", "turns"), ("costs", "calls"), ("trouble", "calls")):
        kept.asked.clear()
        assert ask.get(f"/v1/{path}", headers=as_sales()).status_code == 200
        asked: Any = kept.asked[0][1]
        assert (asked.agents, of) == (("The sales",), of)
    assert ask.get("/v1/values/agent", headers=as_sales()).json()["data"] == ["The sales"]
    assert ask.get("/v1/values/kind", headers=as_sales()).json()["data"] == [kind.value for kind in TurnKind]


@pytest.mark.parametrize("away", [True, AccessFault("the store does not let us in")])
def test_a_store_that_is_away_is_told_of(ask: TestClient, kept: KeptCalls, away: bool | AccessFault) -> None:
    kept.away = away
    answer = ask.get("/v1/records")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_unavailable")
    assert answer.headers["retry-after"] == "5"


def test_a_server_without_a_store_says_so() -> None:
    answer = House(routes=RECORD_ROUTES).ask("/v1/records")
    assert (answer.status, answer.code) == (503, "no_store")
