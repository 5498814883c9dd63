"""From one artist to another in small steps."""

import itertools
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import m3u8
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex.errors import Misuse, UnknownArtist
from artistindex.index.reader import ArtistIndex
from artistindex.query.artist_path import find_path, shortest, widest
from planted_library import plant_tracks, styles

Plant = Callable[..., Path]
GOLDEN = Path(__file__).parents[1] / "data" / "library-schema-3"


def best_by_trial(edges: Mapping[int, Mapping[int, float]], last: int) -> tuple[float, int] | None:
    """The greatest smallest cosine of all paths from 0, and the fewest steps that have it."""
    nodes = [node for node in edges if node not in (0, last)]
    best: list[tuple[float, int]] = []
    for count in range(len(nodes) + 1):
        for middle in itertools.permutations(nodes, count):
            path = (0, *middle, last)
            scores = [edges[row].get(other) for row, other in itertools.pairwise(path)]
            if None not in scores:
                best.append((min(score for score in scores if score is not None), -len(scores)))
    return max(best, default=None)


graphs = st.integers(2, 5).flatmap(
    lambda count: st.fixed_dictionaries(
        {
            row: st.dictionaries(st.integers(0, count - 1), st.integers(0, 5).map(lambda n: n / 5))
            for row in range(count)
        }
    )
)


@given(graphs)
def test_a_path_is_the_best_of_all(graph: dict[int, dict[int, float]]) -> None:
    last = len(graph) - 1
    expected = best_by_trial(graph, last)
    bar = widest(graph.__getitem__, 0, last)
    if expected is None:
        assert bar is None
        return
    assert bar == expected[0]
    rows = shortest(graph.__getitem__, 0, last, bar)
    assert (rows[0], rows[-1], len(rows) - 1) == (0, last, -expected[1])
    assert min(graph[row][other] for row, other in itertools.pairwise(rows)) == bar


def test_a_chain_is_walked_link_by_link(planted: Plant) -> None:
    angles = np.linspace(0, 1.2, 7)
    chain = {f"A{at}": np.array([np.cos(angle), np.sin(angle)]) for at, angle in enumerate(angles)}
    with ArtistIndex.open(planted(chain)) as index:
        steps = find_path(index, "a0", "A6", neighbours=2)
        assert [step.artist for step in steps] == [f"A{at}" for at in range(6)]
        assert steps[-1].next == "A6"
        for step in steps:
            assert step.score == pytest.approx(np.cos(0.2), abs=1e-6)
            assert step.joined_by is None  # there are no tracks
        assert [step.next for step in find_path(index, "A0", "A1")] == ["A1"]


def test_islands_are_joined_by_looking_further(planted: Plant) -> None:
    draw = np.random.default_rng(0)
    islands = {
        f"{name} {at}": centre + 0.01 * draw.normal(size=3)
        for name, centre in zip("XY", np.eye(3), strict=False)
        for at in range(8)
    }
    with ArtistIndex.open(planted(islands)) as index:
        steps = find_path(index, "X 0", "Y 0", neighbours=1)
    assert steps[0].artist == "X 0"
    assert steps[-1].next == "Y 0"
    assert min(step.score for step in steps) < 0.1


def units(index: ArtistIndex, name: str) -> dict[str, np.ndarray]:
    """The unit vectors of an artist's tracks by title."""
    return {
        track.title: index.transform.apply(np.array([track.vector]))[0]
        for track in index.tracks(name)
    }


def test_each_step_names_the_recordings_that_join_it(tmp_path: Path) -> None:
    with ArtistIndex.open(plant_tracks(tmp_path, styles())) as index:
        for step in find_path(index, "Artist 1", "Artist 2"):
            pair = step.joined_by
            assert pair is not None
            own, others = (
                {
                    track.title: index.transform.apply(np.array([track.vector]))[0]
                    for track in index.tracks(name)
                }
                for name in (step.artist, step.next)
            )
            best = max(float(left @ other) for left in own.values() for other in others.values())
            assert own[pair.leaving.title] @ others[pair.entering.title] == pytest.approx(best)
            assert pair.score == pytest.approx(best, abs=1e-6)


def test_an_index_of_format_1_takes_the_recordings_from_its_library(tmp_path: Path) -> None:
    with ArtistIndex.open(GOLDEN / "musicnn") as index:
        steps = find_path(index, "Iron Turnstile", "Ninefold Haze")
    assert all(step.joined_by for step in steps)


def test_what_cannot_be_walked(planted: Plant) -> None:
    with ArtistIndex.open(planted()) as index:
        with pytest.raises(Misuse, match="begins and ends"):
            find_path(index, "Artist 1", "artist 1")
        with pytest.raises(UnknownArtist):
            find_path(index, "Artist 1", "Nobody")
        with pytest.raises(Misuse, match="at least 1 neighbour"):
            find_path(index, "Artist 1", "Artist 2", neighbours=0)


def test_path_at_the_command_line(run: Any, tmp_path: Path) -> None:
    folder = plant_tracks(run.indexes, styles()).parent
    shutil.rmtree(folder / "music", ignore_errors=True)
    (folder / "music").mkdir()
    for artist, number in itertools.product(range(12), range(1, 6)):
        (folder / "music" / f"Artist {artist} {number}.ogg").write_bytes(b"")
    code, out, err = run(
        "path", "artist 1", "Artist 2", "--format", "json", "--playlist", tmp_path / "p.m3u8"
    )
    assert code == 0
    path = json.loads(out)
    assert (path["from"], path["to"], path["index"]) == ("Artist 1", "Artist 2", "musicnn")
    assert path["smallest_score"] == min(step["score"] for step in path["steps"])
    assert path["steps"][0].keys() == {"step", "artist", "next", "score", "joined_by"}
    playlist = m3u8.load(str(tmp_path / "p.m3u8"))
    titles = {
        track["title"]
        for step in path["steps"]
        for track in (step["joined_by"]["leaving"], step["joined_by"]["entering"])
    }
    assert {Path(segment.uri).stem for segment in playlist.segments} == titles
    assert "lists" in err
    _, table, _ = run("path", "Artist 1", "Artist 2")
    assert table.split()[:4] == ["step", "artist", "next", "score"]
    code, _, err = run("path", "Artist 1", "Artist 1")
    assert (code, err.count("\n")) == (2, 1)
