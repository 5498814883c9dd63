"""Which of a catalogue's tracks stand for an artist: pure choosing, no network.

Titles are taken apart into the song and its qualifiers, which stand in brackets or after a dash:
"Strobe - Radio Edit", "Ghosts 'n' Stuff (feat. Rob Swire) [Sub Focus Remix]".
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from artistindex import naming
from artistindex.entities import Artist, Track

SHORTEST = 60.0
MAX_DURATION = 900.0
_SAME_SECONDS = 5.0

_BRACKETS = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]")
_DASH = re.compile(r"\s+[-–—]\s+")
_GUEST = re.compile(r"^(feat|ft|featuring|with|w/)\b", re.IGNORECASE)
_GUEST_IN_SONG = re.compile(r"\s(feat|ft|featuring)\b.*$", re.IGNORECASE)

_LIVE = re.compile(
    r"^live\b|\blive$|\blive (at|in|from|on|version|session|performance|recording|take|edit)\b"
    r"|\b(en vivo|en directo|ao vivo|dal vivo|en concert|in concert|unplugged)\b"
)
_LIVE_ALBUM = re.compile(
    r"^live$|^live[:!]|^live (at|in|from|on)\b|[(\[-]\s*live\b|\blive (at|from)\b"
    r"|\b(live in concert|en vivo|ao vivo|unplugged|karaoke)\b"
)
_KARAOKE = re.compile(
    r"\bkaraoke\b|\bin the style of\b|\bmade famous by\b|\boriginally performed\b|\bbacking track\b"
)
_KARAOKE_TITLE = re.compile(r"\bkaraoke (version|track)\b")
_TALK = re.compile(
    r"\b(commentary|interview|track by track|voice (memo|note)|audiobook|spoken)\b|^skit$"
)
_TALK_TITLE = re.compile(r"\bcommentary$")
_EDITION = re.compile(
    r"\bre-?master(ed)?\b|^\d{4}$|\bre-?issue\b|\banniversary\b|\bdeluxe\b|\bbonus track\b"
    r"|^(the )?(radio|single|album|ep|extended|original|club|full|full length|short|long|video"
    r"|main|explicit|clean|mono|stereo|digital|\d+\s?(\"|''|inch))( (edit|version|mix|cut))*$"
    r"|^(explicit|clean|mono|stereo)$|^from (the )?(\"|'|.*soundtrack|.*motion picture)"
)
_ALTERED = re.compile(
    r"\b(re-?mix(es|ed)?|rmx|re-?work(ed)?|re-?fix|re-?edit|re-?visit(ed)?|bootleg|flip|mash-?up"
    r"|dub|cover|mix(ed)?|edit|acoustic|instrumental|a ?c+app?ell?a|orchestral|piano version"
    r"|demo|sped up|slowed|reverb|nightcore|8d)\b"
)


class TrackRank(IntEnum):
    """How well a track stands for an artist; the lower the better."""

    OWN = 0
    GUEST = 1
    ODD_LENGTH = 2
    ALTERED = 3


@dataclass(frozen=True, slots=True)
class Title:
    """A title taken apart: the song, folded, and its qualifiers, folded."""

    song: str
    qualifiers: tuple[str, ...]

    @classmethod
    def parse(cls, title: str) -> "Title":
        """Take `title` apart."""
        qualifiers = [match.group(1) for match in _BRACKETS.finditer(title)]
        rest = _BRACKETS.sub(" ", title)
        song, *after = _DASH.split(rest.strip())
        song = _GUEST_IN_SONG.sub("", song).strip()
        if not song:  # "(You)" is a song, not a qualifier
            return cls(naming.normalise(title), ())
        folded = (naming.normalise(q) for q in (*qualifiers, *after) if not _GUEST.match(q.strip()))
        return cls(naming.normalise(song), tuple(q for q in folded if q))

    @property
    def recording(self) -> str:
        """What names the recording: the title without guests, editions and remastering."""
        kept = (q for q in self.qualifiers if not _EDITION.search(q))
        return " ".join((self.song, *sorted(kept)))

    @property
    def is_edition(self) -> bool:
        """Whether it is an edit or a re-release, whose duration may differ from the original's."""
        return any(_EDITION.search(q) for q in self.qualifiers)


def is_usable(track: Track) -> bool:
    """Whether `track` is music made in a studio: not live, no karaoke, no commentary."""
    title = Title.parse(track.title)
    folded, album = naming.normalise(track.title), naming.normalise(track.album or "")
    return not (
        any(_LIVE.search(q) or _KARAOKE.search(q) or _TALK.search(q) for q in title.qualifiers)
        or _KARAOKE_TITLE.search(folded)
        or _TALK_TITLE.search(folded)
        or _LIVE_ALBUM.search(album)
        or _KARAOKE.search(album)
    )


def track_rank(track: Track, artist: Artist) -> TrackRank:
    """How well `track` stands for `artist`: own songs, then guest parts, remixes by others last."""
    own_name = re.compile(rf"(?<!\w){re.escape(naming.normalise(artist.name))}(?!\w)")
    altered = [
        q
        for q in Title.parse(track.title).qualifiers
        if _ALTERED.search(q) and not _EDITION.search(q)
    ]
    if not all(own_name.search(q) for q in altered):
        return TrackRank.ALTERED
    if track.duration is not None and not SHORTEST <= track.duration <= MAX_DURATION:
        return TrackRank.ODD_LENGTH
    first = track.artists[0] if track.artists else artist
    return TrackRank.OWN if is_same(first, artist) else TrackRank.GUEST


def is_same(one: Artist, other: Artist) -> bool:
    """Whether two artists share an id, or, where neither catalogue's ids are known, the name."""
    shared = one.ids.keys() & other.ids.keys()
    if shared:
        return any(one.ids[service] == other.ids[service] for service in shared)
    return naming.same_name(one.name, other.name)


def same_recording(one: Track, other: Track) -> bool:
    """Whether two tracks are one recording or a re-release of it.

    They share the ISRC; or the title without guests and editions, and the duration to 5 s, which
    is not asked of a radio edit, a remastering and their like, nor where it is unknown.
    """
    if one.isrc and one.isrc == other.isrc:
        return True
    first, second = Title.parse(one.title), Title.parse(other.title)
    if first.recording != second.recording:
        return False
    if first.is_edition or second.is_edition or one.duration is None or other.duration is None:
        return True
    return abs(one.duration - other.duration) <= _SAME_SECONDS


def select_tracks(tracks: Iterable[Track], artist: Artist, *, limit: int) -> list[Track]:
    """At most `limit` of `tracks`, the best first; equals stay in the catalogue's order.

    Unusable tracks are left out, and every recording but the best standing of its re-releases.
    """
    ranked = sorted(filter(is_usable, tracks), key=lambda track: track_rank(track, artist))
    return distinct(ranked, limit=limit)


def distinct(tracks: Sequence[Track], *, limit: int) -> list[Track]:
    """The first `limit` of `tracks` that are different recordings."""
    chosen: list[Track] = []
    for track in tracks:
        if len(chosen) >= limit:
            break
        if not any(same_recording(track, other) for other in chosen):
            chosen.append(track)
    return chosen
