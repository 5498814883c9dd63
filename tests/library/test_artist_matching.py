"""Who is the same artist, in memory and in the library alike."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex.entities import Artist
from artistindex.library.artist_matching import ArtistList, find_same
from artistindex.library.artists import Artists
from artistindex.library.database import Database
from artistindex.library.migrations import MIGRATIONS

ARTISTS = st.builds(
    Artist,
    st.sampled_from(["Nirvana", "NIRVANA", "Vril"]),
    st.dictionaries(st.sampled_from(["spotify", "deezer"]), st.sampled_from("12"), max_size=2),
)


@pytest.mark.parametrize(
    ("artist", "expected"),
    [
        (Artist("BEYONCE"), None),
        (Artist("Beyoncé", {"deezer": "7"}), (0, "name")),
        (Artist("X", {"spotify": "2"}), None),
        (Artist("Y", {"spotify": "1"}), (1, "spotify_id")),
    ],
)
def test_an_id_decides_then_the_very_spelling(
    artist: Artist, expected: tuple[int, str] | None
) -> None:
    known = ArtistList([Artist("Beyoncé"), Artist("X", {"spotify": "1"})])
    assert known.find(artist) == expected


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    opened = Database.open(tmp_path_factory.mktemp("library") / "library.sqlite3", MIGRATIONS)
    opened.run("PRAGMA synchronous = OFF")  # nothing to lose, and quicker
    yield opened
    opened.close()


@given(artists=st.lists(ARTISTS, max_size=6), sought=ARTISTS)
def test_the_library_knows_the_same_artist_as_a_list_does(
    database: Database, artists: list[Artist], sought: Artist
) -> None:
    table, in_memory = Artists(database), ArtistList()
    with database.transaction():
        database.run("DELETE FROM artists")
        for artist in artists:
            if find_same(artist, table) is None:
                assert table.insert(artist) == in_memory.add(artist) + 1
        same, in_list = find_same(sought, table), find_same(sought, in_memory)
    assert (same and (same[0] - 1, same[1])) == in_list
