"""Any OpenAI-compatible chat completions endpoint as the dialogue: Ollama, vLLM, llama.cpp, hosted ones. Extra
``llm``."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from vivavoce.agent.declaration import Agent, Tool
from vivavoce.errors import ModelFault, NotAvailable
from vivavoce.model.local.dialogue.textmodel import (
    END_CALL,
    END_CALL_DESCRIPTION,
    END_CALL_PARAMETERS,
    Message,
    Piece,
    TextModelDialogue,
    ToolGave,
    UserSaid,
)

if TYPE_CHECKING:
    import httpx

_TIMEOUT_S: Final = 20.0


class SettingsRefused(ModelFault):
    """The endpoint will never take this request: a wrong key, a wrong address, a model it does not have."""

    retryable = False


def _function(name: str, description: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "description": description, "parameters": dict(parameters)}}


class ChatCompletions:
    """The wire: ``POST {base_url}/chat/completions`` with ``stream: true``, read as server-sent events."""

    def __init__(
        self, base_url: str, model: str, api_key: str, tools: Sequence[Tool], client: httpx.AsyncClient
    ) -> None:
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._model = model
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._tools = [_function(tool.name, tool.description, tool.parameters) for tool in tools]
        self._tools.append(_function(END_CALL, END_CALL_DESCRIPTION, END_CALL_PARAMETERS))
        self._client = client

    async def stream(self, instructions: str, history: Sequence[Message]) -> AsyncGenerator[Piece, None]:
        import httpx

        messages = [{"role": "system", "content": instructions}, *map(_message, history)]
        body = {"model": self._model, "messages": messages, "tools": self._tools, "stream": True}
        try:
            async with self._client.stream("POST", self._url, json=body, headers=self._headers) as response:
                _check(response.status_code, self._url)
                async for line in response.aiter_lines():
                    if line.startswith("data:"):
                        data = line.removeprefix("data:").strip()
                        if data == "[DONE]":
                            return
                        for piece in _pieces(data):
                            yield piece
        except httpx.HTTPError as error:
            raise ModelFault(f"the text model at {self._url} did not answer: {type(error).__name__}") from error


def _check(status: int, url: str) -> None:
    if status in (400, 401, 403, 404, 422):
        raise SettingsRefused(
            f"the text model at {url} refused the request with status {status}",
            hint="check the address, the model's name, its key, and that it can call tools",
        )
    if status != 200:
        raise ModelFault(f"the text model at {url} answered with status {status}")


def _message(message: Message) -> dict[str, Any]:
    if isinstance(message, UserSaid):
        return {"role": "user", "content": message.text}
    if isinstance(message, ToolGave):
        return {"role": "tool", "tool_call_id": message.tool_call, "content": message.text}
    said: dict[str, Any] = {"role": "assistant", "content": message.text}
    if message.wishes:
        said["tool_calls"] = [
            {
                "id": wish.tool_call,
                "type": "function",
                "function": {"name": wish.name, "arguments": wish.arguments or "{}"},
            }
            for wish in message.wishes
        ]
    return said


def _pieces(data: str) -> list[Piece]:
    try:
        event = json.loads(data)
        if "error" in event:
            raise ModelFault("the text model broke off with an error")
        delta = event["choices"][0].get("delta", {}) if event.get("choices") else {}
        pieces = [Piece(text=delta["content"])] if delta.get("content") else []
        for at, call in enumerate(delta.get("tool_calls") or ()):
            function = call.get("function") or {}
            index = call.get("index", at)
            name, arguments = function.get("name") or "", function.get("arguments") or ""
            pieces.append(Piece("", index, call.get("id") or "", name, arguments))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelFault("the text model sent an event that is no chat completion chunk") from error
    return pieces


class ChatCompletionsDialogue(TextModelDialogue):
    """A dialogue over :class:`ChatCompletions`. ``base_url`` ends in ``/v1`` for most servers."""

    def __init__(
        self,
        agent: Agent,
        base_url: str,
        model: str,
        api_key: str = "",
        *,
        now: Callable[[], datetime],
        client: httpx.AsyncClient | None = None,
    ) -> None:
        try:
            import httpx
        except ImportError as error:
            raise NotAvailable("a text model for the dialogue needs httpx", hint="pip install httpx") from error
        # Each call owns its client; the server's keep-alive makes the later turns quick.
        client = client or httpx.AsyncClient(timeout=_TIMEOUT_S)
        super().__init__(agent, ChatCompletions(base_url, model, api_key, agent.tools, client), now=now)
        self._client = client

    async def aclose(self) -> None:
        """Closes the connection to the text model."""
        await self._client.aclose()
