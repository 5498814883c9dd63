"""A build without settings takes those of the indexes that are there."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artistindex.embedding import weights
from artistindex.embedding.registry import spec_of
from artistindex.errors import Remedy, WeightsError
from artistindex.index.manifest import Manifest
from artistindex.ingest import early
from artistindex.ingest.config import remembered
from artistindex.ingest.pipeline import build as build_anything
from artistindex.ingest.report import BuildReport
from builds import InProcessPool, Place, write_music
from standins import write_vggish

pytestmark = pytest.mark.process

SECONDS = 3.2  # a little more than MusiCNN's patch
ARTISTS = ("Rezz", "Calibre", "Noisia", "Vril")
Build = Callable[..., BuildReport]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    write_music(tmp_path / "music", dict.fromkeys(ARTISTS, 1), seconds=SECONDS)
    return tmp_path / "music"


@pytest.fixture
def build(tmp_path: Path, music: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Builds with a stand-in for VGGish and with MusiCNN, without worker processes."""
    Place(tmp_path / "weights").add_stand_ins(monkeypatch, "vggish")

    def run(**settings: Any) -> BuildReport:
        settings = {"engine": "openvino", "indexes": tmp_path / "indexes", **settings}
        return build_anything(pool=InProcessPool(), **settings)

    return run


def recipes(tmp_path: Path) -> dict[str, tuple[str, str]]:
    """The excerpt and transform of every index."""
    manifests = [Manifest.read(path.parent) for path in tmp_path.glob("indexes/*/manifest.json")]
    return {row.key.model: (row.key.excerpt, row.transform) for row in manifests}


def test_a_bare_build_finishes_every_index_by_its_own_recipe(
    build: Build, music: Path, tmp_path: Path
) -> None:
    build(audio=music, models=["musicnn"], excerpt="1x3", artists=ARTISTS[:3])
    named = ARTISTS[:3]
    build(audio=music, models=["vggish"], excerpt="2x1", transform="centre", artists=named)
    expected = {"musicnn": ("1x3", "none"), "vggish": ("2x1", "centre")}
    report = build()  # one track of Vril, once for each excerpt
    assert (report.extraction.embedded, recipes(tmp_path)) == (2, expected)
    assert (report.indexed, report.requested) == (4, 4)
    report = build(audio=music)
    assert (report.extraction.embedded, recipes(tmp_path)) == (0, expected)
    assert [index.changed for index in report.indexes] == [False, False]


def test_an_index_alone_is_built_alone(build: Build, music: Path, tmp_path: Path) -> None:
    build(audio=music, models=["musicnn"])
    report = build()
    assert [index.model for index in report.indexes] == ["musicnn"]
    assert set(recipes(tmp_path)) == {"musicnn"}


def test_how_many_tracks_and_what_becomes_of_outliers_is_remembered(
    build: Build, music: Path, tmp_path: Path
) -> None:
    build(audio=music, models=["musicnn"], tracks=2, drop_outliers=True)
    before = Manifest.read(tmp_path / "indexes/musicnn")
    assert (before.recipe.tracks, before.recipe.outliers) == (2, "drop")
    assert not build().indexes[0].changed
    build(tracks=3, drop_outliers=False)
    after = Manifest.read(tmp_path / "indexes/musicnn").recipe
    assert (after.tracks, after.outliers) == (3, "keep")


