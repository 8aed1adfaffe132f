from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has databases of its own."""
    monkeypatch.setenv("VIVAVOCE_EXAMPLE_DATA", str(tmp_path))
    return tmp_path
