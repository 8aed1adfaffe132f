"""Rehearsed calls in a process of their own.

_rehearse.py local|nova PROGRAMMES     a JSON list of the fields of vivavoce.rehearsal.stage.Programme

Prints a JSON list of panels, in the order of the programmes.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import msgspec

from vivavoce import app
from vivavoce.agent.declaration import ModelChoice
from vivavoce.rehearsal.panel import panel
from vivavoce.rehearsal.sets import AT_ONCE, OPENED, embedded_calls, emulated_calls, standing_agent
from vivavoce.rehearsal.stage import Programme


def main() -> None:
    name, programmes = sys.argv[1], msgspec.json.decode(sys.argv[2], type=list[Programme])
    with tempfile.TemporaryDirectory(prefix="vivavoce-") as temporary:
        folder = Path(os.environ.get("REHEARSED_CALLS") or temporary)
        if name == "nova":
            rows = emulated_calls(programmes, folder / name)
        else:
            model = app.make_model(standing_agent(), ModelChoice("local"), lambda: OPENED)
            rows = embedded_calls(model, programmes, folder / name, AT_ONCE)
        print(json.dumps([panel(row).as_object() for row in rows]))


if __name__ == "__main__":
    main()
