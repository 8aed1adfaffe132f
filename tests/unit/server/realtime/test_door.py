"""Who gets a Realtime session, and what they are told otherwise: before anything was spent on them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from starlette.types import Message

from tests.unit.server.asgi import KEY_LINE, OPENED, SHOP, STAYS, Answer, House, served
from vivavoce.agent.declaration import Agent, TurnPolicy
from vivavoce.errors import Refused
from vivavoce.events import Instant
from vivavoce.server.desk import ServedAgent
from vivavoce.server.front import front_application, ways_in
from vivavoce.server.keys import ANYONE, Caller
from vivavoce.server.realtime.offers import new_front, served_to
from vivavoce.server.secrets import Ticket
from vivavoce.server.settings import ServerSettings
from vivavoce.wire.realtime.actions import Send
from vivavoce.wire.realtime.configuration import AudioOver

FORM = "application/x-www-form-urlencoded"
SDP = {"content_type": "application/sdp"}
EXPIRES = int(OPENED.timestamp()) + 600


def house(settings: ServerSettings | None = None) -> House:
    at = House(settings or ServerSettings())
    at.routes = ways_in(at.door)
    return at


KEYED = ServerSettings(keys=(KEY_LINE,))


def refused(answer: Answer | list[Message]) -> tuple[int, str]:
    assert isinstance(answer, Answer)
    return answer.status, answer.code


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("model=nobody", 404, "model_not_found"),
        ("intent=transcription", 400, "invalid_value"),
        ("call_id=rtc_none", 404, "call_id_not_found"),
    ],
)
def test_a_socket_is_refused_before_the_upgrade(query: str, status: int, code: str) -> None:
    assert refused(house().knock(f"/v1/realtime?{query}")) == (status, code)


def test_a_wrong_key_is_refused_before_the_upgrade() -> None:
    at = house(KEYED)
    assert refused(at.knock("/v1/realtime", authorization="Bearer vv_wrong")) == (401, "invalid_api_key")
    assert refused(at.knock("/v1/realtime")) == (401, "missing_api_key")


def test_no_room_is_told_before_the_upgrade() -> None:
    at = house()
    at.door.desk.admission.draining = True
    assert refused(at.knock("/v1/realtime")) == (503, "server_draining")


def test_the_subprotocol_is_answered_without_the_key() -> None:
    at = house(KEYED)
    offered = f"realtime, openai-insecure-api-key.{SHOP}"
    sent = at.knock("/v1/realtime?model=desk", sec_websocket_protocol=offered)
    assert isinstance(sent, list)
    assert (sent[0]["type"], sent[0]["subprotocol"]) == ("websocket.accept", "realtime")
    assert json.loads(sent[1]["text"])["type"] == "session.created"


def test_the_session_is_forgotten_when_its_client_is() -> None:
    at = house()
    sent = at.knock("/v1/realtime")
    assert isinstance(sent, list)
    session = json.loads(sent[1]["text"])["session"]
    assert session["model"] == "desk", "the first agent, where none is named"
    assert at.door.sessions.find(session["id"]) is None
    assert at.door.desk.admission.calls == 0


# -- peer connections --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"v=0", "text/plain", 415, "unsupported_content_type"),
        (b"sdp=v%3D0&session=%7B", FORM, 400, "invalid_json"),
        (b"sdp=v%3D0&session=1", FORM, 400, "invalid_json"),
        (
            b"sdp=v%3D0&session=%7B%22voice%22%3A%22x%22%7D",
            FORM,
            400,
            "unknown_parameter",
        ),
        (b"sdp=v%3D0&session=%7B%22model%22%3A%22x%22%7D", FORM, 404, "model_not_found"),
    ],
)
def test_an_offer_that_cannot_be_read(body: bytes, kind: str, status: int, code: str) -> None:
    answer = house().post("/v1/realtime/calls", body, content_type=kind)
    assert (answer.status, answer.code) == (status, code)


def test_a_call_needs_a_key() -> None:
    answer = house(KEYED).post("/v1/realtime/calls", b"v=0", **SDP)
    assert (answer.status, answer.code) == (401, "missing_api_key")


@pytest.mark.parametrize("wish", ["hangup", "accept", "reject", "refer"])
def test_nobody_can_end_a_call_that_is_not_there(wish: str) -> None:
    answer = house().post(f"/v1/realtime/calls/rtc_1/{wish}", b"")
    assert (answer.status, answer.code) == (404, "call_id_not_found")


# -- what is offered ---------------------------------------------------------------------------------------------------


def created(at: House, name: str, *asked: dict[str, object]) -> dict[str, object]:
    front = new_front(at.door, served_to(at.door, ANYONE, name), "sess_1", AudioOver.EVENTS, *asked)
    (sent,) = front.open(Instant(0))
    assert isinstance(sent, Send)
    session: dict[str, object] = json.loads(sent.data)["session"]
    return session


def test_a_secret_says_what_the_session_begins_with() -> None:
    session = created(house(), "sales", {"type": "realtime", "instructions": "Be kind."}, {"max_output_tokens": 100})
    assert (session["model"], session["instructions"], session["max_output_tokens"]) == ("sales", "Be kind.", 100)
    assert session["expires_at"] == int(OPENED.timestamp()) + 1800


def test_an_agent_that_may_not_be_interrupted_says_so() -> None:
    agent = Agent("The judge", "Answer.", turns=TurnPolicy("never"))
    at = House(agents=[ServedAgent("judge", agent, lambda _: [STAYS])])
    audio = created(at, "")["audio"]
    assert isinstance(audio, dict)
    assert audio["input"]["turn_detection"]["interrupt_response"] is False


def test_the_instructions_of_the_agent_are_not_shown() -> None:
    assert created(house(), "desk")["instructions"] == ""


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(Refused, match="create_response") as refusal:
        created(
            house(), "desk", {"audio": {"input": {"turn_detection": {"type": "server_vad", "create_response": False}}}}
        )
    assert refusal.value.status == 400


def test_a_secret_for_one_agent_opens_no_other() -> None:
    at = house()
    holder = Caller("shop", frozenset({"calls"}), session_config={}, agent="sales")
    assert served_to(at.door, holder, "").name == "sales"
    with pytest.raises(Refused) as refusal:
        served_to(at.door, holder, "desk")
    assert (refusal.value.status, refusal.value.code) == (403, "agent_not_allowed")


def test_a_sealed_secret_opens_a_session(tmp_path: Path) -> None:
    at = house(KEYED)
    secret = at.door.sealer.seal(Ticket("shop", "sales", {"instructions": "Be kind."}, EXPIRES))
    sent = at.knock("/v1/realtime", authorization=f"Bearer {secret}")
    assert isinstance(sent, list)
    session = json.loads(sent[1]["text"])["session"]
    assert (session["model"], session["instructions"]) == ("sales", "Be kind.")


def test_the_whole_application_has_every_way_in() -> None:
    at = House(agents=[served("desk")])
    paths = {getattr(route, "path", "") for route in front_application(at.door).routes}
    assert {"/", "/healthz", "/v1/realtime", "/v1/realtime/calls", "/v1/calls/{call}/timeline"} <= paths
