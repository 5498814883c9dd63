"""The HTML: strangers stay text, the policy fits what is inside, and the table needs no code."""

import re
from html.parser import HTMLParser

import pytest

from artistindex.index.reader import ArtistIndex
from artistindex.pages.earlier import Places
from artistindex.pages.packing import find_data, unpack
from artistindex.pages.page_data import page_data
from artistindex.pages.render import ordinal, policy, render_page
from artistindex.query.explain import closest_pair
from artistindex.query.track_vectors import TrackSets
from hostile_names import NAMES


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs


@pytest.fixture(scope="module")
def strange_html(strangers) -> str:
    with ArtistIndex.open(strangers) as index:
        return render_page(page_data(index, list(NAMES), NAMES[:3], title=NAMES[1]))


def test_strangers_bring_no_elements_and_no_attributes(strange_html):
    elements = Elements()
    elements.feed(strange_html)
    assert elements.tags.count("script") == 2
    assert not {"img", "i", "b", "iframe"} & set(elements.tags)
    assert [name for name, _ in elements.attributes if name.startswith("on")] == []
    addresses = [value or "" for name, value in elements.attributes if name in ("href", "src")]
    assert all(address.startswith(("https://", "#", "data:,")) for address in addresses)


def test_there_is_nothing_of_a_style_attribute_which_the_policy_forbids(strange_html):
    elements = Elements()
    elements.feed(strange_html)
    assert "style" not in dict(elements.attributes)


def test_the_table_holds_everything_without_code(index):
    html = render_page(page_data(index, ["Artist 4", "Artist 1"], ["Artist 0"]))
    table = html[html.index("<table") : html.index("</table>")]
    assert "Artist 4" in table
    assert "sounds like" in table.lower()
    assert re.search(r'class="score">0\.\d\d<', table)
    assert "https://open.spotify.com/track/" in table
    assert "2 acts, the best for you first" in html


def test_the_policy_lets_nothing_in_but_what_is_asked_for():
    assert "media-src" not in policy("a", "b", plays_files=False)
    with_audio = policy("a", "b", plays_files=True)
    assert with_audio.endswith("media-src 'self' file:")
    assert with_audio.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in with_audio


def test_what_the_code_reads_is_what_the_index_holds(index):
    data = page_data(index, likes=["Artist 0"])
    packed = find_data(render_page(data).encode())
    assert packed is not None
    header, arrays = unpack(packed)
    assert header["map"]["names"] == index.artists
    assert header["favourites"] == [0]
    rows = arrays["rows"].reshape(40, 10)
    scores = arrays["falls"].reshape(40, 10).astype(int)
    for row in range(40):
        hits = index.search_rows(index.vectors[row], 10, exclude=[row])
        assert rows[row].tolist() == [other for _, other in hits]
        cosines = (scores[row][0] - [0, *scores[row][1:].cumsum()]) / 1000 - 1
        assert cosines == pytest.approx([score for score, _ in hits], abs=0.002)


def test_the_joining_tracks_are_those_that_are_most_alike(index):
    header, arrays = unpack(page_data(index).packed().encode())
    titles = header["map"]["tracks"]["titles"]
    first = [0, *arrays["named"].cumsum().tolist()]
    sets = TrackSets(index)
    for row in (0, 17, 39):
        for at, other in enumerate(arrays["rows"].reshape(40, 10)[row].tolist()):
            pair = closest_pair(sets, row, other)
            assert pair is not None
            leaving = titles[first[row] + arrays["leaving"][row * 10 + at]]
            entering = titles[first[other] + arrays["entering"][row * 10 + at]]
            assert (leaving, entering) == (
                sets.of(row).titles[pair[0]],
                sets.of(other).titles[pair[1]],
            )
            assert arrays["joins"][row * 10 + at] / 1000 - 1 == pytest.approx(pair[2], abs=0.001)


def test_a_large_index_names_one_track_each(index, monkeypatch):
    monkeypatch.setattr("artistindex.pages.map_data.MAX_JOINED", 10)
    header, arrays = unpack(page_data(index).packed().encode())
    assert "leaving" not in arrays
    assert len(header["map"]["tracks"]["titles"]) == 40
    for row in (0, 5):
        (best,) = index.entry_tracks([row], index.vectors[row])[row][:1]
        assert header["map"]["tracks"]["titles"][row] == best.title


def test_an_index_without_tracks_has_a_page(planted, tmp_path):
    with ArtistIndex.open(planted(count=3)) as index:
        html = render_page(page_data(index))
    assert "A map of 3 artists" in html
    page = tmp_path / "page.html"
    page.write_text(html)
    assert Places.read(page) is not None


def test_a_page_shows_something(index):
    from artistindex.errors import Misuse

    with pytest.raises(Misuse, match="neither"):
        page_data(index, with_map=False)


def test_ordinals():
    numbers = (0, 1, 2, 3, 4, 11, 12, 13, 21, 93.9, 100, 111)
    words = "0th 1st 2nd 3rd 4th 11th 12th 13th 21st 93rd 100th 111th"
    assert " ".join(ordinal(number) for number in numbers) == words


def test_one_artist_alone_is_told_no_number_of_neighbours(planted):
    with ArtistIndex.open(planted(count=1)) as index:
        html = render_page(page_data(index))
    assert 'class="one-number"' not in html
