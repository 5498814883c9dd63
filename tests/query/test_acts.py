"""Who plays: billings found in an index, every one accounted for; and whom to get."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistindex import naming
from artistindex.entities import Artist, VectorKey
from artistindex.index.reader import ArtistIndex
from artistindex.index.writer import write_index
from artistindex.listeners.bills import Lineup
from artistindex.listeners.favourites import Favourite, Favourites
from artistindex.query.acts import Names, Unranked, find_acts, find_taste, missing_names

NAMES = ("Rezz", "Vril", "Beyoncé", "Florence & The Machine", "Florence", "Jamie")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("acts") / "vggish"
    write_index(
        folder,
        key=VectorKey("vggish", "0" * 64),
        artists=[Artist(name) for name in NAMES],
        vectors=np.eye(len(NAMES), dtype=np.float32),
    )
    return folder


@given(
    st.lists(
        st.one_of(
            st.sampled_from([*NAMES, "TBA", "Rezz b2b Nobody", "vril (live)", "BEYONCE", "Rezzz"]),
            st.text(min_size=1, max_size=20),
        ),
        max_size=12,
    )
)
def test_every_billing_is_an_act_or_is_listed_with_a_reason(
    index: Path, billings: list[str]
) -> None:
    lineup = Lineup.of(billings)
    with ArtistIndex.open(index) as opened:
        names = Names(opened)
        bill = find_acts(opened, names, lineup, find_taste(opened, names, ["Jamie", "Unheard"]))
    acts = {spelling for act in bill.acts for spelling in act.spellings}
    unranked = {billing.billed for billing in bill.unranked}
    assert acts | unranked == set(lineup.names)
    rows = [act.row for act in bill.acts if act.row is not None]
    assert len(rows) == len(set(rows))


def test_spellings_of_one_artist_are_one_act_with_all_that_it_plays(index: Path) -> None:
    lineup = Lineup.of(["VRIL", "Vril (live)", "Rezz b2b vril"])
    with ArtistIndex.open(index) as opened:
        names = Names(opened)
        acts = find_acts(opened, names, lineup, find_taste(opened, names, ["Jamie"])).acts
    assert {act.name: act.spellings for act in acts} == {
        "Vril": ("VRIL", "Vril (live)", "Rezz b2b vril"),
        "Rezz": ("Rezz b2b vril",),
    }


def test_a_misspelling_is_listed_with_the_names_that_may_be_meant(index: Path) -> None:
    with ArtistIndex.open(index) as opened:
        names = Names(opened)
        lineup = Lineup.of(["Rezzz", "Beyonsé", "Somebody Else", "TBA"])
        unranked = find_acts(opened, names, lineup, find_taste(opened, names, ["Jamie"])).unranked
    assert [(billing.closest, billing.reason) for billing in unranked] == [
        (("Rezz",), Unranked.NOT_INDEXED),
        (("Beyoncé",), Unranked.NOT_INDEXED),
        ((), Unranked.NOT_INDEXED),
        ((), Unranked.TO_BE_ANNOUNCED),
    ]


def test_whom_to_get_are_names_bare_of_what_stands_around_them(index: Path) -> None:
    likes = Favourites((Favourite("rezz"), Favourite("Moderat")), ())
    lineup = Lineup.of(
        ["22:00 Kiasmos (live)", "vril", "TBA", "moderat", "Rezz b2b Nobody", "Kiasmos"]
    )
    with ArtistIndex.open(index) as opened:
        assert missing_names(opened, lineup, likes) == ["Moderat", "Kiasmos", "Nobody"]
    assert missing_names(None, lineup, likes) == [
        *("rezz", "Moderat", "Kiasmos", "vril", "Rezz b2b Nobody"),
    ]


@given(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
def test_favourites_are_found_by_folded_name(index: Path, liked: list[str]) -> None:
    with ArtistIndex.open(index) as opened:
        taste = find_taste(opened, Names(opened), [name.upper() for name in liked])
        names = {naming.normalise(opened.artists[row]) for row in taste.liked}
    assert names == set(map(naming.normalise, liked))
    assert not taste.unheard


def test_an_artist_whose_parts_are_known_too_is_itself(index: Path) -> None:
    with ArtistIndex.open(index) as opened:
        resolve = Names(opened).resolve
        assert list(resolve("Florence & the Machine", {})) == [("Florence & the Machine", 3)]
        assert list(resolve("Florence & Somebody", {})) == [
            ("Florence & Somebody", Unranked.NOT_INDEXED)
        ]
