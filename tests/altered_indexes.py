"""Indexes whose files were changed by somebody who knows how to seal a manifest."""

import hashlib
import json
import sqlite3
from pathlib import Path

from artistindex.index.manifest import Manifest, seal


def rewrite(folder: Path, which: str, content: bytes, **fields: object) -> None:
    """Put `content` in place of a data file, with a manifest that agrees with it."""
    path = folder / "manifest.json"
    document = json.loads(path.read_text()) | fields
    entry = document["files"][which]
    (folder / entry["name"]).write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    entry |= {"bytes": len(content), "sha256": sha256, "blocks": [sha256]}
    path.write_text(json.dumps(document | {"sha256": seal(document)}))


def run_sql(folder: Path, sql: str) -> None:
    """Change the sidecar of the index in `folder`, with a manifest that agrees with it."""
    path = folder / Manifest.read(folder).artists_file.name
    with sqlite3.connect(path) as connection:
        connection.executescript(sql)
    connection.close()
    rewrite(folder, "artists", path.read_bytes())
