"""``vivavoce serve`` in a process of its own, with agents on scripts, and what its Realtime clients are told, checked.

The agents' voices are tones and they hear only whether somebody speaks (``docs/reference/scripted-model.md``), so that
what a client is told is the same each time. Time is real.
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import re
import struct
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from vivavoce.emulator.authority import authority_in

WAIT_S = 20
"""The longest that anything is waited for; what is measured is never the time."""
RATE_HZ = 24_000
FRAME_MS = 40

ANSWERS = """
[[step]]
when = "caller_stops"
wait_ms = 100
hear = { text = "what do I owe" }
[[step]]
usage = { speech_in = 40, speech_out = 20, text_in = 7, text_out = 9 }
[[step]]
say = { text = "Twelve euros, to be paid by Friday.", ms = 900 }
[[step]]
when = "caller_stops"
hear = { text = "thank you" }
[[step]]
say = { text = "You are welcome.", ms = 400 }
[[step]]
when = "text"
say = { text = "Both are open.", ms = 300 }
[[step]]
when = "text"
say = { text = "Until nine.", ms = 300 }
[[step]]
when = "text"
say = { text = "On Sunday too.", ms = 300 }
"""
LONG_TEXT = "We have a great many cars, and I will tell you of every single one of them."
TALKS_LONG = f"""
[[step]]
when = "caller_stops"
hear = {{ text = "tell me all" }}
[[step]]
say = {{ text = "{LONG_TEXT}", ms = 30000, pace = 2.0 }}
[[step]]
when = "caller_stops"
hear = {{ text = "stop" }}
[[step]]
say = {{ text = "As you like.", ms = 400 }}
[[step]]
when = "text"
say = {{ text = "Good.", ms = 400 }}
"""
USES_TOOL = """
[[step]]
when = "text"
tool = { name = "switch", arguments = { what = "lamp" } }
[[step]]
when = "caller_stops"
hear = { text = "the lamp please" }
[[step]]
tool = { name = "switch", arguments = { what = "lamp" } }
[[step]]
when = "tool_result"
say = { text = "The lamp is on.", ms = 500 }
"""
SCRIPTS = {"answers": ANSWERS, "long": TALKS_LONG, "tool": USES_TOOL}
GREETING = "Hello."


@dataclass(frozen=True)
class Served:
    """A server that is ready. ``calls`` is where it keeps its calls, ``ca`` what its clients have to trust."""

    url: str
    calls: Path
    ca: Path | None = None

    @property
    def http(self) -> str:
        return f"{self.url}/v1"

    @property
    def ws(self) -> str:
        return self.http.replace("http", "ws", 1)


def write_scripted(folder: Path, script: str, more: str = "") -> Path:
    folder.mkdir(parents=True)
    (folder / "agent.toml").write_text(
        f'name = "Tester"\ninstructions = "Be brief."\n{more}\n'
        '[[models]]\nname = "scripted"\n[models.settings]\nscript = "script.toml"\n'
    )
    (folder / "script.toml").write_text(script)
    return folder


def scripted_agents(folder: Path) -> list[Path]:
    """One for each of :data:`SCRIPTS`, and ``greets``, which speaks first."""
    agents = [write_scripted(folder / name, script) for name, script in SCRIPTS.items()]
    return [*agents, write_scripted(folder / "greets", ANSWERS, f'greeting = "{GREETING}"')]


@contextmanager
def serving(folder: Path, agents: Sequence[Path], settings: str = "", *, tls: bool = False) -> Iterator[Served]:
    """Ended as a user ends it; fails if it does not go cleanly or said anything of an error. Nobody is turned away
    because the machine is busy with other things.
    """
    config = folder / "server.toml"
    config.write_text(f"max_lag_ms = 60000\n{settings}")
    command = [sys.executable, "-m", "vivavoce", "serve", *map(str, agents), "--port", "0", "--json", "--drain-s", "5"]
    command += ["--calls", str(folder / "calls"), "--config", str(config)]
    authority = authority_in(folder / "certificates", datetime.now(UTC)) if tls else None
    if authority is not None:
        command += ["--tls-cert", str(authority.server), "--tls-key", str(authority.key)]
    said = folder / "server.txt"
    with (
        said.open("w") as err,
        subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=err, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert '"url"' in line, line + said.read_text()
            url = json.loads(line)["url"].rstrip("/")
            yield Served(url, folder / "calls", authority.certificate if authority else None)
            assert process.poll() is None, f"it went by itself: {process.returncode}\n{said.read_text()}"
            process.terminate()
            assert process.wait(30) == 0, said.read_text()
            assert "Traceback" not in said.read_text(), said.read_text()
        finally:
            process.kill()


def port_of(served: Served) -> int:
    return int(urlsplit(served.url).port or 0)


def tone(ms: int, rate_hz: int = RATE_HZ) -> bytes:
    """Loud enough to be somebody who speaks."""
    samples = rate_hz * ms // 1000
    return struct.pack(
        f"<{samples}h", *(round(9_000 * math.sin(2 * math.pi * 300 * n / rate_hz)) for n in range(samples))
    )


async def speak(send: Callable[[bytes], Awaitable[None]], sound: bytes, bytes_per_ms: int = RATE_HZ // 500) -> None:
    """As a microphone does: frame by frame at real time, and then nothing, as if switched off."""
    step = FRAME_MS * bytes_per_ms
    for at in range(0, len(sound), step):
        await send(sound[at : at + step])
        await asyncio.sleep(FRAME_MS / 1000)


# -- what was told -----------------------------------------------------------------------------------------------------


class Log:
    """Everything of a kind that came, in order, to be waited for. The newest thing that was found is where the next
    search begins.
    """

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._at = 0
        self._more = asyncio.Event()

    def add(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        self._more.set()

    async def until(self, kind: str, **members: Any) -> dict[str, Any]:
        """The next event of that kind with these members (``__`` goes deeper)."""
        try:
            async with asyncio.timeout(WAIT_S):
                while True:
                    while self._at < len(self.events):
                        event = self.events[self._at]
                        self._at += 1
                        if event["type"] == kind and all(_member(event, path) == v for path, v in members.items()):
                            return event
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(f"no {kind} {members or ''} in\n{self.told()}") from None

    def named(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    def told(self) -> str:
        return "\n".join(_brief(event) for event in self.events)


def _member(event: Mapping[str, Any], path: str) -> Any:
    value: Any = event
    for name in path.split("__"):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _brief(event: dict[str, Any]) -> str:
    short = {name: "..." if name in ("delta", "session") else value for name, value in event.items()}
    return json.dumps(short, default=str)[:400]


# -- the order of things -----------------------------------------------------------------------------------------------

_SPOKEN = (
    "response.content_part.added (delta )*response.output_audio.done response.output_audio_transcript.done "
    "response.content_part.done"
)
_WRITTEN = "response.content_part.added (delta )*response.output_text.done response.content_part.done"
_CALL = "(delta )*response.function_call_arguments.done"
_ITEM = f"response.output_item.added {{added}}({_SPOKEN}|{_WRITTEN}|{_CALL}) {{done}}response.output_item.done "
_IN_CONVERSATION = _ITEM.format(added="conversation.item.added ", done="conversation.item.done ")
_ASIDE = _ITEM.format(added="", done="")
_TURN = (
    "((input_audio_buffer.speech_started input_audio_buffer.speech_stopped |input_audio_buffer.timeout_triggered )?"
    "input_audio_buffer.committed )?conversation.item.added conversation.item.done "
)


def check_order(events: Sequence[dict[str, Any]]) -> None:
    """Every response and every item of the client's comes in the order of the protocol, and refers to what is there."""
    told = "\n".join(map(_brief, events))
    assert events[0]["type"] == "session.created", told
    made: set[str] = set()
    for event in events:
        if event["type"] == "response.created":
            made |= _check_response(event["response"], events, told)
    for item in {event["item"]["id"] for event in events if event["type"] == "conversation.item.added"} - made:
        kinds = [event["type"] for event in events if _item_of(event) == item and _is_of_turn(event)]
        assert re.fullmatch(_TURN, "".join(f"{kind} " for kind in kinds)), f"item {item}: {kinds}\n{told}"
    _check_references(events, told)


