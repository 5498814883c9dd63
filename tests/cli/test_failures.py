import json
from typing import Any

from artistindex.entities import Failure
from artistindex.library.library import FILE_NAME, Library


def test_failures_are_listed_in_every_format(run: Any) -> None:
    with Library.open(run.indexes / FILE_NAME) as library:
        library.add_failure(
            Failure("/music/a.mp3", "decode", "cut off", artist="Rezz", retryable=True)
        )
        library.add_failure(Failure("Nobody", "catalogue", "no such artist"))
    code, out, err = run("failures", "--format", "json")
    assert (code, err) == (0, "")
    first, second = json.loads(out)
    assert first | {"when": ""} == {
        "what": "/music/a.mp3",
        "stage": "decode",
        "reason": "cut off",
        "retryable": True,
        "artist": "Rezz",
        "when": "",
    }
    assert (second["what"], second["artist"], second["retryable"]) == ("Nobody", None, False)
    table = run("failures")[1]
    assert all(word in table for word in ("/music/a.mp3", "cut off", "no such artist", "Rezz"))
    assert len(run("failures", "--format", "csv")[1].splitlines()) == 3


def test_no_failure_is_said_or_an_empty_list(run: Any) -> None:
    Library.open(run.indexes / FILE_NAME).close()
    assert run("failures") == (0, "", "nothing has failed\n")
    assert json.loads(run("failures", "--format", "json")[1]) == []


def test_without_a_library(run: Any) -> None:
    code, out, err = run("failures")
    assert (code, out, err.count("Error:")) == (1, "", 1)
    assert not run.indexes.exists()
