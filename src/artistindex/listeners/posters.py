"""Line-ups that a person typed or pasted from a poster, a web page, a timetable."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from artistindex import naming
from artistindex.listeners import calendar
from artistindex.listeners.billing import is_to_be_announced
from artistindex.listeners.bills import Appearance, Bill, BilledAct, Event
from artistindex.listeners.not_names import not_a_name
from artistindex.listeners.typed_lists import strip_quotes, typed_lines

_DAY_HEADING = re.compile(r"^[ \t]*#+[ \t]+(\S.*)$", re.MULTILINE)  # of Markdown
_DAY_AND_ACTS = re.compile(r"(?P<day>[^-–—]{2,30}?)\s+[-–—]\s+(?P<rest>\S.*)")
_GAP = re.compile(r"\s*\t\s*|\s{3,}")
_COLUMNS = re.compile(r"\t|\s+[•·●★☆✦◆⚡|∙]\s*|\s*[•●★✦◆]\s+|\s+/\s+")
_LISTED = re.compile(r'\s*"[^"]*"\s*(?=,|$)|[^,]+')
_COMMA = re.compile(r"\s*,\s*")
_LINES_REMEMBERED = 1 << 16  # each is looked at for the style, as a line and as an act
_MAX_HEADING = 300  # characters; a longer line can only be a list
_MIN_LIST_COMMAS = 2
_MIN_SHARE = 0.5
_MIN_DAY_SHARE = 0.8
_DAY_AFTER_COMMA = re.compile(r"(?P<name>.*\S)\s*[,;\t]\s*(?P<day>[^,;\t]+)")
_DAY_IN_BRACKET = re.compile(r"(?P<name>.*\S)\s*[(\[](?P<day>[^()\[\]]+)[)\]]")
_LABELLED = re.compile(r"(?P<label>[^:,]{2,40}?)\s*:(?:\s+(?P<rest>\S.*))?")
_STAGE = re.compile(
    r"(?:[^\t]{1,40}\s)?(?:stage|tent)(?:\s*(?:#?\d+|by\s.*|presented by\s.*))?", re.IGNORECASE
)
_LIST_LABEL = re.compile(
    r"(?:full |the )?(?:line[- ]?up|artists?|acts?|live(?: acts?)?|djs?|bands?|music|performers?|"
    r"headliners?|featuring|with|guests?|special guests?|support)",
    re.IGNORECASE,
)
_OTHER_LABEL = re.compile(
    r"(?:doors?(?: open)?|tickets?|entry|price|where|when|venue|location|address|date|time|info|"
    r"age|ages|rsvp|presale|web(?:site)?|instagram|facebook|contact|capacity|city|start|end|slug|"
    r"url|region|year|genre|promoter|presented by|photo|credits?)",
    re.IGNORECASE,
)
_NOISE = re.compile(
    r"(?:full\s+)?line[- ]?up(?:\s+.*)?|.*\sline[- ]?up|.*\bfestival(?:\s+(?:19|20)\d\d)?"
    r"|doors?(?:\b.*\d.*)?|show|starts?|ages?\s+\d+.*|with (?:special guests?|support(?: from)?)"
    r"|.*\b[A-Z]{2}\s+\d{5}"
    r"|.*\b\d{1,5}\s+[\w.' ]+\s(?:street|st|avenue|ave|road|rd)\.?(?:,.*)?"
    r"|(?:buy\s+)?tickets\b.*|all ages|(?:18|19|21)\s*\+.*|free entry"
    r"|rsvp\b.*|sold out|.*(?:^|\s)[$€£]\d+.*|.*\d\s?[€£](?:\s.*)?|presents?:?|feat(?:uring|\.)?:?"
    r"|(?:in )?alphabetical order.*|plus|and|with|b2b|[-–—=_*~•·|.\s]{2,}",
    re.IGNORECASE,
)
_TITLE = re.compile(r".*\S\s+20\d\d")  # of a festival, in the first line
_LEADING_AND = re.compile(r"^(?:and|&|\+)\s+(?=\S)", re.IGNORECASE)
_COMMA_NAMES = frozenset(
    {
        *("tyler, the creator", "earth, wind & fire", "black country, new road", "hey, nothing"),
        *("crosby, stills & nash", "crosby, stills, nash & young", "emerson, lake & palmer"),
        *("blood, sweat & tears", "peter, paul and mary", "peter, paul & mary"),
    }
)
Knows = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class _Style:
    """How the lines of one list are written, which shows in the lines together only."""

    has_comma_lists: bool
    has_days_after_comma: bool
    has_bare_times: bool


def read_poster(text: str, knows: Knows | None = None) -> Bill:
    """Return the acts of a typed or pasted line-up with their days, stages and times.

    Headings, addresses, prices and "TBA" are left out. Commas separate acts where most lines hold
    several; else they belong to the names. `knows` keeps a name with a comma of its own together.
    """
    text = _DAY_HEADING.sub(_uncomment_day, text)
    lines = [_GAP.sub("\t", line) for _, line in typed_lines(text)]
    if len(lines) > 1 and _TITLE.fullmatch(lines[0]) and not calendar.is_day(lines[0]):
        lines = lines[1:]
    style = _style_of(lines)
    acts: list[BilledAct] = []
    here = Appearance()
    for line in lines:
        here, names = _read_line(line, here, style)
        for name in names:
            acts += _acts(name, here, style, knows)
    events = dict.fromkeys(act.appearance.event for act in acts)
    return Bill(tuple(acts), tuple(event for event in events if event))


def _uncomment_day(match: re.Match[str]) -> str:
    heading = match[1].strip().rstrip(":")
    return heading if calendar.is_day(heading) else ""


def _style_of(lines: Sequence[str]) -> _Style:
    lists = [line for line in lines if not _is_heading(line)]
    comma_lists = sum(len(_COMMA.findall(line)) >= _MIN_LIST_COMMAS for line in lists)
    days = sum(_day_after_comma(line) is not None for line in lists)
    times = sum(calendar.split_time(line, bare=True)[1] is not None for line in set(lists))
    has_days_after_comma = days >= max(2, _MIN_DAY_SHARE * len(lists))
    return _Style(
        has_comma_lists=(
            not has_days_after_comma and comma_lists >= max(1, _MIN_SHARE * len(lists))
        ),
        has_days_after_comma=has_days_after_comma,
        has_bare_times=times >= max(2, _MIN_SHARE * len(lists)),
    )


def _is_heading(line: str) -> bool:
    if len(line) > _MAX_HEADING:
        return False
    labelled = _LABELLED.fullmatch(line)
    is_label = labelled and (not labelled["rest"] or _OTHER_LABEL.fullmatch(labelled["label"]))
    return calendar.is_day(line) or bool(is_label) or _is_noise(line)


@lru_cache(maxsize=_LINES_REMEMBERED)
def _is_noise(line: str) -> bool:
    if len(line) > _MAX_HEADING:
        return False
    return bool(
        _NOISE.fullmatch(line)
        or not_a_name(line)
        or is_to_be_announced(line)
        or (calendar.holds_date(line) and not calendar.is_day(line))
    )


def _read_line(line: str, here: Appearance, style: _Style) -> tuple[Appearance, tuple[str, ...]]:
    """Return where and when acts play from here on, and the part of the line that names them."""
    if len(line) > _MAX_HEADING:
        return here, (line,)
    if style.has_days_after_comma and (split := _day_after_comma(line)):
        name, day = split
        return _on_day(here, day), (name,)
    if calendar.is_day(line):
        return _on_day(here, line), ()
    if calendar.is_time(line):
        return replace(here, set_time=line), ()
    dashed = _DAY_AND_ACTS.fullmatch(line)
    if dashed and calendar.is_day(dashed["day"]):
        return _on_day(here, dashed["day"]), (dashed["rest"],)
    labelled = _LABELLED.fullmatch(line)
    if labelled and (placed := _labelled(labelled["label"].strip(), here, labelled["rest"])):
        return placed, (labelled["rest"],) if labelled["rest"] else ()
    if (labelled and _OTHER_LABEL.fullmatch(labelled["label"])) or _is_noise(line):
        return here, ()
    if _STAGE.fullmatch(line):
        return replace(here, stage=line), ()
    return here, (line,)


def _labelled(label: str, here: Appearance, rest: str | None) -> Appearance | None:
    """Return the place that a label before a colon names; None where it is part of a name."""
    if calendar.is_day(label):
        return _on_day(here, label)
    if _LIST_LABEL.fullmatch(label):
        return here
    if _OTHER_LABEL.fullmatch(label) or calendar.is_time(label):
        return None
    if _STAGE.fullmatch(label) or not rest:
        return replace(here, stage=label)
    return None


def _on_day(here: Appearance, day: str) -> Appearance:
    date = calendar.parse_date(day)
    return replace(
        here,
        day=f"Day {day}" if day.isdigit() else day,
        event=Event(date=date) if date else None,
        stage=None,
        set_time=None,
    )


def _day_after_comma(line: str) -> tuple[str, str] | None:
    """Return the name and the day of `"Tyler, The Creator",Friday` or `Rezz,1`."""
    match = _DAY_AFTER_COMMA.fullmatch(line) if len(line) <= _MAX_HEADING else None
    if match is None:
        return None
    day = match["day"].strip().strip('"')
    if not (calendar.is_day(day) or re.fullmatch(r"\d{1,2}", day)):
        return None
    return strip_quotes(match["name"]), day


# --- acts ---------------------------------------------------------------------------------------


def _acts(words: str, here: Appearance, style: _Style, knows: Knows | None) -> Iterator[BilledAct]:
    has_clear_time = calendar.split_time(words)[1] is not None
    pieces = _split_acts(words, style, knows)
    here = _placed_by(pieces, here) if len(pieces) > 1 else here
    for piece in pieces:
        if calendar.is_time(piece):
            here = replace(here, set_time=piece)
            continue
        bare = style.has_bare_times and not has_clear_time
        name, set_time = calendar.split_time(piece, bare=bare)
        placed = replace(here, set_time=set_time or here.set_time)
        if (bracket := _DAY_IN_BRACKET.fullmatch(name)) and calendar.is_day(bracket["day"]):
            name = bracket["name"]
            placed = replace(_on_day(here, bracket["day"]), set_time=placed.set_time)
        name = strip_quotes(name)
        if name and not (calendar.is_day(name) or _is_noise(name) or _STAGE.fullmatch(name)):
            yield BilledAct(name, placed)


def _placed_by(pieces: Sequence[str], here: Appearance) -> Appearance:
    """Return the place that the columns of a line tell, whichever side of the name they are on."""
    for piece in pieces:
        if calendar.is_day(piece):
            here = replace(_on_day(here, piece), stage=here.stage, set_time=here.set_time)
        elif _STAGE.fullmatch(piece):
            here = replace(here, stage=piece)
        elif calendar.is_time(piece):
            here = replace(here, set_time=piece)
    return here


def _split_acts(words: str, style: _Style, knows: Knows | None) -> list[str]:
    pieces = [piece.strip() for piece in _COLUMNS.split(words) if piece and piece.strip()]
    if len(pieces) > 1 or not style.has_comma_lists:
        return pieces
    acts = [act for piece in pieces for act in _split_commas(piece, knows)]
    return [_LEADING_AND.sub("", act) for act in acts if act]


def _split_commas(words: str, knows: Knows | None) -> Iterator[str]:
    """Yield the acts of a list with commas; quotes and names that are known keep theirs."""
    parts = [strip_quotes(part.strip()) for part in _LISTED.findall(words)]
    first = 0
    while first < len(parts):
        last = first + 1
        for end in range(min(len(parts), first + 4), first + 1, -1):
            name = ", ".join(parts[first:end])
            if naming.normalise(name) in _COMMA_NAMES or (knows and knows(name)):
                last = end
                break
        yield ", ".join(parts[first:last])
        first = last
