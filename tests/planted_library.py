"""Libraries whose track vectors are planted, with the indexes built from them."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artistindex.embedding.registry import MODELS
from artistindex.entities import Artist, Track, TrackVector, VectorKey
from artistindex.evaluation.track_pool import TrackPool
from artistindex.index.manifest import Recipe
from artistindex.index.writer import write_rows
from artistindex.ingest.aggregate import gather
from artistindex.library.library import FILE_NAME, Library

Vectors = Mapping[str, Sequence[Sequence[float] | NDArray[np.floating]] | NDArray[np.floating]]


def key_of(model: str) -> VectorKey:
    return VectorKey(model, MODELS[model].sha256 or "a" * 64)


def plant_tracks(
    folder: Path,
    artists: Vectors,
    *,
    models: Mapping[str, Vectors] | None = None,
    hashes: Mapping[str, str] | None = None,
    transform: str = "none",
) -> Path:
    """Write a library of `artists` (name -> track vectors) and an index of them to `folder`.

    Tracks are called "NAME 1", "NAME 2", ...; those whose vectors point the same way have the same
    audio, and `hashes` gives it to some more. `models` adds other models' vectors of the same
    tracks. Returns the folder of the first index, "musicnn".
    """
    vectors_of = {"musicnn": artists, **(models or {})}
    with Library.open(folder / FILE_NAME) as library:
        library._db.run("PRAGMA synchronous = OFF")  # nothing to lose, and quicker
        for name, vectors in artists.items():
            for at in range(len(vectors)):
                _plant_track(library, folder, name, at, vectors_of, hashes or {})
        for model in vectors_of:
            recipe = Recipe(key_of(model), tracks=1000, transform=transform)
            rows = (artist.row for artist in gather(library, recipe))
            write_rows(folder / model, rows, recipe)
    return folder / "musicnn"


def _plant_track(
    library: Library,
    folder: Path,
    name: str,
    at: int,
    vectors_of: Mapping[str, Vectors],
    hashes: Mapping[str, str],
) -> None:
    title = f"{name} {at + 1}"
    credited = tuple(Artist(part) for part in name.split(" & "))
    track = Track(credited, title, path=folder / "music" / f"{title}.ogg")
    track_vectors = [
        TrackVector(key_of(model), np.array(vectors[name][at], np.float32), 3, "openvino")
        for model, vectors in vectors_of.items()
    ]
    library.add_embedding(
        library.upsert_file(track, size=1, mtime_ns=1),
        audio_sha256=hashes.get(title, _audio(track_vectors[0].vector)),
        duration=100.0,
        vectors=track_vectors,
    )


def _audio(vector: NDArray[np.float32]) -> str:
    """The hash of a sound that goes by the vector's direction alone."""
    direction = np.round(vector / np.linalg.norm(vector), 4) + 0.0  # no -0.0
    return hashlib.sha256(direction.tobytes()).hexdigest()


def styles(
    *, artists: int = 12, tracks: int = 5, dimension: int = 16, spread: float = 0.5, seed: int = 0
) -> dict[str, NDArray[np.float32]]:
    """Artists whose tracks lie about a style of their own, on top of what all have in common."""
    draw = np.random.default_rng(seed)
    common = 3 * draw.normal(size=dimension)
    return {
        f"Artist {at}": (
            common + draw.normal(size=dimension) + spread * draw.normal(size=(tracks, dimension))
        ).astype(np.float32)
        for at in range(artists)
    }


def pool_of(world: Vectors, recordings: Sequence[int] | None = None) -> TrackPool:
    """A pool of artists (name -> track vectors), every track a recording of its own."""
    vectors = np.concatenate([np.array(rows, np.float32) for rows in world.values()])
    counts = [len(rows) for rows in world.values()]
    owners = np.repeat(np.arange(len(world)), counts)
    return TrackPool.of_credits(
        artists=tuple(world),
        ids=tuple(range(len(vectors))),
        owned=owners[None, :] == np.arange(len(world))[:, None],
        recordings=np.arange(len(vectors)) if recordings is None else np.array(recordings),
        vectors=vectors,
    )
