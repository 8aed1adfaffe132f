from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.unit.model.local.dialogue.agents import NOW
from vivavoce.agent.declaration import Agent
from vivavoce.errors import NotAvailable, UsageError
from vivavoce.model.local.dialogue.chat import ChatCompletionsDialogue
from vivavoce.model.local.dialogue.choose import check_dialogue, make_dialogue
from vivavoce.model.local.dialogue.converse import ConverseDialogue
from vivavoce.model.local.dialogue.embedded import EmbeddedDialogue
from vivavoce.model.local.dialogue.port import Dialogue

BARE = Agent("Bare", "")


def made(environment: dict[str, str] | None = None, **settings: Any) -> Dialogue:
    return make_dialogue(BARE, settings, now=lambda: NOW, environment=environment or {})


def test_one_line_chooses() -> None:
    assert isinstance(made(), EmbeddedDialogue)
    assert isinstance(made(dialogue="embedded"), EmbeddedDialogue)
    assert isinstance(made(dialogue="openai:http://127.0.0.1:11434/v1#llama3.2"), ChatCompletionsDialogue)
    assert isinstance(made({"KEY": "k"}, dialogue="openai:https://x/v1#m", dialogue_key="KEY"), ChatCompletionsDialogue)
    assert isinstance(made(dialogue="bedrock:us.amazon.nova-lite-v1:0", dialogue_region="us-east-1"), ConverseDialogue)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dialogue": "gpt"}, "is none that there is"),
        ({"dialogue": 7}, "is none that there is"),
        ({"dialogue": "bedrock:"}, "is none that there is"),
        ({"dialogue": "openai:http://127.0.0.1:11434/v1"}, "a model after"),
        ({"dialogue": "openai:127.0.0.1:11434/v1#m"}, "needs an http address"),
        ({"dialogue": "openai:http://127.0.0.1:99999/v1#m"}, "has no address: Port out of range"),
        ({"dialogue": "openai:http://127.0.0.1:port/v1#m"}, "has no address: Port could not"),
        ({"dialogue": "openai:http://[::1/v1#m"}, "has no address: Invalid IPv6"),
        ({"dialogue": "openai:http://x/v1#m", "dialogue_key": "MISSING"}, "not set in the environment"),
    ],
)
def test_mistakes_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        made(**settings)
    assert caught.value.hint
    with pytest.raises(UsageError, match=message):
        check_dialogue(settings, {})


def test_a_model_of_bedrocks_needs_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    settings: dict[str, Any] = {"dialogue": "bedrock:us.amazon.nova-lite-v1:0"}
    with pytest.raises(NotAvailable, match="needs a region") as caught:
        made(**settings)
    assert caught.value.hint == "set dialogue_region, or AWS_REGION"
    with pytest.raises(NotAvailable, match="needs a region"):
        check_dialogue(settings, {})
    check_dialogue(settings, {"AWS_REGION": "us-east-1"})
    check_dialogue(settings | {"dialogue_region": "us-east-1"}, {})
    with pytest.raises(NotAvailable, match="us east"):
        check_dialogue(settings | {"dialogue_region": "us east"}, {})
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(NotAvailable, match="nobody"):
        check_dialogue(settings, {"AWS_REGION": "us-east-1"})


@pytest.mark.parametrize(
    ("package", "dialogue"), [("httpx", "openai:http://127.0.0.1/v1#m"), ("boto3", "bedrock:some.model")]
)
def test_a_package_that_is_not_there(package: str, dialogue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    for act in (lambda: check_dialogue({"dialogue": dialogue}, {}), lambda: made(dialogue=dialogue)):
        with pytest.raises(NotAvailable, match=f"needs {package}") as caught:
            act()
        assert caught.value.hint == f"pip install {package}"


def test_checking_makes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        pytest.fail("made something")

    for dialogue in (ChatCompletionsDialogue, ConverseDialogue, EmbeddedDialogue):
        monkeypatch.setattr(dialogue, "__init__", refused)
    check_dialogue({}, {})
    check_dialogue({"dialogue": "openai:http://127.0.0.1:11434/v1#m"}, {})
    check_dialogue({"dialogue": "bedrock:some.model", "dialogue_region": "us-east-1"}, {})
