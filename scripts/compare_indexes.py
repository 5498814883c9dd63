"""Compare two indexes from Python: which one agrees better with music-map, and how sure is that?

An example of the Python API; `artistindex compare` prints the same and more.

    python scripts/compare_indexes.py indexes/discogs-effnet indexes/vggish \
        --truth musicmap.json --out comparison.json
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from artistindex import ArtistIndex, ArtistIndexError, compare, evaluate
from artistindex.cli import exit_codes
from artistindex.cli.remedies import line_for


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the comparison; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("indexes", nargs="+", type=Path, help="folders of indexes, two or more")
    parser.add_argument("--truth", type=Path, help="music-map lists, from `artistindex musicmap`")
    parser.add_argument("--pairs", type=Path, help="pairs of artists with expectations, a CSV file")
    parser.add_argument("--out", type=Path, help="write the whole comparison here, as JSON")
    options = parser.parse_args(arguments)
    try:
        show(options.indexes, truth=options.truth, pairs=options.pairs, out=options.out)
    except ArtistIndexError as error:
        print(f"Error: {line_for(error)}", file=sys.stderr)
        return exit_codes.for_error(error)
    return 0


def show(
    indexes: Sequence[Path], *, truth: Path | None, pairs: Path | None, out: Path | None
) -> None:
    """The three questions one asks of indexes, in the order in which one should ask them."""
    # What is in them? An index is opened, asked and closed; opening checks that it is whole.
    for folder in indexes:
        with ArtistIndex.open(folder) as index:
            first = index.artists[0]
            nearest = ", ".join(neighbour.artist for neighbour in index.neighbours(first, k=3))
            print(f"{index.name}: {len(index)} artists; nearest to {first}: {nearest}")

    # How good is each on its own pool? Never read a value without the chance beside it.
    if truth is not None:
        for evaluation in evaluate(indexes, truth).indexes:
            recall, protocol = evaluation.metrics["recall@10"], evaluation.protocol
            print(
                f"{evaluation.index}: recall@10 {recall.value:.1%}, chance {recall.chance:.1%},"
                f" {len(protocol.queries)} queries, coverage {protocol.coverage:.1%}"
            )

    # Which is better, by how much, and how sure is that? Only a paired comparison can say.
    comparison = compare(indexes, truth=truth, pairs=pairs)
    print(comparison.verdict.headline)
    for sentence in comparison.verdict.sentences:
        print(sentence)
    for criterion in comparison.criteria:
        print(f"{criterion.index}: {criterion.name}: {criterion.outcome} ({criterion.detail})")
    if out is not None:
        text = json.dumps(comparison.to_json(), ensure_ascii=False, indent=2)
        out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
