"""Imports run only leftwards along the flow of the package's docstring."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import artistindex

PACKAGE = Path(artistindex.__file__).parent
FLOW = (
    "errors",
    "names",
    "records",
    "caches",
    "durable",
    "locks",
    "catalogues",
    "audio",
    "models",
    "outliers",
    "schema",
    "database",
    "stored",
    "library",
    "worker",
    "worker_process",
    "crew",
    "selection",
    "fetching",
    "ingest",
    "gathering",
    "index",
    "pipeline",
    "query",
    "question",
    "tracksets",
    "hubs",
    "fusion",
    "rerank",
    "explain",
    "sound",
    "lineup",
    "musicmap",
    "evaluation",
    "packs",
    "demo",
    "cli",
)
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__main__.py")


def place(module: str) -> int:
    return FLOW.index(module.split(".")[1])


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if node.module == "artistindex" else str(node.module)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_only_leftwards(path: Path) -> None:
    own = ".".join(("artistindex", *path.relative_to(PACKAGE).with_suffix("").parts))
    if own == "artistindex.__init__":
        return  # names what the package exports, and loads it when asked
    for name in imported(path):
        inside = name.startswith("artistindex.") and name != "artistindex.__version__"
        if inside:
            assert place(name) <= place(own), f"{own} imports {name}, which lies to its right"


def loaded_by(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stdout.split()}


HEAVY = {
    "av",
    "bs4",
    "essentia",
    "filelock",
    "google",
    "jinja2",
    "matplotlib",
    "mutagen",
    "openvino",
    "rapidfuzz",
    "requests",
    "rich",
    "spotipy",
    "yt_dlp",
}


def test_importing_the_package_costs_next_to_nothing() -> None:
    assert not loaded_by("import artistindex") & (HEAVY | {"numpy", "faiss", "click"})


def test_a_worker_process_sets_the_stage_before_numpy_comes() -> None:
    assert not loaded_by("import artistindex.worker_process") & (HEAVY | {"numpy"})


def test_a_query_imports_nothing_heavy(planted) -> None:
    folder = planted()
    arguments = ["--indexes", str(folder.parent), "query", "Artist 1", "--format", "json"]
    loaded = loaded_by(
        f"import contextlib, io\nfrom artistindex.cli import run\n"
        f"with contextlib.redirect_stdout(io.StringIO()):\n    code = run({arguments!r})\n"
        "assert code == 0"
    )
    assert "faiss" in loaded
    assert not loaded & HEAVY
