import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex import naming
from artistindex.errors import Misuse
from artistindex.listeners.favourites import read_names


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "Rezz\n\n  deadmau5 \r\n# a comment\nREZZ\nAC/DC", ["Rezz", "deadmau5", "AC/DC"]),
        ("a.txt", "\ufeffRezz\n", ["Rezz"]),
        ("a.txt", '[:SITD:]\n"Weird Al" Yankovic', ["[:SITD:]", '"Weird Al" Yankovic']),
        ("lineup", "Florence + The Machine", ["Florence + The Machine"]),
        ("lineup", "[:SITD:]\nRezz", ["[:SITD:]", "Rezz"]),
        ("lineup", "Earth, Wind & Fire\nRezz", ["Earth, Wind & Fire", "Rezz"]),
        ("lineup", '["Rezz", "rezz", " Vril "]', ["Rezz", "Vril"]),
        ("a.json", '["Rezz"]', ["Rezz"]),
        ("a.json", '{"artists": ["&ME", "1991", "Dxrk ダーク"]}', ["&ME", "1991", "Dxrk ダーク"]),
        ("a.csv", "day,Artist,stage\nSat,Rezz,1\nSun,deadmau5,2\n", ["Rezz", "deadmau5"]),
        ("a.csv", '\ufeffartist\r\n"Tyler, The Creator"\r\n', ["Tyler, The Creator"]),
        ("a.csv", "stage;ARTIST \n1;Rezz\n2\n3;Vril\n", ["Rezz", "Vril"]),
        ("a.tsv", "artist\tday\nRezz\tSat\n", ["Rezz"]),
        ("stdin-like", "day,artist\nSat,Rezz\n", ["Rezz"]),
        ("a.csv", 'artist,"a\nb"\nRezz,1', None),
    ],
)
def test_formats(tmp_path: Path, name: str, content: str, expected: list[str] | None) -> None:
    path = written(tmp_path, name, content)
    if expected is None:  # a header over two lines is read as far as it goes
        assert "Rezz" in read_names(path)
    else:
        assert read_names(path) == expected


def test_what_windows_writes(tmp_path: Path) -> None:
    assert read_names(written(tmp_path, "a.txt", "Rezz\r\nBjörk".encode("utf-16"))) == [
        "Rezz",
        "Björk",
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "", "no artist in it"),
        ("a.txt", "# only\n#comments\n", "no artist in it"),
        ("a.txt", b"\xff\xd8\xff\xe0JFIF", "not text in UTF-8"),
        ("a.txt", b"Rezz\x00\x01", "not a text file"),
        ("a.txt", b"\xff\xfe\x00", "not text in UTF-8"),
        ("a.json", '{"artists": "Rezz"}', 'expected a JSON list of names or {"artists"'),
        ("a.json", '{"names": []}', "expected a JSON list"),
        ("a.json", "3", "found a number"),
        ("a.json", '["Rezz", 3]', "entry 2 of the list must be a name, found a number"),
        ("a.json", '[{"title": "Rezz"}]', "entry 1 of the list must be a name, found an object"),
        ("a.json", '["Rezz",\n', "not JSON: Expecting value in line 2"),
        ("a.json", "[" * 100_000, "not JSON that can be read"),
        ("a.json", "", "not JSON"),
        ("a.json", "[]", "no artist in it"),
        ("a.csv", "name,day\nRezz,Sat\n", "a column named artist"),
        ("a.csv", "artist\n", "no artist in it"),
        ("a.csv", 'artist\n"' + "x" * 200_000 + '"', "not a CSV file"),
    ],
)
def test_bad_files(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(Misuse) as caught:
        read_names(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.txt", Path("a\0b")):
        with pytest.raises(Misuse, match="cannot read"):
            read_names(path)


def test_a_file_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("artistindex.listeners.user_files.MAX_BYTES", 1 << 20)
    with pytest.raises(Misuse, match="larger than 1 MiB"):
        read_names(Path("/dev/zero"))


@pytest.mark.parametrize("content", ["Rezz\nVril", '["Rezz", "Vril"]', "artist\nRezz\nVril"])
def test_standard_input(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
    assert read_names(Path("-")) == ["Rezz", "Vril"]


@given(st.lists(st.text(max_size=20), max_size=10))
def test_json_gives_every_folded_name_once(
    tmp_path_factory: pytest.TempPathFactory, wanted: list[str]
) -> None:
    path = written(tmp_path_factory.mktemp("n"), "a.json", json.dumps([*wanted, "Rezz"]))
    found = read_names(path)
    folded = [naming.normalise(name) for name in found]
    assert len(set(folded)) == len(folded)
    assert set(folded) == {
        naming.normalise(naming.clean(n)) for n in [*wanted, "Rezz"] if naming.clean(n)
    }
