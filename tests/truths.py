"""Truth files for tests, in the original experiment's shape."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def entry(listed: Sequence[str] | Mapping[str, float | None]) -> dict[str, Any]:
    """An entry with a list; strengths fall from 10 by 0.1 unless given."""
    strengths_given = listed if isinstance(listed, Mapping) else None
    strengths = strengths_given or {name: 10 - 0.1 * at for at, name in enumerate(listed)}
    similar = [
        {"name": name, "rank": rank, "relationship_strength": strength}
        for rank, (name, strength) in enumerate(strengths.items(), 1)
    ]
    return {"status": "success", "similar_artists": similar, "total_count": len(similar)}


def write_truth(
    path: Path, lists: Mapping[str, Sequence[str] | Mapping[str, float | None] | None]
) -> Path:
    """Write lists by artist; None stands for an artist that music-map does not know."""
    entries = {
        name: {"status": "error", "error": "Failed to fetch page"}
        if listed is None
        else entry(listed)
        for name, listed in lists.items()
    }
    path.write_text(json.dumps(entries, ensure_ascii=False, indent=2), "utf-8")
    return path
