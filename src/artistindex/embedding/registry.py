"""The one table of models; a new model is one row.

Source of file names, sizes, hashes, tensors and patch sizes: the model pages and metadata files of
https://essentia.upf.edu/models.html, and Essentia's TensorflowPredict* algorithms.
"""

from artistindex.audio.resample import ESSENTIA
from artistindex.embedding.spec import (
    Logarithm,
    MelSpectrogram,
    ModelSpec,
    Scale,
    Triangles,
)
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
)

MODELS = {row.name: row for row in _ROWS}
DEFAULT_MODELS = ("discogs-effnet", "vggish")


def spec_of(name: str) -> ModelSpec:
    """The row of the model called `name`.

    Raises Misuse, naming every known model, where there is none.
    """
    try:
        return MODELS[name]
    except KeyError:
        known = ", ".join(MODELS)
        raise Misuse(f"unknown model {name!r}; the known ones are {known}") from None
