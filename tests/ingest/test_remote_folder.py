"""Music that lies elsewhere, by its URL."""

from pathlib import Path

import numpy as np
import pytest

from artistindex.embedding.embed import Job, embed_safely
from artistindex.errors import TrackError
from artistindex.index.reader import ArtistIndex
from artistindex.ingest.pipeline import build
from artistindex.ingest.report import BuildReport
from builds import InProcessPool, Place, write_music

pytestmark = pytest.mark.process


def test_a_folder_elsewhere_is_built_from_as_one_that_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Listed, tagged and embedded out of copies; what is gone is known to be gone."""
    place = Place(tmp_path / "place")
    place.add_stand_ins(monkeypatch, "vggish")
    write_music(place.music, {"Rezz": 3, "Vril": 1}, seconds=1.2)
    (place.music / ".hidden.wav").write_bytes(b"")
    (place.music / "notes.mid").write_bytes(b"")

    def build_from(audio: str, folder: str) -> BuildReport:
        return build(
            audio=audio,
            indexes=tmp_path / folder,
            models=["vggish"],
            engine="openvino",
            pool=InProcessPool(),
        )

    url = f"file://{place.music}"
    far, near = build_from(url, "far"), build_from(str(place.music), "near")
    assert (far.extraction.embedded, far.tracks, far.failed) == (4, 4, [])
    assert near.tracks == far.tracks
    with (
        ArtistIndex.open(tmp_path / "far/vggish") as one,
        ArtistIndex.open(tmp_path / "near/vggish") as other,
    ):
        assert one.artists == other.artists
        np.testing.assert_array_equal(one.vectors, other.vectors)
    again = build_from(url, "far")
    assert (again.extraction.embedded, again.indexes[0].changed) == (0, False)
    (place.music / "003.wav").unlink()  # Vril's
    gone = build_from(url, "far")
    assert (gone.extraction.embedded, gone.tracks) == (0, 3)


def test_a_file_elsewhere_that_cannot_be_read_is_tried_again_later(tmp_path: Path) -> None:
    outcome = embed_safely(Job(1, Path(f"file://{tmp_path}/gone.wav"), "gone", ()))
    assert isinstance(outcome, TrackError)
    assert (outcome.stage, outcome.reason, outcome.retryable) == (
        "read",
        "cannot be read: No such file or directory",
        True,
    )
