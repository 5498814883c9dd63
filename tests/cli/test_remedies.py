from pathlib import Path
from string import Formatter

import pytest

from artistindex.cli.remedies import _WORDS, line_for
from artistindex.errors import BrokenIndex, Remedy


@pytest.mark.parametrize("remedy", list(Remedy))
def test_every_remedy_has_words(remedy: Remedy) -> None:
    fields = [name for _, name, _, _ in Formatter().parse(_WORDS[remedy]) if name]
    details = dict.fromkeys(fields, "vggish")
    line = line_for(BrokenIndex("it is broken", remedy=remedy, **details))
    assert line.startswith("it is broken: ")
    assert "{" not in line


def test_the_way_on_ends_the_line(run, tmp_path: Path) -> None:
    code, out, err = run("query", "Rezz")
    assert (code, out) == (1, "")
    assert err == f"Error: no index in {run.indexes}: run `artistindex build` first\n"
