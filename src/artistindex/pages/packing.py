"""Numbers and text in a page: one JSON header and typed arrays, deflated, as base64.

Base64 has none of the characters that HTML could trip over, whatever a stranger's name holds.

    u32 little-endian: bytes of the header
    header   JSON; its key `arrays` maps names to [type, offset, length], offsets from its end
    arrays   little-endian, each byte of a number in a plane of its own, which deflates better
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistindex.errors import Misuse

MAX_BYTES = 1 << 28
"""What a page may unpack to: an index of a million artists has less."""

_TYPES: dict[str, np.dtype[Any]] = {
    "u8": np.dtype("u1"),
    "u16": np.dtype("<u2"),
    "u32": np.dtype("<u4"),
}
_DATA = re.compile(rb'<script type="application/octet-stream" id="data">([A-Za-z0-9+/=\s]*)<')


def pack(header: Mapping[str, Any], arrays: Mapping[str, NDArray[np.integer]]) -> str:
    """Return the header and the arrays (unsigned, of any shape) as base64."""
    places: dict[str, tuple[str, int, int]] = {}
    planes: list[bytes] = []
    offset = 0
    for name, array in arrays.items():
        type_ = _type_of(array)
        content = _to_planes(array.astype(_TYPES[type_]))
        places[name] = (type_, offset, array.size)
        planes.append(content)
        offset += len(content)
    text = json.dumps(
        {**header, "arrays": places}, ensure_ascii=True, separators=(",", ":"), allow_nan=False
    ).encode()
    content = b"".join((len(text).to_bytes(4, "little"), text, *planes))
    return base64.b64encode(zlib.compress(content, 9)).decode("ascii")


def unpack(packed: bytes) -> tuple[dict[str, Any], dict[str, NDArray[np.integer]]]:
    """Return header and flat arrays of what `pack` returned; raises Misuse for anything else."""
    try:
        inflater = zlib.decompressobj()
        content = inflater.decompress(base64.b64decode(packed, validate=False), MAX_BYTES)
        if not inflater.eof:
            raise ValueError("cut off, or more than a page holds")
        end = 4 + int.from_bytes(content[:4], "little")
        header = json.loads(content[4:end])
        arrays = {
            name: _from_planes(content[end + offset :], _TYPES[type_], length)
            for name, (type_, offset, length) in header.pop("arrays").items()
        }
    except (
        binascii.Error,
        zlib.error,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise Misuse(f"this is no data of a page: {type(error).__name__}") from error
    return header, arrays


def find_data(page: bytes) -> bytes | None:
    """Return the packed data inside a page, None where it has none."""
    match = _DATA.search(page)
    return match and match[1]


def _type_of(array: NDArray[np.integer]) -> str:
    """The smallest type that holds every number of the array."""
    largest = int(array.max()) if array.size else 0
    return next(name for name, type_ in _TYPES.items() if largest < 1 << (8 * type_.itemsize))


def _to_planes(array: NDArray[np.integer]) -> bytes:
    width = array.dtype.itemsize
    return np.ascontiguousarray(array.reshape(-1).view("u1").reshape(-1, width).T).tobytes()


def _from_planes(content: bytes, type_: np.dtype[Any], length: int) -> NDArray[np.integer]:
    width = type_.itemsize
    planes = np.frombuffer(content, "u1", count=length * width).reshape(width, length)
    numbers: NDArray[np.integer] = np.ascontiguousarray(planes.T).reshape(-1).view(type_)
    return numbers
