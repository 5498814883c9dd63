"""The column `sound` and the JSON key `descriptors`, where an index of descriptors is there."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artistindex.entities import Artist

if TYPE_CHECKING:
    from artistindex.embedding.descriptors import Description

COLUMN = "sound"
KEY = "descriptors"


def descriptions_of(
    indexes: Path, artists: Sequence[Artist]
) -> "Sequence[Description | None] | None":
    """Return what is known of each artist; None where there is no index of descriptors."""
    from artistindex.query.described import DescribedArtists

    described = DescribedArtists.beside(indexes)
    if described is None:
        return None
    with described:
        return described.of(artists)


def describe_rows(
    indexes: Path, artists: Sequence[Artist], payload: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Add `descriptors` to each row of `payload`, of these artists; return the cells beside it.

    Without an index of descriptors nothing is added, and there are no cells.
    """
    descriptions = descriptions_of(indexes, artists)
    if descriptions is None:
        return []
    for row, description in zip(payload, descriptions, strict=True):
        row[KEY] = None if description is None else description.to_json()
    return [{COLUMN: None if told is None else str(told)} for told in descriptions]
