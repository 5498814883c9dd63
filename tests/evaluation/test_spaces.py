"""Indexes and the experiment's similarity files as the same thing."""

import json

import numpy as np
import pytest

from artistindex.entities import Artist, VectorKey
from artistindex.errors import BrokenIndex, Misuse
from artistindex.evaluation.spaces import distinguished, nearest, open_spaces, read_similarities
from artistindex.index.reader import ArtistIndex
from artistindex.index.sidecar import UsedTrack
from artistindex.index.writer import write_index
from planted_library import plant_tracks


def similarity_file(path, pairs):
    listed = [
        {"artist1": first, "artist2": second, "cosine_similarity": value}
        for first, second, value in pairs
    ]
    path.write_text(json.dumps({"pairwise_similarities": listed}), "utf-8")
    return path


def test_an_index_ranks_as_it_answers(planted):
    folder = planted(count=30)
    (space,) = open_spaces([folder])
    order = nearest(space.similarities(np.arange(30)), np.arange(30))
    with ArtistIndex.open(folder) as index:
        for row, name in enumerate(index.artists):
            answers = [neighbour.artist for neighbour in index.neighbours(name, 29)]
            assert [space.artists[at] for at in order[row]] == answers


def test_an_open_index_will_do(planted):
    with ArtistIndex.open(planted()) as index:
        (space,) = open_spaces([index])
        assert space.artists == tuple(index.artists)


def test_blocks_are_the_whole(planted, monkeypatch):
    (space,) = open_spaces([planted(count=30)])
    whole = space.similarities(np.arange(30))
    monkeypatch.setattr("artistindex.evaluation.spaces._CELLS", 100)
    blocks = list(space.blocks())
    assert len(blocks) > 5
    assert np.allclose(np.concatenate([block for _, block in blocks]), whole, atol=1e-6)


def test_two_of_one_name_are_told_apart_by_their_folder(planted, tmp_path):
    left, other = (planted(folder=tmp_path / where) for where in ("one", "two"))
    assert [space.name for space in open_spaces([left, other])] == [str(left), str(other)]
    with pytest.raises(Misuse, match="named 2 times"):
        open_spaces([left, left])


def test_a_newer_format_is_named(planted, tmp_path):
    folder = planted()
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 2', '"format": 3'))
    with pytest.raises(BrokenIndex, match="format 3"):
        open_spaces([planted(model="musicnn"), folder])


def test_similarities_are_read_as_they_stand(tmp_path):
    path = similarity_file(
        tmp_path / "s.json", [("A", "B", 0.7106402075107222), ("C", "a", 0.5), ("B", "C", -0.2)]
    )
    space = read_similarities(path, "old")
    assert space.artists == ("A", "B", "C")
    assert space.similarities(np.array([0])).tolist() == [[1.0, 0.7106402075107222, 0.5]]


def test_the_experiments_own_files(shared):
    space = read_similarities(shared / "spikes" / "spike_4_similarities.json", "VGGish")
    rows = space.rows()
    assert len(space) == 8
    cosine = space.similarities(np.array([rows["vril"]]))[0, rows["sabrina carpenter"]]
    assert cosine == pytest.approx(0.711, abs=5e-4)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([("A", "B", 0.5), ("A", "C", 0.5)], "lacks the pair 'B', 'C'"),
        ([("A", "B", 0.5), ("B", "A", 0.6)], "gives two similarities for 'B' and 'A'"),
        ([("A", "a", 0.5)], "gives two similarities"),
        ([("A", "B", float("nan"))], "from -1 to 1"),
        ([("A", "B", 1.5)], "from -1 to 1"),
        ([("A", "B", "0.5")], "from -1 to 1"),
        ([("A", "B", 10**400)], "from -1 to 1"),
        ([("A", None, 0.5)], "artist2"),
        ([], "pairwise_similarities"),
    ],
)
def test_similarities_that_cannot_be_meant(tmp_path, pairs, message):
    with pytest.raises(Misuse, match=message):
        read_similarities(similarity_file(tmp_path / "s.json", pairs), "old")


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"pairwise_similarities": [3]}'])
def test_files_of_another_shape(tmp_path, text):
    path = tmp_path / "s.json"
    path.write_text(text)
    with pytest.raises(Misuse, match="expected a file of similarities"):
        read_similarities(path, "old")


def test_no_file(tmp_path):
    with pytest.raises(Misuse, match="cannot read"):
        read_similarities(tmp_path / "none.json", "old")


def test_names_stay_when_they_differ(planted):
    spaces = open_spaces([planted(model="vggish"), planted(model="musicnn")])
    assert [space.name for space in distinguished(spaces)] == ["vggish", "musicnn"]


def test_artists_with_a_track_in_common(tmp_path):
    tracks = [[1, 2], [2, 3], [4], [3, 1]]
    write_index(
        tmp_path,
        key=VectorKey("vggish", "0" * 64),
        artists=[Artist(name) for name in "ABCD"],
        vectors=np.eye(4, dtype=np.float32),
        tracks=[[UsedTrack(str(track), library_id=track) for track in many] for many in tracks],
    )
    (space,) = open_spaces([tmp_path])
    assert space.excluded == {(0, 1), (1, 3), (0, 3)}
    assert space.only(np.array([3, 2, 0])).excluded == {(0, 2)}


def test_artists_with_a_recording_in_common_are_those_of_the_library(tmp_path):
    world = {"A": np.eye(5)[:2], "B": np.eye(5)[2:4], "C": np.eye(5)[4:]}
    folder = plant_tracks(tmp_path, world, hashes={"A 2": "same", "B 1": "same"})
    (space,) = open_spaces([folder])
    assert space.excluded == {(0, 1)}
