"""What Realtime clients are refused: each with the protocol's own code, under the id of the event it answers, and the
session goes on. And who is not let in at all.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import openai
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.contract.realtime_openai import BY_HAND, CLIENTS_TOOL, Session, client_of, talking
from tests.contract.realtime_oracle import check_event
from tests.contract.realtime_server import Served, scripted_agents, serving, sound_of
from vivavoce.server.keys import hash_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

KEY = "vv_contract"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, scripted_agents(folder)) as server:
        yield server


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("keyed")
    with serving(folder, scripted_agents(folder), f'[[keys]]\nname = "shop"\nsha256 = "{hash_of(KEY)}"\n') as server:
        yield server


def update(session: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "session.update", "session": session}


MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}
OUTPUT = {"type": "function_call_output", "call_id": "call_none", "output": "{}"}
IMAGE = {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,"}]}
REFUSED: list[tuple[str | None, str | None, dict[str, Any]]] = [
    # the code, the parameter, the event
    ("response_cancel_not_active", None, {"kind": "response.cancel"}),
    ("item_retrieve_invalid_item_id", "item_id", {"kind": "conversation.item.retrieve", "item_id": "item_none"}),
    ("item_delete_invalid_item_id", "item_id", {"kind": "conversation.item.delete", "item_id": "item_none"}),
    (
        "item_truncate_invalid_item_id",
        "item_id",
        {"kind": "conversation.item.truncate", "item_id": "item_none", "content_index": 0, "audio_end_ms": 0},
    ),
    ("input_audio_buffer_commit_empty", None, {"kind": "input_audio_buffer.commit"}),
    ("invalid_tool_call_id", "item.call_id", {"kind": "conversation.item.create", "item": OUTPUT}),
    ("invalid_value", "item.content[0].type", {"kind": "conversation.item.create", "item": IMAGE}),
    ("missing_required_parameter", "session.type", update({"instructions": "Hello."})),
    ("unknown_parameter", "session.modalities", update({"modalities": ["text"]})),
    ("unknown_parameter", "session.temperature", update({"type": "realtime", "temperature": 1})),
    ("invalid_value", "session.type", update({"type": "transcription"})),
    ("invalid_value", "session.model", update({"type": "realtime", "model": "greets"})),
    (
        "invalid_value",
        "session.output_modalities",
        update({"type": "realtime", "output_modalities": ["text", "audio"]}),
    ),
    (
        "invalid_value",
        "session.audio.input.format.rate",
        update({"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}}),
    ),
    (
        "invalid_value",
        "session.audio.output.speed",
        update({"type": "realtime", "audio": {"output": {"speed": 1.5}}}),
    ),
    (
        "invalid_value",
        "session.tools[0].type",
        update(
            {"type": "realtime", "tools": [{"type": "mcp", "server_label": "x", "server_url": "https://x.example"}]}
        ),
    ),
    ("invalid_value", "type", {"kind": "response.speak"}),
    ("invalid_value", "audio", {"kind": "input_audio_buffer.append", "audio": "no base64!"}),
    ("missing_required_parameter", "item_id", {"kind": "conversation.item.delete"}),
]


def test_each_refusal_names_its_event_and_ends_nothing(served: Served) -> None:
    async def talk() -> None:
        async with talking(served, "answers", BY_HAND) as session:
            for code, param, event in REFUSED:
                error = await session.fails(code, **event)
                assert error["param"] == param, f"{event}: {error}"
                if code == "response_cancel_not_active":
                    assert error["message"].startswith("Cancellation failed"), "LiveKit's plugin reads it"
                if code == "input_audio_buffer_commit_empty":
                    assert "buffer only has 0.00ms of audio" in error["message"]
            item = await session.write("Which are open?", id="mine")
            assert item["id"] == "mine"
            error = await session.fails(
                "item_create_duplicate_item_id", "conversation.item.create", item={**MESSAGE, "id": "mine"}
            )
            await session.connection.response.create()
            response = (await session.until("response.done"))["response"]
            assert response["status"] == "completed", "and then it answers"

    asyncio.run(talk())


def test_one_response_at_a_time(served: Served) -> None:
    async def talk() -> None:
        async with talking(served, "long", {}) as session:
            await session.say()
            await session.until("response.output_audio.delta")
            await session.fails("conversation_already_has_active_response", "response.create")
            await session.connection.response.cancel()
            assert (await session.until("response.done"))["response"]["status"] == "cancelled"
            await session.connection.response.create()
            assert (await session.until("response.done"))["response"]["status"] == "completed"

    asyncio.run(talk())


def test_items_are_shown_cut_and_taken_away(served: Served) -> None:
    async def talk() -> None:
        async with talking(served, "answers", {}) as session:
            first = await session.write("Which are open?")
            await session.connection.response.create()
            said = (await session.until("response.done"))["response"]["output"][0]
            await session.connection.conversation.item.retrieve(item_id=said["id"])
            assert (await session.until("conversation.item.retrieved"))["item"] == said
            await session.connection.conversation.item.truncate(item_id=said["id"], content_index=0, audio_end_ms=100)
            await session.until("conversation.item.truncated", audio_end_ms=100)
            await session.connection.conversation.item.retrieve(item_id=said["id"])
            (part,) = (await session.until("conversation.item.retrieved"))["item"]["content"]
            assert part["transcript"] != "Both are open."
            assert "Both are open.".startswith(part["transcript"])
            await session.write("Until when?")
            await session.connection.response.create()
            more = (await session.until("response.done"))["response"]["output"][0]["id"]
            await session.connection.conversation.item.truncate(item_id=more, content_index=0, audio_end_ms=60_000)
            assert (await session.until("conversation.item.truncated"))["audio_end_ms"] == 300, "there is no more"
            await session.connection.conversation.item.delete(item_id=first["id"])
            await session.until("conversation.item.deleted", item_id=first["id"])
            await session.fails("item_retrieve_invalid_item_id", "conversation.item.retrieve", item_id=first["id"])
            await session.send("conversation.item.create", item={**MESSAGE, "id": "root_item"}, previous_item_id="root")
            added = await session.until("conversation.item.added", item__id="root_item")
            assert added["previous_item_id"] is None

    asyncio.run(talk())


def test_only_those_with_a_key_or_a_secret_come_in(keyed: Served) -> None:
    async def refused(key: str, agent: str) -> tuple[int, dict[str, Any]]:
        async with client_of(keyed, key) as client:
            with pytest.raises(InvalidStatus) as status:
                await client.realtime.connect(model=agent).enter()
        body: dict[str, Any] = json.loads(status.value.response.body or b"")["error"]
        return status.value.response.status_code, body

    async def talk() -> None:
        status, error = await refused("vv_other", "answers")
        assert (status, error["code"]) == (401, "invalid_api_key")
        status, error = await refused("ek_made-up", "answers")
        assert status == 401
        status, error = await refused(KEY, "gpt-realtime")
        assert (status, error["code"]) == (404, "model_not_found")
        async with client_of(keyed, "vv_other") as stranger:
            with pytest.raises(openai.AuthenticationError):
                await stranger.realtime.client_secrets.create()
        async with client_of(keyed, KEY) as client:
            made = await client.realtime.client_secrets.create(
                expires_after={"anchor": "created_at", "seconds": 60},
                session={"type": "realtime", "model": "answers", "instructions": "Be quick.", "tools": []},
            )
            wrong: Any = {"type": "realtime", "model": "answers", "audio": {"output": {"speed": 1.5}}}
            with pytest.raises(openai.BadRequestError) as too_fast:
                await client.realtime.client_secrets.create(session=wrong)
        assert too_fast.value.code == "invalid_value"
        assert made.value.startswith("ek_")
        shown: Any = made.session
        assert (shown.type, shown.model, shown.instructions) == ("realtime", "answers", "Be quick.")
        assert shown.audio.output.format.rate == 24_000, "all that will hold"
        async with client_of(keyed, made.value) as browser, browser.realtime.connect(model="answers") as connection:
            event = check_event(await connection.recv_bytes())
            assert (event["type"], event["session"]["instructions"]) == ("session.created", "Be quick.")

    asyncio.run(talk())


def test_a_browser_shows_its_secret_as_a_subprotocol(keyed: Served) -> None:
    async def talk() -> None:
        async with client_of(keyed, KEY) as client:
            made = await client.realtime.client_secrets.create(session={"type": "realtime", "model": "answers"})
        offers = ["realtime", f"openai-insecure-api-key.{made.value}", "openai-agents-sdk.0.20.0"]
        url = f"{keyed.ws}/realtime?model=answers"
        subprotocols = [Subprotocol(offer) for offer in offers]
        async with connect(url, subprotocols=subprotocols, origin=None) as websocket:
            assert websocket.subprotocol == "realtime"
            assert check_event(await websocket.recv(decode=False))["type"] == "session.created"
        with pytest.raises(InvalidStatus) as status:
            await connect(f"{keyed.ws}/realtime?model=greets", subprotocols=subprotocols)
        assert status.value.response.status_code in (401, 403), "the secret is for one agent"

    asyncio.run(talk())


def test_an_event_that_is_too_large_ends_its_own_session_alone(served: Served) -> None:
    async def talk() -> None:
        async with talking(served, "answers", {}) as other, client_of(served) as client:
            session = Session(await client.realtime.connect(model="answers").enter())
            reading = asyncio.create_task(session.read())
            # The library trips over a socket that is closed while it writes (websockets 16.1).
            with suppress(ConnectionClosed, AttributeError):
                await session.append(bytes(19 << 20))
            assert await session.closed() == 1009
            await reading
            await other.say()
            assert (await other.until("response.done"))["response"]["status"] == "completed"

    asyncio.run(talk())


def test_a_large_append_is_refused_and_no_more(served: Served) -> None:
    async def talk() -> None:
        async with talking(served, "answers", {}) as session:
            sound = base64.b64encode(bytes(4 << 20)).decode()
            await session.send("input_audio_buffer.append", audio=sound, event_id="mine")
            error = (await session.until("error"))["error"]
            assert (error["code"], error["type"]) == ("event_too_large", "invalid_request_error")
            assert error["event_id"] is None, "nobody has read it"
            await session.say()
            assert (await session.until("response.done"))["response"]["status"] == "completed"

    asyncio.run(talk())


def test_a_second_client_joins_a_call(served: Served) -> None:
    async def talk() -> None:
        async with talking(served, "answers", {}) as session, client_of(served) as client:
            name = session.events[0]["session"]["id"]
            async with client.realtime.connect(call_id=name) as connection:
                beside = Session(connection)
                reading = asyncio.create_task(beside.read())
                assert (await beside.until("session.created"))["session"]["id"] == name
                await beside.update({"tools": [CLIENTS_TOOL]})
                await session.until("session.updated")
                await session.say()
                done = await beside.until("response.done")
                assert (await session.until("response.done")) == done
                assert sound_of(session.events, done["response"]["id"])
                assert not sound_of(beside.events, done["response"]["id"]), "the sound is the first client's"
            await reading
            await session.connection.input_audio_buffer.clear()
            await session.until("input_audio_buffer.cleared")
        async with client_of(served) as client:
            with pytest.raises(InvalidStatus) as status:
                await client.realtime.connect(call_id="rtc_none").enter()
        assert status.value.response.status_code == 404

    asyncio.run(talk())
