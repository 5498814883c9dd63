"""docs/serve.md is right: its curl lines are answered, its SQL exports, its unit is one."""

import csv
import io
import re
import shlex
import shutil
import sqlite3
import subprocess
from pathlib import Path
from typing import Any

import pytest

from artistindex.server.app import create_app
from artistindex.server.library_ids import Song, read_songs
from artistindex.server.settings import Settings
from server.conftest import listening, parse_xml

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "serve.md").read_text("utf-8")
CURLS = re.findall(r"^curl .*$", PAGE, re.MULTILINE)

pytestmark = pytest.mark.process


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_the_curl_lines_are_answered(served_index: Path, tmp_path: Path) -> None:
    (tmp_path / "lineup.txt").write_text("Sigur Rós\nAC/DC\n", "utf-8")
    (tmp_path / "likes.txt").write_text("Rezz\n", "utf-8")
    assert len(CURLS) > 10
    with listening(create_app(Settings(served_index))) as port:
        for line in CURLS:
            command = shlex.split(line.replace("127.0.0.1:8100", f"127.0.0.1:{port}"))
            command[1:1] = ["--silent", "--show-error", "--fail-with-body", "--noproxy", "*"]
            result = subprocess.run(
                command, capture_output=True, cwd=tmp_path, timeout=60, check=False
            )
            assert result.returncode == 0, (line, result.stdout, result.stderr)
            assert b"failed" not in result.stdout, (line, result.stdout)
            if result.stdout.startswith(b"<?xml"):
                assert parse_xml(result.stdout).get("status") == "ok"
            else:
                assert result.stdout.startswith(b"{"), (line, result.stdout)


def test_the_sql_exports_a_library_of_navidrome(tmp_path: Path) -> None:
    (sql,) = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    database = sqlite3.connect(":memory:")
    database.executescript(
        """
        CREATE TABLE artist (id, name, mbz_artist_id, order_artist_name);
        CREATE TABLE media_file (
            id, path, title, album, artist_id, artist, mbz_recording_id, library_id
        );
        INSERT INTO artist VALUES ('a1', 'Rezz', 'm1', 'rezz');
        INSERT INTO media_file VALUES
            ('s1', 'Rezz/Song.flac', 'Song', 'First', 'a1', 'Rezz feat. Vril', 'r1', 1),
            ('s2', 'x.mp3', 'Other', '', NULL, 'Nobody', NULL, 1);
        """
    )
    cursor = database.execute(sql)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([name for name, *_ in cursor.description])
    writer.writerows(cursor.fetchall())
    database.close()
    (tmp_path / "library.csv").write_text(text.getvalue(), "utf-8")
    assert read_songs(tmp_path / "library.csv") == [
        Song("s1", "Song", "Rezz", "First", "Rezz/Song.flac", "r1", "a1", "m1"),
        Song("s2", "Other", "Nobody", path="x.mp3"),
    ]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_the_unit_is_one(tmp_path: Path) -> None:
    unit = shutil.copy(DOCS / "artistindex.service", tmp_path)
    result: Any = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
