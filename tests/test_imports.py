"""Imports run downwards through the rooms, in no circle; nothing heavy comes with a query."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[1]  # where pyproject.toml states the layers


def test_imports_run_downwards_and_in_no_circle() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([program, "--no-cache"], capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stdout


def test_no_module_needs_posix_to_be_imported() -> None:
    program = (
        "import importlib, pkgutil, sys\n"
        "for name in ('fcntl', 'grp', 'pty', 'pwd', 'resource', 'termios', 'tty'):\n"
        "    sys.modules[name] = None\n"
        "import artistindex\n"
        "for module in pkgutil.walk_packages(artistindex.__path__, 'artistindex.'):\n"
        "    if not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name)\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def loaded_by(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(*sys.modules, sep='\\n')"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return {name.partition(".")[0] for name in result.stdout.split()}


HEAVY = {
    "av",
    "bs4",
    "defusedxml",
    "essentia",
    "filelock",
    "google",
    "icalendar",
    "jinja2",
    "matplotlib",
    "mutagen",
    "openvino",
    "rapidfuzz",
    "requests",
    "rich",
    "spotipy",
    "yaml",
    "yt_dlp",
}


def test_importing_the_package_costs_next_to_nothing() -> None:
    assert not loaded_by("import artistindex") & (HEAVY | {"numpy", "faiss", "click"})


def test_a_worker_process_sets_the_stage_before_numpy_comes() -> None:
    assert not loaded_by("import artistindex.embedding.pool_worker") & (HEAVY | {"numpy"})


def test_a_query_imports_nothing_heavy(planted) -> None:
    folder = planted()
    arguments = ["--indexes", str(folder.parent), "query", "Artist 1", "--format", "json"]
    loaded = loaded_by(
        f"import contextlib, io\nfrom artistindex.cli import run\n"
        f"with contextlib.redirect_stdout(io.StringIO()):\n    code = run({arguments!r})\n"
        "assert code == 0\n"
        "assert 'artistindex.library.library' not in sys.modules, 'an index is enough'"
    )
    assert "faiss" in loaded
    assert not loaded & HEAVY
