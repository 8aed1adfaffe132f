"""docs/howto/what-calls-cost.md: every command of it, in its order."""

from __future__ import annotations

import shlex
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.agents import FAST, Command, write_agent, write_tone
from tests.unit.cli.test_calls import SPEAKS
from tests.unit.cli.test_howto_pages import blocks
from vivavoce.cli.exits import Exit

PAGE = "what-calls-cost.md"


def test_the_page_can_be_followed(vivavoce: Command, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    write_agent(tmp_path / "my-agent", SPEAKS)
    write_tone(tmp_path / "question.wav")
    (prices,) = blocks(PAGE, "toml")
    (tmp_path / "prices.toml").write_text(prices)
    call, shown = "", {}
    for line in "".join(blocks(PAGE, "sh")).splitlines():
        program, *arguments = shlex.split(line)
        assert program == "vivavoce"
        ran = vivavoce(
            *(call if one == "CALL" else one for one in arguments), *(FAST if arguments[0] == "call" else ())
        )
        assert (line, ran.code) == (line, Exit.OK), ran.err
        shown[line] = ran.out
        call = vivavoce("calls", "--json").told["rows"][0]["call"]
    assert "unpriced" in shown["vivavoce costs --by agent"]
    assert "unpriced" not in shown["vivavoce costs --by model,day"]
    assert shown["vivavoce calls check"] == "2 calls checked, all hold.\n"
    page: dict[str, Any] = {}
    (reading,) = blocks(PAGE, "python")
    exec(reading, page)  # the page's own example
    assert page["spent"] == 2 * Decimal("0.027")
