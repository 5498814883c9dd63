"""What the answers of the own API look like, in JSON Schema."""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]


def _object(properties: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> Schema:
    """Keys may be added: others that are not named here are allowed."""
    return {
        "type": "object",
        "required": list(properties),
        "properties": {**properties, **(optional or {})},
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_TEXT: Schema = {"type": "string"}
_OPTIONAL_TEXT: Schema = {"type": ["string", "null"]}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_RANK: Schema = {"type": "integer", "minimum": 1}
_COSINE: Schema = {"type": "number", "description": "A cosine; 1 is the same."}
_PERCENTILE: Schema = {
    "type": ["number", "null"],
    "minimum": 0,
    "maximum": 100,
    "description": "How many of the index's pairs of artists are less alike, in percent.",
}
_IDS: Schema = {"type": "object", "additionalProperties": _TEXT}
_TRACK = {
    "title": _TEXT,
    "album": _OPTIONAL_TEXT,
    "path": {**_OPTIONAL_TEXT, "description": "Its file; null unless the server shows paths."},
    "link": _OPTIONAL_TEXT,
    "score": {"type": ["number", "null"]},
    "ids": _IDS,
}
_NEIGHBOUR = {
    "rank": _RANK,
    "artist": _TEXT,
    "score": _COSINE,
    "percentile": _PERCENTILE,
    "tracks": _COUNT,
    "ids": _IDS,
    "links": _IDS,
    "entry_tracks": _list(_ref("Track")),
}
_QUERY_MORE = {
    "minus": _list(_TEXT),
    "weights": {"type": "object", "additionalProperties": {"type": "number"}},
    "track": _list(_TEXT),
}
_REASONS = _list(_object({"artist": _TEXT, "score": _COSINE}))
_EVENTS = _list({"type": "object"})

SCHEMAS: dict[str, Schema] = {
    "Track": _object(_TRACK),
    "Neighbour": _object({**_NEIGHBOUR, "rank_score": {"type": "number"}}),
    "Info": _object(
        {
            "name": _TEXT,
            "version": _TEXT,
            "index": _TEXT,
            "artists": _COUNT,
            "tracks": _COUNT,
            "track_vectors": _COUNT,
            "dimension": _RANK,
            "model": _TEXT,
            "transform": _TEXT,
            "licence": _TEXT,
            "created": _TEXT,
        }
    ),
    "Artists": _object(
        {
            "index": _TEXT,
            "q": _TEXT,
            "total": _COUNT,
            "artists": _list(
                _object({"artist": _TEXT, "ids": _IDS, "links": _IDS, "tracks": _COUNT})
            ),
        }
    ),
    "Neighbours": _object(
        {
            "index": _TEXT,
            "query": _list(_TEXT),
            "k": _RANK,
            "ranker": _TEXT,
            "neighbours": _list(_ref("Neighbour")),
        },
        _QUERY_MORE,
    ),
    "Tracks": _object(
        {
            "index": _TEXT,
            "query": _list(_TEXT),
            "k": _RANK,
            "tracks": _list(_object({"rank": _RANK, "artists": _list(_TEXT), **_TRACK})),
        },
        _QUERY_MORE,
    ),
    "Path": _object(
        {
            "index": _TEXT,
            "from": _TEXT,
            "to": _TEXT,
            "smallest_score": _COSINE,
            "steps": _list(
                _object(
                    {
                        "step": _RANK,
                        "artist": _TEXT,
                        "next": _TEXT,
                        "score": _COSINE,
                        "joined_by": {
                            "anyOf": [
                                {"type": "null"},
                                _object(
                                    {
                                        "leaving": _ref("Track"),
                                        "entering": _ref("Track"),
                                        "score": _COSINE,
                                    }
                                ),
                            ]
                        },
                    }
                )
            ),
        }
    ),
    "Match": _object(
        {
            "index": _TEXT,
            "ranked": _list(
                _object(
                    {
                        **_NEIGHBOUR,
                        "billed": _TEXT,
                        "favourite": {"type": "boolean"},
                        "because": _REASONS,
                        "events": _EVENTS,
                    }
                )
            ),
            "not_indexed": _list(_TEXT),
            "unranked": _list(
                _object(
                    {
                        "artist": _TEXT,
                        "billed": _TEXT,
                        "reason": _TEXT,
                        "closest": _list(_TEXT),
                        "events": _EVENTS,
                    }
                )
            ),
            "events": _COUNT,
            "billings": _COUNT,
            "billings_ranked": _COUNT,
            "billings_not_ranked": _COUNT,
        },
        {
            "evenings": _list({"type": "object"}),
            "likes_not_indexed": _list(_TEXT),
            "dislikes_not_indexed": _list(_TEXT),
        },
    ),
    "Problem": _object(
        {
            "type": {"type": "string", "format": "uri-reference"},
            "title": _TEXT,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": _TEXT,
        },
        {
            "parameter": _TEXT,
            "closest": _list(_TEXT),
            "candidates": _list(_TEXT),
        },
    ),
}
"""By the names that OpenAPI refers to them by."""
