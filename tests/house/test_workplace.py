"""Nothing in the repository knows the machine it was written on."""

from __future__ import annotations

import re

import pytest

from tests.house.source import ROOT, repository_files

# Taken apart, so that this file does not name them itself.
FOREIGN = re.compile(
    rb"(?<![\w.~-])/(?:wo" + b"rk|ro" + b"ot|ho" + b"me/[a-z]|Us" + rb"ers/[a-z])(?![\w-])"
    rb"|/opt/py" + b"pi|/opt/wh" + b"eels"
    rb"|\bindex" + rb"-url\s*="
    rb"|\bsub" + rb"agent\b"
)  # fmt: skip


def mentions(text: bytes) -> list[str]:
    return [found.group().decode() for found in FOREIGN.finditer(text)]


def test_no_file_names_the_workplace() -> None:
    found = {name: named for name in repository_files() if (named := mentions((ROOT / name).read_bytes()))}
    assert found == {}


@pytest.mark.parametrize("path", [("wo", "rk"), ("ro", "ot"), ("ho", "me/x"), ("opt/py", "pi")])
def test_a_mention_would_be_noticed(path: tuple[str, str]) -> None:
    assert mentions(b"see /" + "".join(path).encode() + b"/main")


@pytest.mark.parametrize("text", ["homework/root", "src/work/", "the /workshop", "a/root/b", "/worker"])
def test_plain_words_are_none(text: str) -> None:
    assert mentions(text.encode()) == []
