"""Requests and WebSocket handshakes made of an ASGI application directly: no socket, no thread, no time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message

from vivavoce.agent.declaration import Agent
from vivavoce.engine.clock import run
from vivavoce.model.scripted import Script, ScriptedModel, Step
from vivavoce.server.application import application
from vivavoce.server.desk import ServedAgent
from vivavoce.server.door import Door, open_door
from vivavoce.server.keys import hash_of
from vivavoce.server.settings import KeyLine, ServerSettings
from vivavoce.timeline.disk import Disk

OPENED = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
STAYS = ScriptedModel(Script(step=(Step(ready=True),)))
SHOP = "vv_shop"
"""A key, for :data:`KEY_LINE`."""
KEY_LINE = KeyLine("shop", hash_of(SHOP))


def served(name: str, models: Sequence[str] = ("scripted",)) -> ServedAgent:
    return ServedAgent(name, Agent(f"The {name}", "Answer."), lambda _: [STAYS], tuple(models))


@dataclass(slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of an error."""
        return str(self.told["error"]["code"])


@dataclass(slots=True)
class House:
    """A server for one test."""

    settings: ServerSettings = field(default_factory=ServerSettings)
    agents: Sequence[ServedAgent] = (served("desk"), served("sales"))
    routes: Sequence[BaseRoute] = ()
    calls: Path = Path("calls")
    state: dict[str, object] = field(default_factory=dict)
    worker: int = 0
    siblings: Path | None = None
    disk: Disk = field(default_factory=Disk)
    """To be stopped by whoever lets calls begin."""
    door: Door = field(init=False)

    def __post_init__(self) -> None:
        self.door = open_door(
            self.settings,
            self.agents,
            self.calls,
            self.disk,
            lambda: OPENED,
            sealing_key=bytes(range(32)),
            worker=self.worker,
            siblings=self.siblings,
        )

    def ask(self, path: str, *, method: str = "GET", **headers: str) -> Answer:
        """Header names with ``_`` for ``-``."""
        return self.send(path, method, b"", headers)

    def post(self, path: str, told: object = None, **headers: str) -> Answer:
        """``told`` as JSON, or the body itself."""
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        return self.send(path, "POST", body, headers)

    def send(self, path: str, method: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        answer = run(answer_of(self._app(), self.scope("http", path, headers, method=method), body), virtual=True)
        assert isinstance(answer, Answer)
        return answer

    def knock(self, path: str, **headers: str) -> Answer | list[Message]:
        """A WebSocket handshake: an answer where it is refused, and what was sent where it is accepted."""
        scope = self.scope("websocket", path, headers, extensions={"websocket.http.response": {}}, subprotocols=[])
        return run(answer_of(self._app(), scope, b""), virtual=True)

    def _app(self) -> ASGIApp:
        return application(self.door, self.routes)

    def scope(self, kind: str, path: str, headers: Mapping[str, str], **more: object) -> dict[str, Any]:
        path, _, query = path.partition("?")
        sent = {"host": "127.0.0.1:8000", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return {
            "type": kind,
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "scheme": "http",
            "client": ("127.0.0.1", 50000),
            "server": ("127.0.0.1", 8000),
            "state": self.state,
            **more,
        }


async def answer_of(app: ASGIApp, scope: dict[str, Any], body: bytes) -> Answer | list[Message]:
    sent: list[Message] = []
    incoming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    if scope["type"] == "websocket":
        incoming = [{"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1005}]

    async def receive() -> Message:
        if incoming:
            return incoming.pop(0)
        never: asyncio.Future[Message] = asyncio.Future()
        return await never  # whoever asked stays

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next((one for one in sent if one["type"].endswith("response.start")), None)
    if start is None:
        return sent
    whole = b"".join(one.get("body", b"") for one in sent if one["type"].endswith("response.body"))
    return Answer(start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, whole)
