"""The protocol on music-map's own lists."""

import json

import numpy as np
import pytest

from artistindex.evaluation.evaluate import evaluate_space
from artistindex.evaluation.spaces import Space, open_spaces
from artistindex.listeners.truth_files import read_truth


@pytest.fixture(scope="module")
def links():
    """Unordered pairs of artists with lists, of whom one lists the other."""

    def links_of(truth):
        row = {name: at for at, name in enumerate(truth.folded)}
        return sorted(
            {
                (min(row[name], row[other]), max(row[name], row[other]))
                for name, listed in truth.folded.items()
                for other, _ in listed
                if other in row
            }
        )

    return links_of


def test_half_of_the_links_foretell_the_other_half(shared, planted, links, tmp_path):
    source = shared / "musicmap" / "similar_artists_map.json"
    truth = read_truth(source)
    names = list(truth.lists)
    pairs = np.array(links(truth))
    trained = np.random.default_rng(0).random(len(pairs)) < 0.5
    space = spectral_index(planted, names, pairs[trained])

    masked = space.similarities(np.arange(len(names))).copy()
    left, other = pairs[trained].T
    masked[left, other] = masked[other, left] = -1
    rest = write_without(source, tmp_path / "rest.json", truth, pairs[trained])
    evaluation = evaluate_space(Space("spectral", space.artists, matrix=masked), read_truth(rest))

    recall = evaluation.metrics["recall@10"]
    assert recall.chance == pytest.approx(10 / (len(names) - 1))
    assert recall.value is not None
    assert recall.low is not None
    assert recall.chance_high is not None
    assert recall.value >= 5 * recall.chance
    assert recall.low > recall.chance_high
    assert recall.beats_chance


def spectral_index(planted, names, pairs, *, dimension=64):
    """An index of the leading eigenvectors of the normalised adjacency of `pairs`."""
    adjacency = np.zeros((len(names), len(names)))
    adjacency[pairs[:, 0], pairs[:, 1]] = adjacency[pairs[:, 1], pairs[:, 0]] = 1
    scale = 1 / np.sqrt(adjacency.sum(axis=1) + 1)
    values, vectors = np.linalg.eigh(scale[:, None] * adjacency * scale)
    rows = vectors[:, -dimension:] * np.maximum(values[-dimension:], 0)
    rows += np.random.default_rng(1).normal(scale=1e-9, size=rows.shape)  # nobody is a zero vector
    (space,) = open_spaces([planted(dict(zip(names, rows.astype(np.float32), strict=True)))])
    return space


def write_without(source, target, truth, pairs):
    """The truth file without the links that were trained on."""
    folded = list(truth.folded)
    gone = {frozenset((folded[left], folded[other])) for left, other in pairs}
    entries = json.loads(source.read_text("utf-8"))
    for name, inside in zip(truth.lists, truth.folded.items(), strict=True):
        listed = entries[name]["similar_artists"]
        same = {
            similar.name
            for similar, (other, _) in zip(truth.lists[name], inside[1], strict=True)
            if frozenset((inside[0], other)) in gone
        }
        entries[name]["similar_artists"] = [
            similar for similar in listed if similar["name"] not in same
        ]
    target.write_text(json.dumps(entries), "utf-8")
    return target
