"""The report: what it says, what it never lets through, and that it is written whole."""

import re

import numpy as np
import pytest
from bs4 import BeautifulSoup

from artistindex import compare
from artistindex.errors import ArtistIndexError, Misuse
from artistindex.evaluation.report import cell, markdown, shown, write_report
from strangers import NAMES
from truths import write_truth


@pytest.fixture
def hostile(planted, tmp_path):
    """Two indexes of strangers, a truth and pairs about them."""
    drawn = np.random.default_rng(0).normal(size=(2, len(NAMES), 6)).astype(np.float32)
    folders = [
        planted(dict(zip(NAMES, rows, strict=True)), model=model)
        for rows, model in zip(drawn, ("vggish", "musicnn"), strict=True)
    ]
    lists = {
        name: [NAMES[(at + step) % len(NAMES)] for step in (1, 3, 5)]
        for at, name in enumerate(NAMES)
    }
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("\"<script>document.title='owned'</script>\",Beyoncé,low\n", "utf-8")
    truth = write_truth(tmp_path / "<b>truth.json", lists)
    return compare(folders, truth=truth, pairs=pairs)


def test_files(hostile, tmp_path):
    files = write_report(hostile, tmp_path / "a" / "report")
    assert sorted(path.name for path in files) == [
        "heatmap.svg",
        "map.svg",
        "overlap.svg",
        "report.html",
        "report.md",
        "similarities.svg",
    ]
    assert all(path.stat().st_size > 500 for path in files)


def page_of(comparison, folder) -> BeautifulSoup:
    write_report(comparison, folder)
    return BeautifulSoup((folder / "report.html").read_text("utf-8"), "html.parser")


def test_strangers_stay_text_in_html(hostile, tmp_path):
    page = page_of(hostile, tmp_path / "r")
    assert len(page.find_all("script")) == 1
    assert {image["src"][:26] for image in page.find_all("img")} == {"data:image/svg+xml;base64,"}
    assert not page.find_all("b")
    cells = {each.get_text() for each in page.select("tbody th[scope=row]")}
    assert {shown(name) for name in NAMES} <= cells
    assert "{{ 7 * 7 }} {% raw %}" in cells


def test_nothing_in_the_page_points_anywhere(hostile, tmp_path):
    page = page_of(hostile, tmp_path / "r")
    for attribute in ("src", "href", "action", "srcset", "data"):
        for tag in page.find_all(attrs={attribute: True}):
            assert tag[attribute].startswith(("data:", "#")), tag
    assert "default-src 'none'" in page.find("meta", attrs={"http-equiv": True})["content"]


def test_the_page_can_be_read_by_ear(hostile, tmp_path):
    page = page_of(hostile, tmp_path / "r")
    assert page.html["lang"] == "en"
    assert len(page.find_all("h1")) == 1
    assert [each.name for each in page.find_all(re.compile("^h[1-6]$"))].count("h2") >= 5
    for table in page.find_all("table"):
        assert table.caption.get_text()
        assert all(head.get("scope") in ("col", "row") for head in table.find_all("th"))
    for image in page.find_all("img"):
        assert len(image["alt"]) > 20
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    for tag in page.find_all(attrs={"aria-labelledby": True}):
        assert tag["aria-labelledby"] in ids


def test_the_first_screen_says_which_how_much_and_how_sure(hostile, tmp_path):
    head = page_of(hostile, tmp_path / "r").header.get_text()
    verdict = hostile.verdict
    assert verdict.headline in head
    assert all(sentence in head for sentence in verdict.sentences)
    assert "By how much" in head
    assert "How sure" in head
    assert "chance" in head


def test_strangers_stay_text_in_markdown(hostile, tmp_path):
    write_report(hostile, tmp_path / "r")
    text = (tmp_path / "r" / "report.md").read_text("utf-8")
    assert "<" not in text.replace("\\<", "")
    assert re.findall(r"(?<!\\)!\[", text) == ["!["] * 4
    assert re.findall(r"(?<!\\)\]\(([^)]*)\)", text) == [
        "overlap.svg",
        "similarities.svg",
        "heatmap.svg",
        "map.svg",
    ]
    rows = [line for line in text.splitlines() if line.startswith("|")]
    tables = "\n".join(text.splitlines()).split("\n\n")
    for table in (part for part in tables if part.startswith("|")):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table[:200]
    assert len(rows) > 60


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a|b", r"a\|b"),
        ("<b>&", "&lt;b&gt;&amp;"),
        ("[x](y)", r"\[x\](y)"),
        ("https://x", r"https\://x"),
        ("www.x", r"www\.x"),
        ("@me a@b", r"\@me a@b"),
        ("# x", r"\# x"),
        ("1. x", r"1\. x"),
        ("a-b 1.5 (c)", "a-b 1.5 (c)"),
    ],
)
def test_markdown_means_nothing(text, expected):
    assert markdown(text) == expected


def test_cells():
    assert cell(None, "number") == "–"
    assert cell(-0.12345, "number") == "−0.123"
    assert cell(0.12345, "percent") == "12.3%"
    assert cell(12345, "integer") == "12,345"
    assert cell("a\u202eb\n", "text") == "ab"


def test_a_report_without_a_truth(planted, tmp_path):
    found = compare([planted(model="a"), planted(model="b", seed=1)])
    page = page_of(found, tmp_path / "r")
    assert "No truth was given" in page.h1.get_text()
    assert len(page.find_all("img")) == 3


def test_where_it_cannot_be_written(planted, tmp_path):
    found = compare([planted(model="a"), planted(model="b", seed=1)])
    (tmp_path / "file").write_text("mine")
    with pytest.raises(Misuse, match="is a file"):
        write_report(found, tmp_path / "file")
    with pytest.raises(ArtistIndexError, match="cannot write"):
        write_report(found, tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "mine"
