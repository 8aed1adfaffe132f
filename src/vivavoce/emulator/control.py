"""A small door for people and scripts: what is open, and faults on command. Its paths begin with ``/_emulator``."""

from __future__ import annotations

from typing import Protocol

import msgspec

from vivavoce.emulator.faults import Fault, FaultPlan, parse_fault
from vivavoce.emulator.outlet import Outlet
from vivavoce.errors import UsageError
from vivavoce.wire.sigv4 import HeaderList

ROOT = "/_emulator"
FAULTS = f"{ROOT}/faults"
_MOST_BYTES = 64 * 1024


class Controlled(Protocol):
    """What the door leads to."""

    @property
    def plan(self) -> FaultPlan: ...

    def status(self) -> dict[str, object]: ...

    def inject(self, fault: Fault) -> int:
        """How many streams it happened to at once."""
        ...


class _Order(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a POST: one fault, or several."""

    fault: str = ""
    faults: list[str] = []


class ControlStream:
    """One request to the door."""

    def __init__(self, headers: HeaderList, outlet: Outlet, controlled: Controlled) -> None:
        given = dict(headers)
        self._method = given.get(":method", "")
        self._path = given.get(":path", "").partition("?")[0].rstrip("/")
        self._outlet = outlet
        self._controlled = controlled
        self._body = bytearray()

    def receive(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > _MOST_BYTES:
            self._body.clear()
            self._answer(413, {"error": f"more than {_MOST_BYTES} bytes"})

    def input_ended(self) -> None:
        match self._method, self._path:
            case "GET", path if path == ROOT:
                self._answer(200, self._controlled.status())
            case "GET", path if path == FAULTS:
                self._answer(200, self._pending())
            case "DELETE", path if path == FAULTS:
                self._controlled.plan.clear()
                self._answer(200, self._pending())
            case "POST", path if path == FAULTS:
                self._order()
            case _:
                self._answer(404, {"error": f"GET {ROOT}, GET, POST and DELETE {FAULTS} are what there is"})

    def lost(self) -> None:
        pass

    def _order(self) -> None:
        try:
            order = msgspec.json.decode(bytes(self._body), type=_Order)
            faults = [parse_fault(text) for text in (*filter(None, (order.fault,)), *order.faults)]
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._answer(400, {"error": str(error), "hint": '{"fault": "half-open"} or {"faults": [...]}'})
        except UsageError as error:
            self._answer(400, {"error": error.message, "hint": error.hint})
        else:
            happened = sum(self._controlled.inject(fault) for fault in faults)
            self._answer(200, {"happened": happened, **self._pending()})

    def _pending(self) -> dict[str, object]:
        return {"pending": [str(fault) for fault in self._controlled.plan.pending]}

    def _answer(self, status: int, told: dict[str, object]) -> None:
        headers = [(":status", str(status)), ("content-type", "application/json")]
        self._outlet.respond(headers, msgspec.json.encode(told) + b"\n")
