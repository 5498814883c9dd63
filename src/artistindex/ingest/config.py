"""What a build is told: the settings of the whole, and those of each index."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from artistindex.audio.decode import Excerpt
from artistindex.embedding.engine import Engine, Precision
from artistindex.embedding.onnxruntime import Device
from artistindex.embedding.pool import DEFAULT_TIMEOUT
from artistindex.embedding.registry import DEFAULT_MODELS, is_known, spec_of
from artistindex.entities import Pooling, VectorKey
from artistindex.errors import Misuse, Remedy
from artistindex.index.manifest import AUTO, Kind, replaceable
from artistindex.index.reader import all_indexes
from artistindex.index.recipes import PLAIN, recipe_of
from artistindex.index.transforms import TRANSFORMS

_log = logging.getLogger(__name__)
DEFAULT_TRACKS = 5
_GIVEN = ("precision", "excerpt", "transform", "tracks", "drop_outliers", "kind")


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How an index is made: what of each track is heard, how many stand for an artist, and so on.

    `tracks` is the most tracks an artist, `excerpt` "full" or "NxS" (N windows of S seconds),
    `layer` and `pooling` say what is taken of the model's patches, and `transform` (a name of
    `index.transforms`) what is made of all vectors; with `drop_outliers` tracks that sound like
    somebody else's are left out. `kind` says how it is searched (index/kinds.py); what it was
    before does not count.
    """

    model: str
    precision: str = "f32"
    excerpt: str = "full"
    layer: str = ""
    pooling: str = Pooling.MEAN
    transform: str = "none"
    tracks: int = DEFAULT_TRACKS
    drop_outliers: bool = False
    kind: str = AUTO

    def __post_init__(self) -> None:
        spec_of(self.model)
        if self.kind not in (AUTO, *Kind):
            kinds = ", ".join((AUTO, *Kind))
            raise Misuse(f"unknown kind of index {self.kind!r}; there are {kinds}")
        Precision.parse(self.precision)
        object.__setattr__(self, "excerpt", str(Excerpt.parse(self.excerpt)))
        _at_least_one(tracks=self.tracks)
        if self.transform not in TRANSFORMS:
            raise Misuse(f"unknown transform {self.transform!r}; there are {', '.join(TRANSFORMS)}")


