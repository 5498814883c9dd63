"""report.html as a headless Chromium shows it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Debian's packages chromium and chromium-driver"
)


@pytest.fixture
def report(strange_report: Path) -> Path:
    return strange_report / "report.html"


@pytest.fixture(scope="module")
def driver() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=DRIVER)
    opened = webdriver.Chrome(options=options, service=service)
    yield opened
    opened.quit()


@pytest.fixture
def page(driver: webdriver.Chrome, report: Path) -> webdriver.Chrome:
    for kind in ("browser", "performance"):
        driver.get_log(kind)
    driver.get(report.as_uri())
    return driver


def requested(page: webdriver.Chrome) -> list[str]:
    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    return [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]


def test_no_request_leaves_the_page_and_the_console_is_quiet(page, report):
    urls = requested(page)
    assert report.as_uri() in urls
    assert [url for url in urls if not url.startswith(("file:", "data:"))] == []
    assert page.get_log("browser") == []
    assert page.title == "vggish and musicnn compared"


def test_strangers_bring_no_elements(page):
    assert page.execute_script("return document.scripts.length") == 1
    assert page.execute_script("return document.querySelectorAll('b, i').length") == 0


COLOURS = """
const image = arguments[0];
const canvas = document.createElement("canvas");
canvas.width = 300; canvas.height = 300;
const context = canvas.getContext("2d");
context.drawImage(image, 0, 0, 300, 300);
const seen = new Set();
const data = context.getImageData(0, 0, 300, 300).data;
for (let at = 0; at < data.length; at += 4) seen.add(data.slice(at, at + 3).join());
return seen.size;
"""


def test_the_plots_have_content(page):
    images = page.find_elements(By.TAG_NAME, "img")
    assert len(images) == 4
    for image in images:
        assert int(image.get_property("naturalWidth")) > 300
        assert page.execute_script(COLOURS, image) > 20


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
