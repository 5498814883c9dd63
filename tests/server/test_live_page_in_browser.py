"""The live page in a browser: a line-up goes to the server and comes back ranked."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from artistindex.server.app import create_app
from artistindex.server.settings import Settings
from browser import needs_browser, open_browser, wait_for
from server.conftest import listening

pytestmark = [needs_browser, pytest.mark.slow]


@pytest.fixture
def driver() -> Iterator[webdriver.Chrome]:
    yield from open_browser()


def test_a_line_up_is_sent_and_ranked(
    driver: webdriver.Chrome, served_index: Path, tmp_path: Path
) -> None:
    (tmp_path / "lineup.txt").write_text("Sigur Rós\nVril\n", "utf-8")
    (tmp_path / "likes.txt").write_text("Rezz\n", "utf-8")
    with listening(create_app(Settings(served_index))) as port:
        driver.get(f"http://127.0.0.1:{port}/")
        wait_for(driver, "return document.body.dataset.ready === 'yes'")
        for name in ("lineup", "likes"):
            field = driver.find_element(By.CSS_SELECTOR, f"input[name={name}]")
            field.send_keys(str(tmp_path / f"{name}.txt"))
        driver.find_element(By.CSS_SELECTOR, "form.send button").click()
        wait_for(driver, "return !!document.querySelector('#acts tbody tr')")
        wait_for(driver, "return document.body.dataset.ready === 'yes'")
        rows = driver.find_elements(By.CSS_SELECTOR, "#acts tbody tr")
        assert len(rows) == 2
        assert driver.get_log("browser") == []
