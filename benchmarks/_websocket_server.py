"""One WebSocket server of ``websocket.py``: for every two messages it sends one. In a process of its own.

_websocket_server.py WHICH PORT
"""

from __future__ import annotations

import base64
import json
import random
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

DELTA = json.dumps(
    {
        "type": "response.output_audio.delta",
        "event_id": "event_0123456789abcdef",
        "response_id": "resp_0123456789abcdef",
        "item_id": "item_0123456789abcdef",
        "output_index": 0,
        "content_index": 0,
        "delta": base64.b64encode(random.Random(1).randbytes(1920)).decode(),
    }
)


async def plain(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI interface and nothing on top."""
    del scope
    await receive()
    await send({"type": "websocket.accept"})
    count = 0
    while (await receive())["type"] == "websocket.receive":
        count += 1
        if count % 2 == 0:
            await send({"type": "websocket.send", "text": DELTA})


def starlette() -> Any:
    """The same with Starlette's class for a WebSocket."""
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute
    from starlette.websockets import WebSocket, WebSocketDisconnect

    async def endpoint(socket: WebSocket) -> None:
        await socket.accept()
        count = 0
        try:
            while True:
                await socket.receive_text()
                count += 1
                if count % 2 == 0:
                    await socket.send_text(DELTA)
        except WebSocketDisconnect:
            return

    return Starlette(routes=[WebSocketRoute("/{rest:path}", endpoint)])


def with_uvicorn(implementation: Any, port: int, app: Any) -> None:
    import uvicorn

    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        ws=implementation,
        ws_per_message_deflate=False,
        log_level="error",
        access_log=False,
        lifespan="off",
    )


def with_ours(port: int, app: Any) -> None:
    from vivavoce.server.websocket.protocol import WebSocket

    with_uvicorn(WebSocket, port, app)


def with_picows(port: int) -> None:
    import uvloop

    picows: Any = import_module("picows")

    class Listener(picows.WSListener):  # type: ignore[misc]
        count = 0

        def on_ws_frame(self, transport: Any, received: Any) -> None:
            received.get_payload_as_utf8_text()
            self.count += 1
            if self.count % 2 == 0:
                transport.send(picows.WSMsgType.TEXT, DELTA.encode())

    async def main() -> None:
        server = await picows.ws_create_server(lambda _: Listener(), "127.0.0.1", port)
        await server.serve_forever()

    uvloop.run(main())


def with_granian(port: int) -> None:
    import uvloop

    embed: Any = import_module("granian.server.embed")
    server = embed.Server(plain, address="127.0.0.1", port=port, interface="asgi", log_level="critical")
    uvloop.run(server.serve())


SERVERS: dict[str, Callable[[int], None]] = {
    "websockets": lambda port: with_uvicorn("websockets", port, plain),
    "websockets-sansio": lambda port: with_uvicorn("websockets-sansio", port, plain),
    "websockets-sansio, Starlette": lambda port: with_uvicorn("websockets-sansio", port, starlette()),
    "wsproto": lambda port: with_uvicorn("wsproto", port, plain),
    "granian": with_granian,
    "picows": with_picows,
    "ours": lambda port: with_ours(port, plain),
    "ours, Starlette": lambda port: with_ours(port, starlette()),
}

if __name__ == "__main__":
    SERVERS[sys.argv[1]](int(sys.argv[2]))
