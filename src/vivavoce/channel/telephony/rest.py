"""Requests to the carriers' REST interfaces. Every one has a limit of time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from vivavoce.errors import ChannelFault, NotAvailable

TIMEOUT_S: Final = 5.0


async def ask(method: str, url: str, over: Mapping[int, str], **content: Any) -> Mapping[str, Any]:
    """The object that is answered, empty if there is none. ``over`` says by which answers, with which word in them, a
    call is over already, which is no fault. Raises :class:`~vivavoce.errors.ChannelFault`.
    """
    try:
        import httpx
    except ImportError as error:
        raise missing("httpx") from error
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
            answer = await client.request(method, url, **content)
    except httpx.HTTPError as error:
        raise ChannelFault(f"the carrier's REST interface did not answer: {type(error).__name__}") from error
    status = answer.status_code
    if answer.is_success:
        return _object(answer.content, answer.json)
    if status in over and over[status] in answer.text:
        return {}
    raise ChannelFault(
        f"the carrier's REST interface answered with status {status}",
        hint="are the credentials those of the account that the call belongs to?" if status in (401, 403) else "",
    )


def _object(body: bytes, parsed: Any) -> Mapping[str, Any]:
    try:
        told = parsed() if body else {}
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def text_of(told: Mapping[str, Any], *names: str) -> str:
    """Of the first of these fields that is there."""
    return next((value for name in names if isinstance(value := told.get(name), str)), "")


def part(text: str) -> str:
    """One part of a path, whatever is in it."""
    return quote(text, safe="")


def missing(package: str) -> NotAvailable:
    hint = "install it with: pip install 'vivavoce[telephony]'"
    return NotAvailable(f"calls by telephone need {package}, which is not installed", hint=hint)
