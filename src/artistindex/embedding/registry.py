"""The one table of models; a new model is one row.

Source of file names, sizes, hashes, tensors and patch sizes: the model pages and metadata files of
https://essentia.upf.edu/models.html, and Essentia's TensorflowPredict* algorithms.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from artistindex.errors import Misuse

BASE_URL = "https://essentia.upf.edu/models/feature-extractors/"
SAMPLE_RATE = 16_000

_MTG = "CC BY-NC-SA 4.0 (Music Technology Group, Universitat Pompeu Fabra; non-commercial use)"
_ISC = "ISC (Jordi Pons, Music Technology Group, Universitat Pompeu Fabra)"


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """How samples at 16 kHz become mel frames: sizes in samples, `bands` mel bands a frame."""

    name: Literal["musicnn", "vggish"]
    frame: int
    hop: int
    bands: int


MUSICNN_MEL = FrontEnd("musicnn", frame=512, hop=256, bands=96)
VGGISH_MEL = FrontEnd("vggish", frame=400, hop=160, bands=64)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model: where its weights come from and how they are fed.

    `dimension` is that of a vector; `patch` and `hop` are in mel frames. `bytes` and `sha256` are
    what the publisher states, None where nothing is published; `about_bytes` is what the
    architecture alone lets expect.
    `algorithm` names the class in essentia.standard that is the reference. `batch` is the fixed
    batch size of the graph (None where any size goes), and a graph with a fixed batch leaves out
    the last of the front end's frames (`drop_last_frame`).
    `packaged` weights lie inside the package.

    `layers` are further outputs of the graph, by the names that they go by here. `known_as` is the
    sha256 under which vectors of these weights are kept, where it is not the file's own: that of
    an earlier file which computed the same `output`, bit by bit. `recipe` is what an index of the
    model is made by unless another one is asked for (`index.recipes`).
    """

    name: str
    file: str
    url: str | None
    bytes: int | None
    sha256: str | None
    input: str
    output: str
    dimension: int
    front_end: FrontEnd
    patch: int
    hop: int
    batch: int | None
    drop_last_frame: bool
    algorithm: str
    licence: str
    packaged: bool = False
    about_bytes: int | None = None
    layers: Mapping[str, str] = field(default_factory=dict, hash=False)
    known_as: str | None = None
    recipe: str = "plain"


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
        drop_last_frame=False,
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
        drop_last_frame=False,
        algorithm="TensorflowPredictMusiCNN",
        licence=_ISC,
        packaged=True,
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
