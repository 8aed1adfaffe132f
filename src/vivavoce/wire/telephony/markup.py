"""The XML by which Twilio, Telnyx and Plivo are told what to do with a call."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape


def element(name: str, attributes: Mapping[str, str] | None = None, *inside: str) -> str:
    """``inside`` is markup already."""
    told = "".join(f' {key}="{escape(value)}"' for key, value in (attributes or {}).items())
    return f"<{name}{told}>{''.join(inside)}</{name}>" if inside else f"<{name}{told}/>"


def text(words: str) -> str:
    """Markup that means these words."""
    return escape(words, quote=False)


def document(*inside: str) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>' + element("Response", {}, *inside)


def parameters(values: Mapping[str, str]) -> str:
    return "".join(element("Parameter", {"name": name, "value": value}) for name, value in values.items())
