"""Draws ``docs/images/demo.svg``: what a terminal shows of the demo, from the timeline of a real call.

    python scripts/make_demo_picture.py           # runs the demo first, about two minutes
    python scripts/make_demo_picture.py CALL      # the folder of a call that the demo has kept

The picture needs no network: it names no font that would have to be fetched.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.terminal_theme import MONOKAI

from vivavoce.cli.captions import Captions
from vivavoce.cli.report import Report, print_report
from vivavoce.cli.terminal import Terminal
from vivavoce.engine.answer import AnsweredCall
from vivavoce.engine.call import CallResult
from vivavoce.engine.inbox import InboxStatistics
from vivavoce.ledger.fold import fold_call
from vivavoce.ledger.turns import fold_turns
from vivavoce.timeline.read import Timeline, read_timeline
from vivavoce.timeline.replay import replay
from vivavoce.timeline.write import RECORDING_FILE

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "demo.svg"
COLUMNS = 104
FONTS = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("call", nargs="?", type=Path, help="the folder of a call")
    call: Path | None = parser.parse_args().call
    if call is not None:
        timeline = read_timeline(call)
    else:
        with tempfile.TemporaryDirectory() as calls:
            subprocess.run([sys.executable, "-m", "vivavoce", "demo", "--calls", calls], check=True)
            timeline = read_timeline(next(Path(calls).iterdir()))
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(draw(timeline), "utf-8")
    print(f"wrote {PICTURE}")


def draw(timeline: Timeline) -> str:
    """The captions and the report of a call, as SVG."""
    terminal = Terminal()
    terminal.file = io.StringIO()
    terminal._force_terminal = True  # rich takes it only when a console is made
    terminal._color_system = None
    terminal.width = COLUMNS
    terminal.record = True
    terminal.say_whole("$ vivavoce demo", "bold")
    captions = Captions(terminal)
    for line in timeline.lines:
        captions(line.instant, line.value)
    print_report(terminal, _report(timeline))
    svg = terminal.export_svg(
        title="vivavoce demo", theme=MONOKAI, code_format=_format_without_addresses(), unique_id="demo"
    )
    without_blanks = re.sub(r"<text [^>]*>\s*</text>", "", svg)
    return "".join(f"{line.rstrip()}\n" for line in without_blanks.splitlines() if line.strip())


def _report(timeline: Timeline) -> Report:
    assert timeline.closed is not None, "a demo that came to its end"
    folder = Path("calls") / timeline.header.call
    result = CallResult(timeline.closed.disposition, timeline.closed.reason, InboxStatistics(0, 0, 0))
    call = AnsweredCall(timeline.header.call, folder, folder / RECORDING_FILE, result, "", fold_call(timeline))
    return Report(call, timeline, fold_turns(timeline.lines), replay(timeline))


def _format_without_addresses() -> str:
    """rich's frame, but for the fonts that it would fetch and the comment that says where it comes from."""
    plain = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    plain = re.sub(r"<!--.*?-->", "", plain, flags=re.DOTALL)
    plain = plain.replace("<svg ", '<svg xml:space="preserve" ', 1)  # some renderers drop even leading hard spaces
    return re.sub(r"font-family: (Fira Code|arial)[^;]*;", f"font-family: {FONTS};", plain)


if __name__ == "__main__":
    main()
