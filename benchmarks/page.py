"""How large a page is, how soon it is seen, and how smoothly its map is dragged.

Indexes are planted: artists in clusters, three tracks each, ids of Spotify for every artist and
track, names of two made-up words. The browser is a headless Chromium without a graphics card.

    python benchmarks/page.py 10000 50000
"""

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from selenium import webdriver

from artistindex.entities import Artist, VectorKey
from artistindex.index.reader import ArtistIndex
from artistindex.index.sidecar import UsedTrack
from artistindex.index.writer import write_index
from artistindex.pages.page_data import page_data
from artistindex.pages.render import render_page

_SYLLABLES = (
    "ka",
    "lo",
    "mi",
    "ra",
    "zu",
    "ven",
    "tor",
    "el",
    "ash",
    "nor",
    "bri",
    "qua",
    "xi",
    "deo",
)
_BASE62 = np.array([*"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"])
_DIMENSION = 64
_TRACKS = 3
_DRAG = """
const done = arguments[arguments.length - 1];
const canvas = document.getElementById("map-canvas");
canvas.scrollIntoView({block: "center", behavior: "instant"});
const box = canvas.getBoundingClientRect();
const send = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type, {
  pointerId: 1, pointerType: "mouse", clientX: x, clientY: y, bubbles: true }));
HTMLElement.prototype.setPointerCapture = () => {};
let [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
send("pointerdown", x, y);
const before = Number(canvas.dataset.frames);
const begun = performance.now();
const step = (now) => {
  if (now - begun > 3000) {
    send("pointerup", x, y);
    done((Number(canvas.dataset.frames) - before) / ((now - begun) / 1000));
    return;
  }
  x += 3 * Math.sin(now / 300);
  y += 3 * Math.cos(now / 300);
  send("pointermove", x, y);
  requestAnimationFrame(step);
};
requestAnimationFrame(step);
"""
_PAINT = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
_READY = "return document.body.dataset.ready && performance.now()"
_TIMED = """
const request = window.requestAnimationFrame.bind(window);
window.drawn = [];
window.requestAnimationFrame = (call) => request((now) => {
  const canvas = document.getElementById("map-canvas");
  const frames = canvas?.dataset.frames;
  const begun = performance.now();
  call(now);
  if (canvas?.dataset.frames === frames) return;
  canvas.getContext("2d").getImageData(0, 0, 1, 1); // so that all of it is drawn
  window.drawn.push(performance.now() - begun);
});
"""
_EMPTY = "data:text/html,<p>x"
_LOADS = 5


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line of figures, as JSON, for each number of artists."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("artists", nargs="+", type=int)
    options = parser.parse_args(arguments)
    for count in options.artists:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(measure(count, Path(folder))), flush=True)


def measure(count: int, folder: Path) -> dict[str, Any]:
    """Plant an index of `count` artists, make its page and drag its map."""
    plant(folder / "musicnn", count)
    begun = time.perf_counter()
    with ArtistIndex.open(folder / "musicnn") as index:
        data = page_data(index)
        html = render_page(data).encode()
    made = time.perf_counter() - begun
    page = folder / "page.html"
    page.write_bytes(html)
    assert data.map is not None
    return {
        "artists": count,
        "seconds to make": round(made, 1),
        "MB": round(len(html) / 1e6, 2),
        "share kept": round(data.map.layout.share_kept, 3),
        "method": data.map.layout.method.value,
        **browse(page),
    }


def browse(page: Path) -> dict[str, float]:
    """Open a page at 1280 by 800 five times and drag its map, whole and zoomed in, for 3 seconds.

    Times are the least of all, since the machine may be busy with other things; those of an empty
    page stand beside them. Drawing is the page's own code and the pixels it makes.
    """
    with _browser() as driver:
        driver.set_window_size(1280, 800)
        driver.set_script_timeout(60)
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _TIMED})
        empty = min(_load(driver, _EMPTY, _PAINT)[0] for _ in range(_LOADS))
        loads = [_load(driver, page.as_uri(), _READY) for _ in range(_LOADS)]
        whole = _drag(driver)
        driver.execute_script(
            "for (let i = 0; i < 5; i++) document.getElementById('zoom-in').click()"
        )
        near = _drag(driver)
    return {
        "first paint ms": round(min(paint for paint, _ in loads)),
        "of an empty page": round(empty),
        "ready ms": round(min(ready for _, ready in loads)),
        **{f"{name}, whole": value for name, value in whole.items()},
        **{f"{name}, near": value for name, value in near.items()},
    }


def _load(driver: webdriver.Chrome, address: str, until: str) -> tuple[float, float]:
    """Return when something was first painted, and when `until` was true, in milliseconds."""
    driver.get(address)
    deadline = time.monotonic() + 60
    while not (outcome := driver.execute_script(until)) and time.monotonic() < deadline:
        time.sleep(0.01)
    while (paint := driver.execute_script(_PAINT)) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return float(paint), float(outcome)


def _drag(driver: webdriver.Chrome) -> dict[str, float]:
    driver.execute_script("window.drawn.length = 0")
    frames = driver.execute_async_script(_DRAG)
    drawn = np.array(driver.execute_script("return window.drawn"))
    return {
        "frames a second": round(frames, 1),
        "ms to draw, least": round(float(drawn.min()), 1),
        "ms to draw, median": round(float(np.median(drawn)), 1),
    }


def _browser() -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    return webdriver.Chrome(options=options, service=service)


def plant(folder: Path, count: int) -> None:
    """Write an index of `count` artists in clusters of sixty."""
    generator = np.random.default_rng(1)
    clusters = max(12, count // 60)
    genres = generator.normal(size=(12, _DIMENSION))
    centres = generator.normal(size=(clusters, _DIMENSION))
    centres += 1.5 * genres[generator.integers(0, 12, clusters)]
    middles = centres[generator.integers(0, clusters, count)]
    middles += generator.normal(scale=0.7, size=middles.shape)
    noise = generator.normal(scale=0.5, size=(count, _TRACKS, _DIMENSION))
    vectors = (middles[:, None] + noise).astype(np.float32)
    write_index(
        folder,
        key=VectorKey("musicnn", "0" * 64),
        artists=[Artist(_words(generator, 2), {"spotify": _id(generator)}) for _ in range(count)],
        vectors=vectors.mean(axis=1),
        tracks=[_tracks(generator, row, vectors[row]) for row in range(count)],
    )


def _tracks(
    generator: np.random.Generator, row: int, vectors: np.ndarray[Any, np.dtype[np.float32]]
) -> list[UsedTrack]:
    return [
        UsedTrack(
            _words(generator, 3),
            library_id=row * _TRACKS + at,
            recording=row * _TRACKS + at,
            ids={"spotify": _id(generator)},
            vector=vector,
        )
        for at, vector in enumerate(vectors)
    ]


def _words(generator: np.random.Generator, count: int) -> str:
    words = ("".join(generator.choice(_SYLLABLES, 2)) for _ in range(count))
    return " ".join(words).title()


def _id(generator: np.random.Generator) -> str:
    return "".join(_BASE62[generator.integers(0, 62, 22)])


if __name__ == "__main__":
    main()
