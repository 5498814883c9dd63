"""The public API: what it names, what it returns, and that its documented examples run."""

import inspect
import json
import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import artistindex
from artistindex.entities import Artist, VectorKey
from artistindex.index.writer import write_index
from builds import write_music

ROOT = Path(__file__).parents[1]
ARTISTS = ("Mattias Westlund", "Ryan Reilly", "Stephen Rozanc", "Doug Kaufman")
FUNCTIONS = (
    "build",
    "compare",
    "evaluate",
    "explain",
    "find_path",
    "fuse_hits",
    "hidden_favourites",
    "playlist_of",
    "rank_evenings",
    "rank_lineup",
    "read_favourites",
    "read_lineup",
    "rows_left_out",
    "search",
    "search_tracks",
)


def test_the_public_api_is_pinned() -> None:
    assert artistindex.__all__ == [
        "RANKERS",
        "AddedVectors",
        "Appearance",
        "Artist",
        "ArtistIndex",
        "ArtistIndexError",
        "Billing",
        "BuildConfig",
        "BuildReport",
        "Comparison",
        "Cosine",
        "Csls",
        "Entry",
        "EntryTrack",
        "Evaluation",
        "Evening",
        "Event",
        "Explanation",
        "Failure",
        "Favourite",
        "Favourites",
        "FusedNeighbour",
        "HiddenFavourite",
        "HiddenFavourites",
        "Hit",
        "IndexRow",
        "JoiningTracks",
        "Library",
        "Lineup",
        "LineupEntry",
        "Manifest",
        "MutualProximity",
        "Neighbour",
        "PathStep",
        "PlayingAct",
        "PlaylistTrack",
        "Query",
        "Ranker",
        "Ranking",
        "Reason",
        "ResolvedQuery",
        "Track",
        "TrackHit",
        "TrackPair",
        "Tracks",
        "Transform",
        "Unranked",
        "UnrankedBilling",
        "UsedTrack",
        "VectorKey",
        "build",
        "compare",
        "evaluate",
        "explain",
        "find_path",
        "fuse_hits",
        "hidden_favourites",
        "playlist_of",
        "rank_evenings",
        "rank_lineup",
        "read_favourites",
        "read_lineup",
        "rows_left_out",
        "search",
        "search_tracks",
        "write_playlist",
    ]
    for name in artistindex.__all__:
        assert inspect.getdoc(getattr(artistindex, name))


def own_types(annotation: Any) -> Iterator[type]:
    """The package's own classes in an annotation."""
    for argument in typing.get_args(annotation):
        yield from own_types(argument)
    if isinstance(annotation, type) and annotation.__module__.startswith("artistindex"):
        yield annotation


def functions() -> Iterator[Any]:
    yield from (getattr(artistindex, name) for name in FUNCTIONS)
    for name, member in vars(artistindex.ArtistIndex).items():
        function = getattr(member, "func", member)  # of a cached property
        if not name.startswith("_") and isinstance(function, types.FunctionType):
            yield function


@pytest.mark.parametrize("function", list(functions()), ids=lambda function: function.__qualname__)
def test_what_public_functions_return_is_public(function: Any) -> None:
    for returned in own_types(typing.get_type_hints(function)["return"]):
        assert returned.__name__ in artistindex.__all__


def examples(page: str) -> list[str]:
    return re.findall(
        r"^```python\n(.*?)^```$", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE
    )


def test_the_page_of_the_api_has_an_example_of_everything() -> None:
    text = (ROOT / "docs/api.md").read_text()
    for name in artistindex.__all__:
        assert re.search(rf"\b{name}\b", text), name


@pytest.mark.parametrize("page", ["README.md", "docs/api.md"])
def test_documented_examples_run_as_printed(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_music(tmp_path / "music", dict.fromkeys(ARTISTS, 2))
    write_index(
        tmp_path / "indexes" / "vggish",
        key=VectorKey("vggish", "0" * 64),
        artists=[Artist(name) for name in ARTISTS],
        vectors=np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32),
    )
    similar = [
        {"name": name, "rank": at, "relationship_strength": 9 - at}
        for at, name in enumerate(ARTISTS[1:], 1)
    ]
    lists = {ARTISTS[0]: {"status": "success", "similar_artists": similar, "total_count": 3}}
    (tmp_path / "musicmap.json").write_text(json.dumps(lists))
    namespace: dict[str, Any] = {"__name__": "example"}
    for example in examples(page):
        exec(compile(example, page, "exec"), namespace)
    assert namespace["report"].indexed == len(ARTISTS)
    assert "Ryan Reilly" in capsys.readouterr().out


def test_artist_index_offers_what_the_readme_shows() -> None:
    index = artistindex.ArtistIndex
    assert {"open", "artists", "vector", "neighbours"} <= set(vars(index))
    signature = inspect.signature(index.neighbours)
    assert list(signature.parameters) == ["self", "name_or_names", "k"]
    assert signature.parameters["k"].default == 10


def test_a_neighbour_has_the_fields_of_the_json_shape() -> None:
    assert list(inspect.signature(artistindex.Neighbour).parameters)[:5] == [
        "rank",
        "artist",
        "score",
        "percentile",
        "tracks",
    ]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        artistindex.nonsense  # noqa: B018 - looking it up is the test
