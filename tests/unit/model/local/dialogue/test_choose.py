from __future__ import annotations

from typing import Any

import pytest

from tests.unit.model.local.dialogue.agents import NOW
from vivavoce.agent.declaration import Agent
from vivavoce.errors import UsageError
from vivavoce.model.local.dialogue.chat import ChatCompletionsDialogue
from vivavoce.model.local.dialogue.choose import make_dialogue
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
        ({"dialogue": "openai:http://x/v1#m", "dialogue_key": "MISSING"}, "not set in the environment"),
    ],
)
def test_mistakes_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        made(**settings)
    assert caught.value.hint
