"""The one table of models, and those that are described in TOML beside it.

Source of file names, sizes, hashes, tensors and patch sizes: the model pages and metadata files of
https://essentia.upf.edu/models.html, and Essentia's TensorflowPredict* algorithms. The names of the
tensors of the ONNX file are those that programs use which run it; nobody has run it here.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

from artistindex._util.dirs import models_folder
from artistindex.audio.resample import ESSENTIA
from artistindex.embedding.descriptors import NAMES, SCALING_FILE
from artistindex.embedding.spec import (
    Format,
    Logarithm,
    MelSpectrogram,
    ModelSpec,
    Scale,
    Triangles,
    Waveform,
)
from artistindex.embedding.spec_file import is_model_name, read_spec
from artistindex.errors import Misuse

BASE_URL = "https://essentia.upf.edu/models/feature-extractors/"

_MTG = "CC BY-NC-SA 4.0 (Music Technology Group, Universitat Pompeu Fabra; non-commercial use)"
_ISC = "ISC (Jordi Pons, Music Technology Group, Universitat Pompeu Fabra)"

MUSICNN_MEL = MelSpectrogram(
    frame=512,
    hop=256,
    bands=96,
    fft=512,
    sample_rate=ESSENTIA.rate,
    resampling=ESSENTIA.resampling,
    power=2,
    scale=Scale.SLANEY,
    low=0.0,
    high=8_000.0,
    unit_area=True,
    logarithm=Logarithm.LOG10,
    factor=10_000.0,
    offset=1.0,
)
VGGISH_MEL = MelSpectrogram(
    frame=400,
    hop=160,
    bands=64,
    fft=512,
    sample_rate=ESSENTIA.rate,
    resampling=ESSENTIA.resampling,
    power=1,
    scale=Scale.HTK,
    low=125.0,
    high=7_500.0,
    triangles=Triangles.MEL,
    unit_area=False,
    logarithm=Logarithm.LN,
    offset=0.01,
)


def _effnet(name: str, stem: str, size: int, sha256: str | None = None) -> ModelSpec:
    return ModelSpec(
        name=name,
        file=f"{stem}-bs64-1.pb",
        url=f"{BASE_URL}discogs-effnet/{stem}-bs64-1.pb",
        bytes=size,
        sha256=sha256,
        input="serving_default_melspectrogram",
        output="PartitionedCall:1",
        dimension=1280,
        front_end=MUSICNN_MEL,
        patch=128,
        hop=62,
        batch=64,
        drop_last_frame=True,
        algorithm="TensorflowPredictEffnetDiscogs",
        licence=_MTG,
    )


_ROWS = (
    _effnet("discogs-effnet", "discogs_artist_embeddings-effnet", 18_993_367),
    ModelSpec(
        name="vggish",
        file="audioset-vggish-3.pb",
        url=f"{BASE_URL}vggish/audioset-vggish-3.pb",
        bytes=None,
        sha256=None,
        input="model/Placeholder",
        output="model/vggish/embeddings",
        dimension=128,
        front_end=VGGISH_MEL,
        patch=96,
        hop=93,
        batch=None,
        algorithm="TensorflowPredictVGGish",
        licence=_MTG,
        about_bytes=288_600_000,  # 72,141,184 weights of four bytes, and the graph around them
    ),
    ModelSpec(
        name="musicnn",
        file="msd-musicnn.pb",  # made by scripts/convert_musicnn.py
        url=None,
        bytes=3_156_873,
        sha256="a588e9e63c409b75b5d3651ef483d70fae2af67f6f32e24c5fa7e8dbe59ea99a",
        input="model/Placeholder",
        output="model/dense/BiasAdd",
        dimension=200,
        front_end=MUSICNN_MEL,
        patch=187,
        hop=93,
        batch=None,
        algorithm="TensorflowPredictMusiCNN",
        licence=_ISC,
        packaged=True,
        verified=True,
        layers={"batch-norm": "model/batch_normalization_10/batchnorm/add_1"},
        known_as="fe444529d55c33dba1717a0309e4e70eedac934f7105dd083afb32df53938b35",
    ),
    _effnet(
        "discogs-effnet-style",
        "discogs-effnet",
        18_366_619,
        "3ed9af50d5367c0b9c795b294b00e7599e4943244f4cbd376869f3bfc87721b1",
    ),
    _effnet("discogs-effnet-track", "discogs_track_embeddings-effnet", 18_993_367),
    _effnet("discogs-effnet-label", "discogs_label_embeddings-effnet", 18_993_367),
    _effnet("discogs-effnet-release", "discogs_release_embeddings-effnet", 18_993_367),
    _effnet("discogs-effnet-multi", "discogs_multi_embeddings-effnet", 16_367_182),
    ModelSpec(
        name="discogs-effnet-onnx",
        file="discogs_artist_embeddings-effnet-bs64-1.onnx",
        url=f"{BASE_URL}discogs-effnet/discogs_artist_embeddings-effnet-bs64-1.onnx",
        bytes=18_621_951,
        sha256=None,
        format=Format.ONNX,
        input="melspectrogram",
        output="embeddings",  # of the head that was trained to tell artists apart
        dimension=512,
        front_end=MUSICNN_MEL,
        patch=128,
        hop=62,
        batch=None,
        drop_last_frame=True,
        licence=_MTG,
    ),
)

DESCRIPTORS = ModelSpec(
    name="descriptors",
    file=SCALING_FILE.name,
    url=None,
    bytes=2_079,
    sha256="bb046ceae3bc177838df26b123fee76761d2af1ea65d7d67b2e73568f4d5d883",
    format=Format.DESCRIPTORS,
    input="",
    output="",
    dimension=len(NAMES),
    front_end=Waveform(44_100),
    patch=4 * 44_100,
    hop=4 * 44_100,
    batch=None,
    licence="none needed (measured by Essentia's algorithms, not learnt)",
    packaged=True,
    verified=True,
)
"""Tempo, key, loudness and the like, measured (descriptors.py). Every window is one patch."""

MODELS = {row.name: row for row in _ROWS}
DEFAULT_MODELS = ("discogs-effnet", "vggish")
OWN = "own"
"""The folder of the user's own models within that of all models."""

