"""report.html as a headless Chromium shows it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browser import axe_findings, look, needs_browser, open_browser, requested

pytestmark = needs_browser


@pytest.fixture
def report(strange_report: Path) -> Path:
    return strange_report / "report.html"


@pytest.fixture(scope="module")
def driver() -> Iterator[webdriver.Chrome]:
    yield from open_browser()


@pytest.fixture
def page(driver: webdriver.Chrome, report: Path) -> webdriver.Chrome:
    look(driver, 1280)
    for kind in ("browser", "performance"):
        driver.get_log(kind)
    driver.get(report.as_uri())
    return driver


def test_no_request_leaves_the_page_and_the_console_is_quiet(page, report):
    urls = requested(page)
    assert report.as_uri() in urls
    assert [url for url in urls if not url.startswith(("file:", "data:"))] == []
    assert page.get_log("browser") == []
    assert page.title == "vggish and musicnn compared"


def test_strangers_bring_no_elements(page):
    assert page.execute_script("return document.scripts.length") == 1
    assert page.execute_script("return document.querySelectorAll('b, i').length") == 0


SEEN = """
const plot = arguments[0];
const shape = plot.querySelector(".curve, .bars, .cell, .dot");
const box = plot.getBoundingClientRect();
const text = plot.querySelector("text");
return [box.width, box.height, getComputedStyle(shape).fill, getComputedStyle(text).fill];
"""


def test_the_plots_have_content_and_follow_light_and_dark(page):
    plots = page.find_elements(By.CSS_SELECTOR, "svg.plot")
    assert len(plots) == 1 + 2 * 3
    inks = []
    for dark in (False, True):
        look(page, 1280, dark=dark)
        seen = [page.execute_script(SEEN, plot) for plot in plots]
        assert all(width > 300 and height > 100 for width, height, *_ in seen)
        inks.append({ink for *_, ink in seen})
    assert inks[0] & inks[1] == set()


@pytest.mark.parametrize(("width", "dark"), [(1280, True), (390, False)])
def test_axe_finds_nothing(page, width, dark):
    look(page, width, dark=dark)
    assert axe_findings(page) == []


def artist_table(page: webdriver.Chrome) -> Any:
    return page.find_elements(By.CSS_SELECTOR, "table.sortable")[-1]


def column(page: webdriver.Chrome, at: int) -> list[str]:
    script = (
        "return [...arguments[0].tBodies[0].rows].map(row => row.cells[arguments[1]].innerText)"
    )
    return page.execute_script(script, artist_table(page), at)


def test_the_table_sorts_by_mouse_and_by_keyboard(page):
    heads = artist_table(page).find_elements(By.CSS_SELECTOR, "thead th")
    assert heads[2].text.startswith("in pool")
    before = column(page, 2)
    button = heads[2].find_element(By.TAG_NAME, "button")
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    button.click()
    assert heads[2].get_attribute("aria-sort") == "descending"
    assert column(page, 2) == sorted(before, key=int, reverse=True)
    button.send_keys(Keys.ENTER)
    assert heads[2].get_attribute("aria-sort") == "ascending"
    assert column(page, 2) == sorted(before, key=int)
    status = page.find_element(By.ID, "sorted").get_attribute("textContent")
    assert status == "Every query artist: sorted by in pool, ascending"
    heads[0].find_element(By.TAG_NAME, "button").send_keys(Keys.SPACE)
    assert heads[0].get_attribute("aria-sort") == "ascending"
    assert heads[2].get_attribute("aria-sort") is None
    assert sorted(column(page, 2), key=int) == sorted(before, key=int)
    numbers = [at for at, head in enumerate(heads) if "overlap" in head.text]
    heads[numbers[0]].find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    values = [float(value) for value in column(page, numbers[0])]
    assert values == sorted(values, reverse=True)


def test_it_fits_a_phone(page):
    metrics = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        width = page.execute_script("return document.documentElement.scrollWidth")
        assert width <= 360
        head = page.find_element(By.TAG_NAME, "h1").rect
        assert head["y"] + head["height"] < 740
        small = "return parseFloat(getComputedStyle(document.body).fontSize)"
        assert page.execute_script(small) >= 16
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
