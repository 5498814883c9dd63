"""The page as a headless Chromium shows it."""

import base64
import datetime
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import icalendar
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from artistindex import naming
from artistindex.index.reader import ArtistIndex
from artistindex.listeners.bills import Appearance, Billing, Event, Lineup
from artistindex.pages.audio_files import AudioFiles
from artistindex.pages.page_data import page_data
from artistindex.pages.render import SCRIPTS, asset_text, render_page
from artistindex.query.artist_path import find_path
from browser import axe_findings, look, needs_browser, open_browser, requested, wait_for
from hostile_names import NAMES

pytestmark = needs_browser

FRIDAY = Event("Night, one; two", datetime.date(2027, 5, 7), "The Cellar", "https://example.org/t")
SATURDAY = Event("Late", datetime.date(2027, 5, 8), "Attic", None, "22:00")
LIKES = ["Artist 0", "Artist 2"]
ACTS = 15


@pytest.fixture(scope="module")
def driver() -> Iterator[webdriver.Chrome]:
    yield from open_browser()


@pytest.fixture(scope="module")
def festival(styles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of fifteen acts on two days, with the map."""
    billings = tuple(
        Billing(f"Artist {at}", (Appearance(SATURDAY if at % 3 else FRIDAY),)) for at in range(ACTS)
    )
    lineup = Lineup(billings, (FRIDAY, SATURDAY), ())
    page = tmp_path_factory.mktemp("festival") / "page.html"
    with ArtistIndex.open(styles) as index:
        audio = AudioFiles(page.parent)
        page.write_text(render_page(page_data(index, lineup, LIKES, audio=audio)), "utf-8")
    return page


@pytest.fixture(scope="module")
def strange(strangers: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = tmp_path_factory.mktemp("strange") / "page.html"
    with ArtistIndex.open(strangers) as index:
        data = page_data(index, NAMES, NAMES[:2], title=NAMES[0])
        page.write_text(render_page(data), "utf-8")
    return page


Show = Callable[..., webdriver.Chrome]


@pytest.fixture
def show(driver: webdriver.Chrome) -> Iterator[Show]:
    """Open a page and wait until its code has run; afterwards forget the picks."""

    def open_page(page: Path, fragment: str = "", *, width: int = 1280, dark: bool = False):
        look(driver, width, dark=dark)
        driver.get("about:blank")
        for kind in ("browser", "performance"):
            driver.get_log(kind)
        driver.get(page.as_uri() + fragment)
        assert wait_for(driver, "return document.body.dataset.ready") == "yes"
        return driver

    yield open_page
    driver.execute_script("localStorage.clear()")


def text(driver: webdriver.Chrome, selector: str) -> str:
    return driver.find_element(By.CSS_SELECTOR, selector).text


def visible_acts(driver: webdriver.Chrome) -> list[str]:
    script = "return [...document.querySelectorAll('#acts tbody tr:not([hidden]) .act > bdi')]"
    return driver.execute_script(f"{script}.map(name => name.textContent)")


@pytest.mark.parametrize("fragment", ["", "#artist=Artist+7", "#artist=Artist+7&to=Artist+4"])
def test_nothing_leaves_the_page_and_the_console_is_quiet(show, festival, fragment):
    driver = show(festival, fragment)
    urls = requested(driver)
    assert any(url.startswith(festival.as_uri()) for url in urls)
    assert [url for url in urls if not url.startswith(("file:", "data:", "blob:"))] == []
    assert driver.get_log("browser") == []


def test_the_policy_refuses_what_would_leave(show, festival, httpserver):
    driver = show(festival)
    driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "const image = new Image(); image.onerror = () => done(); image.src = arguments[0];"
        "fetch(arguments[0]).catch(() => 0);"
        "document.body.append(Object.assign(document.createElement('script'),"
        " {src: arguments[0]}));",
        httpserver.url_for("/x.png"),
    )
    refused = [entry["message"] for entry in driver.get_log("browser")]
    assert sum("Content Security Policy" in message for message in refused) >= 3
    assert httpserver.log == []


def test_strangers_are_text(show, strange):
    driver = show(strange)
    assert driver.title == naming.printable(NAMES[0])
    assert driver.find_element(By.TAG_NAME, "h1").text == NAMES[0]
    scripts = driver.execute_script("return document.scripts.length")
    for name in NAMES[:5]:
        driver.execute_script("location.hash = arguments[0]", "artist=" + _quoted(name))
        shown = naming.UNPRINTABLE.sub("", name)
        wait_for(driver, f"return byPanel() === {json.dumps(shown)};{_BY_PANEL}")
    assert driver.execute_script("return document.scripts.length") == scripts
    assert driver.execute_script("return document.querySelectorAll('img, i, b').length") == 0
    assert driver.get_log("browser") == []


_BY_PANEL = "function byPanel() { return document.querySelector('#panel h3 bdi')?.textContent }"


def _quoted(name: str) -> str:
    from urllib.parse import quote_plus

    return quote_plus(name)


@pytest.mark.parametrize(("width", "dark"), [(1280, True), (390, False)])
def test_axe_finds_nothing(show, festival, width, dark):
    driver = show(festival, width=width, dark=dark)
    driver.execute_script(
        "document.querySelector('.pick').click(); location.hash = 'artist=Artist+5'"
    )
    wait_for(driver, "return document.querySelector('#way-search')")
    assert axe_findings(driver) == []
    driver.execute_script("location.hash='artist=Artist+5&to=Artist+8'")
    wait_for(driver, "return document.querySelector('.path')")
    assert axe_findings(driver) == []


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_it_fits(show, festival, strange, width):
    for page in (festival, strange):
        driver = show(page, "#artist=Artist+5", width=width)
        assert driver.execute_script("return document.documentElement.scrollWidth") <= width


def test_names_are_folded_as_the_package_folds_them(driver):
    driver.get("about:blank")
    names = [
        *NAMES,
        *("Sigur Rós", "ΣΊΣΥΦΟΣ", "Işın Karaca", "Straße", "Ｈｅａｌｔｈ", "Mötley  Crüe", "Ёлка"),
        *("ガガガSP", "AC⁄DC", "Guns N’ Roses", "ﬁnal", "Łódź", "ᾳδω", "Ǆ", "\u00ad", "İz"),
    ]
    code = asset_text("fold.js")
    folded = driver.execute_script(f"{code}; return arguments[0].map(fold)", names)
    assert dict(zip(names, folded, strict=True)) == {n: naming.normalise(n) for n in names}


def test_a_name_is_found_by_what_is_typed_and_its_true_neighbours_are_listed(
    show, festival, styles
):
    driver = show(festival)
    field = driver.find_element(By.ID, "map-search")
    field.send_keys("ARTIST 17")
    options = driver.find_elements(By.CSS_SELECTOR, "#map-search-list [role=option]")
    assert [option.text.split("\n")[0] for option in options] == ["Artist 17"]
    field.send_keys(Keys.ENTER)
    with ArtistIndex.open(styles) as index:
        neighbours = index.neighbours("Artist 17", 10)
    listed = driver.find_elements(By.CSS_SELECTOR, ".neighbours .name")
    assert [name.text for name in listed] == [neighbour.artist for neighbour in neighbours]
    score = driver.find_element(By.CSS_SELECTOR, ".neighbours .score").text
    assert score.startswith(f"{neighbours[0].score:.2f}")
    percentile = neighbours[0].percentile
    assert percentile is not None
    assert int(re.sub(r"\D", "", score.split("·")[1])) == pytest.approx(percentile, abs=1)
    assert "artist=Artist+17" in driver.current_url
    assert "3 tracks" in text(driver, "#panel .facts")


@pytest.mark.parametrize(("start", "end"), [("Artist 5", "Artist 8"), ("Artist 3", "Artist 36")])
def test_a_way_is_the_one_that_the_package_finds(show, festival, styles, start, end):
    driver = show(festival, f"#artist={start.replace(' ', '+')}&to={end.replace(' ', '+')}")
    with ArtistIndex.open(styles) as index:
        steps = find_path(index, start, end)
    stops = [stop.text for stop in driver.find_elements(By.CSS_SELECTOR, ".path .stop")]
    assert stops == [steps[0].artist, *(step.next for step in steps)]
    joined = [step.text for step in driver.find_elements(By.CSS_SELECTOR, ".path .step")]
    for shown, step in zip(joined, steps, strict=True):
        assert step.joined_by is not None
        assert f"{step.joined_by.leaving.title} → {step.joined_by.entering.title}" in shown
        assert shown.startswith(f"{step.score:.2f}")


def test_the_keyboard_leads_everywhere(show, festival):
    driver = show(festival)
    canvas = driver.find_element(By.ID, "map-canvas")
    canvas.send_keys("+", "+", Keys.ARROW_LEFT, Keys.ENTER)
    assert driver.find_elements(By.CSS_SELECTOR, ".neighbours li")
    body = driver.find_element(By.TAG_NAME, "body")
    driver.execute_script("document.querySelector('.skip').focus()")
    reached = []
    for _ in range(24):
        driver.switch_to.active_element.send_keys(Keys.TAB)
        name = driver.execute_script(
            "const at = document.activeElement; return at.id || at.className || at.tagName"
        )
        reached.append(name)
    assert {"filter-day", "filter-place", "filter-name", "filter-picked", "print"} <= set(reached)
    assert {"pick", "quiet"} <= set(reached)
    assert body.is_displayed()
    canvas.send_keys(Keys.ESCAPE)
    assert "Find somebody" in text(driver, "#panel")


def test_dragging_and_the_wheel_move_the_map(show, festival):
    driver = show(festival)
    canvas = driver.find_element(By.ID, "map-canvas")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", canvas)
    frames = "return Number(arguments[0].dataset.frames)"
    before = driver.execute_script(frames, canvas)
    actions = webdriver.ActionChains(driver)
    actions.click_and_hold(canvas).move_by_offset(40, 30).move_by_offset(9, 9).release().perform()
    wait_for(driver, f"return document.getElementById('map-canvas').dataset.frames > {before}")


_CLICK_SOMEBODY = """
const canvas = document.getElementById("map-canvas");
const box = canvas.getBoundingClientRect();
HTMLElement.prototype.setPointerCapture = () => {};  // it knows real pointers alone
const send = (type, x, y) => canvas.dispatchEvent(new PointerEvent(type, {
  pointerId: 1, pointerType: "mouse", clientX: x, clientY: y, bubbles: true }));
for (let x = box.left + 20; x < box.right; x += 9) {
  for (let y = box.top + 20; y < box.bottom; y += 9) {
    send("pointermove", x, y);
    if (!canvas.classList.contains("on-artist")) continue;
    send("pointerdown", x, y);
    send("pointerup", x, y);
    return document.querySelector("#panel h3").textContent;
  }
}
"""


def test_a_click_on_the_map_chooses_the_artist_there(show, festival):
    driver = show(festival)
    name = driver.execute_script(_CLICK_SOMEBODY)
    assert name.startswith("Artist ")
    assert f"artist={name.replace(' ', '+')}" in driver.current_url
    assert len(driver.find_elements(By.CSS_SELECTOR, ".neighbours li")) == 10


def test_days_places_and_names_filter(show, festival):
    driver = show(festival)
    assert len(visible_acts(driver)) == ACTS
    driver.execute_script(_CHOOSE, "filter-day", "2027-05-07")
    assert sorted(visible_acts(driver)) == sorted(f"Artist {at}" for at in range(0, ACTS, 3))
    assert text(driver, "#count") == "5 of 15 acts"
    driver.execute_script(_CHOOSE, "filter-place", "Attic")
    assert visible_acts(driver) == []
    driver.execute_script(_CHOOSE, "filter-day", "")
    driver.find_element(By.ID, "filter-name").send_keys("ÁRTIST 2")
    assert sorted(visible_acts(driver)) == sorted(
        name for at in range(ACTS) if at % 3 and (name := f"Artist {at}").startswith("Artist 2")
    )


_CHOOSE = """
const select = document.getElementById(arguments[0]);
select.value = arguments[1];
select.dispatchEvent(new Event("change"));
"""


def pick(driver: webdriver.Chrome, *names: str) -> None:
    for name in names:
        driver.execute_script(f"document.querySelector('[aria-label=\"Pick {name}\"]').click()")


def test_picks_stay_and_go_into_the_address(show, festival, driver):
    show(festival)
    pick(driver, "Artist 4", "Artist 9")
    driver.execute_script("document.getElementById('filter-picked').click()")
    assert sorted(visible_acts(driver)) == ["Artist 4", "Artist 9"]
    assert text(driver, "#picked-count") == "2"
    driver.execute_script("document.getElementById('share').click()")
    shared = wait_for(driver, "return location.hash.includes('picks=') && location.hash")
    driver.refresh()
    wait_for(driver, "return document.body.dataset.ready")
    pressed = driver.find_elements(By.CSS_SELECTOR, ".pick[aria-pressed=true]")
    assert len(pressed) == 2  # they stay
    driver.execute_script("localStorage.clear()")
    show(festival, shared)
    assert "2 picks came with this address" in text(driver, "#lent")
    assert driver.find_elements(By.CSS_SELECTOR, ".pick[aria-pressed=true]") == []
    driver.find_element(By.CSS_SELECTOR, "#lent button").click()
    assert len(driver.find_elements(By.CSS_SELECTOR, ".pick[aria-pressed=true]")) == 2


def test_the_calendar_and_the_playlist_are_whole(show, festival, driver):
    show(festival)
    code = "\n".join(asset_text(f"{name}.js") for name in SCRIPTS[:4] if name != "lineup")
    acts = _header(festival)["lineup"]["acts"]
    picked = [act for act in acts if act["name"] in ("Artist 0", "Artist 3", "Artist 4")]
    picked[0]["events"][0]["venue"] = "x" * 100 + "ü, y;\\"
    calendar_code = f"{code}\n{asset_text('calendar.js')}"
    ics = driver.execute_script(f"{calendar_code}; return icsText(arguments[0])", picked)
    assert max(len(line.encode()) for line in ics.split("\r\n")) <= 75
    events: list[Any] = icalendar.Calendar.from_ical(ics).events
    assert {str(event["summary"]) for event in events} == {"Night, one; two", "Late"}
    friday = next(event for event in events if str(event["summary"]) != "Late")
    assert friday["dtstart"].dt == datetime.date(2027, 5, 7)
    assert "Artist 3" in friday["description"]
    assert str(friday["location"]) == picked[0]["events"][0]["venue"]
    playlist = driver.execute_script(f"{calendar_code}; return m3u8Text(arguments[0], 'T')", picked)
    assert playlist.startswith("#EXTM3U\n#PLAYLIST:T\n#EXTINF:-1,Artist 0 - ")
    assert playlist.count("https://open.spotify.com/track/") == 9


def _header(page: Path) -> dict[str, Any]:
    from artistindex.pages.packing import find_data, unpack

    packed = find_data(page.read_bytes())
    assert packed is not None
    return unpack(packed)[0]


def test_it_prints_on_one_sheet(show, festival, driver):
    show(festival)
    for picks in ((), ("Artist 4", "Artist 9")):
        pick(driver, *picks)
        printed = driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
        pdf = base64.b64decode(printed["data"])
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1


def test_a_file_beside_the_page_plays(styles, tmp_path, show):
    import sounds
    from pages.conftest import PLAIN, write_styles

    music = tmp_path / "music"
    music.mkdir()
    folder = write_styles(tmp_path / "musicnn", PLAIN[:12], music=music)
    for number in range(3):
        sounds.write(music / f"1-{number}.ogg", sounds.music(0.5, seed=number))
    page = tmp_path / "page.html"
    with ArtistIndex.open(folder) as index:
        data = page_data(index, ["Artist 1"], ["Artist 0"], audio=AudioFiles(tmp_path))
        page.write_text(render_page(data), "utf-8")
    driver = show(page)
    buttons = driver.find_elements(By.CSS_SELECTOR, "#acts .play")
    assert len(buttons) == 3
    buttons[0].click()
    assert buttons[0].get_attribute("aria-pressed") == "true"
    wait_for(driver, "return document.querySelector('.play').ariaPressed === 'false'")
    assert "cannot play" not in driver.execute_script(
        "return document.getElementById('status').textContent"
    )
    assert driver.get_log("browser") == []


def test_without_code_it_is_a_table(driver, festival):
    look(driver, 1280)
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        driver.get(festival.as_uri())
        assert len(driver.find_elements(By.CSS_SELECTOR, "#acts tbody tr")) == ACTS
        assert not driver.find_element(By.ID, "tools").is_displayed()
        assert "needs JavaScript" in text(driver, "noscript")
    finally:
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
