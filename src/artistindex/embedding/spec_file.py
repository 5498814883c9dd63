"""Models described in TOML: what a person writes of a model of their own (docs/models.md).

A description holds nothing but names, sizes and words of closed lists; whatever else it says is one
error that names the field.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from artistindex import naming
from artistindex.audio.resample import Resampling
from artistindex.embedding.spec import (
    GRAPHS,
    Axis,
    Format,
    FrontEnd,
    Logarithm,
    MelSpectrogram,
    ModelSpec,
    Padding,
    Scale,
    Triangles,
    Waveform,
    Window,
)
from artistindex.errors import Misuse

MAX_BYTES = 64 * 1024
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]|\.(?=[0-9])){0,63}")  # a folder, nowhere special
_DEVICES = re.compile(r"con|prn|aux|nul|com\d|lpt\d")  # what Windows makes of such a folder
_SHA256 = re.compile(r"[0-9a-f]{64}")
_RATES = (1_000, 384_000)
_MAX_PATCH_SECONDS = 600
_MAX_OVERLAP = 256  # patches over one place
_MAX_FFT = 1 << 16
_KINDS = ("waveform", "mel")
_INPUTS = {  # behind the batch in any order, and there may be a channel
    "waveform": (Axis.BATCH, Axis.TIME),
    "mel": (Axis.BATCH, Axis.TIME, Axis.BANDS),
}

_Word = TypeVar("_Word", bound=StrEnum)


def is_model_name(name: str) -> bool:
    """Whether `name` can be that of a model of one's own: it names files and folders."""
    return bool(_NAME.fullmatch(name)) and not _DEVICES.fullmatch(name)


