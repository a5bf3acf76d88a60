"""Debian's Chromium, driven by Selenium: what a person sees and does."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")
PATIENCE = 30.0  # seconds, on a busy machine
COLOURS = ("light", "dark")
WIDTHS = {1280: 900, 390: 844}  # CSS pixels -> height


class Browser:
    """One open window."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def look(self, width: int, colour: str) -> None:
        """Be a screen of so many CSS pixels whose person prefers light or dark."""
        screen = {"width": width, "height": WIDTHS[width], "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        features = [{"name": "prefers-color-scheme", "value": colour}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements("css selector", selector)

    def texts(self, selector: str) -> list[str]:
        return self.driver.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map(found => found.textContent.trim())", selector
        )

    def one(self, selector: str) -> Any:
        """Wait for an element."""
        return self.until(lambda: next(iter(self.all(selector)), None), selector)

    def click(self, selector: str) -> None:
        element = self.one(selector)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def type(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        from selenium.webdriver.common.action_chains import ActionChains

        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def focused(self) -> str:
        return self.driver.execute_script("return document.activeElement.textContent.trim()")

    def until(self, found: Callable[[], T], what: str) -> T:
        end = time.monotonic() + PATIENCE
        while not (value := found()):
            assert time.monotonic() < end, f"waited in vain for {what}"
            time.sleep(0.05)
        return value

    def complaints(self) -> list[str]:
        """Return errors of the console since the last look."""
        return [line["message"] for line in self.driver.get_log("browser") if line["level"] == "SEVERE"]

    def barriers(self) -> list[str]:
        """Return what axe-core finds serious or critical on the page as it stands."""
        axe = os.environ.get("LTRR_AXE", "")
        if not Path(axe).is_file():
            pytest.skip("axe-core is not here: LTRR_AXE names its axe.min.js")
        self.driver.execute_script(Path(axe).read_text("utf-8"))
        found = self.driver.execute_async_script("axe.run().then(arguments[0])")["violations"]
        grave = [one for one in found if one["impact"] in ("serious", "critical")]
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in grave]


@contextmanager
def opened() -> Iterator[Browser]:
    """Open a window; skips, saying so, where there is no browser."""
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        pytest.skip("no browser here: apt-get install chromium chromium-driver")
    webdriver = pytest.importorskip("selenium.webdriver", reason="no Selenium here: pip install selenium")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(chromedriver))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
