"""Reading a title as people write it: words, brackets, parts, and which version is meant.

One grammar serves the tracks of a catalogue (`parse`: which tracks stand for an artist) and the
titles of videos (`words`, `kinds_of`: which video is the track). It lies in metadata, the lower of
the two rooms that read titles; its vocabulary is title_words.py.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from itertools import groupby

from artistindex import naming
from artistindex.metadata import title_words
from artistindex.metadata.title_words import Kind

_OPEN, _CLOSE = "([{〔", ")]}〕"
_INSIDE_WORDS = "'."  # "don't", "D.A.N.C.E."
_UNBROKEN = ("HAN", "KANA", "THAI", "LAO", "KHMER", "MYANMAR")  # scripts without spaces
_BARS = str.maketrans(dict.fromkeys("ǀǁ∣∥│┃❘❙｜¦‖", "|"))  # letters and signs that serve as bars
_SPELT_OUT = {ord("&"): " and ", ord("+"): " and ", ord("×"): " x "}
_SIGNS = "!?%$=÷×¿¡^†‡°±"
_PRIVATE = {ord(sign): 0xE000 + i for i, sign in enumerate(_SIGNS)}
_SPELT = frozenset(chr(code) for code in _PRIVATE.values())
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True, slots=True)
class Word:
    """A folded word of a title.

    Words of one `segment` are not parted by - | / : , & or quotes, words of one `part` stand in the
    same brackets, or between the same dashes and bars; `bars` counts the bars ("|") before it.
    """

    text: str
    segment: int
    bracketed: bool = False
    featured: bool = False
    part: int = 0
    bars: int = 0


def words(text: str) -> tuple[Word, ...]:
    """The words of a title or a name, folded; runs of different scripts are different words.

    The number of a part is written in one way: "Pt. II" and "Part Two" are "part", "2".
    """
    return _words(text[:500])


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[Word, ...]:
    folded = _spell_symbols(naming.normalise(text.translate(_BARS))).translate(_SPELT_OUT)
    return tuple(_number_parts(_Tokeniser(folded).read()))


class _Tokeniser:
    """Takes a folded title apart, character by character."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._words: list[Word] = []
        self._run = ""
        self._segment = self._part = self._depth = self._bars = 0
        self._featured = False

    def read(self) -> list[Word]:
        """The words of the text."""
        for i, character in enumerate(self._text):
            if _is_in_a_word(character, self._text, i):
                self._run += character
            elif not (character in _INSIDE_WORDS and _joins(character, self._text, i)):
                self._flush()
                self._separate(character, i)
        self._flush()
        return self._words

    def _flush(self) -> None:
        run = self._run[1:-1] if re.fullmatch(r"\*[^*]+\*", self._run) else self._run
        for text in _script_runs(run):
            self._featured = self._featured or text in ("feat", "ft", "featuring")
            featured = self._featured and text not in _JOINERS
            self._words.append(
                Word(text, self._segment, self._depth > 0, featured, self._part, self._bars)
            )
        self._run = ""

    def _separate(self, character: str, i: int) -> None:
        """Take in what stands between two words."""
        before, after = self._text[i - 1 : i].strip(), self._text[i + 1 : i + 2].strip()
        if character in _OPEN or character in _CLOSE:
            self._depth = max(self._depth + (1 if character in _OPEN else -1), 0)
            self._begin_part()
        elif character == "-" and before and after:
            return
        elif character in "-|":
            self._bars += character == "|"
            self._begin_part()
        elif not character.isspace() and character != ".":
            self._segment += 1
            self._featured = self._featured and character not in "/:"

    def _begin_part(self) -> None:
        self._segment += 1
        self._part += 1
        self._featured = False


def _is_in_a_word(character: str, text: str, i: int) -> bool:
    """Whether a character is a letter, a digit, or an asterisk that hides one: "f**k"."""
    if unicodedata.category(character)[0] in "LMN" or character in _SPELT:
        return True
    beside = text[i - 1 : i] + text[i + 1 : i + 2]
    return character == "*" and any(other == "*" or other.isalnum() for other in beside)