def read_spec(path: Path, *, own: bool = True) -> ModelSpec:
    """Read the description in `path`; raises Misuse that names what is wrong with it."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Misuse(f"{path} cannot be read ({error.strerror})") from None
    if len(content) > MAX_BYTES:
        raise Misuse(f"{path} is over {MAX_BYTES // 1024} KiB, more than a description can have")
    try:
        document = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        reason = naming.truncate(naming.printable(str(error)))
        raise Misuse(f"{path} is not TOML ({reason})") from None
    return _spec(_Table(path, "", document), own=own)


def identity(spec: ModelSpec, sha256: str) -> str:
    """Return the sha256 under which vectors of a described model are kept.

    It stands for the weights and for all in the description that vectors depend on, so that another
    layer or patch is another model, whatever its name.
    """
    document = to_document(spec)
    fields = {name: document.get(name) for name in ("input", "mel", "output")}
    content = json.dumps({"weights": sha256, **fields}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def to_document(spec: ModelSpec) -> dict[str, Any]:
    """Return the description of a model, as it would be written; what is usual is left out."""
    front_end = spec.front_end
    kind = "waveform" if isinstance(front_end, Waveform) else "mel"
    document: dict[str, Any] = {
        "name": spec.name,
        "licence": spec.licence,
        "format": str(spec.format),
        **_given(url=spec.url, bytes=spec.bytes, sha256=spec.sha256, batch=spec.batch),
        "input": {
            "kind": kind,
            "tensor": spec.input,
            "sample_rate": front_end.sample_rate,
            "patch": spec.patch,
            "hop": spec.hop,
            **_changed("resampling", str(front_end.resampling), "sinc"),
            **_changed("axes", _words(spec.input_axes), _words(_INPUTS[kind])),
        },
    }
    if spec.recipe != "plain":
        document["recipe"] = spec.recipe
    if isinstance(front_end, Waveform):
        document["input"] |= _changed("standardise", front_end.standardise, False)
    else:
        document["mel"] = _mel_document(front_end)
    document["output"] = {
        "tensor": spec.output,
        "dimension": spec.dimension,
        **_changed("axes", _words(spec.output_axes), ["batch", "values"]),
        **_given(layer=spec.output_layer),
    }
    return document


def _mel_document(front_end: MelSpectrogram) -> dict[str, Any]:
    usual = MelSpectrogram.__dataclass_fields__
    values = {
        name: getattr(front_end, name)
        for name in usual
        if name not in ("sample_rate", "resampling")
    }
    return {
        name: str(value) if isinstance(value, StrEnum) else value
        for name, value in values.items()
        if value != usual[name].default
    }


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _changed(name: str, value: Any, usual: Any) -> dict[str, Any]:
    return {} if value == usual else {name: value}


def _words(axes: tuple[Axis, ...]) -> list[str]:
    return [str(axis) for axis in axes]


# -- from TOML ---------------------------------------------------------------------------------


def _spec(table: "_Table", *, own: bool) -> ModelSpec:
    name = table.text("name")
    if not is_model_name(name):
        raise table.wrong("name", "a name of lower-case ASCII letters, digits, - and _", name)
    written = Format(table.choice("format", GRAPHS, Format.ONNX))
    source, output = table.table("input"), table.table("output")
    kind = source.choice("kind", _KINDS)
    front_end = _waveform(source) if kind == "waveform" else _mel(source, table.table("mel"))
    patch, hop = _patch(source, front_end)
    output_axes = output.axes("axes", (Axis.BATCH, Axis.VALUES), _output_fits)
    spec = ModelSpec(
        name=name,
        file=f"{name}{written.suffix}",
        format=written,
        licence=table.text("licence"),
        url=table.text("url", "") or None,
        bytes=table.integer("bytes", 1, 2**31 - 1, default=0) or None,
        sha256=table.text("sha256", "") or None,
        batch=table.integer("batch", 1, 1024, default=0) or None,
        recipe=table.text("recipe", "plain") or "plain",
        input=source.text("tensor"),
        input_axes=source.axes("axes", _INPUTS[kind], lambda axes: _input_fits(axes, kind)),
        front_end=front_end,
        patch=patch,
        hop=hop,
        output=output.text("tensor"),
        output_axes=output_axes,
        output_layer=output.integer("layer", -1000, 1000) if Axis.LAYER in output_axes else None,
        dimension=output.integer("dimension", 2, 1 << 16),
        own=own,
    )
    if spec.sha256 is not None and not _SHA256.fullmatch(spec.sha256):
        raise table.wrong("sha256", "64 hexadecimal digits in lower case", spec.sha256)
    for part in (source, output, table):
        part.demand_all_known()
    return spec


def _waveform(source: "_Table") -> Waveform:
    return Waveform(
        sample_rate=source.integer("sample_rate", *_RATES),
        resampling=source.word("resampling", Resampling, Resampling.SINC),
        standardise=source.flag("standardise"),
    )


def _mel(source: "_Table", mel: "_Table") -> MelSpectrogram:
    rate = source.integer("sample_rate", *_RATES)
    fft = mel.integer("fft", 16, _MAX_FFT)
    frame = mel.integer("frame", 2, fft)
    low = mel.number("low", 0, rate / 2)
    front_end = MelSpectrogram(
        sample_rate=rate,
        resampling=source.word("resampling", Resampling, Resampling.SINC),
        fft=fft,
        frame=frame,
        hop=mel.integer("hop", 1, 16 * frame),
        bands=mel.integer("bands", 1, 1024),
        scale=mel.word("scale", Scale),
        low=low,
        high=mel.number("high", low + 1, rate / 2),
        unit_area=mel.flag("unit_area"),
        window=mel.word("window", Window, Window.HANN),
        power=mel.integer("power", 1, 2, default=2),
        triangles=mel.word("triangles", Triangles, Triangles.HERTZ),
        logarithm=mel.word("logarithm", Logarithm, Logarithm.LN),
        factor=mel.number("factor", default=1.0),
        offset=mel.number("offset", default=0.0),
        floor=mel.number("floor", default=0.0),
        gain=mel.number("gain", default=1.0),
        shift=mel.number("shift", default=0.0),
        padding=mel.word("padding", Padding, Padding.ZEROS),
    )
    mel.demand_all_known()
    return front_end


def _patch(source: "_Table", front_end: FrontEnd) -> tuple[int, int]:
    unit = 1 if isinstance(front_end, Waveform) else front_end.hop
    longest = _MAX_PATCH_SECONDS * front_end.sample_rate // unit
    patch = source.integer("patch", 1, longest)
    hop = source.integer("hop", max(1, patch // _MAX_OVERLAP), longest)
    return patch, hop


def _input_fits(axes: tuple[Axis, ...], kind: str) -> bool:
    plain = [axis for axis in axes if axis is not Axis.CHANNEL]
    return (
        axes[:1] == (Axis.BATCH,)
        and sorted(plain) == sorted(_INPUTS[kind])
        and len(axes) - len(plain) <= 1
    )


def _output_fits(axes: tuple[Axis, ...]) -> bool:
    once = (axes.count(Axis.BATCH), axes.count(Axis.VALUES), axes.count(Axis.LAYER) <= 1)
    return once == (1, 1, True) and Axis.BANDS not in axes


class _Table:
    """A table of a description, read field by field; every error says where and what."""

    def __init__(self, path: Path, name: str, fields: Mapping[str, Any]) -> None:
        self._path = path
        self._name = name
        self._fields = fields
        self._read: set[str] = set()

    def wrong(self, name: str, expected: str, value: Any) -> Misuse:
        """Return the error about the field `name`."""
        written = naming.truncate(naming.printable(repr(value)))
        return Misuse(f"{self._path}: {self._name}{name} must be {expected}, not {written}")

    def table(self, name: str) -> "_Table":
        """Return the table `name` within this one."""
        value = self._value(name, "a table", {} if name == "mel" else None)
        if not isinstance(value, dict):
            raise self.wrong(name, "a table", value)
        return _Table(self._path, f"{name}.", value)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text of one line."""
        value = self._value(name, "a text", default)
        is_text = isinstance(value, str) and len(value) <= 500 and value == naming.printable(value)
        if not is_text or (default is None and not value.strip()):
            raise self.wrong(name, "a text of one line", value)
        return str(value)

    def integer(self, name: str, low: int, high: int, *, default: int | None = None) -> int:
        """Return a whole number from `low` to `high`."""
        expected = f"a whole number from {low} to {high}"
        value = self._value(name, expected, default)
        if name in self._fields and (type(value) is not int or not low <= value <= high):
            raise self.wrong(name, expected, value)
        return int(value)

    def number(
        self, name: str, low: float = -1e12, high: float = 1e12, *, default: float | None = None
    ) -> float:
        """Return a number from `low` to `high`."""
        expected = f"a number from {low:g} to {high:g}"
        value = self._value(name, expected, default)
        if type(value) not in (int, float) or not low <= value <= high:
            raise self.wrong(name, expected, value)
        return float(value)

    def flag(self, name: str) -> bool:
        """Return a truth value, false where it is not given."""
        value = self._value(name, "true or false", False)
        if type(value) is not bool:
            raise self.wrong(name, "true or false", value)
        return value

    def choice(self, name: str, words: tuple[str, ...], default: str | None = None) -> str:
        """Return one of `words`."""
        value = self._value(name, " or ".join(words), default)
        if value not in words:
            raise self.wrong(name, " or ".join(words), value)
        return str(value)

    def word(self, name: str, words: type[_Word], default: _Word | None = None) -> _Word:
        """Return a member of `words`."""
        return words(self.choice(name, tuple(words), default))

    def axes(
        self, name: str, usual: tuple[Axis, ...], fits: Callable[[tuple[Axis, ...]], bool]
    ) -> tuple[Axis, ...]:
        """Return axes for which `fits` holds."""
        expected = f"axes such as {json.dumps(usual)}"
        value = self._value(name, expected, list(usual))
        known = isinstance(value, list) and all(axis in tuple(Axis) for axis in value)
        if not known or not fits(axes := tuple(map(Axis, value))):
            raise self.wrong(name, expected, value)
        return axes

    def demand_all_known(self) -> None:
        """Raise Misuse for a field that nobody read."""
        for name in self._fields.keys() - self._read:
            known = ", ".join(sorted(self._read))
            where = f"{self._name}{naming.truncate(naming.printable(name))}"
            raise Misuse(f"{self._path}: {where} is no field of a description; there are {known}")

    def _value(self, name: str, expected: str, default: Any) -> Any:
        self._read.add(name)
        if name in self._fields:
            return self._fields[name]
        if default is None:
            raise Misuse(f"{self._path}: {self._name}{name} is missing; expected {expected}")
        return default
