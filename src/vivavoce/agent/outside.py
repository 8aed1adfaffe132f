"""Tools that run outside this process, as values: HTTP endpoints and the tools of MCP servers.

Nothing here opens a connection; :mod:`vivavoce.tools` does. What came from the environment stands in fields that are
never shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final


@final
@dataclass(frozen=True, slots=True)
class Slot:
    """Where the value of a parameter stands."""

    parameter: str


Text = tuple[str | Slot, ...]
"""A text with slots in it."""


@final
@dataclass(frozen=True, slots=True)
class HttpEndpoint:
    """A request that a tool stands for. ``origin`` is scheme, host and port, which no argument can change; ``path``,
    ``query`` and ``body`` have slots. A ``body`` is JSON with a :data:`Text` wherever text stands, or None for none.
    ``defaults`` are the values of parameters that were left out."""

    method: str
    origin: str
    path: Text
    query: tuple[tuple[str, Text], ...] = field(default=(), repr=False)
    body: Any = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    defaults: Mapping[str, Any] = field(default_factory=dict)


@final
@dataclass(frozen=True, slots=True)
class McpServer:
    """An MCP server: a ``command`` that is started in ``folder`` and spoken to over its standard input and output, or
    else a ``url`` (streamable HTTP)."""

    name: str
    command: tuple[str, ...] = ()
    folder: Path | None = None
    variables: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    url: str = ""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    connect_ms: int = 30_000


@final
@dataclass(frozen=True, slots=True)
class McpFunction:
    """A tool of an MCP server, by the server's own name for it."""

    server: McpServer
    name: str


@dataclass(frozen=True, slots=True)
class ListedTool:
    """A tool as an MCP server describes it. ``parameters`` is a JSON Schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


Listing = tuple[ListedTool, ...] | str
"""The tools of a server, or why it could not be asked."""

AskServers = Callable[[Sequence[McpServer]], Sequence[Listing]]
"""Asks MCP servers for their tools, all at the same time, and answers in their order. Blocks. Raises
:class:`~vivavoce.errors.NotAvailable` where this machine cannot speak with any."""
