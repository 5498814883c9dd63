import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from artistindex._util.csv_text import csv_text
from artistindex.naming import UNPRINTABLE


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-M-", "'-M-"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("＝HYPERLINK(1)", "'＝HYPERLINK(1)"),
        ("＋1＋A1", "'＋1＋A1"),
        ("－A1", "'－A1"),
        ("＠SUM(A1)", "'＠SUM(A1)"),
        ("  =1+1", "'  =1+1"),
        ("\u3000=1", "'\u3000=1"),
        ("\u200b=1", "'\u200b=1"),
        ('"=1', "'\"=1"),
        ("foo;=HYPERLINK(1)", "foo;'=HYPERLINK(1)"),
        ("foo,=HYPERLINK(1)", "foo,'=HYPERLINK(1)"),
        ("foo|@SUM(A1)", "foo|'@SUM(A1)"),
        ('foo; "=1', "foo;' \"=1"),
        ("+44;=A1", "+44;'=A1"),
        ("\t=1", r"\t=1"),
        ("\r=1", r"\r=1"),
        ("a\t=1", r"a\t=1"),
        ("+44=A1", "'+44=A1"),
        ("-1+A1", "'-1+A1"),
    ],
)
def test_a_formula_becomes_text(text: str, cell: str) -> None:
    assert csv_text(text) == cell


@pytest.mark.parametrize(
    "text",
    ["+44", "-5", "+1 555 0100", "+49 (0)30-1234", "-0.25", "+1e5", "-3 %", "AC/DC", "東京", "a-b",
     "Say \"so\"", "a = b", "foo; bar", "Tyler, The Creator", "jay-z, +44", ""],
)  # fmt: skip
def test_what_is_no_formula_stays(text: str) -> None:
    assert csv_text(text) == text


STARTS = re.compile('[\\s"\u200b-\u200d\u2060\ufeff]*[=@＝＠]')


@example('x;"=1"')
@given(st.text(alphabet=st.sampled_from("=+-@＝;,|\"' \t\nA1")))
def test_however_it_is_read_no_cell_is_a_formula(text: str) -> None:
    written = io.StringIO()
    csv.writer(written).writerow(["first", csv_text(text), "last"])
    assert not UNPRINTABLE.search(csv_text(text))
    for delimiter in ",;|\t":
        for row in csv.reader(io.StringIO(written.getvalue()), delimiter=delimiter):
            assert not any(STARTS.match(cell) for cell in row)
