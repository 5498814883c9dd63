"""Every kind of index answers alike, and an approximate one nearly finds what an exact one does."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from altered_indexes import rewrite
from artistindex.entities import Artist, VectorKey
from artistindex.errors import BrokenIndex, Misuse
from artistindex.index import hnsw, kinds
from artistindex.index.manifest import Kind, Manifest
from artistindex.index.reader import ArtistIndex, verify
from artistindex.index.removal import remove_artists
from artistindex.index.sidecar import UsedTrack
from artistindex.index.transforms import unit
from artistindex.index.writer import write_index
from artistindex.query.explain import explain
from artistindex.query.query import Query
from artistindex.query.ranking import RANKERS, rows_left_out, search

GOLDEN = Path(__file__).parents[1] / "data" / "index-format-2-hnsw"
KEY = VectorKey("vggish", "a" * 64)
COUNT, DIMENSION = 3_000, 16


def vectors(count: int = COUNT) -> np.ndarray:
    """Artists in a few styles, with a little of their own."""
    draw = np.random.default_rng(5)
    styles = draw.normal(size=(30, DIMENSION))
    rows = styles[draw.integers(0, 30, count)] + 0.4 * draw.normal(size=(count, DIMENSION))
    return rows.astype(np.float32)


def write(folder: Path, kind: str = Kind.HNSW, rows: np.ndarray | None = None) -> Manifest:
    rows = vectors() if rows is None else rows
    return write_index(
        folder,
        key=KEY,
        artists=[Artist(f"A{row}") for row in range(len(rows))],
        vectors=rows,
        tracks=[
            [UsedTrack(f"T{row}", library_id=row, recording=row, vector=vector)]
            for row, vector in enumerate(rows)
        ],
        kind=kind,
    )


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same artists in an index of each kind."""
    folders: dict[str, Path] = {kind: tmp_path_factory.mktemp(kind) for kind in Kind}
    for kind, folder in folders.items():
        write(folder, kind)
    return folders


@pytest.fixture(scope="module")
def graph(folders: dict[str, Path]) -> Iterator[ArtistIndex]:
    with ArtistIndex.open(folders[Kind.HNSW]) as index:
        yield index


@pytest.fixture(scope="module")
def exact(folders: dict[str, Path]) -> Iterator[ArtistIndex]:
    with ArtistIndex.open(folders[Kind.FLAT]) as index:
        yield index


@pytest.fixture
def no_exact_search(monkeypatch: pytest.MonkeyPatch, graph: ArtistIndex) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was searched exactly")

    monkeypatch.setattr(hnsw, "_MAX_PART", 1)
    monkeypatch.setattr(type(graph._searcher.exact), "search", refuse)  # type: ignore[attr-defined]


def test_auto_goes_by_the_size(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert kinds.kind_for("auto", 125_000, 512) is Kind.FLAT
    assert kinds.kind_for("auto", 125_001, 512) is Kind.HNSW
    monkeypatch.setattr(kinds, "MAX_EXACT_VALUES", 50 * DIMENSION)
    assert write(tmp_path / "few", "auto", vectors(50)).kind is Kind.FLAT
    assert write(tmp_path / "many", "auto", vectors(51)).kind is Kind.HNSW
    with pytest.raises(Misuse, match="unknown kind of index 'magic'; there are auto, flat, hnsw"):
        write(tmp_path / "other", "magic", vectors(5))


def test_the_manifest_says_how_it_is_searched_and_how_well(folders: dict[str, Path]) -> None:
    document = json.loads((folders[Kind.HNSW] / "manifest.json").read_text())
    assert document["kind"] == "hnsw"
    assert document["parameters"] == {
        "codes": "bf16",
        "M": 16,
        "ef_construction": 100,
        "ef_search": document["parameters"]["ef_search"],
    }
    assert document["parameters"]["ef_search"] in hnsw.SEARCH_DEPTHS
    assert document["recall"].keys() == {"value", "k", "queries"}
    assert document["files"]["graph"]["name"].startswith("graph-")
    flat = json.loads((folders[Kind.FLAT] / "manifest.json").read_text())
    assert "recall" not in flat
    assert "graph" not in flat["files"]
    for kind, folder in folders.items():
        assert Manifest.read(folder).kind is kind
        verify(folder)


@pytest.mark.usefixtures("no_exact_search")
def test_recall_is_what_the_manifest_says(graph: ArtistIndex) -> None:
    recall = graph.manifest.recall
    assert recall is not None
    assert (recall.k, recall.queries) == (10, 500)
    rows = graph.vectors
    sample = np.random.default_rng(1).choice(COUNT, 500, replace=False)
    shares = []
    for row in sample.tolist():
        cosines = rows @ rows[row]
        cosines[row] = -2
        nearest = set(np.argsort(-cosines)[:10].tolist())
        found = {other for _, other in graph.search_rows(rows[row], 10, exclude=[row])}
        shares.append(len(found & nearest) / 10)
    assert np.mean(shares) == pytest.approx(recall.value, abs=0.01)
    assert recall.value >= hnsw.MIN_RECALL


@pytest.mark.usefixtures("no_exact_search")
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 30), left_out=st.integers(0, 300))
def test_scores_are_exact_and_in_order_and_nobody_answers_who_must_not(
    graph: ArtistIndex, seed: int, k: int, left_out: int
) -> None:
    draw = np.random.default_rng(seed)
    asked = draw.normal(size=DIMENSION)
    excluded = draw.choice(COUNT, left_out, replace=False).tolist()
    scored = graph.search_rows(asked, k, exclude=excluded)
    rows = [row for _, row in scored]
    assert len(rows) == k
    assert not set(rows) & set(excluded)
    (wanted,) = unit(asked[None, :])
    np.testing.assert_allclose([score for score, _ in scored], graph.vectors[rows] @ wanted, 1e-5)
    assert scored == sorted(scored, key=lambda pair: (-pair[0], pair[1]))


