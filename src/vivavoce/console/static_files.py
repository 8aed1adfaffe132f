"""The page's files, read once: each with its type, a tag by which a browser need not fetch it again, and the rules that
keep a page strict about what it may load.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Modules import each other by plain names, so each is asked for again and answered with 304 while it is the same.
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it is sent."""

    content: bytes
    media_type: str
    tag: str

    def answer(self, request: Request) -> Response:
        headers = {**_HEADERS, "ETag": self.tag}
        known = [offer.strip().removeprefix("W/") for offer in request.headers.get("if-none-match", "").split(",")]
        if self.tag in known or known == ["*"]:
            return Response(status_code=304, headers=headers)
        return Response(self.content, media_type=self.media_type, headers=headers)


def static_files() -> dict[str, StaticFile]:
    """Every file of the page by name; what is not here does not exist, whatever a path says."""
    folder = files("vivavoce.console") / "static"
    found = {entry.name: entry for entry in folder.iterdir()}
    return {name: _load(entry, _TYPES[ending]) for name, entry in found.items() if (ending := _ending(name)) in _TYPES}


def _load(entry: Traversable, media_type: str) -> StaticFile:
    content = entry.read_bytes()
    return StaticFile(content, media_type, f'"{hashlib.sha256(content).hexdigest()[:20]}"')


def _ending(name: str) -> str:
    return name[name.rfind(".") :]