_SHIPPED = Path(__file__).with_name("specs")
_log = logging.getLogger(__name__)


def _built_in() -> dict[str, ModelSpec]:
    return MODELS | {DESCRIPTORS.name: DESCRIPTORS}


def spec_of(name: str) -> ModelSpec:
    """The model called `name`: a row, one that is described beside the table, or the user's own.

    Raises Misuse, naming every known model, where there is none, or its description is wrong.
    """
    if spec := _built_in().get(name):
        return spec
    path = _description(name)
    if path is None:
        known = ", ".join(names())
        raise Misuse(f"unknown model {name!r}; the known ones are {known}")
    return _read(path)


def names() -> list[str]:
    """The names of all models that are known here."""
    return [*_built_in(), *(path.stem for path in _descriptions())]


def is_known(name: str) -> bool:
    """Whether there is a model called `name`."""
    return name in _built_in() or _description(name) is not None


def is_shipped(name: str) -> bool:
    """Whether the package itself says what `name` is."""
    return name in _built_in() or any(path.stem == name for path in _SHIPPED.glob("*.toml"))


def all_specs() -> list[ModelSpec]:
    """Every model that is known here; logs a warning for a description that cannot be read."""
    specs = list(_built_in().values())
    for path in _descriptions():
        try:
            specs.append(_read(path))
        except Misuse as error:
            _log.warning("%s", error)
    return specs


def description_of(name: str) -> Path:
    """Where the description of a model of the user's own lies, or will lie."""
    return models_folder() / OWN / f"{name}.toml"


def _read(path: Path) -> ModelSpec:
    spec = read_spec(path, own=path.parent != _SHIPPED)
    if spec.name != path.stem:
        raise Misuse(f"{path} describes {spec.name}, whose description is {spec.name}.toml")
    return spec


def _description(name: str) -> Path | None:
    if not is_model_name(name):
        return None
    places = (_SHIPPED / f"{name}.toml", description_of(name))
    return next((path for path in places if path.is_file()), None)


def _descriptions() -> Iterator[Path]:
    for folder in (_SHIPPED, models_folder() / OWN):
        paths = sorted(folder.glob("*.toml"))
        yield from (path for path in paths if is_model_name(path.stem) and path.is_file())