def _check_response(response: dict[str, Any], events: Sequence[dict[str, Any]], told: str) -> set[str]:
    """Returns the ids of its items. One that is still being made is not looked at."""
    name = response["id"]
    items = {
        event["item"]["id"]
        for event in events
        if event["type"] == "response.output_item.added" and event["response_id"] == name
    }
    kinds = []
    for event in events:
        mine = event.get("response_id", event.get("response", {}).get("id")) == name
        shown = event["type"] in ("conversation.item.added", "conversation.item.done") and event["item"]["id"] in items
        if mine or shown:
            kinds.append("delta" if event["type"].endswith(".delta") else event["type"])
    item = _ASIDE if response["conversation_id"] is None else _IN_CONVERSATION
    order = f"response.created ({item})*response.done "
    is_over = kinds[-1] == "response.done"
    assert not is_over or re.fullmatch(order, "".join(f"{kind} " for kind in kinds)), (
        f"response {name}: {kinds}\n{told}"
    )
    return items


def _is_of_turn(event: Mapping[str, Any]) -> bool:
    return event["type"] in ("conversation.item.added", "conversation.item.done") or (
        event["type"].startswith("input_audio_buffer.") and event["type"] != "input_audio_buffer.cleared"
    )


def _item_of(event: Mapping[str, Any]) -> Any:
    return event.get("item_id") or event.get("item", {}).get("id")


def _check_references(events: Sequence[dict[str, Any]], told: str) -> None:
    known: set[str | None] = {None}
    ids = [event["event_id"] for event in events]
    assert len(ids) == len(set(ids)), f"an event_id comes twice\n{told}"
    for event in events:
        if event["type"] == "conversation.item.added":
            assert event["previous_item_id"] in known, f"nobody knows {event['previous_item_id']}\n{told}"
            known.add(event["item"]["id"])


def sound_of(events: Sequence[dict[str, Any]], response: str) -> bytes:
    """The audio of a response, as it was encoded."""
    deltas = [e for e in events if e["type"] == "response.output_audio.delta" and e["response_id"] == response]
    return b"".join(base64.b64decode(event["delta"]) for event in deltas)
