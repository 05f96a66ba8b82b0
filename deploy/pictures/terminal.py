"""Makes terminal.svg: what a terminal shows after `bellwether demo --once`. Nothing is drawn by hand.

`python -m deploy.pictures.terminal` is a real run in this process, rich's consoles replaced by one that records.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from rich.console import Console

PICTURE = Path(__file__).with_name("terminal.svg")
COMMAND = "bellwether demo --once"
WIDTH = 132  # columns: more would be too small to read on a page


def record(options: list[str]) -> str:
    """The screen of a demo as SVG; `options` are those of the demo. Raises SystemExit where the demo fails."""
    from streams.commands import demo
    from streams.commands import options as shared

    screen = Console(record=True, width=WIDTH, force_terminal=False, file=StringIO())
    screen.print(f"$ [bold]{COMMAND}[/bold]", highlight=False)
    with (
        patch.object(demo, "Console", lambda **_: screen),
        patch.object(shared, "Console", lambda **_: screen),
        tempfile.TemporaryDirectory() as directory,
    ):
        os.environ["BELLWETHER_DATA_DIR"] = directory
        demo.demo.main(["--once", *options], standalone_mode=False)
    svg = screen.export_svg(title=COMMAND, unique_id="terminal")
    svg = re.sub(r"@font-face {.*?}\s*", "", svg, flags=re.DOTALL)  # they would be fetched from elsewhere
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)


if __name__ == "__main__":
    PICTURE.write_text(record(sys.argv[1:]), encoding="utf-8")
