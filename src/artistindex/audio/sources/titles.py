"""Reading a title as people write them: words, brackets, segments, and which version is meant."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from artistindex import naming

_OPEN, _CLOSE = "([{", ")]}"
_INSIDE_WORDS = "'."  # "don't", "D.A.N.C.E."
_UNBROKEN = ("HAN", "KANA", "THAI", "LAO", "KHMER", "MYANMAR")  # scripts without spaces

# What makes a recording another one than the plain track. Single words are looked for as words,
# phrases as runs of words, and words of scripts without spaces anywhere.
_VERSIONS = {
    "live": """live|livestream|unplugged|concert|konzert|tour|session|sessions|lounge|kexp|rehearsal
        |rehearsals|festival|glastonbury|coachella|tomorrowland|lollapalooza|wembley|ao vivo|en vivo
        |en directo|dal vivo|boiler room|tiny desk|like a version|home take|first take|halftime
        |ライブ|ライヴ|演唱會|演唱会|концерт|концерте|라이브|콘서트|คอนเสิร์ต|حفلة""",
    "cover": """cover|covers|covered|covering|tribute|karaoke|backing|in the style of|parody|parodia
        |originally performed|impersonator|kidz|mashup|mash up|medley|type beat|remake|plays|played
        |sings|sung|piano|guitar|gitar|drum|drums|bass|violin|cello|ukulele|harp|saxophone|trumpet
        |flute|lullaby|8 bit|8bit|chiptune|fingerstyle|ai|vs|カラオケ|カバー|歌ってみた|弾いてみた
        |ピアノ|커버|翻唱|伴奏|кавер|караоке|пародия|คาราโอเกะ|كاريوكي""",
    "instrumental": "instrumental|instrumentals|acapella|a cappella|acappella|off vocal",
    "remix": """remix|rmx|remixed|bootleg|flip|vip|rework|reworked|reedit|re edit|re edited|refix
        |mix|dub""",
    "altered": """sped|spedup|speed|slowed|reverb|nightcore|daycore|8d|16d|boosted|bassboosted|lofi
        |lo fi|chopped|screwed|reversed|pitched|but""",
    "acoustic": "acoustic|acoustique|akustik|acustico|stripped|акустика",
    "demo": "demo|outtake|snippet|leak|leaked|teaser|trailer|preview|parts|only",
    "talk": """reaction|reacts|react|reacting|review|explained|breakdown|interview|documentary|meme
        |behind the scenes|making of|choreography|dance|compilation|lesson|tutorial|tabs|tab|sheet
        |analysis|audition|how to|first time hearing|vocal coach|short film|recipe|podcast|vlog""",
    "mix": """hour|hours|hr|1hr|10h|1h|loop|looped|full album|full ep|mixtape|dj set|full set
        |megamix|playlist|nonstop|24 7|minutes|continuous""",
    "version": """version|ver|versie|versione|reprise|orchestral|orchestra|orchestre|symphony
        |symphonic|duet|restrung|new recording|rerecorded|re recorded|quiet|alive""",
    "length": """edit|extended|radio|short|long|single|12|12 inch|full length|tv size|tvサイズ
        |director""",
}
_HARMLESS_WORDS = """official video audio music lyrics lyric lyrical visualizer visualiser visual
    visuals hd hq uhd 4k 8k 1080p 720p mv m v pv clip clips officiel officielle oficial offizielles
    officiele официальный клип аудио текст letra letras legendado testo paroles full song new
    original album explicit clean dirty uncensored remaster remastered remastering remasterizado
    master edition stereo mono free dl download out now premiere exclusive release released records
    recordings ncs prod from ost soundtrack deluxe quality sound performance color coded han rom eng
    bonus track restored upgrade videoclip clipe upload high res flac vinyl rip"""
_GRAMMAR_WORDS = "the a and n of in on de la el"
_JOINER_WORDS = "feat ft featuring with x vs and et y und e b2b by"
_GRAMMAR = frozenset(_GRAMMAR_WORDS.split())
_JOINERS = frozenset(_JOINER_WORDS.split())
_PARTING = frozenset(_HARMLESS_WORDS.split())
_HARMLESS = _PARTING | _GRAMMAR | _JOINERS
_NOT_ANOTHER = re.compile(  # these say nothing about the recording
    r"\b(?:original|album|lp|19\d\d|20\d\d) (?:mix|version|ver)\b|\b(?:full|official|explicit|clean"
    r"|hd|hq|remastered) (?:version|ver)\b|\bperformance video\b|\blyrics? version\b"
)
_SPELT_OUT = {ord("&"): " and ", ord("+"): " and ", ord("×"): " x "}
_SIGNS = "!?%$=÷×¿¡*^†‡°±"
_PRIVATE = {ord(sign): 0xE000 + i for i, sign in enumerate(_SIGNS)}
_SPELT = frozenset(chr(code) for code in _PRIVATE.values())
_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True, slots=True)
class Word:
    """A folded word of a title; words of one `segment` are not parted by - | / : , & or quotes."""

    text: str
    segment: int
    bracketed: bool = False
    featured: bool = False


def words(text: str) -> tuple[Word, ...]:
    """The words of a title or a name, folded; runs of different scripts are different words."""
    return _words(text[:500])


@lru_cache(maxsize=4096)
def _words(text: str) -> tuple[Word, ...]:
    folded = _spell_symbols(naming.normalise(text)).translate(_SPELT_OUT)
    found: list[Word] = []
    segment = depth = featured_at = 0
    run = ""

    def flush() -> None:
        nonlocal run, featured_at
        for part in _script_runs(run):
            if part in ("feat", "ft", "featuring"):
                featured_at = segment + 1
            found.append(Word(part, segment, depth > 0, featured_at > 0 and part not in _JOINERS))
        run = ""

    for i, character in enumerate(folded):
        before, after = folded[i - 1 : i], folded[i + 1 : i + 2]
        if unicodedata.category(character)[0] in "LMN" or character in _SPELT:
            run += character
        elif character in _INSIDE_WORDS and _joins(character, folded, i):
            continue
        else:
            flush()
            if character in _OPEN:
                depth, segment, featured_at = depth + 1, segment + 1, 0
            elif character in _CLOSE:
                depth, segment, featured_at = max(depth - 1, 0), segment + 1, 0
            elif character == "-" and before.strip() and after.strip():
                continue
            elif not character.isspace() and character != ".":
                segment += 1
                if character in "-|/:":
                    featured_at = 0
    flush()
    return tuple(found)


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
        and all(title[start + i].text == name[i] for i in range(size))
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


def versions(title: Iterable[str]) -> frozenset[str]:
    """The kinds of version that words tell of: "live", "cover", "remix", "length", ..."""
    text = _NOT_ANOTHER.sub(" ", " ".join(title))
    return frozenset(kind for kind, pattern in _patterns().items() if pattern.search(text))


def harmless(word: str) -> bool:
    """Whether a word says nothing about which recording it is."""
    return word in _HARMLESS or _YEAR.fullmatch(word) is not None


def is_joiner(word: str) -> bool:
    """Whether a word joins names: "feat", "x", "with"."""
    return word in _JOINERS


@lru_cache(maxsize=1)
def _patterns() -> dict[str, re.Pattern[str]]:
    return {
        kind: re.compile("|".join(_pattern(entry) for entry in re.split(r"\s*\|\s*", listed)))
        for kind, listed in _VERSIONS.items()
    }


def _pattern(entry: str) -> str:
    folded = re.escape(naming.normalise(entry.strip()))
    return folded if script_of(folded).startswith(_UNBROKEN) else rf"(?<!\S){folded}(?!\S)"
