"""Indexes that a stranger made, of both formats, with hashes that are right."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from altered_indexes import rewrite, run_sql
from artistindex.errors import BrokenIndex
from artistindex.index.manifest import Manifest, seal
from artistindex.index.reader import ArtistIndex, verify
from conftest import Run

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(params=["index-format-1", "index-format-2"])
def folder(request: pytest.FixtureRequest, run: Run) -> Path:
    """A golden index, as if somebody had sent it."""
    (manifest,) = (DATA / request.param).rglob("manifest.json")
    target = run.indexes / "vggish"
    shutil.copytree(manifest.parent, target)
    return target


def change_schema(folder: Path, table: str, change: Callable[[str], str], then: str) -> None:
    """Run SQL on a sidecar one of whose tables is defined otherwise meanwhile."""
    path = folder / Manifest.read(folder).artists_file.name
    select = "SELECT sql FROM sqlite_schema WHERE name = ?"
    update = "UPDATE sqlite_schema SET sql = ? WHERE name = ?"
    with closing(sqlite3.connect(path)) as connection:
        (original,) = connection.execute(select, (table,)).fetchone()
    for sql, statement in ((change(original), None), (None, then), (original, None)):
        with closing(sqlite3.connect(path)) as connection:
            if statement is not None:
                connection.execute(statement)
            else:
                connection.execute("PRAGMA writable_schema = ON")
                connection.execute(update, (sql, table))
            connection.commit()
    rewrite(folder, "artists", path.read_bytes())


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIEW more AS SELECT 1",
        "ALTER TABLE artists RENAME TO a; CREATE VIEW artists AS SELECT * FROM a",
        "CREATE TRIGGER spring AFTER INSERT ON artists BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE words USING fts5(text)",
        "CREATE TABLE more (x)",
        "DROP TABLE arrays",
        "ALTER TABLE artists ADD COLUMN more TEXT",
        "DROP TABLE arrays; CREATE TABLE arrays (name, rows, columns, data)",
    ],
)
def test_exactly_the_tables_of_the_format(folder: Path, run: Run, sql: str) -> None:
    run_sql(folder, sql)
    with pytest.raises(BrokenIndex, match="has other tables than the format"):
        ArtistIndex.open(folder)
    code, _, err = run("info", "--verify")
    assert code == 1
    assert "has other tables than the format" in err


@pytest.mark.parametrize("value", ["7", "x'00ff'", "0.5"])
def test_what_is_no_text_is_no_name(folder: Path, run: Run, value: str) -> None:
    change_schema(
        folder,
        "artists",
        lambda sql: sql.replace("STRICT", "").replace("TEXT", ""),
        f"UPDATE artists SET name = {value} WHERE row = 0",
    )
    with ArtistIndex.open(folder) as index, pytest.raises(BrokenIndex, match=r"no name|damaged"):
        index.artists  # noqa: B018 - reads them
    with pytest.raises(BrokenIndex, match="is damaged"):
        verify(folder)
    assert run("info", "--verify")[0] == 1


@pytest.mark.parametrize("background", [[0.9, 0.1], [0.0, None], [0.0, [1]], [float("nan")] * 2])
def test_the_background_rises(folder: Path, run: Run, background: list[Any]) -> None:
    path = folder / "manifest.json"
    document = json.loads(path.read_text()) | {"background": background}
    path.write_text(json.dumps(document | {"sha256": seal(document)}))
    with pytest.raises(BrokenIndex, match="is damaged"):
        ArtistIndex.open(folder)
    assert run("info", "--verify")[0] == 1


@pytest.mark.parametrize("at", [0, 4, 8, 32, 33, 37, 41], ids=lambda at: f"byte {at}")
def test_faiss_sees_no_file_of_another_header(
    folder: Path, run: Run, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / Manifest.read(folder).index_file.name
    content = bytearray(path.read_bytes())
    content[at] ^= 0x11
    rewrite(folder, "index", bytes(content))
    monkeypatch.setattr("faiss.read_index", lambda *_: pytest.fail("FAISS was asked"))
    with pytest.raises(BrokenIndex, match="is not the flat index"):
        ArtistIndex.open(folder)
    assert run("info", "--verify")[0] == 1
