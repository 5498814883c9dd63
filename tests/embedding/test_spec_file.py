"""Descriptions of models: read strictly, and written so that they read back."""

from pathlib import Path

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

import onnx_standins
from artistindex.embedding.registry import (
    MODELS,
    all_specs,
    description_of,
    is_known,
    is_shipped,
    names,
    spec_of,
)
from artistindex.embedding.spec import Axis, MelSpectrogram, Padding, Scale
from artistindex.embedding.spec_file import identity, is_model_name, read_spec, to_document
from artistindex.errors import Misuse

TEXTS = {
    "waveform": onnx_standins.WAVEFORM,
    "mel": onnx_standins.MEL,
    "transformer": onnx_standins.MERT,
}


def read(folder: Path, text: str) -> object:
    return read_spec(onnx_standins.describe(folder / "spec.toml", text))


def test_what_is_not_said_is_as_usual(tmp_path: Path) -> None:
    spec = read_spec(onnx_standins.describe(tmp_path / "s.toml", onnx_standins.MEL))
    assert isinstance(spec.front_end, MelSpectrogram)
    assert (spec.front_end.scale, spec.front_end.low) == (Scale.SLANEY, 20.0)
    assert (spec.front_end.power, spec.front_end.padding) == (2, Padding.ZEROS)
    assert spec.input_axes == (Axis.BATCH, Axis.TIME, Axis.BANDS)
    assert (spec.batch, spec.url, spec.sha256, spec.recipe) == (None, None, None, "plain")


@pytest.mark.parametrize("name", [*TEXTS, *MODELS, "mert-v1-95m"])
def test_a_description_reads_back(name: str, tmp_path: Path) -> None:
    if name in TEXTS:
        spec = read_spec(onnx_standins.describe(tmp_path / "s.toml", TEXTS[name]))
    else:
        spec = spec_of(name)
    text = tomlkit.dumps(to_document(spec))
    again = read_spec(onnx_standins.describe(tmp_path / "again.toml", text))
    assert to_document(again) == to_document(spec)
    assert identity(again, "0" * 64) == identity(spec, "0" * 64) != identity(spec, "1" * 64)
    assert (again.front_end, again.patch, again.hop) == (spec.front_end, spec.patch, spec.hop)