def _number_parts(title: Sequence[Word]) -> Iterator[Word]:
    """The words, with "Part Two", "Pt. II", "Pt2" in one spelling: "part", "2"."""
    texts_left = [text for word in title for text in _split_part(word.text)]
    owners = [word for word in title for _ in _split_part(word.text)]
    counting = False
    for i, (word, text) in enumerate(zip(owners, texts_left, strict=True)):
        if text in _COUNTED and _is_number((*texts_left, "")[i + 1]):
            text, counting = _COUNTED[text], True
        elif counting and _is_number(text):
            text = _NUMBERS.get(text, text)
        else:
            counting = counting and is_and(text)
        yield replace(word, text=text) if text != word.text else word


def _split_part(text: str) -> tuple[str, ...]:
    joined = _JOINED_PART.fullmatch(text)
    return (joined[1], joined[2]) if joined else (text,)


def _is_number(text: str) -> bool:
    return text.isdigit() or text in _NUMBERS


def _spell_symbols(text: str) -> str:
    """Keep a word of signs alone ("!!!", "÷") as a word: its signs move to a private area."""
    return re.sub(rf"(?<!\S)[{re.escape(_SIGNS)}]+(?!\S)", lambda m: m[0].translate(_PRIVATE), text)


def _joins(character: str, text: str, i: int) -> bool:
    before, after = text[i - 1 : i], text[i + 1 : i + 2]
    if character == "'":
        return before.isalnum() and after.isalnum()
    return before.isalpha() and not text[max(i - 2, 0) : i - 1].isalpha()


def _script_runs(run: str) -> list[str]:
    parts: list[str] = []
    previous = None
    for character in run:
        script = script_of(character)
        if parts and (script == previous or script == "" or unicodedata.combining(character)):
            parts[-1] += character
        else:
            parts.append(character)
            previous = script
    return parts


