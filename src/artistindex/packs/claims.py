"""What a pack may say of the model whose vectors it holds."""

import re

from artistindex import naming
from artistindex.embedding.registry import MODELS
from artistindex.entities import Pooling, VectorKey
from artistindex.errors import PackError, Remedy

MAX_DIMENSION = 1 << 16
MIN_DIMENSION = 2
"""Of a model that is not known here; in one dimension all unit vectors are alike."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?=[0-9])){0,63}")  # a folder, nowhere special
_LAYER = re.compile(r"[A-Za-z0-9_./:-]{0,200}")
_POOLED = {Pooling.MEAN: 1, Pooling.MEAN_STD: 2}  # values for each of the layer's
_DEVICES = re.compile(r"con|prn|aux|nul|com\d|lpt\d")  # what Windows makes of such a folder


def check_claims(key: VectorKey, dimension: int) -> None:
    """Raise PackError unless vectors of `dimension` can be what `key` says that they are.

    A model that is not known here may have any weights and any dimension that is sane.
    """
    model, spec = key.model, MODELS.get(key.model)
    if spec is None:
        _check_name(model)
        if not MIN_DIMENSION <= dimension <= MAX_DIMENSION:
            raise PackError(
                f"{model} cannot have the dimension {dimension}: expected {MIN_DIMENSION} to"
                f" {MAX_DIMENSION:,}"
            )
    elif dimension != (expected := spec.dimension * _POOLED[Pooling(key.pooling)]):
        raise PackError(f"{model} has vectors of dimension {expected}, not {dimension}")
    if not _SHA256.fullmatch(key.weights_sha256) or not key.weights_sha256.strip("0"):
        raise PackError(f"the weights of {model} are named by no sha256")
    if not _LAYER.fullmatch(key.layer) or (spec and key.layer not in ("", *spec.layers)):
        raise PackError(f"{model} has the unknown layer {naming.quoted(key.layer)}")
    published = () if spec is None else (spec.sha256, spec.known_as)
    if spec is not None and spec.sha256 and key.weights_sha256 not in published:
        raise PackError(
            f"the vectors are said to be {model}'s, whose weights have sha256"
            f" {spec.sha256[:12]}…, but were made with {key.weights_sha256[:12]}…"
        )


def describe_claims(key: VectorKey) -> str:
    """Return in words how far the model and the weights of a pack's vectors are known here."""
    weights = f"weights {key.weights_sha256[:12]}…"
    if key.model not in MODELS:
        return f"a model that this version does not know, {weights}: ask it by artists alone"
    if MODELS[key.model].sha256 is None:
        return f"{weights} by the word of whoever made the pack: none are published"
    return f"the published {weights}"


def _check_name(model: str) -> None:
    if not _NAME.fullmatch(model) or _DEVICES.fullmatch(model.casefold()):
        raise PackError(
            f"its model {naming.quoted(model)} is none of {', '.join(MODELS)}, and no name for"
            " another: expected ASCII letters, digits, - and _",
            remedy=Remedy.UPGRADE,
        )
    if model.casefold() in MODELS:
        raise PackError(
            f"its model {naming.quoted(model)} is spelled {model.casefold()} everywhere else"
        )
