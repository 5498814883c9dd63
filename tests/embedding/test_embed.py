"""What a worker does with one track."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import sounds
from artistindex.audio.decode import Audio, decode
from artistindex.embedding import embed, weights
from artistindex.embedding.embed import Job, ModelConfig, embed_safely, embed_track, track_vector
from artistindex.embedding.engine import Engine
from artistindex.embedding.registry import MODELS
from artistindex.entities import Pooling
from artistindex.errors import EngineError, TrackError, WeightsError
from builds import Place


@pytest.fixture
def plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ModelConfig, ...]:
    """VGGish, which needs a second of audio, and Discogs-EffNet, which needs two."""
    models = ("vggish", "discogs-effnet")
    Place(tmp_path).add_stand_ins(monkeypatch, *models)
    installed = (weights.find_installed(MODELS[model]) for model in models)
    return tuple(ModelConfig(model, Engine.OPENVINO) for model in installed)


def job(path: Path, plans: tuple[ModelConfig, ...] = (), **more: str) -> Job:
    return Job(7, path, path.name, plans, **more)


def test_one_decode_for_all_models(
    tmp_path: Path, plans: tuple[ModelConfig, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = []

    def watched(path: Path, **_: Any) -> Audio:
        decoded.append(path)
        return decode(path)

    monkeypatch.setattr(embed, "decode", watched)
    path = sounds.write(tmp_path / "a.flac", sounds.music(3))
    result = pickle.loads(pickle.dumps(embed_track(job(path, plans))))
    assert decoded == [path]
    assert [vector.key.model for vector in result.vectors] == ["vggish", "discogs-effnet"]
    assert [vector.vector.shape for vector in result.vectors] == [(128,), (1280,)]
    assert {vector.vector.dtype for vector in result.vectors} == {np.dtype(np.float32)}
    assert result.failed_models == ()
    assert (result.track_id, result.seconds, result.duration) == (
        7,
        *[pytest.approx(3, abs=1e-3)] * 2,
    )
    assert result.audio_sha256 == decode(path).sha256
    assert {"decode", "load", "vggish", "discogs-effnet"} <= set(result.timings)


def test_too_short_for_one_of_two(tmp_path: Path, plans: tuple[ModelConfig, ...]) -> None:
    result = embed_track(job(sounds.write(tmp_path / "a.wav", sounds.music(1.5)), plans))
    assert [vector.key.model for vector in result.vectors] == ["vggish"]
    assert result.failed_models == (
        ("discogs-effnet", "1.50 s of audio are too short for discogs-effnet"),
    )


def test_patches_never_span_two_windows(tmp_path: Path, plans: tuple[ModelConfig, ...]) -> None:
    path = sounds.write(tmp_path / "a.wav", sounds.music(8))
    result = embed_track(job(path, plans[:1], excerpt="2x1"))
    assert result.vectors[0].patches == 2
    assert result.vectors[0].key.excerpt == "2x1"
    assert result.seconds == 2.0
    assert result.duration == pytest.approx(8, abs=1e-3)


class Odd:
    """A model that answers with what it was given."""

    engine = "openvino"
    spec = MODELS["vggish"]
    dimension = 2

    def __init__(self, *rows: list[float]) -> None:
        self._rows = np.array(rows, np.float32).reshape(-1, 2)

    def patches(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._rows

    def outputs(self, samples: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return {"": self._rows, "before": -self._rows}


@pytest.mark.parametrize(
    "rows", [[[0.0, 0.0]], [[np.nan, 1.0]], [[1.0, np.inf]], [[1.0, 0.0], [-1.0, 0.0]]]
)
def test_a_vector_that_means_nothing_is_a_failure(tmp_path: Path, rows: list[list[float]]) -> None:
    audio = decode(sounds.write(tmp_path / "a.wav", sounds.tone(440, 1)))
    with pytest.raises(TrackError, match="zero or not finite") as caught:
        track_vector(Odd(*rows), audio)
    assert caught.value.stage == "embed"


def test_a_track_is_the_mean_of_its_patches(tmp_path: Path) -> None:
    audio = decode(sounds.write(tmp_path / "a.wav", sounds.tone(440, 1)))
    vector, patches = track_vector(Odd([1.0, 2.0], [3.0, 6.0]), audio)
    assert (vector.tolist(), patches) == ([2.0, 4.0], 2)


def test_a_track_may_be_the_mean_and_deviation_of_a_layer(tmp_path: Path) -> None:
    audio = decode(sounds.write(tmp_path / "a.wav", sounds.tone(440, 1)))
    model = Odd([1.0, 2.0], [3.0, 6.0])
    vector, patches = track_vector(model, audio, layer="before", pooling=Pooling.MEAN_STD)
    assert (vector.tolist(), patches) == ([-2.0, -4.0, 1.0, 2.0], 2)


@pytest.mark.parametrize(
    ("trouble", "stage", "reason", "retryable"),
    [
        (TrackError("decode", "cut off"), "decode", "cut off", False),
        (MemoryError(), "embed", "not enough memory for this track", True),
        (KeyError("x"), "embed", "unexpected KeyError: 'x'", True),
    ],
)
def test_a_tracks_own_trouble_is_an_answer(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Exception,
    stage: str,
    reason: str,
    retryable: bool,
) -> None:
    def fail(path: Path, **options: object) -> None:
        raise trouble

    monkeypatch.setattr(embed, "decode", fail)
    outcome = pickle.loads(pickle.dumps(embed_safely(job(tmp_path / "a.wav"))))
    assert isinstance(outcome, TrackError)
    assert (outcome.stage, outcome.reason, outcome.retryable) == (stage, reason, retryable)


@pytest.mark.parametrize("trouble", [EngineError("no engine"), WeightsError("no weights")])
def test_what_concerns_every_track_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    def fail(path: Path, **options: object) -> None:
        raise trouble

    monkeypatch.setattr(embed, "decode", fail)
    with pytest.raises(type(trouble)):
        embed_safely(job(tmp_path / "a.wav"))
