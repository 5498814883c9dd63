"""Data inside a page comes out as it went in, and is never HTML."""

import json

import hypothesis
import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import strategies

from artistindex.errors import Misuse
from artistindex.pages.packing import find_data, pack, unpack
from hostile_names import NAMES

numbers = arrays.arrays(
    np.int64,
    arrays.array_shapes(max_dims=2, max_side=20),
    elements=strategies.integers(0, 2**32 - 1),
)


@hypothesis.given(strategies.dictionaries(strategies.sampled_from("abc"), numbers))
def test_numbers_come_out_as_they_went_in(columns):
    header, unpacked = unpack(pack({"names": list(NAMES)}, columns).encode())
    assert header == {"names": list(NAMES)}
    assert {name: array.tolist() for name, array in unpacked.items()} == {
        name: array.ravel().tolist() for name, array in columns.items()
    }


def test_it_has_no_character_that_html_reads():
    packed = pack({"names": list(NAMES)}, {})
    assert set(packed) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")


def test_it_is_found_in_a_page_again():
    packed = pack({"a": 1}, {})
    page = f'<p>x</p><script type="application/octet-stream" id="data">{packed}</script>'
    assert find_data(page.encode()) == packed.encode()
    assert find_data(b"<p>no data</p>") is None


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"AAAA",
        b"!!!",
        pack({"a": 1}, {}).encode()[:-8],
        pack({}, {"x": np.arange(9)}).replace("e", "f").encode(),
    ],
)
def test_what_is_no_data_is_refused(packed):
    with pytest.raises(Misuse, match="no data of a page"):
        unpack(packed)


def test_arrays_that_reach_beyond_the_end_are_refused():
    import base64
    import zlib

    text = json.dumps({"arrays": {"x": ["u16", 0, 100]}}).encode()
    content = zlib.compress(len(text).to_bytes(4, "little") + text + b"12")
    with pytest.raises(Misuse):
        unpack(base64.b64encode(content))
