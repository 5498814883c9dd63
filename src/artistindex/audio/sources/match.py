"""Which of a search's answers is the wanted track, and why.

A candidate has to name the artist (in its title, as a whole name, or by its channel), to hold the
whole wanted title, to be of the same version (no live recording for a studio track and none of the
reverse), and to last as long. What passes is scored from 0 to 100: the mean of artist, title and
time, as spotDL does it, less something for every word that nothing explains, plus a bonus for the
artist's own channel. Measured on tests/data/matching; docs/ingest.md tells the figures.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz

from artistindex import naming
from artistindex.entities import Artist, Track
from artistindex.metadata import titles
from artistindex.metadata.title_words import INSTRUMENTS, Kind
from artistindex.metadata.titles import Role, Title, Word

THRESHOLD = 65.0
"""The least score of an accepted candidate."""

_NEAR = 14.0  # seconds apart: spotDL's exp(-0.1 t) falls under a quarter here
_VIDEO = (-45.0, 90.0)  # an official video may be cut, or carry an introduction
_USUAL = (60.0, 900.0)  # seconds of a track, where the catalogue does not tell
MAX_DURATION = 3900.0
"""Seconds; nothing longer is ever fetched."""
_MIN_TITLE_SCORE = 60.0
_SLIGHT = ("and", "n", "the", "a", "of")  # may be missing
_RENAMED = 22  # an unexplained word right in the title, or "Part II"
_CENSORED = re.compile(r"\*+")
_RESTRICTED = {Kind.COVER, Kind.KARAOKE, Kind.ALTERED, Kind.INSTRUMENTAL}  # as a channel's business
_SOLOISTS = frozenset(INSTRUMENTS.split()) - {"bass", "drum", "drums"}  # labels are called by these
_LIST_ID = re.compile(r"(?:PL|RD|UC|UU|OL|FL|VL)[\w-]{10,}")
_SEQUEL = frozenset(("part", "pt", "ii", "iii", "iv", "vol", "volume"))
_SEGMENT_COST = 24  # the name of an album or a label after a "|" counts once, not by its words
_LENGTH_EXACT = 4.0  # "Radio Edit" of exactly the wanted length is the wanted track
_CHANNEL_SUFFIXES = ("topic", "vevo", "official", "officiel", "oficial", "music", "tv", "band")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer of a video search; `duration` in seconds, None where the search does not say.

    `short` and `playlist` say that it is YouTube's Short, or no single video.
    """

    id: str
    title: str
    duration: float | None = None
    channel: str = ""
    verified: bool = False
    live: bool = False
    views: int = 0
    short: bool = False
    playlist: bool = False

    @property
    def official(self) -> bool:
        """Whether YouTube vouches for the channel; an artist's "- Topic" channel is its own."""
        return self.verified or self.channel.endswith("- Topic")

    @classmethod
    def from_entry(cls, entry: Mapping[str, object]) -> "Candidate | None":
        """From a flat search entry of yt-dlp; None where id or title are missing or no text."""
        key, title = entry.get("id"), entry.get("title")
        if not isinstance(key, str) or not key or not isinstance(title, str):
            return None
        duration, views = entry.get("duration"), entry.get("view_count")
        channel = entry.get("channel") or entry.get("uploader")
        return cls(
            id=key,
            title=title,
            duration=_finite(duration),
            channel=channel if isinstance(channel, str) else "",
            verified=entry.get("channel_is_verified") is True,
            live=entry.get("live_status") in ("is_live", "is_upcoming", "post_live"),
            views=views if isinstance(views, int) and views > 0 else 0,
            short=_is_short(entry),
            playlist=_is_playlist(entry),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """A candidate with its score (0 to 100) and the reason it was accepted or refused."""

    candidate: Candidate
    score: float
    accepted: bool
    reason: str


def judge(track: Track | Mapping[str, Any], entry: Mapping[str, Any]) -> Verdict:
    """Say whether a flat search entry of yt-dlp is `track`, how well it fits, and why.

    `track` may be a mapping with "artists" (names), "title" and "duration" (seconds or None).
    """
    candidate = Candidate.from_entry(entry)
    if candidate is None:
        return Verdict(Candidate("", ""), 0.0, False, "an entry without id or title")
    return _verdict(_Target(as_track(track)), candidate)


def rank(track: Track, candidates: Iterable[Candidate]) -> list[Verdict]:
    """Return a verdict on every candidate: the accepted first, best first."""
    target = _Target(track)
    verdicts = [_verdict(target, candidate) for candidate in candidates]
    return sorted(verdicts, key=lambda v: (not v.accepted, -v.score, -v.candidate.views))


def as_track(track: Track | Mapping[str, Any]) -> Track:
    """Return `track` as a Track, from a mapping where it is one."""
    if isinstance(track, Track):
        return track
    artists = tuple(
        a if isinstance(a, Artist) else Artist(str(a)) for a in track.get("artists") or ()
    )
    return Track(artists, str(track.get("title") or ""), duration=track.get("duration"))


def is_as_long(lasts: float, duration: float) -> bool:
    """Tell whether audio of `lasts` seconds can be a track of `duration` seconds, or its video."""
    shortest = max(duration + _VIDEO[0], duration / 2)
    return min(shortest, duration - _NEAR) <= lasts <= duration + _VIDEO[1]


class _Reject(Exception):
    """Why a candidate is not the track."""


class _Target:
    """A track, read once."""

    def __init__(self, track: Track) -> None:
        self.duration = _finite(track.duration)
        self.artists = [_name(artist.name) for artist in track.artists]
        title = Title.parse(track.title)
        guests = [part for part in title.parts if part.role is Role.GUEST]
        versions = [part for part in title.parts if part.role is Role.VERSION]
        editions = [part for part in title.parts if part.role is Role.EDITION]
        subtitles = [part for part in title.parts if part.role is Role.SUBTITLE]

        self.base = _plain([title.song, *(p.words for p in subtitles if p.is_needed)])
        self.optional = _plain(p.words for p in subtitles if not p.is_needed)
        self.qualifiers = _plain(part.words for part in (*versions, *editions))
        self.featured = frozenset(
            [word.text for word in titles.words(track.title) if word.featured]
            + [word.text for part in guests for word in part.words[1:]]
        )
        self.kinds = frozenset(kind for part in versions for kind in part.kinds)
        self.edition_kinds = frozenset(kind for part in editions for kind in part.kinds)
        self.specifics = [text for part in versions for text in titles.specifics(part.words)]
        self.script = _script(self.base)
        self.scripts = frozenset(_script(name) for name in self.artists)


def _plain(parts: Iterable[Sequence[Word]]) -> tuple[str, ...]:
    """The words of parts of a wanted title, without guests."""
    return tuple(
        word.text
        for part in parts
        for word in part
        if not word.featured and word.text not in ("feat", "ft", "featuring")
    )


def _verdict(target: _Target, candidate: Candidate) -> Verdict:
    try:
        return _accepted(target, candidate)
    except _Reject as reject:
        return Verdict(candidate, 0.0, False, str(reject))


def _accepted(target: _Target, candidate: Candidate) -> Verdict:
    _reject_what_is_no_video(candidate)
    title = titles.words(candidate.title)
    own_channel = any(_is_channel_of(candidate.channel, name) for name in target.artists)
    credited = _credited(target, title)
    if not (credited or own_channel):
        raise _Reject("neither title nor channel names the artist")
    rest = _without_names(target, title, credited)
    if not _holds(target, rest):
        raise _Reject("the title is another one")
    official = own_channel or candidate.official
    beyond = titles.without_noise(_leftover(target, rest), official=official)
    left = _unqualified(target, beyond)
    must_be_exact = _versions_fit(target, rest, beyond, left, own_channel=own_channel)
    if candidate.channel.endswith("- Topic"):
        _reject_longer_title(target, rest, left)
    if own_channel:
        _reject_album_title(target, rest, left)
    else:
        _reject_channel(target, candidate)
        _reject_others(target, title, left, [start for start, _ in credited])
    plain = not any(word.featured and not titles.is_joiner(word.text) for word in left)
    video = plain and _is_video(candidate, left, own_channel)
    time = _time_score(target, candidate, exact=must_be_exact, video=video)
    artist = _artist_score(target, title, credited, own_channel)
    words = _title_score(target, title, left, own_channel=own_channel)
    bonus = 8.0 if own_channel else 3.0 if candidate.official else 0.0
    score = 0.92 * (artist + words + time) / 3 + bonus
    channel = "own channel" if own_channel else f"channel {naming.quoted(candidate.channel, 40)}"
    reason = f"artist {artist:.0f}, title {words:.0f}, time {time:.0f}, {channel}"
    return Verdict(
        candidate, round(score, 1), score >= THRESHOLD and words >= _MIN_TITLE_SCORE, reason
    )


def _reject_what_is_no_video(candidate: Candidate) -> None:
    """Raise for what cannot be one track's audio, or does not say how long it lasts."""
    if candidate.live:
        raise _Reject("a live stream or premiere")
    if candidate.playlist:
        raise _Reject("a playlist or a channel, no single video")
    if candidate.short:
        raise _Reject("a Short")
    if candidate.duration is None:
        raise _Reject("of unknown length, as Shorts are")


def _name(name: str) -> tuple[str, ...]:
    return tuple(titles.texts(titles.words(name))) or (naming.normalise(name),)


def _is_channel_of(channel: str, name: Sequence[str]) -> bool:
    read = titles.words(channel)
    beside = [word for word in read if word.text not in {*name, *_CHANNEL_SUFFIXES}]
    if titles.credited_at(read, name, frozenset()) and not any(
        titles.harmless(word.text) for word in beside
    ):
        return not titles.versions(titles.texts(beside))
    joined, own = _joined(titles.texts(read)), _joined(name)
    for suffix in _CHANNEL_SUFFIXES:
        joined = joined.removesuffix(suffix) if joined != own else joined
    joined = joined if joined == own else joined.removeprefix("official")
    return bool(own) and joined.removeprefix("the") == own.removeprefix("the")


def _joined(name: Sequence[str]) -> str:
    """A name as channels write it, in one word, with every "&" in one spelling."""
    return "".join("and" if titles.is_and(word) and len(name) > 1 else word for word in name)


def _reject_channel(target: _Target, candidate: Candidate) -> None:
    """Raise when the channel says that it is for covers and the like; names do not count.

    YouTube verifies labels that are called by such words, but no channel for karaoke has originals.
    """
    read = titles.words(candidate.channel)
    named = {
        i
        for name in target.artists
        for start in titles.credited_at(read, name, frozenset())
        for i in range(start, start + len(name))
    }
    business = titles.without_noise([word for i, word in enumerate(read) if i not in named])
    kinds = titles.versions(titles.texts(business)) & _RESTRICTED
    kinds |= {Kind.ARRANGED for word in business if word.text in _SOLOISTS}
    if candidate.verified:
        kinds &= {Kind.KARAOKE}
    if kinds:
        raise _Reject(f"a channel of another kind: {', '.join(sorted(kinds))}")


def _credited(target: _Target, title: Sequence[Word]) -> list[tuple[int, int]]:
    """The (position, number of words) of every wanted artist whom the title credits."""
    beside = frozenset(target.base)
    credited: list[tuple[int, int]] = []
    for name in target.artists:
        for form in {name, name[1:] if name[0] == "the" and len(name) > 1 else name}:
            credited += [(start, len(form)) for start in titles.credited_at(title, form, beside)]
    return credited


def _without_names(
    target: _Target, title: Sequence[Word], credited: Sequence[tuple[int, int]]
) -> list[Word]:
    """The title without its credits, as long as the wanted title stays in what is left."""
    gone: set[int] = set()
    for start, size in credited:
        name = titles.texts(title[start : start + size])
        if title[start].bracketed and not title[start].featured and titles.versions(name):
            continue  # the band Live, live
        more = gone | set(range(start, start + size))
        if _holds(target, [word for i, word in enumerate(title) if i not in more]):
            gone = more
    return [word for i, word in enumerate(title) if i not in gone]


def _holds(target: _Target, title: Sequence[Word]) -> bool:
    """Whether the whole wanted title is there, or its translation in brackets."""
    heard = titles.texts(title)
    forms = [target.base]
    if target.optional and _script(target.optional) != _script(target.base):
        forms.append(target.optional)
    return any(_covers(heard, form) for form in forms)


def _covers(heard: Sequence[str], form: Sequence[str]) -> bool:
    joined = "".join(form)
    if len(joined) >= 5 and joined == "".join(heard):
        return True
    joiner = any(titles.is_and(word) for word in heard)
    slight = [word for word in form if word in _SLIGHT or (joiner and titles.is_and(word))]
    needed = [word for word in form if word not in slight] or list(form)
    return bool(needed) and all(any(_alike(word, other) for other in heard) for word in needed)


def _alike(word: str, other: str) -> bool:
    if titles.is_same_word(word, other):
        return True
    if "*" in word or "*" in other:
        return _uncensors(word, other) or _uncensors(other, word)
    if any(c.isdigit() for c in word + other) or min(len(word), len(other)) < 5:
        return False
    return fuzz.ratio(word, other) >= 85


def _uncensors(word: str, censored: str) -> bool:
    """Whether `word` can be what asterisks hide: "fuck" in "f**k", "****"; "mash" in "m*a*s*h"."""
    if "*" not in censored:
        return False
    if "*" in word and len(word) == len(censored):
        return all("*" in pair or pair[0] == pair[1] for pair in zip(word, censored, strict=True))
    shape = "".join(
        rf"[^\W\d_*]{{1,{len(run) + 1}}}" if run.startswith("*") else re.escape(run)
        for run in re.findall(r"\*+|[^*]+", censored)
    )
    letters = _CENSORED.sub("", censored)
    same_length = bool(letters) or abs(len(word) - len(censored)) <= 1
    return word == letters or (same_length and re.fullmatch(shape, word) is not None)


def _leftover(target: _Target, title: Sequence[Word]) -> list[Word]:
    """The words of a title that neither the wanted song nor a featured artist explains.

    Every wanted word explains one word: the second "live" of "Live Forever (Live)" is left over.
    """
    left = _unexplained(target.base + target.optional, title)
    return [word for word in left if word.text not in target.featured]


def _unqualified(target: _Target, left: Sequence[Word]) -> list[Word]:
    """What the wanted version and edition do not explain of the words left over."""
    return _unexplained(target.qualifiers, left)


def _unexplained(explaining: Sequence[str], title: Sequence[Word]) -> list[Word]:
    explains = Counter(explaining)
    left: list[Word] = []
    for word in title:
        match = next((w for w in explains if explains[w] and _alike(w, word.text)), None)
        if match is None:
            left.append(word)
        else:
            explains[match] -= 1
    return left


def _versions_fit(
    target: _Target,
    title: Sequence[Word],
    beyond: Sequence[Word],
    left: Sequence[Word],
    *,
    own_channel: bool,
) -> bool:
    """Raise when the candidate is another version; return whether the length must be exact.

    `beyond` are the words beyond the song, `left` those that the wanted version leaves over.
    """
    kinds, named = titles.kinds_of(left), titles.kinds_of(beyond)
    if _is_mashup(target, title, left, own_channel=own_channel):
        kinds |= {Kind.COVER}
    excused = {Kind.LENGTH, Kind.MIXED, *target.kinds, *target.edition_kinds}
    other = kinds - excused - ({Kind.VERSION} if target.kinds else set())
    if other:
        raise _Reject(f"another version: {', '.join(sorted(other))}")
    needed = target.kinds - {Kind.LENGTH, Kind.MIXED, Kind.VERSION}
    if target.specifics:
        needed -= {Kind.REMIX}  # whose it is says enough
    present = set(titles.texts(title))
    missing = [*sorted(needed - named), *(w for w in target.specifics if w not in present)]
    if target.kinds and missing:
        raise _Reject(f"the wanted version is not named: {' '.join(missing)}")
    return bool(kinds & {Kind.LENGTH, Kind.MIXED} or target.edition_kinds - named)


def _is_mashup(
    target: _Target, title: Sequence[Word], left: Sequence[Word], *, own_channel: bool
) -> bool:
    """Whether "vs" joins two songs, and not the artists of one: "A vs B - Unity"."""
    songs = {word.part for word in title if any(_alike(word.text, w) for w in target.base)}
    versus = {word.part for word in left if word.text in ("vs", "versus")}
    strangers = {word.part for word in left if _is_content(word) and word.text != "versus"}
    return any(part in strangers and not (own_channel and part not in songs) for part in versus)


def _reject_album_title(target: _Target, title: Sequence[Word], left: Sequence[Word]) -> None:
    """Raise when the wanted title stands only after a bar, where artists name the album."""
    before = [word for word in title if word.bars == 0]
    named = [word for word in before if word in left and _is_content(word)]
    scripts = {titles.script_of(word.text) for word in named if not word.bracketed}
    if target.script in scripts and not _holds(target, before):
        raise _Reject(
            "the wanted title is that of the album: "
            + naming.truncate(" ".join(titles.texts(named)), 60)
        )


def _reject_longer_title(target: _Target, title: Sequence[Word], left: Sequence[Word]) -> None:
    """Raise when more stands in the title itself, which a catalogue wrote: "Love Story" for "Love".

    What a version or an edition adds stands in brackets or behind a dash, or is known as one.
    """
    own = _title_segments(target, title)
    more = [
        word.text
        for word in left
        if word.segment in own
        and not (word.bracketed or word.featured)
        and (_is_content(word) or word.text == "song")
        and titles.script_of(word.text) == target.script
        and not titles.kinds_of([word])
    ]
    if more:
        raise _Reject(f"the title is another one, with {naming.truncate(' '.join(more), 60)}")


def _reject_others(
    target: _Target, title: Sequence[Word], left: Sequence[Word], where: Sequence[int]
) -> None:
    """Raise when somebody else stands where the artist should (`where`: the credits' positions).

    A catalogue lists every artist of a track: a stranger billed before ours made another one.
    """
    strangers = [
        i
        for i, word in enumerate(title)
        if word in left and _is_content(word) and not (word.bracketed or word.featured)
        if titles.script_of(word.text) in target.scripts
    ]
    plain = [i for i in where if not title[i].bracketed or _translates(title, i)]
    if not plain:
        raise _Reject("names the artist only in brackets, as covers do")
    missing = [name for name in target.artists if not set(titles.texts(title)).issuperset(name)]
    limit = min(plain)
    if missing and len(target.artists) > 1:
        limit = max(limit, _title_starts(target, title))
    others = [
        title[i].text
        for i in strangers
        if i < limit and not _is_heading(target, title, i, title[limit])
    ]
    if others:
        raise _Reject(f"by others: {naming.truncate(' '.join(others), 60)}")


def _is_heading(target: _Target, title: Sequence[Word], i: int, credit: Word) -> bool:
    """Whether a word stands before a bar that "Artist - Title" follows: "Best of Jazz | A - B"."""
    section = [word for word in title if word.bars == credit.bars]
    return title[i].bars < credit.bars and _holds(target, section)


def _translates(title: Sequence[Word], i: int) -> bool:
    """Whether a bracketed name spells the one before it in another script: "BTS (방탄소년단)"."""
    return i > 0 and titles.script_of(title[i - 1].text) != titles.script_of(title[i].text)


def _title_starts(target: _Target, title: Sequence[Word]) -> int:
    segment = min(_title_segments(target, title))
    return next(i for i, word in enumerate(title) if word.segment == segment)


def _title_segments(target: _Target, title: Sequence[Word]) -> set[int]:
    longest = max(target.base, key=len)
    segments = {word.segment for word in title if _alike(word.text, longest)}
    return segments or {title[0].segment}


def _is_content(word: Word) -> bool:
    return not (titles.harmless(word.text) or titles.is_joiner(word.text))


def _is_video(candidate: Candidate, left: Sequence[Word], own_channel: bool) -> bool:
    """Whether this is an official video, which may last somewhat longer or shorter."""
    if own_channel and candidate.verified and not any(map(_is_content, left)):
        return True
    named = {"video", "mv", "m", "clip", "videoclip"} & set(titles.texts(left))
    return bool(named) and (own_channel or candidate.verified)


def _time_score(target: _Target, candidate: Candidate, *, exact: bool, video: bool) -> float:
    """How well the lengths agree; raises where they do not. `exact` is asked of edits."""
    lasts = candidate.duration or 0.0
    if lasts > MAX_DURATION:
        raise _Reject(f"lasts {lasts:.0f} s")
    if target.duration is None:
        if not _USUAL[0] <= lasts <= _USUAL[1]:
            raise _Reject(f"lasts {lasts:.0f} s")
        return 70.0
    apart = lasts - target.duration
    if exact and abs(apart) > _LENGTH_EXACT:
        raise _Reject(f"an edit of another length: {apart:+.0f} s")
    if abs(apart) <= _NEAR:
        return 100 * math.exp(-0.1 * max(0.0, abs(apart) - 2))
    if video and _VIDEO[0] <= apart <= _VIDEO[1]:
        return 40.0
    raise _Reject(f"lasts {lasts:.0f} s, wanted {target.duration:.0f} s")


def _artist_score(
    target: _Target,
    title: Sequence[Word],
    credited: Sequence[tuple[int, int]],
    own_channel: bool,
) -> float:
    featured = all(title[start].featured for start, _ in credited)
    return 75.0 if featured and not own_channel else 100.0


def _title_score(
    target: _Target, title: Sequence[Word], left: Sequence[Word], *, own_channel: bool
) -> float:
    own = _title_segments(target, title)
    first_bars = min(word.bars for word in title if word.segment in own)
    costs: Counter[int] = Counter()
    for word in filter(_is_content, left):
        if own_channel and word.bars > first_bars:
            continue  # the album
        costs[word.segment] += _cost(target, word, beside=word.segment in own)
    uncapped = own | {word.segment for word in left if _renames(word)}
    capped = (cost if at in uncapped else min(cost, _SEGMENT_COST) for at, cost in costs.items())
    return max(0.0, 100.0 - sum(capped))


def _cost(target: _Target, word: Word, *, beside: bool) -> int:
    """What an unexplained word takes off; right `beside` the wanted title it makes it another."""
    script = titles.script_of(word.text)
    if _renames(word):
        return _RENAMED
    if script != target.script and (beside or script not in target.scripts):
        return 2  # most likely a translation
    if word.featured:
        return 1
    if beside:
        return _RENAMED
    return 7 if word.bracketed else 11


def _renames(word: Word) -> bool:
    return word.text in _SEQUEL or (word.text.isdigit() and _is_content(word))


def _script(form: Sequence[str]) -> str:
    return titles.script_of("".join(form))


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value > 0 else None


def _is_short(entry: Mapping[str, object]) -> bool:
    """Whether the address or a hashtag says so; a whole track may carry the hashtag as well."""
    if "/shorts/" in str(entry.get("url") or ""):
        return True
    duration = _finite(entry.get("duration"))
    return "#short" in naming.normalise(str(entry["title"])) and (
        duration is None or duration <= 60
    )


def _is_playlist(entry: Mapping[str, object]) -> bool:
    """Whether the entry is a list of videos or a channel."""
    listed = entry.get("_type") in ("playlist", "multi_video") or "list=" in str(entry.get("url"))
    tab = str(entry.get("ie_key")) in ("YoutubeTab", "YoutubePlaylist")
    return listed or tab or _LIST_ID.fullmatch(str(entry["id"])) is not None
