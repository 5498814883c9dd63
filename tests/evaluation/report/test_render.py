"""The report: what it says, what it never lets through, and that it is written whole."""

import base64
import csv
import io
import re
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from artistindex import compare
from artistindex.errors import ArtistIndexError, Misuse
from artistindex.evaluation.report.render import write_report
from artistindex.evaluation.report.sections import numbers_of, sections_of
from artistindex.evaluation.report.tables import cell, markdown, shown
from hostile_names import NAMES


@pytest.fixture
def page(strange_report: Path) -> BeautifulSoup:
    return read(strange_report)


def read(folder: Path) -> BeautifulSoup:
    return BeautifulSoup((folder / "report.html").read_text("utf-8"), "html.parser")


def test_files(strange_report):
    files = {path.name: path.stat().st_size for path in strange_report.iterdir()}
    assert files.keys() == {
        "heatmap.svg",
        "map.svg",
        "overlap.svg",
        "report.html",
        "report.md",
        "similarities.svg",
    }
    assert min(files.values()) > 500


def test_a_report_replaces_links_that_lie_in_its_way(strange, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    folder = tmp_path / "report"
    folder.mkdir()
    for name in ("report.html", "report.md", "heatmap.svg"):
        (folder / name).symlink_to(precious)
    assert not any(path.is_symlink() for path in write_report(strange, folder))
    assert precious.read_text() == "precious"


def test_strangers_stay_text_in_html(page):
    assert len(page.find_all("script")) == 1
    assert not page.find_all(["img", "b", "style"])[1:]
    assert len(page.find_all("style")) == 1
    cells = {cell.get_text() for cell in page.select("tbody th[scope=row]")}
    assert {shown(name) for name in NAMES} <= cells
    assert "{{ 7 * 7 }} {% raw %}" in cells


def test_nothing_in_the_page_points_anywhere(page):
    for attribute in ("src", "href", "action", "srcset", "data"):
        for tag in page.find_all(attrs={attribute: True}):
            assert tag[attribute].startswith(("data:", "#")), tag
    assert "default-src 'none'" in page.find("meta", attrs={"http-equiv": True})["content"]


def test_the_page_can_be_read_by_ear(page):
    assert page.html["lang"] == "en"
    assert len(page.find_all("h1")) == 1
    assert len(page.find_all("h2")) >= 5
    for table in page.find_all("table"):
        assert table.caption.get_text()
        assert all(head.get("scope") in ("col", "row") for head in table.find_all("th"))
    plots = page.select("svg[role=img]")
    assert len(plots) == 1 + 3 * len(page.select(".similarities .plot"))
    for plot in plots:
        assert len(plot["aria-label"]) > 20
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    for tag in page.find_all(attrs={"aria-labelledby": True}):
        assert tag["aria-labelledby"] in ids


def test_the_first_screen_says_which_how_much_and_how_sure(strange, page):
    head = page.header.get_text()
    assert strange.verdict.headline in head
    assert all(sentence in head for sentence in strange.verdict.sentences)
    assert "By how much" in head
    assert "How sure" in head
    assert "chance" in head


def test_nothing_has_a_style_of_its_own_which_the_policy_forbids(page):
    assert not page.find_all(attrs={"style": True})


def test_metrics_are_a_matrix_with_intervals(strange, page):
    (table,) = (
        table for table in page.find_all("table") if "Every metric" in table.caption.get_text()
    )
    heads = [head.get_text() for head in table.thead.find_all("th")]
    assert heads == ["metric", *strange.names, "chance", "ceiling"]
    rows = [row.th.get_text() for row in table.tbody.find_all("tr")]
    assert rows == list(strange.evaluations[0].metrics)
    assert re.fullmatch(r"0\.\d{3} \(0\.\d{3} to 0\.\d{3}\)", table.tbody.td.get_text())


def test_the_footer_says_what_it_rests_on_and_where_no_file_lies(strange, strange_report, page):
    footer = page.footer.get_text()
    for part in ("artistindex", "numpy", "seed 0", strange.provenance.truth_sha256, "0" * 64):
        assert part in footer
    text = (strange_report / "report.html").read_text("utf-8")
    assert str(Path(strange.provenance.truth).parent) not in text
    assert str(Path(strange.provenance.indexes[0].path).parent) not in text


def test_the_numbers_are_within_as_csv(strange, page):
    address = page.footer.a["href"]
    assert address.startswith("data:text/csv;base64,")
    content = base64.b64decode(address.partition(",")[2]).decode()
    rows = list(csv.DictReader(io.StringIO(content)))
    assert len(rows) == len(numbers_of(strange).rows)
    assert {"similarities", "music-map", "difference"} <= {row["part"] for row in rows}


def test_the_experiments_criteria_are_shown_for_its_files_alone(strange, page, planted, tmp_path):
    titles = [head.get_text() for head in page.find_all("h2")]
    assert any("criteria" in title for title in titles)  # pairs are given
    comparison = compare([planted(model="a"), planted(model="b", seed=1)])
    assert not any("criteria" in section.title for section in sections_of(comparison))
    assert comparison.criteria


def test_strangers_stay_text_in_markdown(strange_report):
    text = (strange_report / "report.md").read_text("utf-8")
    assert "<" not in text
    assert re.findall(r"(?<!\\)!\[", text) == ["!["] * 4
    assert re.findall(r"(?<!\\)\]\(([^)]*)\)", text) == [
        "overlap.svg",
        "similarities.svg",
        "heatmap.svg",
        "map.svg",
    ]
    tables = [part.splitlines() for part in text.split("\n\n") if part.startswith("|")]
    assert sum(map(len, tables)) > 60
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table}
        assert len(widths) == 1, table[:3]


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
    comparison = compare([planted(model="a"), planted(model="b", seed=1)])
    write_report(comparison, tmp_path / "r")
    page = read(tmp_path / "r")
    assert page.h1 is not None
    assert "No truth was given" in page.h1.get_text()
    assert [len(page.select(f".{name} .plot")) for name in ("overlap", "map")] == [0, 2]


def test_where_it_cannot_be_written(planted, tmp_path):
    comparison = compare([planted(model="a"), planted(model="b", seed=1)])
    (tmp_path / "file").write_text("mine")
    with pytest.raises(Misuse, match="is a file"):
        write_report(comparison, tmp_path / "file")
    with pytest.raises(ArtistIndexError, match="cannot write"):
        write_report(comparison, tmp_path / "file" / "below")
    assert (tmp_path / "file").read_text() == "mine"
