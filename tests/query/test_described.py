"""What the index of descriptors says beside the answers of another one."""

import json

import numpy as np
import pytest

from artistindex.embedding.descriptors import NAMES, shipped_scaling
from artistindex.embedding.registry import DESCRIPTORS
from artistindex.entities import Artist, VectorKey
from artistindex.index.sidecar import UsedTrack
from artistindex.index.writer import write_index
from artistindex.query.described import DescribedArtists


def measured(bpm: float) -> np.ndarray:
    values = dict.fromkeys(NAMES, 0.0) | {
        "tempo": np.log2(bpm),
        "key cosine": 0.9,
        "mode": -0.9,
        "loudness": -9.25,
    }
    scaling = shipped_scaling()
    scaled = (np.array(list(values.values())) - scaling.mean) / scaling.deviation
    return scaled.astype(np.float32)


@pytest.fixture
def described(planted, tmp_path):
    """An index of twenty artists, and one of descriptors in which two of them are."""
    planted()
    vectors = [[measured(174), measured(172), measured(176)], [measured(90)]]
    write_index(
        tmp_path / "indexes" / "descriptors",
        key=VectorKey("descriptors", DESCRIPTORS.sha256 or ""),
        artists=[Artist("Artist 0"), Artist("Artist 1")],
        vectors=np.stack([np.mean(own, axis=0) for own in vectors]),
        tracks=[[UsedTrack("A song", vector=vector) for vector in own] for own in vectors],
    )
    return tmp_path / "indexes"


def test_artists_are_described_by_their_tracks(described):
    beside = DescribedArtists.beside(described)
    assert beside is not None
    with beside as artists:
        first, unknown = artists.of([Artist("Artist 0"), Artist("Artist 7")])
    assert str(first) == "174 BPM, A minor"
    assert first is not None
    assert first.to_json() == {"bpm": 174, "key": "A minor", "loudness": -9.2}
    assert unknown is None


def test_there_may_be_none(planted, tmp_path):
    planted()
    assert DescribedArtists.beside(tmp_path / "indexes") is None


def test_an_answer_says_so_in_a_column_and_in_json(run, described):
    arguments = ("query", "Artist 5", "--index", "vggish", "--k", "19")
    _, out, _ = run(*arguments)
    assert "sound" in out
    assert "174 BPM, A minor" in out
    _, out, _ = run(*arguments, "--format", "json")
    told = {row["artist"]: row["descriptors"] for row in json.loads(out)["neighbours"]}
    assert told["Artist 1"] == {"bpm": 90, "key": "A minor", "loudness": -9.2}
    assert told["Artist 2"] is None


def test_a_lineup_says_so_too(run, described, tmp_path):
    (tmp_path / "bill.txt").write_text("Artist 0\nArtist 3\n")
    (tmp_path / "likes.txt").write_text("Artist 5\n")
    arguments = ("match", tmp_path / "bill.txt", "--likes", tmp_path / "likes.txt")
    _, out, _ = run(*arguments, "--index", "vggish", "--format", "json")
    told = {row["artist"]: row["descriptors"] for row in json.loads(out)["ranked"]}
    assert told["Artist 0"]["bpm"] == 174
    assert told["Artist 3"] is None
    _, out, _ = run(*arguments, "--index", "vggish", "--format", "csv")
    assert "174 BPM, A minor" in out
