"""Keeps other packages from logging what is said in calls: their messages hold addresses with arguments, headers, and
whole requests."""

from __future__ import annotations

import logging

_TOO_TALKATIVE = {
    "httpx": logging.WARNING,
    "httpx2": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpcore2": logging.WARNING,
    "mcp": logging.CRITICAL,
}


def quieten() -> None:
    for name, level in _TOO_TALKATIVE.items():
        logger = logging.getLogger(name)
        logger.setLevel(max(level, logger.level))
