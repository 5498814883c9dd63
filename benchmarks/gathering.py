"""Time and memory of making an index out of a library, and of making it again.

    python benchmarks/gathering.py FOLDER [--artists 16000] [--tracks 5] [--dimension 1280]
        [--transform none] [--changed 100] [--json FILE]

Fills a library in FOLDER with artists whose tracks are embedded already (a library that is there
is taken as it is), then builds in processes of their own: the first index, one with nothing new,
one after some artists have changed. Memory is the most that the process held, the files that it has
mapped included. Processor time says on a busy machine what wall time does not.
"""

import argparse
import json
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.embedding.registry import spec_of
from artistindex.library.library import FILE_NAME, Library

MODEL = "musicnn"  # whose weights ship with the package; the vectors are of any dimension
_FACTORS = 24  # the dimension of what artists differ in
_AT_ONCE = 1_000


def main() -> None:
    """Parse, fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--artists", type=int, default=16_000)
    parser.add_argument("--tracks", type=int, default=5)
    parser.add_argument("--dimension", type=int, default=1280)
    parser.add_argument("--transform", default="none")
    parser.add_argument("--changed", type=int, default=100)
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    options = parser.parse_args()
    library = options.folder / FILE_NAME
    if not library.is_file():
        fill(library, options.artists, options.tracks, options.dimension)
    shutil.rmtree(options.folder / MODEL, ignore_errors=True)
    figures = measure(options.folder, options.transform, options.changed)
    for name, figure in figures.items():
        print(f"{name}: {figure}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def measure(folder: Path, transform: str, changed: int) -> dict[str, Any]:
    """Seconds and megabytes of the builds."""
    figures = {"first index": _build(folder, transform), "nothing new": _build(folder, transform)}
    change(folder / FILE_NAME, changed)
    figures[f"{changed} artists changed"] = _build(folder, transform)
    return figures


def _build(folder: Path, transform: str) -> dict[str, Any]:
    command = (sys.executable, __file__, "--child", str(folder), transform)
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(output.splitlines()[-1]))


def child(folder: str, transform: str) -> None:
    """Build, and print what it took."""
    from artistindex import build

    started = time.perf_counter()
    report = build(indexes=folder, models=[MODEL], transform=_asked(Path(folder), transform))
    seconds = time.perf_counter() - started
    usage = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "seconds": round(seconds, 1),
        "of the processor": round(usage.ru_utime + usage.ru_stime, 1),
        "MB": round(usage.ru_maxrss / 1024),
        "artists": report.indexed,
        "changed": report.indexes[0].changed,
    }
    print(json.dumps(figures))


def _asked(folder: Path, transform: str) -> str | None:
    """The transform for a first build; a later one that asks for it would fit it again."""
    return None if (folder / MODEL).is_dir() else transform


# --- the library --------------------------------------------------------------------------------


def fill(path: Path, artists: int, tracks: int, dimension: int) -> None:
    """Write a library of artists with embedded tracks of a catalogue."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Library.open(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("BEGIN")
        for at, vectors in enumerate(_blocks(artists, tracks, dimension)):
            _insert(database, at * _AT_ONCE, vectors)
        database.execute("COMMIT")


def _blocks(artists: int, tracks: int, dimension: int) -> Iterator[NDArray[np.float32]]:
    """Vectors (artists, tracks, dimension) that differ in few directions, in parts."""
    draw = np.random.default_rng(0)
    directions = draw.standard_normal((_FACTORS, dimension)).astype(np.float32)
    for start in range(0, artists, _AT_ONCE):
        count = min(_AT_ONCE, artists - start)
        centres = 1.0 + draw.standard_normal((count, 1, _FACTORS))
        factors = centres + 0.5 * draw.standard_normal((count, tracks, _FACTORS))
        noise = 0.3 * draw.standard_normal((count, tracks, dimension), np.float32)
        yield factors.astype(np.float32) @ directions + noise


def _insert(database: sqlite3.Connection, before: int, vectors: NDArray[np.float32]) -> None:
    count, tracks, dimension = vectors.shape
    ids = range(before + 1, before + count + 1)
    of_track = [(id_, (id_ - 1) * tracks + place) for id_ in ids for place in range(1, tracks + 1)]
    database.executemany(
        "INSERT INTO artists (id, name, folded, deezer_id) VALUES (?1, ?2, lower(?2), ?3)",
        ((id_, f"Artist {id_}", str(id_)) for id_ in ids),
    )
    database.executemany(
        "INSERT INTO tracks (id, title, album, duration, isrc, catalogue, catalogue_id, stage,"
        " source, source_id, match_score, match_reason, audio_sha256, billing, recording,"
        " title_key) VALUES (?1, ?2, ?3, 200, ?4, 'deezer', ?1, 'embedded', 'youtube', ?4, 90,"
        " 'title and length', ?5, ?6, ?1, lower(?2))",
        (
            (
                track,
                f"Track {track}",
                f"Album {track % 3}",
                f"QZ{track:010}",
                f"{track:064x}",
                json.dumps([f"Artist {id_}"]),
            )
            for id_, track in of_track
        ),
    )
    database.executemany(
        "INSERT INTO credits VALUES (?, ?, ?)",
        ((id_, track, at % tracks) for at, (id_, track) in enumerate(of_track)),
    )
    key = spec_of(MODEL).name, _weights(), "f32", "full", ""
    rows = vectors.reshape(-1, dimension)
    database.executemany(
        "INSERT INTO track_vectors VALUES (?, ?, ?, ?, ?, ?, 'openvino', 60, ?, ?, NULL,"
        " '2026-01-01T00:00:00.000+00:00')",
        (
            (track, *key, dimension, row.tobytes())
            for (_, track), row in zip(of_track, rows, strict=True)
        ),
    )


def _weights() -> str:
    from artistindex.embedding.weights import find_installed

    return find_installed(spec_of(MODEL)).identity


def change(path: Path, artists: int) -> None:
    """Embed one track anew of artists all over the library."""
    with closing(sqlite3.connect(path)) as database:
        (count,) = database.execute("SELECT count(*) FROM artists").fetchone()
        for id_ in np.linspace(1, count, min(artists, count)).astype(int).tolist():
            (track, vector) = database.execute(
                "SELECT track_id, vector FROM credits JOIN track_vectors USING (track_id)"
                " WHERE artist_id = ? LIMIT 1",
                (id_,),
            ).fetchone()
            turned = np.roll(np.frombuffer(vector, "<f4"), 1)
            database.execute(
                "UPDATE track_vectors SET vector = ?, made = '2026-02-01T00:00:00.000+00:00'"
                " WHERE track_id = ?",
                (turned.tobytes(), track),
            )
        database.commit()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main()
