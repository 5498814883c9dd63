"""`artistindex serve` as a process of its own."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builds import Place

_ADDRESS = re.compile(r"http://\S+/")


@contextmanager
def server(folder: Path, *arguments: object) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Serve the index in `folder` on a free port: (address without its last slash, process)."""
    place = Place(folder.parent.parent)
    assert place.indexes == folder.parent
    with place.start("serve", "--port", 0, "--rate", 0, *arguments) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            address = _ADDRESS.search(line)
            assert address, line + process.stderr.read()
            yield address[0].rstrip("/"), process
        finally:
            process.kill()
