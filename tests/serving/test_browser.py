"""The search page in a real browser: it learns before one's eyes, by mouse and by keyboard, on screens of all kinds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.browser import COLOURS, WIDTHS, Browser, opened
from tests.serving.server import running

ENTER, TAB, ESCAPE, DOWN, SPACE = "\ue007", "\ue004", "\ue00c", "\ue015", " "
TITLES = "#results .title"


@pytest.fixture(scope="module")
def address(indexed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = Path(shutil.copytree(indexed, tmp_path_factory.mktemp("browsed") / "home"))
    with running(home, settings="deadline_ms = 20000.0") as (_, where):
        yield where


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with opened() as browser:
        yield browser


@pytest.fixture
def browser(window: Browser, address: str) -> Iterator[Browser]:
    window.look(1280, "light")
    window.driver.get(address)
    window.one(TITLES)
    yield window
    assert window.complaints() == []


def search(browser: Browser, text: str) -> list[str]:
    browser.one("#q").clear()
    browser.one("#q").send_keys(text + ENTER)
    settled(browser)
    return browser.texts(TITLES)


def settled(browser: Browser) -> None:
    browser.until(lambda: browser.all("main[aria-busy=false]") and browser.all(TITLES), "an answer")


def test_an_empty_box_recommends(browser: Browser):
    assert browser.texts("h1") == ["Recommended"]
    assert len(browser.texts(TITLES)) == 10


def test_a_click_at_position_4_lifts_it_before_one_s_eyes(browser: Browser):
    before = search(browser, "nobody wrote this")
    wanted = before[3]
    browser.all(TITLES)[3].click()
    browser.until(lambda: browser.all(".changes li"), "what changed")
    assert browser.texts(TITLES).index(wanted) < 3
    assert any(line.startswith(wanted) and "you chose this" in line for line in browser.texts(".changes li"))
    assert wanted in browser.texts("[role=status]")[0]
    assert browser.focused() == wanted, "the focus stays on what was clicked"
    assert wanted in search(browser, "nobody wrote this")[:3]


def test_others_are_counted_beside_oneself(browser: Browser):
    search(browser, "two people want this")
    browser.all(TITLES)[3].click()
    browser.until(lambda: browser.texts(".people"), "who chose it")
    browser.click(".switches button")  # somebody else
    settled(browser)
    browser.until(lambda: browser.texts(".people") == ["1 person chose this"], "one person")
    browser.click("#results .result:has(.people) .title")
    browser.until(lambda: "you and 1 other chose this" in browser.texts(".people"), "both")


def test_why_tells_the_funnel_in_words(browser: Browser):
    search(browser, "love river")
    browser.click("#results .result .acts .quiet")
    browser.one("dialog[open]")
    heads = browser.texts("dialog h3")
    assert heads[:4] == ["How the query was read", "Who was allowed how many", "Who brought it",
                         "What the ranker made of it"]  # fmt: skip
    assert "candidates" in browser.texts("dialog p")[1] + browser.texts("dialog p")[2]
    browser.type(ESCAPE)
    browser.until(lambda: not browser.all("dialog"), "the end of the dialog")


def test_filters_keep_what_they_say(browser: Browser):
    search(browser, "love")
    browser.click(".chip[aria-pressed=false]")
    browser.one(".chip.on")
    settled(browser)
    kind = browser.texts(".chip.on")[0].removeprefix("type: ").split()[0]
    browser.until(lambda: set(browser.texts("#results .type")) == {kind}, "results of one type")
    browser.click(".chip.on")
    browser.until(lambda: not browser.all(".chip.on"), "no filter")


def test_the_keyboard_alone_is_enough(browser: Browser):
    browser.type("/")
    assert browser.driver.switch_to.active_element.get_attribute("id") == "q"
    browser.type(*"riv")
    browser.until(lambda: browser.all("#offers:not([hidden]) li"), "completions")
    browser.type(DOWN, ENTER)
    settled(browser)
    assert browser.one("#q").get_attribute("value").startswith("riv")
    browser.type(TAB)
    browser.driver.execute_script("document.activeElement.blur()")
    browser.type("j", "j")
    second = browser.texts(TITLES)[1]
    assert browser.focused() == second
    browser.type(ENTER)
    browser.until(lambda: browser.all(".entity"), "the entity")
    settled(browser)
    browser.until(lambda: browser.focused() == second, "the focus back on it")
    browser.type(TAB, SPACE)  # Like
    browser.until(lambda: browser.texts(".acts button:disabled") or browser.texts(".people"), "the like")


def test_the_answer_without_learning_stands_beside(browser: Browser):
    search(browser, "love")
    browser.click(".switches input")
    browser.until(lambda: len(browser.texts(".plain li")) == 10, "the other answer")
    browser.click(".switches input")
    browser.until(lambda: not browser.all(".plain"), "its end")


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("width", WIDTHS)
def test_no_screen_has_a_barrier(browser: Browser, address: str, width: int, colour: str):
    browser.look(width, colour)
    search(browser, "summer rain")
    browser.click(f"{TITLES}")
    browser.one(".entity")
    settled(browser)
    assert browser.barriers() == []
    wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.driver.execute_script(wide) <= 0, "nothing makes the page wider than its screen"
    browser.click("#results .result .acts .quiet")
    browser.one("dialog[open]")
    assert browser.barriers() == []
    browser.driver.get(address + "dashboard")
    browser.one("main table")
    assert browser.barriers() == []
