"""Playlists of the tracks that an answer names: M3U8, JSPF, XSPF, or a table of ids.

M3U8   the files that are there, relative to the playlist's folder, for any player
JSPF   and XSPF: every track, with its file's address where it is there, else its page
CSV    every track with its ids, for whatever imports lists of ids
"""

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree

from artistindex._util import files
from artistindex.entities import EntryTrack, Neighbour
from artistindex.errors import Misuse

ID_COLUMNS = ("spotify", "deezer", "musicbrainz", "youtube", "isrc")
_XSPF = "http://xspf.org/ns/0/"
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class PlaylistFormat(StrEnum):
    """The formats, which are also the suffixes of their files."""

    M3U8 = "m3u8"
    JSPF = "jspf"
    XSPF = "xspf"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class PlaylistTrack:
    """A track with its artist's name."""

    artist: str
    track: EntryTrack

    @property
    def file(self) -> Path | None:
        """Its file, if it is there."""
        path = self.track.path
        return path if path is not None and path.is_file() else None

    @property
    def address(self) -> str | None:
        """The address of its file if that is there, else that of its page."""
        return self.track.link if self.file is None else self.file.absolute().as_uri()


def playlist_of(neighbours: Iterable[Neighbour]) -> list[PlaylistTrack]:
    """Return the entry tracks of `neighbours`, one artist after the other."""
    return [
        PlaylistTrack(neighbour.artist, track)
        for neighbour in neighbours
        for track in neighbour.entry_tracks
    ]


def write_playlist(path: str | Path, tracks: Sequence[PlaylistTrack], title: str) -> int:
    """Write `tracks` to the file `path`, whose suffix says in which format; return how many.

    M3U8 takes the tracks whose files are there alone. Raises Misuse for another suffix, OSError.
    """
    path = Path(path)
    format_ = format_of(path)
    listed = listable(tracks, format_)
    text = render(listed, format_, folder=path.absolute().parent, title=title)
    files.atomic_write(path, text.encode("utf-8", "surrogateescape"))
    return len(listed)


def format_of(path: Path) -> PlaylistFormat:
    """Return the format that a file's suffix names; raises Misuse for another."""
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in tuple(PlaylistFormat):
        endings = ", ".join(f".{name}" for name in PlaylistFormat)
        raise Misuse(f"{path}: a playlist's name ends with one of {endings}")
    return PlaylistFormat(suffix)


def listable(tracks: Sequence[PlaylistTrack], format_: PlaylistFormat) -> list[PlaylistTrack]:
    """Return those of `tracks` that the format can list."""
    if format_ is not PlaylistFormat.M3U8:
        return list(tracks)
    return [track for track in tracks if track.file and "\n" not in str(track.file)]


def render(
    tracks: Sequence[PlaylistTrack], format_: PlaylistFormat, *, folder: Path, title: str
) -> str:
    """Return the playlist as text, as it is to stand in `folder`."""
    match format_:
        case PlaylistFormat.M3U8:
            return _m3u8(tracks, folder, title)
        case PlaylistFormat.JSPF:
            return _jspf(tracks, title)
        case PlaylistFormat.XSPF:
            return _xspf(tracks, title)
        case PlaylistFormat.CSV:
            return _csv(tracks)


def _m3u8(tracks: Sequence[PlaylistTrack], folder: Path, title: str) -> str:
    lines = ["#EXTM3U", f"#PLAYLIST:{_one_line(title)}"]
    for track in listable(tracks, PlaylistFormat.M3U8):
        path = os.path.relpath(track.file or "", folder)
        lines.append(f"#EXTINF:-1,{_one_line(f'{track.artist} - {track.track.title}')}")
        lines.append(f"./{path}" if path.startswith(("#", " ")) else path)
    return "\n".join(lines) + "\n"


def _jspf(tracks: Sequence[PlaylistTrack], title: str) -> str:
    listed = [
        {
            "title": track.track.title,
            "creator": track.artist,
            **({"album": track.track.album} if track.track.album else {}),
            **({"location": [track.address]} if track.address else {}),
            **({"identifier": _identifiers(track)} if track.track.ids else {}),
        }
        for track in tracks
    ]
    document = {"playlist": {"title": title, "creator": "artistindex", "track": listed}}
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    return re.sub("[\ud800-\udfff]", lambda lone: f"\\u{ord(lone[0]):04x}", text)


def _xspf(tracks: Sequence[PlaylistTrack], title: str) -> str:
    root = ElementTree.Element("playlist", {"version": "1", "xmlns": _XSPF})
    _add(root, "title", title)
    _add(root, "creator", "artistindex")
    listed = ElementTree.SubElement(root, "trackList")
    for track in tracks:
        element = ElementTree.SubElement(listed, "track")
        _add(element, "location", track.address)
        for identifier in _identifiers(track):
            _add(element, "identifier", identifier)
        _add(element, "title", track.track.title)
        _add(element, "creator", track.artist)
        _add(element, "album", track.track.album)
    ElementTree.indent(root)
    declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return declaration + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add(parent: ElementTree.Element, name: str, text: str | None) -> None:
    if text:
        ElementTree.SubElement(parent, name).text = _NOT_IN_XML.sub("\ufffd", text)


def _identifiers(track: PlaylistTrack) -> list[str]:
    return [f"{service}:{id_}" for service, id_ in track.track.ids.items()]


def _csv(tracks: Sequence[PlaylistTrack]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(("artist", "title", "album", *ID_COLUMNS))
    for track in tracks:
        ids = [track.track.ids.get(service, "") for service in ID_COLUMNS]
        cells = (track.artist, track.track.title, track.track.album or "", *ids)
        writer.writerow([_no_formula(cell) for cell in cells])
    return buffer.getvalue()


def _no_formula(text: str) -> str:
    """Quote what a spreadsheet would run."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _one_line(text: str) -> str:
    return " ".join(text.split())
