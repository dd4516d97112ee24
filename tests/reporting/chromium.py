"""A headless Chromium for tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium(width: int = 1200, height: int = 900) -> Iterator[Any]:
    """A browser that knows no network; skips the test, loudly, where there is none on this machine."""
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    chromedriver = shutil.which("chromedriver")
    if browser is None or chromedriver is None:
        pytest.skip("NOT TESTED in a browser: install chromium and chromedriver (Debian: chromium chromium-driver)")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    # A machine that runs tests as root or in a container has no sandbox for it.
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument(f"--window-size={width},{height}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(chromedriver, log_output=os.devnull)
    driver = webdriver.Chrome(options=options, service=service)
    try:
        driver.execute_cdp_cmd("Network.enable", {})
        yield driver
    finally:
        driver.quit()


def visible(driver: Any) -> set[str]:
    """The ids of the verdicts that the filter leaves."""
    found: list[str] = driver.execute_script(
        "return [...document.querySelectorAll('.verdict:not([hidden])')].map(each => each.id)"
    )
    return set(found)


def choose(driver: Any, name: str, value: str) -> None:
    driver.execute_async_script(
        "const field = document.querySelector('.filter').elements[arguments[0]];"
        "field.value = arguments[1]; field.dispatchEvent(new Event('input', {bubbles: true}));"
        "setTimeout(arguments[2], 150)",
        name,
        value,
    )


def count(driver: Any) -> str:
    text: str = driver.find_element("css selector", "[data-count]").text
    return text