def test_equals_come_in_the_order_of_their_rows(tmp_path: Path) -> None:
    rows = np.repeat(vectors(40), 5, axis=0)
    write(tmp_path, rows=rows)
    with ArtistIndex.open(tmp_path) as index:
        assert [row for _, row in index.search_rows(rows[50], 5)] == [50, 51, 52, 53, 54]


def test_hardly_anybody_left_is_searched_exactly(graph: ArtistIndex, exact: ArtistIndex) -> None:
    only = [f"A{row}" for row in range(0, COUNT, 37)]
    for index in (graph, exact):
        left_out = rows_left_out(index, only=only)
        hits = search(index, "A3", 10, exclude=left_out)
        assert {hit.neighbour.artist for hit in hits} <= set(only)
        assert len(hits) == 10
    asked = graph.vector("A3")
    near = [row for _, row in exact.search_rows(asked, 500)]  # where the graph would go first
    expected = exact.search_rows(asked, 10, exclude=near)
    found = graph.search_rows(asked, 10, exclude=near)
    assert len({row for _, row in found} & {row for _, row in expected}) >= 8


@pytest.mark.parametrize("ranker", RANKERS)
def test_rankers_answer_alike(graph: ArtistIndex, exact: ArtistIndex, ranker: str) -> None:
    answers = [search(index, "A77", 10, ranker=RANKERS[ranker]()) for index in (graph, exact)]
    first, other = ({hit.row: hit.rank_score for hit in hits} for hits in answers)
    common = first.keys() & other.keys()
    assert len(common) >= 9
    for row in common:
        assert first[row] == pytest.approx(other[row], abs=1e-4)


def test_weights_minus_and_explanations_are_the_same(
    graph: ArtistIndex, exact: ArtistIndex
) -> None:
    query = Query(("A1", "A2"), minus=("A9",), weights={"A1": 2.0})
    answers = [search(index, query, 5) for index in (graph, exact)]
    assert [hit.row for hit in answers[0]] == [hit.row for hit in answers[1]]
    for hit, other in zip(*answers, strict=True):
        assert hit.neighbour.percentile == pytest.approx(other.neighbour.percentile, abs=0.05)
    answers = [search(index, "A4", 5) for index in (graph, exact)]
    explained = [
        explain(index, "A4", hits) for index, hits in zip((graph, exact), answers, strict=True)
    ]
    assert explained[0] == explained[1]


def test_many_questions_are_answered_as_one_is(graph: ArtistIndex, exact: ArtistIndex) -> None:
    for index in (graph, exact):
        rows = [3, 1, 700]
        many = index.search_many(index.vectors_of(rows), 7, exclude=[(row,) for row in rows])
        for row, answer in zip(rows, many, strict=True):
            single = index.search_rows(index.vectors[row], 7, exclude=[row])
            assert [other for _, other in answer] == [other for _, other in single]
            np.testing.assert_allclose(
                [score for score, _ in answer], [score for score, _ in single], atol=1e-6
            )
        assert index.search_many(np.zeros((0, DIMENSION), np.float32), 7) == []


