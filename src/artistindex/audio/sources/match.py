"""Which of a search's answers is the wanted track, and why.

A candidate has to name the artist (in its title, as a whole name, or by its channel), to hold the
whole wanted title, to be of the same version (no live recording for a studio track and none of the
reverse), and to last as long. What passes is scored from 0 to 100: the mean of artist, title and
time, as spotDL does it, less something for every word that nothing explains, plus a bonus for the
artist's own channel. Measured on tests/data/matching; docs/ingest.md tells the figures.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from artistindex import naming
from artistindex.audio.sources import titles
from artistindex.audio.sources.titles import Word
from artistindex.entities import Track

THRESHOLD = 65.0
"""The least score of an accepted candidate."""

_NEAR = 14.0  # seconds apart: spotDL's exp(-0.1 t) falls under a quarter here
_VIDEO = (-45.0, 90.0)  # an official video may be cut, or carry an introduction
_USUAL = (60.0, 900.0)  # seconds of a track, where the catalogue does not tell
MAX_DURATION = 3900.0
"""Seconds; nothing longer is ever fetched."""
_MIN_TITLE_SCORE = 60.0
_RENAMED = 22  # an unexplained word right in the title, or "Part II"
_SEQUEL = frozenset(("part", "pt", "ii", "iii", "iv", "vol", "volume"))
_SEGMENT_COST = 24  # the name of an album or a label after a "|" counts once, not by its words
_LENGTH_EXACT = 4.0  # "Radio Edit" of exactly the wanted length is the wanted track
_CHANNEL_SUFFIXES = ("topic", "vevo", "official", "officiel", "oficial", "music", "tv", "band")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer of a video search; `duration` in seconds, None where the search does not say."""

    id: str
    title: str
    duration: float | None = None
    channel: str = ""
    verified: bool = False
    live: bool = False
    views: int = 0

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
        )


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its score (0 to 100) and the reason it was accepted or rejected."""

    candidate: Candidate
    score: float
    accepted: bool
    reason: str


def rank(track: Track, candidates: Iterable[Candidate]) -> list[Scored]:
    """Every candidate with its score and reason: the accepted first, best first."""
    wanted = _Wanted(track)
    scored = [_score(wanted, candidate) for candidate in candidates]
    return sorted(scored, key=lambda s: (not s.accepted, -s.score, -s.candidate.views))


class _Reject(Exception):
    """Why a candidate is not the track."""


class _Wanted:
    """A track, read once."""

    def __init__(self, track: Track) -> None:
        self.duration = _finite(track.duration)
        self.artists = [_name(artist.name) for artist in track.artists]
        read = titles.words(track.title)
        own = [word for word in read if not word.featured and word.text not in ("feat", "ft")]
        self.featured = frozenset(word.text for word in read if word.featured)
        suffixed = _suffix(own)
        self.qualifiers = tuple(word.text for word in suffixed)
        kept = [word for word in own if word not in suffixed]
        base = [word for word in kept if not word.bracketed] or kept
        self.base = tuple(word.text for word in base)
        self.optional = tuple(word.text for word in kept if word not in base)
        self.versions = titles.versions(self.qualifiers)

        self.script = _script(self.base)
        self.scripts = frozenset(_script(name) for name in self.artists)


def _suffix(title: Sequence[Word]) -> list[Word]:
    """The words of later segments that tell the version: "(Live)", "- 2009 Remaster"."""
    first = title[0].segment if title else 0
    telling: list[Word] = []
    for segment in dict.fromkeys(word.segment for word in title):
        part = [word for word in title if word.segment == segment]
        texts = titles.texts(part)
        plain = all(titles.harmless(text) for text in texts)
        if segment != first and (titles.versions(texts) or plain or "remaster" in texts):
            telling += part
    return telling


def _score(wanted: _Wanted, candidate: Candidate) -> Scored:
    try:
        return _accepted(wanted, candidate)
    except _Reject as reject:
        return Scored(candidate, 0.0, False, str(reject))


def _accepted(wanted: _Wanted, candidate: Candidate) -> Scored:
    if candidate.live:
        raise _Reject("a live stream or premiere")
    title = titles.words(candidate.title)
    own_channel = any(_is_channel_of(candidate.channel, name) for name in wanted.artists)
    credited = _credited(wanted, title)
    if not (credited or own_channel):
        raise _Reject("neither title nor channel names the artist")
    rest = _without_names(wanted, title, credited)
    if not _holds(wanted, rest):
        raise _Reject("the title is another one")
    left = _leftover(wanted, rest)
    told = _versions_fit(wanted, candidate, left)
    if not own_channel:
        _reject_others(wanted, title, left, [start for start, _ in credited])
    plain = not any(word.featured and not titles.is_joiner(word.text) for word in left)
    time = _time_score(
        wanted, candidate, told, video=plain and _is_video(candidate, left, own_channel)
    )
    artist = _artist_score(wanted, title, credited, own_channel)
    words = _title_score(wanted, title, left)
    bonus = 8.0 if own_channel else 3.0 if candidate.verified else 0.0
    score = 0.92 * (artist + words + time) / 3 + bonus
    channel = "own channel" if own_channel else f"channel {candidate.channel[:40]!r}"
    reason = f"artist {artist:.0f}, title {words:.0f}, time {time:.0f}, {channel}"
    return Scored(
        candidate, round(score, 1), score >= THRESHOLD and words >= _MIN_TITLE_SCORE, reason
    )


def _name(name: str) -> tuple[str, ...]:
    return tuple(titles.texts(titles.words(name))) or (naming.normalise(name),)


def _is_channel_of(channel: str, name: Sequence[str]) -> bool:
    read = titles.words(channel)
    rest = {word.text for word in read} - set(name) - set(_CHANNEL_SUFFIXES)
    if titles.credited_at(read, name, frozenset()) and not any(map(titles.harmless, rest)):
        return not titles.versions(rest) - titles.versions(name)
    joined, wanted = "".join(titles.texts(read)), "".join(name)
    for suffix in _CHANNEL_SUFFIXES:
        joined = joined.removesuffix(suffix) if joined != wanted else joined
    joined = joined if joined == wanted else joined.removeprefix("official")
    return bool(wanted) and joined.removeprefix("the") == wanted.removeprefix("the")


def _credited(wanted: _Wanted, title: Sequence[Word]) -> list[tuple[int, int]]:
    """The (position, number of words) of every wanted artist whom the title credits."""
    beside = frozenset(wanted.base)
    found: list[tuple[int, int]] = []
    for name in wanted.artists:
        for form in {name, name[1:] if name[0] == "the" and len(name) > 1 else name}:
            found += [(start, len(form)) for start in titles.credited_at(title, form, beside)]
    return found


def _without_names(
    wanted: _Wanted, title: Sequence[Word], credited: Sequence[tuple[int, int]]
) -> list[Word]:
    """The title without its credits, as long as the wanted title stays in what is left."""
    gone: set[int] = set()
    for start, size in credited:
        more = gone | set(range(start, start + size))
        if _holds(wanted, [word for i, word in enumerate(title) if i not in more]):
            gone = more
    return [word for i, word in enumerate(title) if i not in gone]


def _holds(wanted: _Wanted, title: Sequence[Word]) -> bool:
    """Whether the whole wanted title is there, or its translation in brackets."""
    found = titles.texts(title)
    forms = [wanted.base]
    if wanted.optional and _script(wanted.optional) != _script(wanted.base):
        forms.append(wanted.optional)
    return any(_covers(found, form) for form in forms)


def _covers(found: Sequence[str], form: Sequence[str]) -> bool:
    joined = "".join(found)
    if len("".join(form)) >= 5 and "".join(form) == joined:
        return True
    needed = [word for word in form if word not in ("and", "n", "the", "a", "of")] or list(form)
    return bool(needed) and all(any(_alike(word, other) for other in found) for word in needed)


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    if any(c.isdigit() for c in one + other) or min(len(one), len(other)) < 5:
        return False
    return fuzz.ratio(one, other) >= 85


def _leftover(wanted: _Wanted, title: Sequence[Word]) -> list[Word]:
    """The words of a title that neither the wanted title nor a featured artist explains.

    Every wanted word explains one word: the second "live" of "Live Forever (Live)" is left over.
    """
    explains = Counter(wanted.base + wanted.optional + wanted.qualifiers)
    left: list[Word] = []
    for word in title:
        match = next((w for w in explains if explains[w] and _alike(w, word.text)), None)
        if match is not None:
            explains[match] -= 1
        elif word.text not in wanted.featured:
            left.append(word)
    return left


def _versions_fit(wanted: _Wanted, candidate: Candidate, left: Sequence[Word]) -> frozenset[str]:
    """Raise when the candidate is another version; return the kinds its title tells of."""
    told = titles.versions(titles.texts(left))
    excused = {"length", "version"} if wanted.versions else {"length"}
    other = told - wanted.versions - excused
    if other:
        raise _Reject(f"another version: {', '.join(sorted(other))}")
    channel = titles.versions(titles.texts(titles.words(candidate.channel)))
    if channel & {"cover", "altered", "instrumental"} and not candidate.verified:
        raise _Reject(f"a channel of another kind: {', '.join(sorted(channel))}")
    needed = wanted.versions - {"length"}
    present = set(titles.texts(titles.words(candidate.title)))
    missing = [w for w in wanted.qualifiers if not titles.harmless(w) and w not in present]
    if needed and missing:
        raise _Reject(f"the wanted version is not named: {' '.join(missing)}")
    return told | (wanted.versions & {"length"})


def _reject_others(
    wanted: _Wanted, title: Sequence[Word], left: Sequence[Word], where: Sequence[int]
) -> None:
    """Raise when somebody else stands where the artist should (`where`: the credits' positions).

    A catalogue lists every artist of a track: a stranger billed before ours made another one.
    """
    strangers = [
        i
        for i, word in enumerate(title)
        if word in left and _is_content(word) and not (word.bracketed or word.featured)
        if titles.script_of(word.text) in wanted.scripts
    ]
    plain = [i for i in where if not title[i].bracketed or _translates(title, i)]
    if not plain:
        raise _Reject("names the artist only in brackets, as covers do")
    missing = [name for name in wanted.artists if not set(titles.texts(title)).issuperset(name)]
    limit = min(plain)
    if missing and len(wanted.artists) > 1:
        limit = max(limit, _title_starts(wanted, title))
    others = [title[i].text for i in strangers if i < limit]
    if others:
        raise _Reject(f"by others: {' '.join(others)[:60]}")


def _translates(title: Sequence[Word], i: int) -> bool:
    """Whether a bracketed name spells the one before it in another script: "BTS (방탄소년단)"."""
    return i > 0 and titles.script_of(title[i - 1].text) != titles.script_of(title[i].text)


def _title_starts(wanted: _Wanted, title: Sequence[Word]) -> int:
    segment = min(_title_segments(wanted, title))
    return next(i for i, word in enumerate(title) if word.segment == segment)


def _title_segments(wanted: _Wanted, title: Sequence[Word]) -> set[int]:
    longest = max(wanted.base, key=len)
    found = {word.segment for word in title if _alike(word.text, longest)}
    return found or {title[0].segment}


def _is_content(word: Word) -> bool:
    return not (titles.harmless(word.text) or titles.is_joiner(word.text))


def _is_video(candidate: Candidate, left: Sequence[Word], own_channel: bool) -> bool:
    """Whether this is an official video, which may last somewhat longer or shorter."""
    if own_channel and candidate.verified and not left:
        return True
    named = {"video", "mv", "m", "clip", "videoclip"} & set(titles.texts(left))
    return bool(named) and (own_channel or candidate.verified)


def _time_score(
    wanted: _Wanted, candidate: Candidate, told: frozenset[str], *, video: bool
) -> float:
    if candidate.duration is None or wanted.duration is None:
        lasts = candidate.duration
        if lasts is not None and not _USUAL[0] <= lasts <= _USUAL[1]:
            raise _Reject(f"lasts {lasts:.0f} s")
        return 70.0
    apart = candidate.duration - wanted.duration
    if candidate.duration > MAX_DURATION:
        raise _Reject(f"lasts {candidate.duration:.0f} s")
    if "length" in told and abs(apart) > _LENGTH_EXACT:
        raise _Reject(f"an edit of another length: {apart:+.0f} s")
    if abs(apart) <= _NEAR:
        return 100 * math.exp(-0.1 * max(0.0, abs(apart) - 2))
    if video and _VIDEO[0] <= apart <= _VIDEO[1]:
        return 40.0
    raise _Reject(f"lasts {candidate.duration:.0f} s, wanted {wanted.duration:.0f} s")


def _artist_score(
    wanted: _Wanted,
    title: Sequence[Word],
    credited: Sequence[tuple[int, int]],
    own_channel: bool,
) -> float:
    featured = all(title[start].featured for start, _ in credited)
    return 75.0 if featured and not own_channel else 100.0


def _title_score(wanted: _Wanted, title: Sequence[Word], left: Sequence[Word]) -> float:
    own = _title_segments(wanted, title)
    costs: Counter[int] = Counter()
    for word in filter(_is_content, left):
        costs[word.segment] += _cost(wanted, word, beside=word.segment in own)
    uncapped = own | {word.segment for word in left if _renames(word)}
    capped = (cost if at in uncapped else min(cost, _SEGMENT_COST) for at, cost in costs.items())
    return max(0.0, 100.0 - sum(capped))


def _cost(wanted: _Wanted, word: Word, *, beside: bool) -> int:
    """What an unexplained word takes off; right `beside` the wanted title it makes it another."""
    script = titles.script_of(word.text)
    if _renames(word):
        return _RENAMED
    if script != wanted.script and (beside or script not in wanted.scripts):
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
