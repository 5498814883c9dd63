"""Turns artists into vectors by how their music sounds, and finds who sounds alike.

The flow, which the folders show; imports run only downwards along it:

    metadata -> audio -> embedding -> library -> ingest -> index -> query -> evaluation
      who      samples    vectors      kept      joined  searchable  asked     judged
    listeners: what listeners say          packs: shared          cli: parses, calls, prints

The whole public API is named in `__all__`. Everything else may change without notice.
"""

from typing import TYPE_CHECKING, Any

from artistindex.errors import ArtistIndexError

if TYPE_CHECKING:
    from artistindex.entities import Artist, EntryTrack, Failure, Neighbour, Track, VectorKey
    from artistindex.evaluation.compare import Comparison, compare
    from artistindex.evaluation.evaluate import Evaluation, evaluate
    from artistindex.evaluation.hidden_favourites import (
        HiddenFavourite,
        HiddenFavourites,
        hidden_favourites,
    )
    from artistindex.index.manifest import Manifest
    from artistindex.index.reader import ArtistIndex
    from artistindex.index.rows import IndexRow
    from artistindex.index.sidecar import Entry, UsedTrack
    from artistindex.index.transforms import Transform
    from artistindex.ingest.config import BuildConfig
    from artistindex.ingest.pipeline import build
    from artistindex.ingest.report import BuildReport
    from artistindex.library.library import Library
    from artistindex.library.rows import AddedVectors
    from artistindex.listeners.bills import Appearance, Billing, Event, Lineup
    from artistindex.listeners.favourites import Favourite, Favourites, read_favourites
    from artistindex.listeners.lineups import read_lineup
    from artistindex.query.acts import Unranked, UnrankedBilling
    from artistindex.query.artist_path import JoiningTracks, PathStep, find_path
    from artistindex.query.evenings import Evening, PlayingAct, rank_evenings
    from artistindex.query.explain import Explanation, TrackPair, explain
    from artistindex.query.fusion import FusedNeighbour, fuse_hits
    from artistindex.query.hubness import Csls, MutualProximity
    from artistindex.query.lineup import LineupEntry, Ranking, Reason, rank_lineup
    from artistindex.query.playlist import PlaylistTrack, playlist_of, write_playlist
    from artistindex.query.query import Query, ResolvedQuery
    from artistindex.query.ranking import RANKERS, Cosine, Hit, Ranker, rows_left_out, search
    from artistindex.query.rerank import Tracks
    from artistindex.query.track_search import TrackHit, search_tracks

__version__ = "0.1.0"
__all__ = [
    "RANKERS",
    "AddedVectors",
    "Appearance",
    "Artist",
    "ArtistIndex",
    "ArtistIndexError",
    "Billing",
    "BuildConfig",
    "BuildReport",
    "Comparison",
    "Cosine",
    "Csls",
    "Entry",
    "EntryTrack",
    "Evaluation",
    "Evening",
    "Event",
    "Explanation",
    "Failure",
    "Favourite",
    "Favourites",
    "FusedNeighbour",
    "HiddenFavourite",
    "HiddenFavourites",
    "Hit",
    "IndexRow",
    "JoiningTracks",
    "Library",
    "Lineup",
    "LineupEntry",
    "Manifest",
    "MutualProximity",
    "Neighbour",
    "PathStep",
    "PlayingAct",
    "PlaylistTrack",
    "Query",
    "Ranker",
    "Ranking",
    "Reason",
    "ResolvedQuery",
    "Track",
    "TrackHit",
    "TrackPair",
    "Tracks",
    "Transform",
    "Unranked",
    "UnrankedBilling",
    "UsedTrack",
    "VectorKey",
    "build",
    "compare",
    "evaluate",
    "explain",
    "find_path",
    "fuse_hits",
    "hidden_favourites",
    "playlist_of",
    "rank_evenings",
    "rank_lineup",
    "read_favourites",
    "read_lineup",
    "rows_left_out",
    "search",
    "search_tracks",
    "write_playlist",
]

_NAMES_OF = {
    "entities": ("Artist", "EntryTrack", "Failure", "Neighbour", "Track", "VectorKey"),
    "evaluation.compare": ("Comparison", "compare"),
    "evaluation.evaluate": ("Evaluation", "evaluate"),
    "evaluation.hidden_favourites": ("HiddenFavourite", "HiddenFavourites", "hidden_favourites"),
    "index.manifest": ("Manifest",),
    "index.reader": ("ArtistIndex",),
    "index.rows": ("IndexRow",),
    "index.sidecar": ("Entry", "UsedTrack"),
    "index.transforms": ("Transform",),
    "ingest.config": ("BuildConfig",),
    "ingest.pipeline": ("build",),
    "ingest.report": ("BuildReport",),
    "library.library": ("Library",),
    "library.rows": ("AddedVectors",),
    "listeners.bills": ("Appearance", "Billing", "Event", "Lineup"),
    "listeners.favourites": ("Favourite", "Favourites", "read_favourites"),
    "listeners.lineups": ("read_lineup",),
    "query.acts": ("Unranked", "UnrankedBilling"),
    "query.artist_path": ("JoiningTracks", "PathStep", "find_path"),
    "query.evenings": ("Evening", "PlayingAct", "rank_evenings"),
    "query.explain": ("Explanation", "TrackPair", "explain"),
    "query.fusion": ("FusedNeighbour", "fuse_hits"),
    "query.hubness": ("Csls", "MutualProximity"),
    "query.lineup": ("LineupEntry", "Ranking", "Reason", "rank_lineup"),
    "query.playlist": ("PlaylistTrack", "playlist_of", "write_playlist"),
    "query.query": ("Query", "ResolvedQuery"),
    "query.ranking": ("RANKERS", "Cosine", "Hit", "Ranker", "rows_left_out", "search"),
    "query.rerank": ("Tracks",),
    "query.track_search": ("TrackHit", "search_tracks"),
}
_HOMES = {name: f"artistindex.{home}" for home, names in _NAMES_OF.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load what is asked for, so that importing the package costs next to nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'artistindex' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
