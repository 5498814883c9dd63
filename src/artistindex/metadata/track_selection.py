"""Which of a catalogue's tracks stand for an artist: pure choosing, no network.

What a title says is read by titles.py, whose vocabulary the matching of videos shares.
"""

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum

from artistindex import naming
from artistindex.entities import Artist, Track
from artistindex.metadata.title_words import Kind
from artistindex.metadata.titles import Title, credited_at, texts, words

MIN_DURATION = 60.0
MAX_DURATION = 900.0
_SAME_SECONDS = 5.0

_LIVE_ALBUM = re.compile(
    r"^live$|^live[:!]|^live (at|in|from|on)\b|[(\[-]\s*live\b|\blive (at|from)\b"
    r"|\b(live in concert|en vivo|ao vivo|dal vivo|en directo|unplugged|karaoke)\b"
)
_REMIXES = frozenset(("remix", "vip", "mix", "edit", "rework", "bootleg", "flip", "dub", "version"))
_ALTERING = {
    *(Kind.REMIX, Kind.COVER, Kind.ALTERED, Kind.ACOUSTIC, Kind.INSTRUMENTAL, Kind.ARRANGED),
    *(Kind.DEMO, Kind.SESSION, Kind.MIX, Kind.MIXED),
}


class TrackRank(IntEnum):
    """How well a track stands for an artist; the lower the better."""

    OWN = 0
    GUEST = 1
    ODD_LENGTH = 2
    ALTERED = 3
    LIVE = 4


def is_usable(track: Track) -> bool:
    """Whether `track` is music made in a studio: not live, no karaoke, no commentary."""
    return is_music(track) and not is_live(track)


def is_live(track: Track) -> bool:
    """Whether its title or its album calls `track` a live recording."""
    album = naming.normalise(track.album or "")
    return Kind.LIVE in Title.parse(track.title).kinds or _LIVE_ALBUM.search(album) is not None


def is_music(track: Track) -> bool:
    """Whether `track` is the artist's music: no karaoke, no commentary."""
    title = Title.parse(track.title)
    song = " ".join(texts(title.song))
    return not (
        title.kinds & {Kind.KARAOKE, Kind.TALK}
        or re.search(r"\bkaraoke (version|track)\b|. commentary$", song)
        or "karaoke" in naming.normalise(track.album or "").split()
    )


def track_rank(track: Track, artist: Artist) -> TrackRank:
    """How well `track` stands for `artist`: own songs, guest parts, others' remixes, live ones."""
    if is_live(track):
        return TrackRank.LIVE
    if _is_altered_by_others(track, artist):
        return TrackRank.ALTERED
    if track.duration is not None and not MIN_DURATION <= track.duration <= MAX_DURATION:
        return TrackRank.ODD_LENGTH
    first = track.artists[0] if track.artists else artist
    return TrackRank.OWN if is_same(first, artist) else TrackRank.GUEST


def _is_altered_by_others(track: Track, artist: Artist) -> bool:
    """Whether a part of the title tells of a remix or its like, and does not name `artist`."""
    name = texts(words(artist.name))
    altered = [part for part in Title.parse(track.title).parts if part.kinds & _ALTERING]
    return not all(name and credited_at(part.words, name, _REMIXES) for part in altered)


def is_same(artist: Artist, other: Artist) -> bool:
    """Whether two artists share an id, or, where neither catalogue's ids are known, the name."""
    shared = artist.ids.keys() & other.ids.keys()
    if shared:
        return any(artist.ids[service] == other.ids[service] for service in shared)
    return naming.same_name(artist.name, other.name)


def same_recording(track: Track, other: Track) -> bool:
    """Whether two tracks are one recording or a re-release of it.

    They share the ISRC; or the title without guests and editions, and the duration to 5 s, which
    is not asked of a radio edit, a remastering and their like, nor where it is unknown.
    """
    if track.isrc and track.isrc == other.isrc:
        return True
    first, second = Title.parse(track.title), Title.parse(other.title)
    if first.recording != second.recording:
        return False
    if first.is_edition or second.is_edition or track.duration is None or other.duration is None:
        return True
    return abs(track.duration - other.duration) <= _SAME_SECONDS


def select_tracks(
    tracks: Iterable[Track], artist: Artist, *, limit: int, live: bool = True
) -> list[Track]:
    """Return at most `limit` of `tracks`, the best first; equals stay in the catalogue's order.

    Unusable tracks are left out, and every recording but the best standing of its re-releases.
    With `live`, live recordings are the last resort: they stand for an artist who has no other.
    """
    music = [track for track in tracks if is_music(track)]
    studio = [track for track in music if not is_live(track)]
    ranked = sorted(studio or (music if live else ()), key=lambda track: track_rank(track, artist))
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
