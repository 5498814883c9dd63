"""A headless Chromium, and what tests ask of the pages it shows."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Debian's packages chromium and chromium-driver"
)
_ROOT = Path(__file__).parents[1]
_AXE = Path("node_modules", "axe-core", "axe.min.js")
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def open_browser() -> Iterator[webdriver.Chrome]:
    """Start a Chromium for the tests of a module, and end it after them."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=DRIVER)
    opened = webdriver.Chrome(options=options, service=service)
    yield opened
    opened.quit()


def requested(driver: webdriver.Chrome) -> list[str]:
    """Return the addresses asked for since this was last called."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]


def look(driver: webdriver.Chrome, width: int, *, height: int = 900, dark: bool = False) -> None:
    """Have the browser be so wide, of a phone below 500 pixels, and light or dark."""
    is_phone = width < 500
    metrics = {"width": width, "height": height, "mobile": is_phone}
    ratio = {"deviceScaleFactor": 2 if is_phone else 1}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics | ratio)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    still = {"name": "prefers-reduced-motion", "value": "reduce"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme, still]})


def wait_for(driver: webdriver.Chrome, script: str, *, seconds: float = 20) -> Any:
    """Return what `script` returns, once that is true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if outcome := driver.execute_script(script):
            return outcome
        time.sleep(0.02)
    raise AssertionError(f"never true: {script}")


def axe_findings(driver: webdriver.Chrome) -> list[str]:
    """Return what axe-core finds wrong with the page; skips where it is not installed.

    `npm install axe-core` in the project's folder installs it, or AXE_CORE names its axe.min.js.
    """
    script = Path(os.environ.get("AXE_CORE", _ROOT / _AXE))
    if not script.is_file():
        pytest.skip("needs axe-core: npm install --no-save axe-core")
    driver.execute_script(script.read_text("utf-8"))
    findings = driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run(document, {runOnly: arguments[0]})"
        ".then(done, (error) => done({error: `${error}`}));",
        _RULES,
    )
    assert "error" not in findings, findings
    return [
        f"{finding['id']}: {node['html'][:120]} ({node['failureSummary']})"
        for finding in findings["violations"]
        for node in finding["nodes"]
    ]
