"""The README's blocks run as printed, in order, in an environment of their own.

The two `sh` blocks install: .ci/run takes them word for word. What needs the network or somebody's
own files says so in the sentence before it, and is left out here.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_OUT_OF_REACH = re.compile(r"needs\s+the\s+network|of\s+your\s+own")
_FOREIGN = re.compile(r"/usr/share/games/\S+")
_SECONDS = 900


@dataclass(frozen=True)
class Block:
    """A block of code with the paragraph before it."""

    kind: str
    text: str
    before: str

    @property
    def script(self) -> str:
        """What a person would type."""
        return "".join(line[2:] + "\n" for line in self.text.splitlines() if line[:2] == "$ ")


def blocks() -> list[Block]:
    text = README.read_text("utf-8")
    return [
        Block(match[1], match[2], text[: match.start()].rstrip().rpartition("\n\n")[2])
        for match in _BLOCK.finditer(text)
    ]


def test_the_first_blocks_install() -> None:
    kinds = [block.kind for block in blocks()]
    assert kinds[:2] == ["sh", "sh"]
    assert set(kinds[2:]) == {"console", "python"}
    first, second = blocks()[:2]
    assert "activate" in first.text, "the blocks that follow call artistindex by its name"
    assert "pytest" in second.text


def test_every_command_printed_is_one_of_ours_or_a_shells() -> None:
    for block in blocks():
        if block.kind == "console":
            assert block.script.strip(), block.text
            for line in block.script.splitlines():
                assert line.split()[0] in ("artistindex", "cp", "printf"), line


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_blocks_run_as_printed(tmp_path: Path, subtests: pytest.Subtests) -> None:
    (tmp_path / "home").mkdir()
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ARTISTINDEX_", "SPOTIPY_", "COLUMNS"))
    } | {
        "HOME": str(tmp_path / "home"),
        "ARTISTINDEX_CACHE": str(tmp_path / "cache"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    for number, block in enumerate(blocks()):
        with subtests.test(block=number):
            _run(block, tmp_path, environment)


def _run(block: Block, folder: Path, environment: dict[str, str]) -> None:
    if block.kind != "console":
        pytest.skip("sh: .ci/run installs by it; python: test_public_api.py runs it")
    if match := _OUT_OF_REACH.search(block.before):
        pytest.skip(f"{' '.join(match[0].split())}: {block.script.splitlines()[0]}")
    needed = _FOREIGN.findall(block.text)
    if not all(Path(path).exists() for path in needed):
        pytest.skip(f"needs music that is not here: {needed[0]}")
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", block.script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{block.script}\n{done.stderr}"
    assert "Traceback" not in done.stderr
