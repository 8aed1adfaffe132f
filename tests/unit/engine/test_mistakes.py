"""What a log gets of an error that should not have happened."""

from __future__ import annotations

import logging

import pytest

from vivavoce.engine.mistakes import log_mistake


def test_the_place_and_the_kind_and_no_text(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ExceptionGroup("two", [ValueError("what a caller said"), TypeError()])
    except ExceptionGroup as group:
        inner = group.exceptions[0]
        log_mistake(logging.getLogger("test"), "a port failed", group)
        log_mistake(logging.getLogger("test"), "a port failed", inner)
    try:
        raise KeyError("what a caller said")
    except KeyError as error:
        log_mistake(logging.getLogger("test"), "a port failed", error)
    assert "what a caller said" not in caplog.text
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0] == "a port failed: unexpected ValueError at an unknown place"
    assert messages[2].startswith(f"a port failed: unexpected KeyError at {__file__}:")