def script_of(text: str) -> str:
    """The script of the first letter: "LATIN", "HAN" (with kana), ...; "" where there is none."""
    for character in text:
        name = unicodedata.name(character, "").partition(" ")[0]
        if name in ("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "IDEOGRAPHIC"):
            return "HAN"
        if character.isdigit():
            return "LATIN"
        if unicodedata.category(character)[0] in "LM":
            return name
    return ""


def texts(title: Iterable[Word]) -> list[str]:
    """The words alone."""
    return [word.text for word in title]


def credited_at(title: Sequence[Word], name: Sequence[str], beside: frozenset[str]) -> list[int]:
    """Where `name` stands as somebody's whole name: the positions of its first word.

    A name is whole when what precedes and follows is another segment, another script, a joiner
    ("feat", "x") or a word of `beside` (the wanted title): "Calibre 50" does not credit "Calibre".
    """
    size = len(name)
    return [
        start
        for start in range(len(title) - size + 1)
        if size
        and all(is_same_word(title[start + i].text, name[i]) for i in range(size))
        and _parted(title, start - 1, start, beside)
        and _parted(title, start + size, start + size - 1, beside)
    ]


def _parted(title: Sequence[Word], outside: int, inside: int, beside: frozenset[str]) -> bool:
    if not 0 <= outside < len(title):
        return True
    out, own = title[outside], title[inside]
    return (
        out.segment != own.segment
        or out.text in _JOINERS
        or out.text in beside
        or out.text in _PARTING
        or script_of(out.text) != script_of(own.text)
    )


def versions(title: Iterable[str]) -> frozenset[Kind]:
    """The kinds of version that words tell of, wherever they stand: live, cover, length, ..."""
    text = _LENGTH_ONLY.sub(" edit ", _NEUTRAL.sub(" ", _NOISE.sub(" ", " ".join(title))))
    return frozenset(kind for kind, pattern in _KINDS.items() if pattern.search(text))


def kinds_of(title: Iterable[Word]) -> frozenset[Kind]:
    """The kinds of version that a title tells of, part by part.

    Words such as "piano" tell of one only in company or alone in their part: "(piano)".
    """
    kinds: set[Kind] = set()
    for _, group in groupby(title, key=lambda word: word.part):
        part = list(group)
        kinds |= versions(texts(part))
        content = {word.text for word in without_noise(part) if not word.featured}
        content = {text for text in content if not harmless(text)} - _COMPANIONS
        kinds |= {kind for kind, alone in _ALONE.items() if content and content <= alone}
        if "edit" in texts(part) and content - _LENGTH_WORDS:
            kinds.add(Kind.REMIX)  # "Kygo Edit" is somebody's
    return frozenset(kinds)


def specifics(part: Iterable[Word]) -> list[str]:
    """The words of a version's part that say whose or which it is: "Kygo" of "Kygo Remix"."""
    listed = list(part)
    gone = {i for pattern in _KINDS.values() for i in _covered(listed, pattern)}
    return [word.text for i, word in enumerate(listed) if i not in gone and not harmless(word.text)]


def without_noise(title: Sequence[Word], *, official: bool = False) -> list[Word]:
    """The words of a title without what names a genre or tells of the upload only.

    `official` says that the artist, or a verified channel, speaks.
    """
    content: list[Word] = []
    for _, group in groupby(title, key=lambda word: word.part):
        part = list(group)
        noise = _covered(part, _NOISE)
        if official:
            noise |= _covered(part, _OFFICIAL_NOISE)
        content += [word for i, word in enumerate(part) if i not in noise]
    return content


def _covered(part: Sequence[Word], pattern: re.Pattern[str]) -> set[int]:
    """The positions of the words that matches of `pattern` cover."""
    ends, end = [], 0
    for word in part:
        end += len(word.text) + 1
        ends.append(end)
    spans = [match.span() for match in pattern.finditer(" ".join(texts(part)))]
    return {
        i
        for i, end in enumerate(ends)
        if any(start < end - 1 and end - 1 - len(part[i].text) < stop for start, stop in spans)
    }


def harmless(word: str) -> bool:
    """Whether a word says nothing about which recording it is."""
    return word in _HARMLESS or _YEAR.fullmatch(word) is not None


def is_joiner(word: str) -> bool:
    """Whether a word joins names: "feat", "x", "with"."""
    return word in _JOINERS


def is_same_word(word: str, other: str) -> bool:
    """Whether two words are one: "und" and "&", "II" and "2"."""
    if word == other or (is_and(word) and is_and(other)):
        return True
    return (word in _ROMAN) != (other in _ROMAN) and _number(word) == _number(other)


def _number(word: str) -> str:
    return _ROMAN.get(word, word)


def is_and(word: str) -> bool:
    """Whether a word is a language's "&"."""
    return word in _AND


class Role(StrEnum):
    """What a part of a catalogue's title is there for."""

    SONG = "song"
    SUBTITLE = "subtitle"
    GUEST = "guest"
    EDITION = "edition"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Part:
    """What stands in one pair of brackets or between two dashes, and what it says."""

    words: tuple[Word, ...]
    role: Role
    kinds: frozenset[Kind] = frozenset()

    @property
    def is_needed(self) -> bool:
        """Whether a subtitle names the song as well: after a dash, or the number of a part."""
        counted = self.words[0].text in ("part", "parts", "volume")
        numbered = counted and all(word.text.isdigit() for word in self.words[1:])
        return numbered or not self.words[0].bracketed

    @property
    def text(self) -> str:
        """The folded words."""
        return " ".join(texts(self.words))


@dataclass(frozen=True, slots=True)
class Title:
    """A catalogue's title taken apart: "Strobe - Live (feat. X) [2016 Remaster]"."""

    song: tuple[Word, ...]
    parts: tuple[Part, ...]
    folded: str

    @classmethod
    def parse(cls, title: str) -> "Title":
        """Take `title` apart; the song is its first part outside of brackets."""
        read = words(title)
        groups = [tuple(group) for _, group in groupby(read, key=lambda word: word.part)]
        named = next((i for i, group in enumerate(groups) if not group[0].bracketed), 0)
        parts = tuple(
            _classified(group, before_the_song=i < named)
            for i, group in enumerate(groups)
            if i != named
        )
        song = groups[named] if groups else ()
        return cls(song, parts, naming.normalise(title))

    @property
    def qualifiers(self) -> tuple[str, ...]:
        """The folded texts of the parts that name no guests."""
        return tuple(part.text for part in self.parts if part.role is not Role.GUEST)

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds of version that the parts tell of."""
        return frozenset(kind for part in self.parts for kind in part.kinds)

    @property
    def recording(self) -> str:
        """What names the recording: the title without guests, editions and remastering."""
        if not self.song:
            return self.folded
        song = " ".join(word.text for word in self.song if not _is_guest(word))
        named = (p.text for p in self.parts if p.role in (Role.SUBTITLE, Role.VERSION))
        return " ".join((song or self.folded, *sorted(named)))

    @property
    def is_edition(self) -> bool:
        """Whether it is an edit or a re-release, whose duration may differ from the original's."""
        return any(part.role is Role.EDITION for part in self.parts)


def _is_guest(word: Word) -> bool:
    return word.featured or word.text in ("feat", "ft", "featuring")


def _classified(group: tuple[Word, ...], *, before_the_song: bool) -> Part:
    heard = texts(group)
    kinds = kinds_of(group)
    if len(group) > 1 and heard[0] in _GUEST_OPENERS:
        return Part(group, Role.GUEST)
    if before_the_song and Kind.KARAOKE not in kinds:
        return Part(group, Role.SUBTITLE)
    if _is_origin(group) or _is_edition(heard, kinds):
        return Part(group, Role.EDITION, kinds & {Kind.LENGTH, Kind.MIXED, Kind.SESSION})
    if "edit" in heard:  # "Kygo Edit": somebody's, no matter of length alone
        kinds = kinds - {Kind.LENGTH} | {Kind.REMIX}
    if kinds - {Kind.LENGTH}:
        return Part(group, Role.VERSION, kinds)
    return Part(group, Role.SUBTITLE)


def _is_origin(group: Sequence[Word]) -> bool:
    """Whether a part says where the track was used: 'From "Frozen"', "Original Soundtrack"."""
    heard = " ".join(texts(group))
    quoted = group[-1].segment != group[0].segment
    opened = _ORIGINS.match(heard) is not None
    film = _SOUNDTRACKS.search(heard) is not None
    return (opened and (quoted or film or not versions(heard.split()))) or (
        film and not versions(heard.split())
    )


def _is_edition(heard: Sequence[str], kinds: frozenset[Kind]) -> bool:
    """Whether a part tells of the release or the length, and of no other recording."""
    if kinds - {Kind.LENGTH, Kind.MIXED, Kind.SESSION}:
        return False
    if " ".join(heard) in _EDITIONS:
        return True
    if Kind.SESSION in kinds:
        return False
    remastered = any(word.startswith(("remaster", "anniversary")) for word in heard)
    left = _LENGTH_ONLY.sub(" ", _NEUTRAL.sub(" ", " ".join(heard))).split()
    plain = all(harmless(w) or w in _EDITION_WORDS or w.isdigit() for w in left)
    length = all(harmless(w) or w in _LENGTH_WORDS for w in left)
    return remastered or plain or (Kind.LENGTH in kinds and length)


def _entries(listed: str) -> list[str]:
    return [naming.normalise(entry) for entry in re.split(r"\s*\|\s*", listed.strip()) if entry]


def _phrases(entries: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(_pattern(entry) for entry in entries))


def _pattern(entry: str) -> str:
    stem = re.escape(entry.removesuffix("*"))
    if script_of(entry).startswith(_UNBROKEN):
        return stem
    return rf"(?<!\S){stem}" + (r"\S*" if entry.endswith("*") else r"(?!\S)")


def _folded_words(listed: str) -> frozenset[str]:
    return frozenset(map(naming.normalise, listed.split()))


def _any_of(listed: str) -> str:
    return "(?:" + "|".join(sorted(map(re.escape, _folded_words(listed)), reverse=True)) + ")"


_INSTRUMENT = _any_of(title_words.INSTRUMENTS)
_GENRE = rf"(?:hip hop|{_any_of(title_words.GENRES)})"
_MODIFIER = _any_of(title_words.GENRE_MODIFIERS)
_ADJECTIVE = _any_of(title_words.GENRE_ADJECTIVES)
_NO_VERSION = rf"(?! (?:{title_words.VERSION_NOUNS})(?!\S))"
_NOUN = f"(?:{title_words.VERSION_NOUNS})"
_NOISE = re.compile(
    "|".join(
        (
            rf"(?:{_phrases(_entries(title_words.GENRE_PHRASES)).pattern}){_NO_VERSION}",
            _phrases(_entries(title_words.NOISE_PHRASES)).pattern,
            rf"(?<!\S)(?:(?:{_MODIFIER}|lo fi) )+{_GENRE}(?: {_GENRE})*(?!\S){_NO_VERSION}",
            rf"(?<!\S){_ADJECTIVE} bass(?: {_GENRE})*(?!\S){_NO_VERSION}",
        )
    )
)
_OFFICIAL_NOISE = _phrases(_entries(title_words.OFFICIAL_NOISE))
_NEUTRAL = re.compile(
    rf"(?<!\S)(?:(?:{title_words.NEUTRAL_VERSIONS}|(?:19|20)\d\d) )+"
    rf"(?:(?:19|20)\d\d )?(?:version|ver|versao|versie|versione|wersja|verze|fassung|mix)(?!\S)"
    r"|(?<!\S)(?:original|album|lp) (?:edit|cut)(?!\S)"
    r"|(?<!\S)(?:version|versao|versione|versie|wersja) (?:original|originale|oficial|officielle"
    r"|ufficiale|album|studio|estudio|completa|complete|integrale|remaster\S*)(?!\S)"
)
_LENGTH_ONLY = re.compile(rf"(?<!\S)(?:{title_words.LENGTH_VERSIONS}) {_NOUN}(?!\S)")
_KINDS = {
    kind: re.compile(
        "|".join(
            _pattern(entry).replace(re.escape("{instrument}"), _INSTRUMENT)
            for listed in (title_words.KINDS.get(kind, ""), title_words.COMPANY.get(kind, ""))
            for entry in _entries(listed)
        )
    )
    for kind in Kind
    if title_words.KINDS.get(kind)
}
_ALONE = {kind: _folded_words(listed) for kind, listed in title_words.ALONE.items()}
_COMPANIONS = _folded_words(title_words.COMPANIONS)
_JOINERS = _folded_words(title_words.JOINERS)
_AND = _folded_words(title_words.AND)
_PARTING = _folded_words(title_words.HARMLESS)
_HARMLESS = _PARTING | _folded_words(title_words.GRAMMAR) | _JOINERS
_GUEST_OPENERS = _folded_words(title_words.GUEST_OPENERS)
_EDITION_WORDS = _folded_words(
    title_words.EDITION_WORDS + " " + title_words.EDITIONS.replace("|", " ")
)
_EDITIONS = frozenset(_entries(title_words.EDITIONS))
_LENGTH_WORDS = frozenset(
    re.split(r"[ |]+", f"{title_words.KINDS[Kind.LENGTH]} {title_words.VERSION_NOUNS}".strip())
) | {"7", "10", "the", "club", "main"}
_SOUNDTRACKS = _phrases(_entries(title_words.SOUNDTRACKS))
_ORIGINS = _phrases(_entries(title_words.ORIGINS))
_COUNTED = {
    word: spelling
    for listed, spelling in (
        (title_words.PARTS, "part"),
        (title_words.RANGES, "parts"),
        (title_words.VOLUMES, "volume"),
    )
    for word in _folded_words(listed)
}
_ROMAN = {
    text: str(number)
    for number, text in enumerate(title_words.COUNTING[0].split(), 1)
    if len(text) > 1
}
_NUMBERS = {
    naming.normalise(text): str(number)
    for language in title_words.COUNTING
    for number, text in enumerate(language.split(), 1)
}
_JOINED_PART = re.compile(r"(pt|part|vol)(\d+|[ivx]+)")
