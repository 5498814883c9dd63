"""A library and its index of schema 3, made before recordings were kept, opened now."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artistindex.library.library import FILE_NAME, Library

GOLDEN = Path(__file__).parents[1] / "data" / "library-schema-3"
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "expected.json").read_text())
ONE_RECORDING = {28, 29, 31}  # "Manium", its remastering, and a track with its ISRC
FLAGS = {"csls": ("--hubs", "csls"), "mp": ("--hubs", "mp"), "tracks": ("--rerank", "tracks")}


@pytest.fixture
def indexes(tmp_path: Path) -> Path:
    return shutil.copytree(GOLDEN, tmp_path / "indexes")


def assert_unchanged(library: Library) -> None:
    assert library.counts() == EXPECTED["counts"]
    assert library.stages() == EXPECTED["stages"]
    assert [
        [failure.what, failure.stage, failure.reason, failure.retryable]
        for failure in library.failures()
    ] == EXPECTED["failures"]
    ((key, count),) = library.keys()
    vectors = library.vectors(key)
    assert len(vectors) == count == EXPECTED["counts"]["track_vectors"]
    for track, values in EXPECTED["track_vectors"].items():
        assert vectors[int(track)][:4].tolist() == np.array(values, np.float32).tolist()


def assert_recordings(recordings: dict[int, int]) -> None:
    alone = recordings.keys() - ONE_RECORDING
    assert len({recordings[track] for track in ONE_RECORDING}) == 1
    assert len(set(recordings.values())) == len(alone) + 1


def test_it_is_migrated_and_nothing_is_lost(indexes: Path) -> None:
    with Library.open(indexes / FILE_NAME) as library:
        library.verify()
        assert_unchanged(library)
        assert_recordings(library.recordings())
    with Library.open(indexes / FILE_NAME) as again:
        assert_recordings(again.recordings())


def test_it_is_read_without_being_written_to(indexes: Path) -> None:
    before = (indexes / FILE_NAME).read_bytes()
    with Library.open(indexes / FILE_NAME, read_only=True) as library:
        assert_unchanged(library)
        assert_recordings(library.recordings())
    assert (indexes / FILE_NAME).read_bytes() == before


def ask(run, indexes: Path, name: str, *flags: object) -> list[dict[str, Any]]:
    run.indexes = indexes
    code, out, _ = run("query", name, "--k", 5, "--format", "json", *flags)
    assert code == 0
    return json.loads(out)["neighbours"]


@pytest.mark.parametrize("migrated", [True, False])
def test_its_index_answers_as_it_did(run, indexes: Path, migrated: bool) -> None:
    if migrated:
        Library.open(indexes / FILE_NAME).close()
    for name in ("Vril", "Young Plinth"):
        for ranker in ("neighbours", *FLAGS):
            answer = ask(run, indexes, name, *FLAGS.get(ranker, ()))
            column = {"neighbours": "rank", "tracks": "matches"}.get(ranker, ranker)
            expected = EXPECTED[ranker][name]
            assert [line["artist"] for line in answer] == [line[0] for line in expected]
            for place, values in (("score", 1), ("percentile", 2), (column, 3)):
                numbers = [line[place] for line in answer]
                expected_numbers = [line[values] for line in expected if len(line) > values]
                assert not expected_numbers or numbers == pytest.approx(expected_numbers, abs=1e-5)


def test_its_answers_are_explained_as_they_were(run, indexes: Path) -> None:
    answer = ask(run, indexes, "Vril", "--explain")
    for line, expected in zip(answer, EXPECTED["explain"]["Vril"], strict=True):
        assert line["closest"].pop("score") == pytest.approx(expected["closest"]["score"], abs=1e-5)
        assert line["stability"] == pytest.approx(expected["stability"], abs=0.01)
        assert line["closest"]["asked"] == expected["closest"]["asked"]
        assert line["closest"]["neighbour"] == expected["closest"]["neighbour"]
        assert line["rests_on"] == expected["rests_on"]
