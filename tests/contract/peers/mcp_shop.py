"""An MCP server made with the protocol's own SDK. Knows nothing of Vivavoce.

``mcp_shop.py DIARY`` speaks over its standard input and output. What happens to it is written to the file DIARY, a word
or two a line.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

from mcp.server.mcpserver import MCPServer
from pydantic import BaseModel, Field


class Line(BaseModel):
    article: str
    count: Annotated[int, Field(ge=1, le=9)] = 1


def shop(diary: Path) -> MCPServer:
    server = MCPServer("shop")

    def note(text: str) -> None:
        with diary.open("a") as file:
            file.write(f"{text}\n")

    note(f"begins {os.getpid()}")

    @server.tool()
    def price(article: Literal["lamp", "table"]) -> dict[str, float | str]:
        """The price of an article."""
        note(f"price {article}")
        return {"article": article, "euros": 12.5}

    @server.tool()
    def order(lines: list[Line]) -> str:
        """Order articles."""
        note("order")
        return f"{sum(line.count for line in lines)} ordered"

    @server.tool(name="stock.wait")
    async def wait(mark: str) -> str:
        """Waits until it is cancelled."""
        note(f"waits {mark}")
        try:
            await asyncio.Event().wait()
        finally:
            note(f"cancelled {mark}")
        return "never"

    @server.tool()
    def refuse() -> str:
        """Fails."""
        raise ValueError("We are closed.")

    @server.tool()
    def vanish() -> str:
        """Ends the server."""
        note("vanishes")
        os._exit(3)

    @server.tool()
    def secret() -> str:
        """What its environment holds."""
        return f"{os.environ.get('SHOP_TOKEN')} {os.environ.get('NOT_FOR_SHOPS')}"

    return server


if __name__ == "__main__":
    shop(Path(sys.argv[1])).run()
