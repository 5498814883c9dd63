"""What the user decided about names: aliases, artists to ignore, ids. A file to edit by hand.

    ignore = ["Some Artist"]          # is indexed no more

    [aliases]
    "Chemical Bros" = "The Chemical Brothers"   # the first is the second

    [ids]
    "Nirvana" = { musicbrainz = "5b11f4ce-a62d-471e-81fc-a69a8278c7da" }

A name stands for every artist whose name folds so; where namesakes are to be told apart, an id does
it: "spotify:..." and so on. Nothing of the library is changed by what is decided here, so that all
of it can be undone.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from artistindex import naming
from artistindex._util import files
from artistindex.entities import Artist, Service
from artistindex.errors import Misuse
from artistindex.metadata.artist_ids import parse_id

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

FILE_NAME = "artists.toml"
_PARTS = ("aliases", "ignore", "ids")


@dataclass(frozen=True)
class Decisions:
    """`aliases` maps a name to that of the artist it is, `ids` a name to ids by service."""

    aliases: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    ids: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file at `path`; without one nothing is decided.

        Raises Misuse, which names the line, for a file that cannot be understood.
        """
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            return cls()
        except (OSError, UnicodeDecodeError) as error:
            raise Misuse(f"{path} cannot be read: {error}") from error
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            end = f"at line {len(text.splitlines())}, the end"
            reason = str(error).replace("at end of document", end)
            raise Misuse(f"{path} is no TOML: {reason}") from error
        check = _Checker(path, text)
        for part in document:
            check.expect(part in _PARTS, part, f"{part!r} is none of {', '.join(_PARTS)}")
        return cls(
            check.aliases(document.get("aliases", {})),
            check.ignored(document.get("ignore", [])),
            check.ids(document.get("ids", {})),
        )

    def __bool__(self) -> bool:
        return bool(self.aliases or self.ignored or self.ids)

    def ignores(self, artist: Artist) -> bool:
        """Whether `artist` is to be left out."""
        return any(key in self._ignored_keys for key in _keys(artist))

    def alias_of(self, artist: Artist) -> str | None:
        """Return the name of whom `artist` is another name of, through aliases of aliases."""
        target: str | None = None
        while (other := self._next_alias(artist)) is not None:
            target, artist = other, Artist(other)
        return target

    def meant_by(self, names: Iterable[str]) -> list[str]:
        """Return whom `names` mean, each once, without who is left out."""
        meant = (self.alias_of(Artist(name)) or name for name in names)
        return [name for name in dict.fromkeys(meant) if not self.ignores(Artist(name))]

    def with_ids(self, artist: Artist) -> Artist:
        """Return `artist` with the ids that are pinned to it."""
        for key in _keys(artist):
            artist = replace(artist, ids={**artist.ids, **self._ids_by_key.get(key, {})})
        return artist

    def _next_alias(self, artist: Artist) -> str | None:
        aliases = (self._aliases_by_key.get(key) for key in _keys(artist))
        return next((other for other in aliases if other is not None), None)

    @cached_property
    def _ignored_keys(self) -> frozenset[str]:
        return frozenset(map(_key, self.ignored))

    @cached_property
    def _aliases_by_key(self) -> dict[str, str]:
        return {_key(name): other for name, other in self.aliases.items()}

    @cached_property
    def _ids_by_key(self) -> dict[str, Mapping[str, str]]:
        return {_key(name): ids for name, ids in self.ids.items()}


class DecisionsFile:
    """The file, for writing: comments and order stay as they are."""

    def __init__(self, path: Path) -> None:
        self._path = path
        Decisions.read(path)  # raises where it cannot be understood

    def add_alias(self, name: str, other: str) -> None:
        """Decide that `name` is `other`. Raises Misuse where `other` is `name` already."""
        aliases = {**Decisions.read(self._path).aliases, name: other}
        if _goes_round(name, aliases):
            raise Misuse(f"{other!r} is {name!r} already")
        with self._editing() as document:
            _table(document, "aliases")[_written_as(document, "aliases", name)] = naming.clean(
                other
            )

    def remove_alias(self, name: str) -> None:
        """Undo an alias. Raises Misuse where there is none."""
        self._remove_key("aliases", name)

    def ignore(self, name: str) -> None:
        """Decide to leave `name` out; again does nothing."""
        with self._editing() as document:
            ignored = document.setdefault("ignore", [])
            if not any(_key(name) == _key(other) for other in ignored):
                ignored.append(naming.clean(name))

    def remove_ignored(self, name: str) -> None:
        """Undo leaving `name` out. Raises Misuse where it is not left out."""
        with self._editing() as document:
            ignored = document.get("ignore", [])
            places = [at for at, other in enumerate(ignored) if _key(name) == _key(other)]
            if not places:
                raise Misuse(f"{name!r} is not ignored")
            del ignored[places[0]]

    def pin(self, name: str, service: str, id_: str) -> None:
        """Decide by which id a service knows `name`."""
        with self._editing() as document:
            ids = _table(document, "ids")
            key = _written_as(document, "ids", name)
            ids[key] = {**ids.get(key, {}), service: id_}

    def unpin(self, name: str) -> None:
        """Undo the ids of `name`. Raises Misuse where there are none."""
        self._remove_key("ids", name)

    def _remove_key(self, part: str, name: str) -> None:
        with self._editing() as document:
            key = _written_as(document, part, name)
            if key not in document.get(part, {}):
                nothing = {"aliases": "alias", "ids": "ids"}[part]
                raise Misuse(f"{name!r} has no {nothing}")
            del document[part][key]

    def _editing(self) -> "_Editing":
        return _Editing(self._path)