@dataclass(frozen=True, slots=True)
class BuildConfig:
    """What `build` is to do.

    With `audio`, a folder, the artists are those of its files (only `artists`, where some are
    named). Otherwise the names are looked up in `catalogue` ("spotify" or "deezer"; None takes
    Spotify where there are credentials), where the file `ids` may pin who is meant. Without any
    name, what is pending in the library is finished and the indexes are built again.

    `recipe` is a name of `index.recipes`, and `transform` replaces that of the recipe (without one,
    of the plain one). `models`, and the settings of an index from `tracks` to `drop_outliers`,
    default to those of the
    indexes that are there (`index_settings`); to change one is to embed again what it concerns.
    `kind` says how the indexes are searched ("auto", "flat" or "hnsw"; index/kinds.py).
    `engine` runs the models ("auto", "essentia", "openvino" or "onnxruntime", and that on `device`:
    "auto", "cpu" or "cuda") in `workers` processes (None: one a
    processor), `timeout` seconds a track at most; or on the machines of `cluster`, the address of a
    Dask scheduler, or "local:N" for one of N workers on this machine.

    Of a folder, `rescan` reads the tags of unchanged files again too, and `prune` drops the files
    that are gone even where they are so many that a disk may be missing.

    Raises Misuse for what cannot be meant.
    """

    artists: Sequence[str] = ()
    audio: str | PathLike[str] | None = None
    indexes: str | PathLike[str] = "indexes"
    models: Sequence[str] | None = None
    tracks: int | None = None
    precision: str | None = None
    excerpt: str | None = None
    recipe: str | None = None
    transform: str | None = None
    drop_outliers: bool | None = None
    kind: str = AUTO
    engine: str = "auto"
    device: str = "auto"
    workers: int | None = None
    cluster: str | None = None
    timeout: float = DEFAULT_TIMEOUT
    retry_failed: bool = False
    rescan: bool = False
    prune: bool = False
    catalogue: str | None = None
    ids: str | PathLike[str] | None = None

    def __post_init__(self) -> None:
        artists = (self.artists,) if isinstance(self.artists, str) else tuple(self.artists)
        object.__setattr__(self, "artists", artists)
        Engine.parse(self.engine)
        if Device.parse(self.device) is Device.CUDA and self.cluster is not None:
            raise Misuse("device cuda is this machine's, and a cluster embeds elsewhere")
        _at_least_one(workers=self.workers)
        if self.cluster is not None and self.workers is not None:
            raise Misuse("workers is for this machine: a cluster has its own", setting="workers")
        for setting in ("rescan", "prune"):
            if getattr(self, setting) and self.audio is None:
                raise Misuse(f"{setting} is for a folder of music", setting=setting)
        for model in self.models or DEFAULT_MODELS[:1]:
            IndexSettings(model, **self._given(model))

    @property
    def folder(self) -> Path:
        """Return the folder of the library and its indexes."""
        return Path(self.indexes)

    @property
    def music(self) -> Path | None:
        """Return the folder of music, if one is given."""
        return None if self.audio is None else Path(self.audio)

    @property
    def ids_file(self) -> Path | None:
        """Return the file that pins who is meant, if one is given."""
        return None if self.ids is None else Path(self.ids)

    @property
    def is_fitted_anew(self) -> bool:
        """Return whether the transform, or the recipe that names it, is asked for."""
        return self.recipe is not None or self.transform is not None

    def index_settings(self) -> list[IndexSettings]:
        """Return the settings of every index to build: its own if it is there, else the usual.

        What is given here takes the place of what the index remembers. Without `models` they are
        those of the indexes that are there, or the usual ones. Raises NewerIndex where an index
        is a newer version's, Misuse where all vectors here came from elsewhere and nobody is named.
        """
        models = list(dict.fromkeys(self.models or models_in(self.folder) or self._usual_models()))
        own = [remembered(self.folder / model, model) or self._usual(model) for model in models]
        return [replace(settings, **self._given(settings.model)) for settings in own]

    def _usual_models(self) -> Sequence[str]:
        """Return what a first build makes; nothing is begun beside indexes that came whole."""
        if all_indexes(self.folder) and not self.artists and self.music is None:
            raise Misuse(
                f"there is nothing to build: the vectors of every index in {self.folder} came from"
                " elsewhere",
                remedy=Remedy.NAME_ARTISTS_TO_BUILD,
            )
        return DEFAULT_MODELS

    def _usual(self, model: str) -> IndexSettings:
        """Return the settings of an index that is not there yet."""
        name = spec_of(model).recipe if self.transform is None else PLAIN
        return IndexSettings(model, **asdict(recipe_of(model, name)))

    def _given(self, model: str) -> dict[str, Any]:
        """Return the settings of the index of `model` that are given here."""
        recipe = asdict(recipe_of(model, self.recipe)) if self.recipe is not None else {}
        settings = {name: getattr(self, name) for name in _GIVEN}
        return recipe | {name: value for name, value in settings.items() if value is not None}


def models_in(indexes: Path) -> list[str]:
    """Return the models whose indexes are in the folder `indexes` and can be built here."""
    models = []
    for folder in all_indexes(indexes):
        manifest = replaceable(folder)
        if manifest is None:
            continue
        name = folder.name
        if not is_known(name):
            _log.warning("%s: its index is left as it is, since the model is not known here", name)
        elif manifest.key == VectorKey.made_elsewhere(name):
            _log.warning("%s: its index is left as it is, since it was made elsewhere", name)
        else:
            models.append(name)
    return models


def remembered(folder: Path, model: str) -> IndexSettings | None:
    """Return the settings of the index in `folder`; None where there is none.

    An index of format 1 does not know how many tracks stand for an artist: the usual number.
    """
    manifest = replaceable(folder)
    if manifest is None:
        return None
    return IndexSettings(
        model,
        precision=manifest.key.precision,
        excerpt=manifest.key.excerpt,
        layer=manifest.key.layer,
        pooling=manifest.key.pooling,
        transform=manifest.transform,
        tracks=manifest.recipe.tracks or DEFAULT_TRACKS,
        drop_outliers=manifest.recipe.outliers == "drop",
    )


def _at_least_one(**settings: int | None) -> None:
    for name, value in settings.items():
        if value is not None and value < 1:
            raise Misuse(f"{name} must be at least 1, not {value}", setting=name)
