"""Defaults from a file: keys are options, flags and environment go over it, mistakes are named."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from artistindex.cli import settings
from conftest import Run
from sounds import music, write

Configure = Callable[[str], Path]


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Writes the file of settings that ARTISTINDEX_CONFIG names."""

    def write_settings(text: str) -> Path:
        path = tmp_path / "settings.toml"
        path.write_text(text, "utf-8")
        monkeypatch.setenv("ARTISTINDEX_CONFIG", str(path))
        return path

    return write_settings


def rows_of(run: Run, *arguments: object) -> dict[str, dict[str, object]]:
    code, out, err = run("--quiet", "config", "show", *arguments, "--format", "json")
    assert (code, err) == (0, "")
    return {row["setting"]: row for row in json.loads(out)}


def neighbours(run: Run, *arguments: object) -> list[dict[str, object]]:
    code, out, err = run("query", "Artist 1", "--format", "json", *arguments)
    assert (code, err) == (0, "")
    answer: list[dict[str, object]] = json.loads(out)["neighbours"]
    return answer


def test_flags_go_over_the_file(
    run: Run, planted: Callable[..., Path], configure: Configure
) -> None:
    planted()
    configure("[query]\nk = 3\n")
    assert len(neighbours(run)) == 3
    assert len(neighbours(run, "--k", 2)) == 2


def test_the_environment_goes_over_the_file_and_flags_over_both(
    run: Run, configure: Configure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = configure(f'indexes = "{tmp_path}/file"\n')
    from artistindex.cli import run as run_line

    def source(*options: str) -> tuple[object, object]:
        run._capfd.readouterr()
        assert run_line(["--quiet", *options, "config", "show", "--format", "json"]) == 0
        row = json.loads(run._capfd.readouterr().out)[0]
        assert row["setting"] == "indexes"
        return row["value"], row["from"]

    assert source() == (f"{tmp_path}/file", str(path))
    monkeypatch.setenv("ARTISTINDEX_INDEXES", "env")
    assert source() == ("env", "ARTISTINDEX_INDEXES")
    assert source("--indexes", "flag") == ("flag", "command line")


def test_show_tells_file_and_default_apart(run: Run, configure: Configure) -> None:
    path = configure('[query]\nk = 3\n[models.list]\nformat = "csv"\n[build]\nmodel = ["vggish"]\n')
    rows = rows_of(run)
    assert (rows["query.k"]["value"], rows["query.k"]["from"]) == (3, str(path))
    assert rows["models.list.format"]["from"] == str(path)
    assert rows["build.model"]["value"] == ["vggish"]
    assert (rows["query.fuse"]["value"], rows["query.fuse"]["from"]) == (None, "default")
    assert rows["query.fuse"]["default"] == "rrf"
    assert rows["ARTISTINDEX_CONFIG"]["from"] == "environment"
    assert set(rows_of(run, "failures")) == {"failures.format"}


def test_a_group_within_a_group_takes_its_table(run: Run, configure: Configure) -> None:
    configure('[models.list]\nformat = "json"\n')
    code, out, err = run("models", "list")
    assert (code, err) == (0, "")
    assert {row["model"] for row in json.loads(out)} >= {"musicnn", "vggish"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("quite = true", "unknown key quite: did you mean quiet?"),
        ("[querry]\nk = 3", "unknown key querry: did you mean query?"),
        ("zzz = 3", "unknown key zzz: there are alias, "),
        ("[query]\nkk = 3", "unknown key query.kk: did you mean query.k?"),
        ("[query]\nquiet = true", "unknown key query.quiet: it goes above all tables"),
        ("query = 3", "query is a command: write a table, [query]"),
        ("[query]\nk = 'x'", "query.k: 'x' is not a valid integer."),
        ("[query]\nk = true", "query.k: expected no true or false"),
        ("quiet = 1", "quiet: expected true or false"),
        ("[query]\nformat = 'jsn'", "query.format: 'jsn' is not one of"),
        ("[query]\nindex = 'vggish'", "query.index: "),
        ("[query", "is no TOML: "),
    ],
)
def test_a_mistake_in_the_file_is_one_clear_error(
    run: Run, planted: Callable[..., Path], configure: Configure, text: str, complaint: str
) -> None:
    planted()
    path = configure(text)
    for line in (("query", "Artist 1"), ("config", "show")):
        code, out, err = run(*line)
        assert (code, out) == (2, ""), line
        (message,) = err.splitlines()
        assert message.startswith(f"Error: {path}")
        assert complaint in message


def test_a_file_that_is_named_must_be_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTISTINDEX_CONFIG", "/nowhere/x.toml")
    code, _, err = run("info")
    assert (code, err.splitlines()) == (
        2,
        ["Error: /nowhere/x.toml, which ARTISTINDEX_CONFIG names, is no file"],
    )


def test_the_file_in_the_users_folder_is_read(run: Run) -> None:
    path = settings.file_path()
    path.parent.mkdir(parents=True)
    path.write_text('indexes = "~/music"\n[failures]\nformat = "json"\n', "utf-8")
    row = rows_of(run)["failures.format"]
    assert (row["value"], row["from"]) == ("json", str(path))


def test_a_default_that_has_no_say_here_is_no_misuse(
    run: Run, planted: Callable[..., Path], configure: Configure, tmp_path: Path
) -> None:
    planted()
    configure(
        '[query]\nfuse = "score"\ncookies = "~/cookies.txt"\n'
        '[build]\naudio-source = "preview"\ncatalogue = "deezer"\n'
    )
    assert len(neighbours(run)) == 10
    folder = tmp_path / "music"
    folder.mkdir()
    write(folder / "A - B.wav", music(1))
    code, _, err = run("--quiet", "build", "--audio", folder, "--dry-run")
    assert (code, err) == (0, "")
    code, _, err = run("build", "--audio", folder, "--dry-run", "--catalogue", "deezer")
    assert code == 2
    assert "--catalogue is for names" in err


def test_a_ranker_is_set_in_its_older_spellings_too(
    run: Run, planted: Callable[..., Path], configure: Configure
) -> None:
    planted()
    configure('[query]\nhubs = "csls"\n')
    assert "csls" in neighbours(run)[0]
    assert rows_of(run)["query.hubs"]["value"] == "csls"
    assert "csls" not in neighbours(run, "--hubs", "none")[0]
    assert "csls" not in neighbours(run, "--ranker", "cosine")[0]
    assert "mp" in neighbours(run, "--ranker", "mp")[0]
    configure('[query]\nranker = "mp"\n')
    assert "mp" in neighbours(run)[0]
    assert "query.hubs" not in rows_of(run)
