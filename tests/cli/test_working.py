"""What takes long shows on a terminal that it goes on, and nowhere else."""

import os
import pty
import subprocess
import sys

import pytest

pytestmark = pytest.mark.process

PROGRAM = """
from artistindex.cli.output import working
with working("judging by \\x1b[31mlists", quiet={quiet}):
    pass
print("done")
"""


def message(*, quiet: bool, terminal: bool) -> bytes:
    """What the program above says on standard error."""
    command = [sys.executable, "-c", PROGRAM.format(quiet=quiet)]
    ours, theirs = pty.openpty() if terminal else os.pipe()
    environment = {**os.environ, "TERM": "xterm"}
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=theirs, env=environment, timeout=60, check=True
    )
    assert result.stdout == b"done\n"
    os.write(theirs, b"END")
    os.close(theirs)
    heard = b""
    while not heard.endswith(b"END"):
        heard += os.read(ours, 4096)
    os.close(ours)
    return heard.removesuffix(b"END")


def test_a_terminal_is_told() -> None:
    screen = message(quiet=False, terminal=True)
    assert b"judging by \\x1b[31mlists" in screen, "what a name holds is escaped"


@pytest.mark.parametrize(("quiet", "terminal"), [(True, True), (False, False)])
def test_nobody_else_is(quiet: bool, terminal: bool) -> None:
    assert message(quiet=quiet, terminal=terminal) == b""
