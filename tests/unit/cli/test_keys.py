"""``vivavoce keys``: what it prints is what the server reads."""

from __future__ import annotations

import tomllib

import pytest

from tests.unit.cli.agents import Command
from vivavoce.cli.exits import Exit
from vivavoce.server.keys import Keyring
from vivavoce.server.settings import KeyLine


def test_the_key_is_shown_once_and_its_hash_goes_to_the_file(vivavoce: Command) -> None:
    ran = vivavoce("keys", "new", "shop", "--scope", "secrets", "--agent", "desk", "--calls-per-minute", "30")
    (table,) = tomllib.loads(ran.out)["keys"]
    (key,) = [word for word in ran.err.split() if word.startswith("vv_")]
    assert key not in ran.out
    assert set(table) == {"name", "sha256", "scopes", "agents", "calls_per_minute"}
    caller = Keyring([KeyLine(**table)]).holder_of(key)
    assert caller is not None
    assert (caller.name, set(caller.scopes), set(caller.agents)) == ("shop", {"secrets"}, {"desk"})
    assert caller.bounds.calls_per_minute == 30


def test_for_programs(vivavoce: Command) -> None:
    told = vivavoce("keys", "new", "shop", "--json").told
    assert set(told) == {"name", "key", "toml"}
    assert set(tomllib.loads(told["toml"])["keys"][0]) == {"name", "sha256", "scopes"}


@pytest.mark.parametrize("arguments", [("new", "a b"), ("new",), ("old", "shop"), ("new", "shop", "--scope", "all")])
def test_what_makes_no_sense(vivavoce: Command, arguments: tuple[str, ...]) -> None:
    ran = vivavoce("keys", *arguments)
    assert ran.code == Exit.SETUP
    assert "vv_" not in ran.err
