"""Artists who do not exist, as many as are asked for: their names and their vectors."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LATENT, HIDDEN, STYLES = 24, 256, 2_000
SPREAD, NOISE = 0.5, 0.05
QUERIES = 1_000
_AT_ONCE = 50_000

Rows = NDArray[np.float32]

_ONSETS = (
    *("b", "br", "c", "ch", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "kl", "l", "m", "n"),
    *("p", "pr", "r", "s", "sh", "sk", "st", "t", "tr", "v", "w", "z"),
)
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ee", "oo", "ou", "y"]
_CODAS = ["", "", "n", "r", "l", "s", "x", "nd", "ck", "m"]
_LAST = ["and", "the", "of", "dj", "sound", "collective", "system", "trio", "club", "orchestra"]


def names(count: int, seed: int = 0) -> Iterator[str]:
    """Yield so many names, nearly all of them different: "Drouck Valee", "The Skind Trio"."""
    draw = np.random.default_rng(seed)
    for start in range(0, count, _AT_ONCE):
        size = min(_AT_ONCE, count - start)
        parts = draw.integers(0, 1 << 30, (size, 8))
        yield from map(_name, parts.tolist())


def _name(parts: list[int]) -> str:
    words = []
    for word in range(1 + parts[0] % 3):
        syllables = 2 + (parts[1] >> (2 * word)) % 2
        words.append("".join(_syllable(parts[2 + word] >> (10 * at)) for at in range(syllables)))
    if parts[5] % 5 == 0:
        words.insert(parts[6] % 2 * len(words), _LAST[parts[7] % len(_LAST)])
    return " ".join(words).title()


def _syllable(number: int) -> str:
    onset, rest = number % len(_ONSETS), number // len(_ONSETS)
    vowel, rest = rest % len(_VOWELS), rest // len(_VOWELS)
    return _ONSETS[onset] + _VOWELS[vowel] + _CODAS[rest % len(_CODAS)]


def vectors(
    folder: Path, artists: int, dimension: int, *, uniform: bool = False
) -> tuple[Rows, Rows]:
    """Return artists' unit vectors (mapped) and 1,000 others to ask with, of files in `folder`.

    Those in styles lie about 2,000 points of 24 dimensions, which a network of two layers lifts
    into `dimension`, with a tenth of noise: half of the variance is in 9 directions and 99% in 170.
    Those that are `uniform` have nothing in common, the worst case for every approximate search.
    They are made where they are not there yet.
    """
    rows, queries = folder / "rows.npy", folder / "queries.npy"
    if not queries.exists():
        folder.mkdir(parents=True, exist_ok=True)
        drawn = _uniform(artists, dimension) if uniform else _in_styles(artists, dimension)
        mapped = np.lib.format.open_memmap(rows, "w+", np.float32, (artists, dimension))
        asked = []
        for start, block in drawn:
            mapped[start : start + len(block)] = block[: max(0, artists - start)]
            asked.append(block[max(0, artists - start) :])
        np.save(queries, np.concatenate(asked))
    return np.load(rows, mmap_mode="r"), np.load(queries)


def _in_styles(artists: int, dimension: int) -> Iterator[tuple[int, Rows]]:
    draw = np.random.default_rng(19)
    first = draw.standard_normal((LATENT, HIDDEN), np.float32) / LATENT**0.5
    second = draw.standard_normal((HIDDEN, dimension), np.float32) / HIDDEN**0.5
    styles = draw.standard_normal((STYLES, LATENT), np.float32)
    for start, size in _blocks(artists):
        own = draw.integers(0, STYLES, size)
        latent = styles[own] + np.float32(SPREAD) * draw.standard_normal((size, LATENT), np.float32)
        lifted = np.tanh(latent @ first) @ second
        lifted += np.float32(NOISE) * draw.standard_normal((size, dimension), np.float32)
        yield start, lifted / np.linalg.norm(lifted, axis=1, keepdims=True)


def _uniform(artists: int, dimension: int) -> Iterator[tuple[int, Rows]]:
    draw = np.random.default_rng(19)
    for start, size in _blocks(artists):
        block = draw.standard_normal((size, dimension), np.float32)
        yield start, block / np.linalg.norm(block, axis=1, keepdims=True)


def _blocks(artists: int) -> Iterator[tuple[int, int]]:
    total = artists + QUERIES
    for start in range(0, total, _AT_ONCE):
        yield start, min(_AT_ONCE, total - start)