class _Editing:
    """The document as it is on the disk, written back unless an error comes up."""

    def __init__(self, path: Path) -> None:
        import tomlkit

        self._path = path
        text = path.read_text("utf-8") if path.exists() else ""
        self._document = tomlkit.parse(text)

    def __enter__(self) -> "TOMLDocument":
        return self._document

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        import tomlkit

        if kind is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            files.atomic_write(self._path, tomlkit.dumps(self._document).encode())


class _Checker:
    """A parsed file being checked; what is wrong is said with its line."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()

    def expect(self, condition: bool, word: str, otherwise: str) -> None:
        """Raise Misuse, naming the line that holds `word`, unless the condition holds."""
        if not condition:
            numbers = (at for at, line in enumerate(self._lines, 1) if word in line)
            raise Misuse(f"{self._path}, line {next(numbers, 1)}: {otherwise}")

    def aliases(self, value: Any) -> dict[str, str]:
        """Return the aliases; none of them leads back to itself."""
        self.expect(isinstance(value, dict), "aliases", "aliases must be a table of names")
        for name, other in value.items():
            self.expect(_is_name(other), name, f"the alias of {name!r} must be a name")
        for name in value:
            self.expect(not _goes_round(name, value), name, f"{name!r} is an alias of itself")
        return dict(value)

    def ignored(self, value: Any) -> tuple[str, ...]:
        """Return the names of artists to leave out."""
        whole = isinstance(value, list) and all(map(_is_name, value))
        self.expect(whole, "ignore", "ignore must be a list of names")
        return tuple(value)

    def ids(self, value: Any) -> dict[str, dict[str, str]]:
        """Return the ids by name and service."""
        self.expect(isinstance(value, dict), "ids", "ids must be a table of names")
        return {name: self._ids_of(name, ids) for name, ids in value.items()}

    def _ids_of(self, name: str, ids: Any) -> dict[str, str]:
        services = ", ".join(Service)
        whole = isinstance(ids, dict) and ids.keys() <= set(Service)
        self.expect(whole, name, f"the ids of {name!r} must be a table by service ({services})")
        checked = {}
        for service, id_ in ids.items():
            try:
                checked[service] = parse_id(str(id_), service)[1]
            except ValueError:
                self.expect(False, str(id_), f"{str(id_)!r} is no {service} id")
        return checked


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(naming.clean(value))


def _goes_round(name: str, aliases: Mapping[str, str]) -> bool:
    by_key = {_key(alias): _key(other) for alias, other in aliases.items()}
    key = _key(name)
    for _ in by_key:
        key = by_key.get(key, "")
        if key == _key(name):
            return True
    return False


def _key(name: str) -> str:
    """What a name or an id ("spotify:...") is looked up by."""
    return name if name.partition(":")[0] in tuple(Service) else naming.normalise(name)


def _keys(artist: Artist) -> list[str]:
    """What stands for an artist in the file, ids first."""
    ids = [f"{service}:{id_}" for service, id_ in artist.ids.items()]
    return [*ids, naming.normalise(artist.name)]


def _table(document: "TOMLDocument", part: str) -> Any:
    import tomlkit

    return document.setdefault(part, tomlkit.table())


def _written_as(document: "TOMLDocument", part: str, name: str) -> str:
    """The key under which `name` stands there, else how it is to be written."""
    keys: Iterator[str] = (key for key in document.get(part, {}) if _key(key) == _key(name))
    return next(keys, naming.clean(name))
