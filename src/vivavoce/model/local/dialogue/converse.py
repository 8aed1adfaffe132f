"""Bedrock Converse as the dialogue, through boto3 in threads. Extra ``bedrock``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from vivavoce.agent.declaration import Agent, Tool
from vivavoce.errors import ModelFault, NotAvailable
from vivavoce.model.local.dialogue.textmodel import (
    END_CALL,
    END_CALL_DESCRIPTION,
    END_CALL_PARAMETERS,
    AgentSaid,
    Message,
    Piece,
    TextModelDialogue,
    ToolGave,
)

_MAX_TOKENS: Final = 512
_OVER: Final[Mapping[str, Any]] = {}


class Converse:
    """The wire: ``converse_stream`` of a boto3 ``bedrock-runtime`` client. Each event is awaited in a thread, so a slow
    model never holds the event loop; an abandoned answer closes its stream."""

    def __init__(self, client: Any, model: str, tools: Sequence[Tool]) -> None:
        self._client = client
        self._model = model
        self._tools = [_specification(tool.name, tool.description, tool.parameters) for tool in tools]
        self._tools.append(_specification(END_CALL, END_CALL_DESCRIPTION, END_CALL_PARAMETERS))

    async def stream(self, instructions: str, history: Sequence[Message]) -> AsyncGenerator[Piece, None]:
        request = {
            "modelId": self._model,
            "system": [{"text": instructions}],
            "messages": _messages(history),
            "toolConfig": {"tools": self._tools},
            "inferenceConfig": {"maxTokens": _MAX_TOKENS},
        }
        response = await _in_thread(lambda: self._client.converse_stream(**request))
        events: Iterator[Mapping[str, Any]] = iter(response["stream"])
        try:
            while (event := await _in_thread(lambda: next(events, _OVER))) is not _OVER:
                if piece := _piece(event):
                    yield piece
        finally:
            close = getattr(response["stream"], "close", None)
            if close:
                close()


async def _in_thread(work: Callable[[], Any]) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return await asyncio.to_thread(work)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise ModelFault(f"Bedrock refused the dialogue: {code}", hint="check model access and region") from error
    except BotoCoreError as error:
        raise ModelFault(f"Bedrock did not answer: {type(error).__name__}") from error


def _specification(name: str, description: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {"toolSpec": {"name": name, "description": description or name, "inputSchema": {"json": dict(parameters)}}}


def _messages(history: Sequence[Message]) -> list[dict[str, Any]]:
    """Converse wants the two sides to take turns, the caller first: neighbours of one side are joined."""
    joined: list[dict[str, Any]] = []
    for message in history:
        role = "assistant" if isinstance(message, AgentSaid) else "user"
        if not joined and role == "assistant":
            continue
        if joined and joined[-1]["role"] == role:
            joined[-1]["content"] += _content(message)
        else:
            joined.append({"role": role, "content": _content(message)})
    return joined


def _content(message: Message) -> list[dict[str, Any]]:
    if isinstance(message, ToolGave):
        status = "success" if message.ok else "error"
        result = {"toolUseId": message.tool_call, "content": [{"text": message.text}], "status": status}
        return [{"toolResult": result}]
    content: list[dict[str, Any]] = [{"text": message.text or "…"}]
    if isinstance(message, AgentSaid) and message.wishes:
        content = content if message.text else []
        for wish in message.wishes:
            content.append(
                {"toolUse": {"toolUseId": wish.tool_call, "name": wish.name, "input": _object(wish.arguments)}}
            )
    return content


def _object(arguments: str) -> dict[str, Any]:
    try:
        value = json.loads(arguments or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _piece(event: Mapping[str, Any]) -> Piece | None:
    if start := event.get("contentBlockStart"):
        use = start.get("start", {}).get("toolUse")
        return Piece("", start["contentBlockIndex"], use["toolUseId"], use["name"]) if use else None
    if block := event.get("contentBlockDelta"):
        delta = block["delta"]
        if "text" in delta:
            return Piece(delta["text"])
        if "toolUse" in delta:
            return Piece("", block["contentBlockIndex"], arguments=delta["toolUse"].get("input", ""))
        return None
    faults = ("Exception", "exception")
    if broken := next((name for name in event if name.endswith(faults)), ""):
        raise ModelFault(f"Bedrock broke off: {broken}")
    return None


def open_bedrock(region: str) -> Any:
    """A boto3 session in ``region``, or in that of the usual AWS settings. Raises :class:`NotAvailable`; asks no
    server."""
    try:
        import boto3
        from botocore.exceptions import BotoCoreError
        from botocore.utils import validate_region_name
    except ImportError as error:
        raise NotAvailable("a Bedrock model for the dialogue needs boto3", hint="pip install boto3") from error
    try:
        session = boto3.Session(region_name=region or None)
        found = session.region_name
        validate_region_name(found)
    except BotoCoreError as error:  # a profile that is not there, a region that is none
        hint = "see dialogue_region, AWS_REGION and AWS_PROFILE"
        raise NotAvailable(f"the AWS settings cannot be used: {error}", hint=hint) from error
    if not found:
        raise NotAvailable("a Bedrock model for the dialogue needs a region", hint="set dialogue_region, or AWS_REGION")
    return session


class ConverseDialogue(TextModelDialogue):
    """A dialogue over :class:`Converse`. ``client`` is made from the usual AWS settings when none is given."""

    def __init__(
        self, agent: Agent, model: str, *, now: Callable[[], datetime], region: str = "", client: Any = None
    ) -> None:
        client = client or open_bedrock(region).client("bedrock-runtime")
        super().__init__(agent, Converse(client, model, agent.tools), now=now)