def test_the_graph_is_made_again_for_other_vectors_only(tmp_path: Path) -> None:
    before = write(tmp_path, rows=vectors(200))
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert write(tmp_path, rows=vectors(200)) == before
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == stamps
    write(tmp_path, Kind.FLAT, rows=vectors(200))
    assert Manifest.read(tmp_path).graph_file is None
    assert write(tmp_path, rows=-vectors(200)).graph_file != before.graph_file
    assert len(list(tmp_path.glob("graph-*.faiss"))) == 1


def test_who_is_forgotten_is_in_no_graph(tmp_path: Path) -> None:
    before = write(tmp_path, rows=vectors(100))
    after = remove_artists(tmp_path, [3])
    assert after is not None
    assert after.kind is Kind.HNSW
    assert before.graph_file is not None
    assert not (tmp_path / before.graph_file.name).exists()
    with ArtistIndex.open(tmp_path) as index:
        assert len(index.neighbours("A4", 20)) == 20
        assert "A3" not in index.artists


# -- files of strangers --------------------------------------------------------------------------


def damaged(name: str) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        at = {"fourcc": 0, "dimension": 4, "rows": 8, "trained": 32, "metric": 33, "length": 37}
        if name == "short":
            return content[:-1]
        if name == "long":
            return content + b"\0"
        start = at[name]
        return content[:start] + bytes([content[start] ^ 0x41]) + content[start + 1 :]

    return change


@pytest.mark.parametrize(
    "what", ["fourcc", "dimension", "rows", "trained", "metric", "length", "short", "long"]
)
def test_a_graph_of_another_layout_is_refused(tmp_path: Path, what: str) -> None:
    manifest = write(tmp_path, rows=vectors(50))
    assert manifest.graph_file is not None
    content = (tmp_path / manifest.graph_file.name).read_bytes()
    rewrite(tmp_path, "graph", damaged(what)(content))
    with pytest.raises(BrokenIndex, match="is not the graph of 50 vectors"):
        ArtistIndex.open(tmp_path)


def test_links_to_nowhere_are_refused(tmp_path: Path) -> None:
    manifest = write(tmp_path, rows=vectors(50))
    assert manifest.graph_file is not None
    path = tmp_path / manifest.graph_file.name
    content = path.read_bytes()
    unused = b"\xff\xff\xff\xff" * 8  # -1 stands where there is no link
    assert unused in content
    rewrite(tmp_path, "graph", content.replace(unused, unused[4:] + b"\x00\x00\x00\x7f", 1))
    with pytest.raises(BrokenIndex, match="FAISS cannot read"):
        ArtistIndex.open(tmp_path)


@pytest.mark.parametrize("depth", [0, -1, 100_000, "64", 1.5, None])
def test_a_depth_that_cannot_be_is_refused(tmp_path: Path, depth: object) -> None:
    manifest = write(tmp_path, rows=vectors(50))
    assert manifest.graph_file is not None
    content = (tmp_path / manifest.graph_file.name).read_bytes()
    rewrite(tmp_path, "graph", content, parameters={"ef_search": depth})
    with pytest.raises(BrokenIndex, match="no sound ef_search"):
        ArtistIndex.open(tmp_path)


@pytest.mark.parametrize("kind", Kind)
def test_a_kind_has_a_graph_or_none(tmp_path: Path, kind: str) -> None:
    other = Kind.FLAT if kind == Kind.HNSW else Kind.HNSW
    manifest = write(tmp_path, kind, vectors(50))
    content = (tmp_path / manifest.index_file.name).read_bytes()
    rewrite(tmp_path, "index", content, kind=other)
    with pytest.raises(BrokenIndex, match="not a manifest"):
        Manifest.read(tmp_path)


# -- the golden index ----------------------------------------------------------------------------


def test_the_golden_index_answers_as_it_did(tmp_path: Path) -> None:
    expected = json.loads((GOLDEN / "expected.json").read_text())
    shutil.copytree(GOLDEN / "index", tmp_path / "vggish")
    verify(tmp_path / "vggish")
    with ArtistIndex.open(tmp_path / "vggish") as index:
        assert index.manifest.kind is Kind.HNSW
        assert index.manifest.recall is not None
        assert index.manifest.recall.value == expected["recall"]
        for name, answer in expected["neighbours"].items():
            neighbours = index.neighbours(name, 5)
            assert [neighbour.artist for neighbour in neighbours] == [line[0] for line in answer]
            for neighbour, (_, score) in zip(neighbours, answer, strict=True):
                assert neighbour.score == pytest.approx(score, abs=1e-6)
