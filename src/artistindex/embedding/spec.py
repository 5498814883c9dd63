"""What a model is: its weights, how sound becomes its input, and what is taken of its output."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto

from artistindex.audio.resample import ESSENTIA, Resampling, Sampling

SAMPLE_RATE = ESSENTIA.rate
"""Of Essentia's models, in Hz."""


class Format(StrEnum):
    """What a file of weights is written in."""

    TENSORFLOW = auto()
    ONNX = auto()
    TFLITE = auto()
    DESCRIPTORS = auto()
    """No graph at all: the scaling of what is measured (descriptors.py)."""

    @property
    def suffix(self) -> str:
        """Return the usual suffix of such a file."""
        return _SUFFIXES[self]


_SUFFIXES = {
    Format.TENSORFLOW: ".pb",
    Format.ONNX: ".onnx",
    Format.TFLITE: ".tflite",
    Format.DESCRIPTORS: ".json",
}
GRAPHS = (Format.TENSORFLOW, Format.ONNX, Format.TFLITE)
"""The formats that a model of the user's own may have."""


class Axis(StrEnum):
    """What an axis of a tensor runs over; a channel has one value, and there may be none."""

    BATCH = auto()
    CHANNEL = auto()
    LAYER = auto()
    TIME = auto()
    BANDS = auto()
    VALUES = auto()


class Scale(StrEnum):
    """How hertz become mel: Slaney's (librosa's default), or HTK's 2595 log10(1 + f / 700)."""

    SLANEY = auto()
    HTK = auto()


class Triangles(StrEnum):
    """In what a mel band's flanks are straight: hertz, as in librosa, or mel, as in TensorFlow."""

    HERTZ = auto()
    MEL = auto()


class Logarithm(StrEnum):
    """The logarithm that is taken of a mel band."""

    NONE = auto()
    LN = auto()
    LOG10 = auto()


class Padding(StrEnum):
    """What stands before the first sample and behind the last one, so that frames are centred.

    NONE: the frames begin at the first sample, and each lies within the sound.
    """

    NONE = auto()
    ZEROS = auto()
    REFLECT = auto()


class Window(StrEnum):
    """The window of a frame: Hann's over all its samples, or over one more (`scipy`, `torch`)."""

    HANN = auto()
    HANN_PERIODIC = "hann-periodic"


@dataclass(frozen=True, slots=True)
class Waveform:
    """Samples are the input as they are, or, to `standardise`, with mean 0 and variance 1 a patch.

    A patch is counted in samples.
    """

    sample_rate: int
    standardise: bool = False
    resampling: Resampling = Resampling.SINC


@dataclass(frozen=True, slots=True)
class MelSpectrogram:
    """How samples become frames of a log-mel spectrogram. A patch is counted in frames.

    `frame` samples, `hop` apart, are windowed and transformed (`fft` points); the spectrum to the
    `power` is gathered in `bands` triangles between `low` and `high` hertz, of height one or of
    `unit_area`; of each band's value v the input is
    gain * logarithm(max(floor, factor * v + offset)) + shift.
    """

    frame: int
    hop: int
    bands: int
    fft: int
    sample_rate: int
    scale: Scale
    low: float
    high: float
    unit_area: bool
    window: Window = Window.HANN
    power: int = 2
    triangles: Triangles = Triangles.HERTZ
    logarithm: Logarithm = Logarithm.LN
    factor: float = 1.0
    offset: float = 0.0
    floor: float = 0.0
    gain: float = 1.0
    shift: float = 0.0
    padding: Padding = Padding.ZEROS
    resampling: Resampling = Resampling.SINC


FrontEnd = Waveform | MelSpectrogram


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model: where its weights come from, how it is fed and what is taken of its output.

    `file` is the name of the weights' file, and `bytes` and `sha256` are what the publisher states,
    None where nothing is published; `about_bytes` is what the architecture alone lets expect.
    `packaged` weights lie inside the package; `verified` ones have been run here.

    The tensor `input` has the axes `input_axes`, and takes patches of `patch` frames (of a
    waveform, samples), `hop` apart. `batch` is the fixed batch size of a TensorFlow graph, and the
    most patches at once in any other (None: as many as are good); a graph with a fixed batch leaves
    out the last of the front end's frames (`drop_last_frame`).

    The tensor `output` has the axes `output_axes`: of an axis of layers `output_layer` is taken,
    and over those of time and of channels the mean, so that a patch gives `dimension` values.
    `layers` are further outputs of the graph, by the names that they go by here.

    `algorithm` names the class in essentia.standard that is the reference, if there is one.
    `known_as` is the sha256 under which vectors of these weights are kept, where it is not the
    file's own: that of an earlier file which computed the same `output`, bit by bit. `recipe` is
    what an index of the model is made by unless another one is asked for (`index.recipes`). `own`
    is a model that the user has described.
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
    licence: str
    drop_last_frame: bool = False
    algorithm: str | None = None
    format: Format = Format.TENSORFLOW
    input_axes: tuple[Axis, ...] = (Axis.BATCH, Axis.TIME, Axis.BANDS)
    output_axes: tuple[Axis, ...] = (Axis.BATCH, Axis.VALUES)
    output_layer: int | None = None
    packaged: bool = False
    verified: bool = False
    about_bytes: int | None = None
    layers: Mapping[str, str] = field(default_factory=dict, hash=False)
    known_as: str | None = None
    recipe: str = "plain"
    own: bool = False

    @property
    def sampling(self) -> Sampling:
        """Return the rate of the samples that the model takes, and how they come to it."""
        return Sampling(self.front_end.sample_rate, self.front_end.resampling)

    @property
    def patch_samples(self) -> int:
        """Return about how many samples a patch needs."""
        if isinstance(self.front_end, Waveform):
            return self.patch
        return self.patch * self.front_end.hop + self.front_end.frame