def test_a_setting_that_contradicts_says_what_it_costs_first(
    build: Build, music: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    build(audio=music, models=["vggish"])
    caplog.clear()
    assert build(excerpt="1x2").extraction.embedded == 4
    assert caplog.messages == [
        "vggish: excerpt 1x2 instead of full; 4 tracks (0.0 hours of music) are embedded again"
    ]
    caplog.clear()
    assert build(transform="centre").extraction.embedded == 0
    assert caplog.messages == [
        "vggish: transform centre instead of none; nothing is embedded again"
    ]
    assert recipes(tmp_path) == {"vggish": ("1x2", "centre")}


def test_other_weights_are_taken_only_where_the_model_is_named(
    build: Build, music: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    build(audio=music, models=["vggish", "musicnn"])
    before = Manifest.read(tmp_path / "indexes" / "vggish")
    weights.install(spec_of("vggish"), write_vggish(tmp_path / "v.pb", seed=1), unverified=True)
    report = build()
    assert [index.model for index in report.indexes] == ["musicnn"]
    assert any(line.startswith("its index is left as it is: vggish") for line in caplog.messages)
    assert Manifest.read(tmp_path / "indexes" / "vggish") == before
    assert build(models=["vggish"]).extraction.embedded == 4
    assert any("4 tracks" in line and "weights" in line for line in caplog.messages)


def test_where_no_index_can_be_built_the_build_fails(
    build: Build, music: Path, tmp_path: Path
) -> None:
    build(audio=music, models=["vggish"])
    weights.install(spec_of("vggish"), write_vggish(tmp_path / "v.pb", seed=1), unverified=True)
    with pytest.raises(WeightsError, match="was made with other weights") as raised:
        build()
    assert raised.value.remedy is Remedy.NAME_THE_MODEL


def test_an_index_of_a_model_that_is_not_known_here_is_left_as_it_is(
    build: Build, music: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    build(audio=music, models=["vggish"])
    shutil.copytree(tmp_path / "indexes/vggish", tmp_path / "indexes/mine")
    assert [index.model for index in build().indexes] == ["vggish"]
    assert any(line.startswith("mine: its index is left as it is") for line in caplog.messages)


def test_how_many_tracks_and_what_of_outliers_is_remembered(
    build: Build, music: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    build(audio=music, models=["vggish"], tracks=1, drop_outliers=True)
    caplog.clear()
    assert not build().indexes[0].changed
    assert caplog.messages == []
    build(tracks=2, drop_outliers=False)
    assert caplog.messages == [
        "vggish: tracks 2 instead of 1, outliers keep instead of drop; nothing is embedded again"
    ]
    recipe = Manifest.read(tmp_path / "indexes" / "vggish").recipe
    assert (recipe.tracks, recipe.outliers) == (2, "keep")


def test_an_index_of_format_1_remembers_what_it_has(tmp_path: Path) -> None:
    golden = Path(__file__).parents[1] / "data" / "index-format-1" / "index"
    key = Manifest.read(golden).key
    settings = remembered(golden, key.model)
    assert settings is not None
    assert (settings.precision, settings.excerpt) == (key.precision, key.excerpt)
    assert (settings.tracks, settings.drop_outliers) == (5, False)


# -- first answers early -------------------------------------------------------------------------


class Cut(InProcessPool):
    """Breaks off at the fifth track."""

    def submit(self, job: Any) -> Any:
        if len(self.jobs) == 4:
            raise KeyboardInterrupt
        return super().submit(job)


def test_the_first_artists_can_be_asked_while_the_build_goes_on(
    tmp_path: Path, build: Build, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(early, "MIN_ARTISTS", 3)
    music = tmp_path / "more"
    write_music(music, {"A": 1, "B": 1, "C": 1, "D": 1, "E": 1, "F": 1}, seconds=SECONDS)
    early_folder = tmp_path / "early"
    with pytest.raises(KeyboardInterrupt):
        build_anything(
            audio=music,
            pool=Cut(),
            engine="openvino",
            indexes=early_folder,
            models=["musicnn"],
        )
    assert Manifest.read(tmp_path / "early" / "musicnn").artists >= 3
    assert any("the first 3 artists" in line for line in caplog.messages)
    assert build(audio=music, indexes=tmp_path / "early").indexed == 6


def test_an_index_of_another_excerpt_is_not_replaced_by_a_beginning(
    tmp_path: Path, build: Build, music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(audio=music, models=["vggish"])
    before = Manifest.read(tmp_path / "indexes" / "vggish")
    monkeypatch.setattr(early, "MIN_ARTISTS", 1)
    write_music(music / "more", {"A": 1, "B": 1}, seconds=SECONDS)
    with pytest.raises(KeyboardInterrupt):
        build_anything(
            audio=music,
            pool=Cut(),
            engine="openvino",
            indexes=tmp_path / "indexes",
            excerpt="1x2",
        )
    assert Manifest.read(tmp_path / "indexes" / "vggish") == before


def test_when_indexes_are_written_early() -> None:
    moment = 0.0
    written: list[float] = []

    def write() -> None:
        nonlocal moment
        written.append(moment)
        moment += 30  # a large index

    schedule = early.EarlyIndexes(write, clock=lambda: moment)
    for number in range(2_000):
        schedule.on_track(f"Artist {number % 500}")
        moment += 1
    assert written == [99, 729, 1359, 1989]  # writing takes a twentieth of the time
