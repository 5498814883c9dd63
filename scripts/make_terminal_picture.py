"""Draw what a terminal shows of commands, as an SVG that loads nothing: docs/demo.svg by default.

    python scripts/make_terminal_picture.py
    python scripts/make_terminal_picture.py --out docs/doctor.svg "artistindex doctor"

The commands run in a pseudo-terminal of 80 columns in a new folder. Needs pyte; Linux and macOS.
"""

import argparse
import io
import os
import pty
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path

import pyte
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import MONOKAI
from rich.text import Text

COLUMNS, ROWS = 80, 100
FONTS = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)  # they lie elsewhere
DOCS = Path(__file__).resolve().parents[1] / "docs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the commands and write the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commands", nargs="*", default=["artistindex demo"])
    parser.add_argument("--out", type=Path, default=DOCS / "demo.svg")
    options = parser.parse_args(arguments)
    screen = pyte.Screen(COLUMNS, ROWS)
    with tempfile.TemporaryDirectory() as folder:
        stream = pyte.ByteStream(screen)
        for command in options.commands:
            stream.feed(f"$ {command}\r\n".encode())
            for part in output_of(command, Path(folder)):
                stream.feed(part)
    options.out.write_text(drawn(screen), encoding="utf-8")
    return 0


def output_of(command: str, folder: Path) -> Iterator[bytes]:
    """Yield what a command writes to a terminal of its own."""
    ours, theirs = pty.openpty()
    environment = os.environ | {
        "COLUMNS": str(COLUMNS),
        "LINES": str(ROWS),
        "TERM": "xterm-256color",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    process = subprocess.Popen(
        command,
        shell=True,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    with suppress(OSError):  # how the end of a terminal reads on Linux
        while part := os.read(ours, 65536):
            yield part
    os.close(ours)
    if process.wait():
        sys.exit(f"{command} ended with exit code {process.returncode}")


def drawn(screen: pyte.Screen) -> str:
    """Return what the screen shows, as an SVG."""
    lines = [styled(screen, row) for row in range(screen.lines)]
    while lines and not lines[-1].plain.strip():
        lines.pop()
    console = Console(record=True, width=screen.columns, file=io.StringIO())
    for line in lines:
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
    return console.export_svg(
        title="artistindex", theme=MONOKAI, code_format=FONTS.sub("", CONSOLE_SVG_FORMAT)
    )


def styled(screen: pyte.Screen, row: int) -> Text:
    """Return a row of the screen with its colours."""
    characters = [screen.buffer[row][column] for column in range(screen.columns)]
    text = Text()
    for (bold, colour), run in groupby(characters, key=lambda shown: (shown.bold, shown.fg)):
        style = Style(bold=bold, color=COLOURS.get(colour))
        text.append("".join(character.data for character in run), style)
    text.rstrip()
    return text


COLOURS = {"brown": "yellow"} | {
    name: name for name in ("red", "green", "blue", "magenta", "cyan", "white")
}

if __name__ == "__main__":
    sys.exit(main())
