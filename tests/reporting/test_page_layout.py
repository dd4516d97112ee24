"""The order, folding and print of the page of a report, in a real browser."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from runs_conformance.model.program_end import Ending, ProgramEnd
from runs_conformance.model.verdict import Outcome
from runs_conformance.reporting import html
from runs_conformance.reporting.report import Changes, ProgramSummary
from tests.reporting.chromium import choose, visible
from tests.reporting.reports import report, verdict


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_page_does_not_overflow_horizontally(opened: Any, width: int) -> None:
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        assert opened.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_print_shows_every_cause_and_its_fix_only(opened: Any) -> None:
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        opened.execute_script("dispatchEvent(new Event('beforeprint'))")
        fixes = opened.find_elements("css selector", ".card > .fix")
        assert len(fixes) > 1
        assert all(fix.is_displayed() for fix in fixes)
        assert not opened.find_element("id", "listing.order").is_displayed()
        assert not opened.find_element("css selector", ".filter").is_displayed()
        opened.execute_script("dispatchEvent(new Event('afterprint'))")
        assert opened.find_elements("css selector", ".card")[-1].get_attribute("open") is None
    finally:
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_print_of_a_server_that_is_wrong_everywhere_has_three_pages(browser: Any, tmp_path: Path) -> None:
    topics = (
        "auth", "cancel", "lock", "lifecycle", "tools", "streaming", "messages", "deletion", "listing", "steps",
        "times", "ids", "transport", "robustness", "refusals",
    )  # fmt: skip
    every = [
        verdict(f"{topic}.rule_{number}", Outcome.FAIL, kind="rule", operation=None, capability="core")
        for topic in topics
        for number in range(40)
    ]
    every += [verdict(f"create_run.m{number}.type", Outcome.FAIL) for number in range(300)]
    made = report(*every)
    fixed = tuple(f"run.member_{number}.type" for number in range(300))
    changes = Changes(since="2026-11-28T10:00:00.000Z", new=tuple(each.id for each in every), fixed=fixed)
    ends = tuple(ProgramEnd(f"p{number}", Ending.STOPPED, f"cause {number}") for number in range(20))
    programs = ProgramSummary(planned=20, early_ends=ends)
    path = tmp_path / "wrong.html"
    path.write_text(html.text(replace(made, changes=changes, programs=programs)))
    browser.get(path.as_uri())
    printed = b64decode(browser.execute_cdp_cmd("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})["data"])
    assert 1 <= len(re.findall(rb"/Type */Page\b", printed)) <= 3


@pytest.mark.parametrize("width", [390, 1400])
def test_the_second_cause_is_on_the_first_screens(opened: Any, width: int) -> None:
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 1600, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        opened.refresh()
        second = opened.find_elements("css selector", ".card")[1]
        assert opened.execute_script("return arguments[0].getBoundingClientRect().top", second) < 1600
        is_open = opened.find_element("css selector", ".card .verdict").get_attribute("open") is not None
        assert is_open is (width > 640)
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_warnings_follow_under_a_heading_of_their_own(opened: Any) -> None:
    headings = [each.text for each in opened.find_elements("css selector", ".causes h2")]
    assert headings == ["Fix first 3 causes", "Recommended 1 warning"]
    choose(opened, "level", "should")
    headings = [each.text for each in opened.find_elements("css selector", ".causes h2")]
    assert headings == ["Fix first 0 of 3 causes", "Recommended 1 of 1 warning"]


def test_counts_of_outcomes_lead_to_the_filtered_page(opened: Any) -> None:
    opened.find_element("link text", "1 not judged").click()
    assert visible(opened) == {"tenancy.apart"}
    assert opened.current_url.endswith("?outcome=not_judged#verdicts")


def test_causes_come_first_and_the_severest_is_open(opened: Any) -> None:
    cards = opened.find_elements("css selector", ".card")
    assert cards[0].get_attribute("open") is not None
    assert all(card.get_attribute("open") is None for card in cards[1:])
    assert opened.find_element("css selector", "main h2").text.startswith("Fix first")
    titles = [card.find_element("css selector", ".title").text for card in cards]
    assert len(titles) == len(set(titles))


def test_an_open_card_shows_one_failure_and_folds_most(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "many.html"
    path.write_text(html.text(report(*(verdict(f"create_run.tools.m{n}.type", Outcome.FAIL) for n in range(9)))))
    browser.get(path.as_uri())
    card = browser.find_element("css selector", ".card")
    seen = [each for each in card.find_elements("css selector", ".verdict") if each.is_displayed()]
    assert len(seen) == html.INITIALLY_SHOWN
    assert [each.get_attribute("open") is not None for each in seen] == [True, False, False]
    more = card.find_element("css selector", ".more")
    assert more.text == "6 more requirements of the same cause"
    hidden = more.find_element("css selector", ".verdict").get_attribute("id")
    browser.get(f"{path.as_uri()}#{quote(hidden)}")
    browser.execute_async_script("setTimeout(arguments[0], 100)")
    assert browser.find_element("id", hidden).is_displayed()


def test_filters_live_in_the_url_and_update_the_counts(browser: Any, page: str) -> None:
    browser.get(f"{page}?level=must&text=prompt_tokens#causes")
    assert visible(browser) == {"create_run.max_prompt_tokens.minimum"}
    card = browser.find_element("css selector", ".card:not([hidden])")
    assert card.find_element("css selector", "[data-group-count]").text == "1 of 1 requirement"
    counts = browser.execute_script(
        "return [...document.querySelectorAll('h2 [data-count-of], h3 [data-count-of]')].map(each => each.textContent)"
    )
    assert counts[0].startswith("1 of ")
    assert {text.partition(" of ")[0] for text in counts[1:]} == {"0"}
    choose(browser, "level", "should")
    assert "level=should" in browser.current_url
    choose(browser, "level", "")
    choose(browser, "text", "")
    assert "?" not in browser.current_url
    assert browser.current_url.endswith("#causes")


def test_layout_of_two_thousand_verdicts_is_deferred(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "many.html"
    every = [verdict(f"create_run.member_{number}.type", Outcome.FAIL) for number in range(2_000)]
    path.write_text(html.text(report(*every)))
    browser.get(path.as_uri())
    choose(browser, "text", "member_1999")
    assert visible(browser) == {"create_run.member_1999.type"}
    choose(browser, "text", "")
    away = "create_run.member_1500.type"
    assert (
        browser.execute_script("return getComputedStyle(document.getElementById(arguments[0])).contentVisibility", away)
        == "auto"
    )
    assert len(browser.find_elements("css selector", ".card .body")) <= html.MAX_DETAILED
