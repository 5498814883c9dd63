"""From sound to a model's input, and from its output to embeddings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.embedding import melspectrogram
from artistindex.embedding.spec import Axis, ModelSpec, Waveform

Floats = NDArray[np.float32]

_MIN_VARIANCE = 1e-7  # of a patch to standardise, as in wav2vec2's feature extractor


def model_input(samples: Floats, spec: ModelSpec) -> Floats:
    """Compute the patches of `samples` as the model takes them: (n, ...), its `input_axes`.

    `samples` are mono, float32, by `spec.sampling`. The last partial patch is left out.
    """
    if isinstance(spec.front_end, Waveform):
        cut = patches(np.asarray(samples, np.float32), spec)
        if spec.front_end.standardise:
            cut = _standardised(cut)
    else:
        cut = patches(melspectrogram.log_mel(samples, spec.front_end), spec)
    return _arranged(cut, spec.input_axes)


def patches(frames: Floats, spec: ModelSpec) -> Floats:
    """Cut `frames`, whose first axis is time, into patches, (n, patch, ...): a view, not a copy."""
    frames = frames[: len(frames) - spec.drop_last_frame] if len(frames) else frames
    if len(frames) < spec.patch:
        return np.empty((0, spec.patch, *frames.shape[1:]), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(frames, spec.patch, axis=0)
    return np.moveaxis(windows[:: spec.hop], -1, 1)


def embeddings(output: NDArray[Any], spec: ModelSpec) -> Floats:
    """Return what a tensor with `output_axes` says of each patch: (n, dimension) in float32.

    Of an axis of layers `output_layer` is taken, over those of time and of channels the mean.
    Raises ValueError where the tensor has other axes than that.
    """
    if output.ndim != len(spec.output_axes):
        raise ValueError(f"it has the shape {output.shape}, not {len(spec.output_axes)} axes")
    axes = list(spec.output_axes)
    values = output
    if Axis.LAYER in axes:
        at = axes.index(Axis.LAYER)
        layer = spec.output_layer or 0
        if not -values.shape[at] <= layer < values.shape[at]:
            raise ValueError(f"it has {values.shape[at]} layers, and no layer {layer}")
        values = values.take(layer, axis=at)
        axes.remove(Axis.LAYER)
    if len(axes) > 2:
        averaged = tuple(at for at, axis in enumerate(axes) if axis in (Axis.TIME, Axis.CHANNEL))
        values = values.mean(axis=averaged, dtype=np.float32)
        axes = [axis for axis in axes if axis in (Axis.BATCH, Axis.VALUES)]
    if axes.index(Axis.BATCH) > axes.index(Axis.VALUES):
        values = values.T
    rows: Floats = values.astype(np.float32, copy=False)
    return rows


def input_shape(spec: ModelSpec) -> tuple[int | None, ...]:
    """Return the shape of `spec.input`: None for the batch."""
    bands = 1 if isinstance(spec.front_end, Waveform) else spec.front_end.bands
    sizes = {Axis.BATCH: None, Axis.TIME: spec.patch, Axis.BANDS: bands, Axis.CHANNEL: 1}
    return tuple(sizes[axis] for axis in spec.input_axes)


def _standardised(cut: Floats) -> Floats:
    mean = cut.mean(axis=1, keepdims=True, dtype=np.float64)
    variance = cut.var(axis=1, keepdims=True, dtype=np.float64)
    standardised: Floats = ((cut - mean) / np.sqrt(variance + _MIN_VARIANCE)).astype(np.float32)
    return standardised


def _arranged(cut: Floats, axes: tuple[Axis, ...]) -> Floats:
    """Bring patches, (batch, time[, bands]), into the order of `axes`."""
    plain = (Axis.BATCH, Axis.TIME, Axis.BANDS)[: cut.ndim]
    order = [plain.index(axis) for axis in axes if axis is not Axis.CHANNEL]
    channels = tuple(at for at, axis in enumerate(axes) if axis is Axis.CHANNEL)
    return np.expand_dims(cut.transpose(order), channels)
