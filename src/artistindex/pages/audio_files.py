"""Where a page finds the audio files that it plays: by addresses relative to itself."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote


@dataclass(slots=True)
class AudioFiles:
    """The audio files that a page in `folder` may play.

    `outside` counts those that do not lie below it: where the page is moved, they must move too.
    """

    folder: Path
    outside: int = 0
    _addresses: dict[Path, str | None] = field(default_factory=dict)

    def address(self, path: Path | None) -> str | None:
        """Return a file's address relative to the page, None where it is not there."""
        if path is None:
            return None
        if path not in self._addresses:
            self._addresses[path] = self._find(path)
        return self._addresses[path]

    def _find(self, path: Path) -> str | None:
        if not path.is_file():
            return None
        try:
            relative = os.path.relpath(path.absolute(), self.folder.absolute())
        except ValueError:  # another drive
            return None
        if relative.startswith(os.pardir):
            self.outside += 1
        return quote(Path(relative).as_posix().encode("utf-8", "surrogateescape"))
