"""Logging what should not have happened: where, and no more. The text of an unexpected error may hold what a caller
said, so no log gets it.
"""

from __future__ import annotations

import logging
import traceback


def log_mistake(log: logging.Logger, what: str, error: BaseException) -> None:
    """``what`` is a static text. Of a group the first error that is none itself is told."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "an unknown place"
    log.error("%s: unexpected %s at %s", what, type(error).__name__, place)
