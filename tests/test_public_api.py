import inspect

import pytest

import artistindex


def test_the_public_api_is_pinned() -> None:
    assert artistindex.__all__ == [
        "ArtistIndex",
        "ArtistIndexError",
        "Library",
        "Neighbour",
        "build",
        "compare",
        "evaluate",
    ]
    for name in artistindex.__all__:
        assert inspect.getdoc(getattr(artistindex, name))


def test_artist_index_offers_what_the_readme_shows() -> None:
    index = artistindex.ArtistIndex
    assert {"open", "artists", "vector", "neighbours"} <= set(vars(index))
    signature = inspect.signature(index.neighbours)
    assert list(signature.parameters) == ["self", "name_or_names", "k"]
    assert signature.parameters["k"].default == 10


def test_a_neighbour_has_the_fields_of_the_json_shape() -> None:
    assert list(inspect.signature(artistindex.Neighbour).parameters) == [
        "rank",
        "artist",
        "score",
        "percentile",
        "tracks",
    ]


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        artistindex.nonsense  # noqa: B018 - looking it up is the test