@pytest.mark.parametrize(
    ("kind", "old", "new", "message"),
    [
        ("waveform", 'name = "my-model"', "", "name is missing; expected a text"),
        ("waveform", 'licence = "CC0"', "", "licence is missing"),
        ("waveform", 'licence = "CC0"', 'licence = " "', "licence must be a text of one line"),
        ("waveform", '"CC0"', '"C\\u001b[31m"', r"licence must be .*, not 'C\\x1b\[31m'"),
        ("waveform", '"CC0"', '"CC0"\nformat = "pytorch"', "format must be tensorflow or onnx or"),
        ("waveform", '"CC0"', '"CC0"\ncode = "x.py"', "code is no field of a description"),
        ("waveform", '"CC0"', '"CC0"\nsha256 = "1"', "sha256 must be 64 hexadecimal digits"),
        ("waveform", '"CC0"', '"CC0"\nbatch = 0', "batch must be a whole number from 1 to 1024"),
        ("waveform", '"waveform"', '"sound"', "input.kind must be waveform or mel, not 'sound'"),
        ("waveform", "24000", '"24 kHz"', "input.sample_rate must be a whole number from 1000"),
        ("waveform", "24000", "true", "input.sample_rate must be .*, not True"),
        ("waveform", "patch = 12000", "patch = 0", "input.patch must be a whole number from 1"),
        ("waveform", "patch = 12000", "patch = 99999999999", "input.patch must be"),
        ("waveform", "hop = 12000", "hop = 1", "input.hop must be a whole number from 46 to"),
        ("waveform", "hop = 12000", "hop = 12000\nmodule = 1", "input.module is no field"),
        ("waveform", "dimension = 16", "", "output.dimension is missing"),
        ("waveform", "dimension = 16", "dimension = 1", "output.dimension must be"),
        ("waveform", "[output]", "[mel]\nfft = 5\n[output]", "mel is no field"),
        ("transformer", "layer = 11", "", "output.layer is missing"),
        ("transformer", '"time", ', '"batch", ', r"output.axes must be axes such as \["),
        ("transformer", '"values"]', '"words"]', "output.axes must be"),
        ("mel", "[mel]", "[other]", "mel.fft is missing"),
        ("mel", "fft = 1024", "fft = 512", "mel.frame must be a whole number from 2 to 512"),
        ("mel", "high = 11025", "high = 12000", "mel.high must be a number from 21 to 11025"),
        ("mel", 'scale = "slaney"', 'scale = "bark"', "mel.scale must be slaney or htk"),
        ("mel", "unit_area = true", "unit_area = 1", "mel.unit_area must be true or false"),
        ("mel", "gain = 10", "gain = nan", "mel.gain must be a number"),
        ("mel", "floor", "function", "mel.function is no field of a description"),
        (
            "mel",
            'tensor = "mel"',
            'tensor = "mel"\naxes = ["time", "batch", "bands"]',
            "input.axes must be axes such as",
        ),
    ],
)
def test_a_wrong_field_is_named(
    kind: str, old: str, new: str, message: str, tmp_path: Path
) -> None:
    text = TEXTS[kind]
    assert old in text
    with pytest.raises(Misuse, match=f"spec.toml: {message}") as raised:
        read(tmp_path, text.replace(old, new, 1))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name = ", "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
        (b"a = " + b"[" * 40_000, "is not TOML"),
        (b"#" * 70_000, "is over 64 KiB"),
        (b"input = 3\nname='a'\nlicence='b'", "input must be a table, not 3"),
    ],
)
def test_what_is_no_description_is_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_bytes(content)
    with pytest.raises(Misuse, match=message) as raised:
        read_spec(path)
    assert "\n" not in str(raised.value)


def test_a_description_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="cannot be read"):
        read_spec(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "../x", "a/b", "a\\b", "A", "é", "a b", "a.toml", "con", "lpt1", "-a"),
        *("a" * 65, "a\n", "a\x00", "library.sqlite3", "~", "$HOME", "a%2f", "😀"),
    ],
)
def test_hostile_names_are_no_models(name: str, tmp_path: Path) -> None:
    assert not is_model_name(name)
    assert not is_known(name)
    with pytest.raises(Misuse, match="unknown model"):
        spec_of(name)
    text = tomlkit.dumps({"name": name}) + onnx_standins.WAVEFORM.replace('name = "my-model"', "")
    with pytest.raises(Misuse, match=r"spec\.toml: name must be"):
        read(tmp_path, text)


@given(name=st.text(max_size=70))
def test_a_name_that_passes_is_one_part_of_a_path(name: str) -> None:
    if is_model_name(name):
        path = Path("models") / f"{name}.toml"
        assert path.parent == Path("models")
        assert name.casefold() == name


def test_names_that_are_fine() -> None:
    for name in ("a", "mert-v1-95m", "mert_v1.5", "0", "a" * 64):
        assert is_model_name(name)


def test_the_rows_and_what_ships_beside_them_are_the_package_s() -> None:
    assert names() == [*MODELS, "descriptors", "mert-v1-95m"]
    assert all(map(is_shipped, names()))
    assert not is_shipped("my-model")
    assert [spec.name for spec in all_specs()] == names()
    assert not any(spec.own for spec in all_specs())


def test_an_own_description_that_broke_disturbs_no_other_model(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name, text in {
        "broken": "name =",
        "other-name": onnx_standins.WAVEFORM,
        "my-model": onnx_standins.WAVEFORM,
    }.items():
        path = description_of(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx_standins.describe(path, text)
    assert [spec.name for spec in all_specs() if spec.own] == ["my-model"]
    assert len(caplog.messages) == 2
    with pytest.raises(Misuse, match=r"broken\.toml is not TOML"):
        spec_of("broken")
    with pytest.raises(Misuse, match=r"other-name\.toml describes my-model"):
        spec_of("other-name")
