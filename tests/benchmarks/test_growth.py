from pathlib import Path

import pytest

import gathering
import growth


def test_everything_is_measured_at_each_size(tmp_path: Path) -> None:
    figures: growth.Figures = {}
    for size in (40, 80):
        for name, seconds in growth.measure(tmp_path / str(size), size, 8).items():
            figures.setdefault(name, {})[size] = seconds
    lines = growth.table(figures)
    assert lines[0] == "| | 40 | 80 | exponent |"
    assert [line.split(" | ")[0] for line in lines[2:]] == [f"| {name}" for name in figures]
    assert all(seconds > 0 for taken in figures.values() for seconds in taken.values())


def test_an_exponent_is_the_slope_of_the_logarithms() -> None:
    assert growth.exponent({10: 3.0, 100: 30.0, 1000: 300.0}) == "1.00"
    assert growth.exponent({10: 3.0, 100: 3.0}) == "0.00"


def test_names_differ() -> None:
    assert len(set(growth.names(500))) == 500


@pytest.mark.slow
def test_a_library_is_filled_and_its_index_made_three_times(tmp_path: Path) -> None:
    gathering.fill(tmp_path / "library.sqlite3", artists=12, tracks=3, dimension=16)
    figures = gathering.measure(tmp_path, "none", changed=2)
    assert list(figures) == ["first index", "nothing new", "2 artists changed"]
    assert [figure["artists"] for figure in figures.values()] == [12, 12, 12]
    assert [figure["changed"] for figure in figures.values()] == [True, False, True]
