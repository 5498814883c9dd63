"""Make the pictures of docs/page.md: pages of the demo's artists and of Wesnoth's music.

    artistindex demo
    artistindex --indexes wesnoth build --model musicnn \
        --audio /usr/share/games/wesnoth/1.16/data/core/music
    python scripts/make_page_pictures.py artistindex-demo/indexes/musicnn wesnoth/musicnn

The music is in Debian's package wesnoth-1.16-music; a Chromium with its driver is needed, too.
"""

import argparse
import datetime
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from selenium import webdriver

from artistindex.index.reader import ArtistIndex
from artistindex.listeners.bills import Appearance, Billing, Event, Lineup
from artistindex.pages.page_data import page_data
from artistindex.pages.render import render_page

DOCS = Path(__file__).resolve().parents[1] / "docs"
_FRIDAY = Event("Opening night", datetime.date(2027, 6, 4), "Boiler House")
_SATURDAY = Event("Long day", datetime.date(2027, 6, 5), "Old Garden", time="from 16:00")


def main(arguments: Sequence[str] | None = None) -> None:
    """Write page-*.png into docs/."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("demo", type=Path, help="the demo's index")
    parser.add_argument("wesnoth", type=Path, help="the index of Wesnoth's music")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, browser() as driver:
        festival = festival_page(options.demo, Path(folder) / "festival.html")
        shoot(driver, festival, "page-lineup.png", width=1280, height=1010)
        shoot(driver, festival, "page-phone.png", width=390, height=844, dark=True)
        library = map_page(options.wesnoth, Path(folder) / "map.html")
        with ArtistIndex.open(options.wesnoth) as index:
            chosen = index.artists[0]
        fragment = f"#artist={chosen.replace(' ', '+')}"
        shoot(driver, library, "page-map.png", fragment, width=1280, height=900, dark=True)


def festival_page(index_folder: Path, page: Path) -> Path:
    """Write the page of a made-up festival of all of the demo's artists for who likes two."""
    with ArtistIndex.open(index_folder) as index:
        billings = tuple(
            Billing(name, (Appearance(_SATURDAY if at % 2 else _FRIDAY),))
            for at, name in enumerate(index.artists)
        )
        lineup = Lineup(billings, (_FRIDAY, _SATURDAY), ())
        data = page_data(index, lineup, [index.artists[0], index.artists[4]], title="A festival")
        page.write_text(render_page(data), "utf-8")
    return page


def map_page(index_folder: Path, page: Path) -> Path:
    """Write the page of a library's map."""
    with ArtistIndex.open(index_folder) as index:
        data = page_data(index, likes=index.artists[1:3], title="The music of Wesnoth")
        page.write_text(render_page(data), "utf-8")
    return page


def browser() -> webdriver.Chrome:
    """Start a headless Chromium."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"):
        options.add_argument(argument)
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    return webdriver.Chrome(options=options, service=service)


def shoot(
    driver: webdriver.Chrome,
    page: Path,
    name: str,
    fragment: str = "",
    *,
    width: int,
    height: int,
    dark: bool = False,
) -> None:
    """Write a picture of a page as it is seen at a size, light or dark."""
    metrics = {"width": width, "height": height, "mobile": width < 500, "deviceScaleFactor": 1}
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    still = {"name": "prefers-reduced-motion", "value": "reduce"}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme, still]})
    driver.get("about:blank")
    driver.get(page.as_uri() + fragment)
    while not driver.execute_script("return document.body.dataset.ready"):
        time.sleep(0.05)
    driver.execute_script("window.scrollTo(0, 0)")
    time.sleep(0.5)
    driver.save_screenshot(str(DOCS / name))
    size = (DOCS / name).stat().st_size
    print(f"{name}: {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
