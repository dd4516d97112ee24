"""The page of a report in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from runs_conformance.reporting import html
from tests.reporting.chromium import choose, count, visible
from tests.reporting.hostile_report import FINAL, ITEMS, PAYLOADS, shown


def test_target_text_creates_no_script_or_element(opened: Any) -> None:
    assert "owned" not in opened.title.replace(PAYLOADS[0], "")
    assert opened.title == f"Fail: {PAYLOADS[0]}"
    assert opened.execute_script("return document.scripts.length") == 1
    assert opened.execute_script("return document.images.length") == 0
    assert opened.execute_script("return document.querySelectorAll('[onload],[onerror],[onmouseover]').length") == 0
    assert opened.find_elements("xpath", "//h1[text()='gone']") == []
    assert PAYLOADS[6] in opened.execute_script("return document.getElementById(arguments[0]).textContent", FINAL)
    assert "49" not in opened.find_element("css selector", "header").text


def test_content_security_policy_blocks_injected_script(browser: Any, page: str, tmp_path: Path) -> None:
    path = tmp_path / "spoiled.html"
    text = html.text(shown()).replace("<main>", f"{PAYLOADS[0]}{PAYLOADS[1]}<main>")
    path.write_text(text)
    browser.get(path.as_uri())
    assert browser.execute_script("return document.scripts.length") == 2
    assert browser.title.startswith("Fail")
    assert any("Content Security Policy" in entry["message"] for entry in browser.get_log("browser"))


@pytest.mark.parametrize(
    ("name", "value", "left"),
    [
        ("level", "should", {"listing.order"}),
        ("outcome", "not_judged", {"tenancy.apart"}),
        ("capability", "steps", {"steps.named"}),
        ("operation", "get_run", {FINAL}),
        ("text", "PROMPT_tokens minimum", {"create_run.max_prompt_tokens.minimum"}),
        ("text", "nothing is called so", set()),
    ],
)
def test_filter_shows_only_matching_verdicts(opened: Any, name: str, value: str, left: set[str]) -> None:
    choose(opened, name, value)
    assert visible(opened) == left
    assert count(opened) == f"{len(left)} of 66 verdicts"
    assert opened.find_element("css selector", ".nothing").is_displayed() == (not left)
    for id_ in left:
        assert opened.find_element("id", id_).is_displayed()


def test_filters_combine_and_reset_together(opened: Any) -> None:
    choose(opened, "outcome", "fail")
    choose(opened, "capability", "validation")
    assert visible(opened) == {"create_run.max_prompt_tokens.minimum", ITEMS}
    opened.find_element("css selector", "button[type=reset]").click()
    opened.execute_async_script("setTimeout(arguments[0], 50)")
    assert count(opened) == "66 verdicts"


def test_capability_button_filters(opened: Any) -> None:
    button = opened.find_element("css selector", "[data-filter=listing]")
    button.click()
    assert visible(opened) == {"listing.order"}
    assert button.get_attribute("aria-pressed") == "true"


def test_page_is_usable_by_keyboard(opened: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    opened.find_element("css selector", "body").send_keys("/")
    field = opened.switch_to.active_element
    assert field.get_attribute("name") == "text"
    field.send_keys("listing.order")
    opened.execute_async_script("setTimeout(arguments[0], 150)")
    found = opened.find_element("id", "listing.order")
    summary = found.find_element("css selector", "summary")
    assert found.get_attribute("open") is not None
    summary.send_keys(Keys.ENTER)
    assert found.get_attribute("open") is None


@pytest.mark.parametrize("id_", [ITEMS, FINAL, "run.member_59.type", "tenancy.apart"])
def test_fragment_opens_the_verdict(browser: Any, page: str, id_: str) -> None:
    browser.get("about:blank")
    browser.get(f"{page}#{quote(id_)}")
    browser.execute_async_script("setTimeout(arguments[0], 100)")
    place = browser.find_element("id", id_)
    assert place.is_displayed()
    top = browser.execute_script("return arguments[0].getBoundingClientRect().top", place)
    assert 0 <= top < 900
    focused = browser.switch_to.active_element
    assert focused == place or focused.find_element("xpath", "..") == place


def test_fragment_resets_a_filter_that_hides_the_verdict(opened: Any) -> None:
    choose(opened, "level", "should")
    opened.execute_script("location.hash = encodeURIComponent(arguments[0])", ITEMS)
    opened.execute_async_script("setTimeout(arguments[0], 50)")
    assert opened.find_element("id", ITEMS).is_displayed()


def test_copy_button_copies_the_exact_command(opened: Any) -> None:
    opened.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite"]})
    place = opened.find_element("id", "create_run.max_prompt_tokens.minimum")
    opened.execute_script(
        "for (let at = arguments[0]; at; at = at.parentElement) if (at.tagName === 'DETAILS') at.open = true", place
    )
    place.find_element("css selector", ".background > summary").click()
    for button in place.find_elements("css selector", "[data-copy]"):
        opened.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
        button.click()
        opened.execute_async_script("setTimeout(arguments[0], 50)")
        wanted = button.find_element("xpath", "..").find_element("css selector", "code").get_attribute("textContent")
        copied = opened.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
        assert copied == wanted
        assert opened.find_element("css selector", ".notice").text == "Copied"
    assert copied == "runs-conformance explain create_run.max_prompt_tokens.minimum"


def test_failure_offers_curl_python_and_replay(opened: Any) -> None:
    place = opened.find_element("id", "create_run.max_prompt_tokens.minimum")
    commands = {
        each.find_element("css selector", "h5").get_attribute("textContent"): each.find_element(
            "css selector", "code"
        ).get_attribute("textContent")
        for each in place.find_elements("css selector", ".command")
    }
    assert list(commands) == ["curl", "Python", "replay", "explain"]
    assert commands["replay"].startswith("runs-conformance replay reports/latest/report.json ")
    assert "max_prompt_tokens" in commands["Python"]
    compile(commands["Python"], "shown", "exec")


def test_mutated_field_and_failing_observation_are_highlighted(opened: Any) -> None:
    place = opened.find_element("id", "create_run.max_prompt_tokens.minimum")
    marked = [each.get_attribute("textContent") for each in place.find_elements("css selector", "pre mark")]
    assert marked == ['"max_prompt_tokens": 255']
    shows = opened.find_element("id", FINAL).find_elements("css selector", "tr.shows")
    assert len(shows) == 1
    assert PAYLOADS[5] in shows[0].get_attribute("textContent")


def test_lifecycle_graph_shows_observed_transitions(opened: Any) -> None:
    said = opened.execute_script(
        "return [...document.querySelectorAll('.graph .edge.between_looks title')].map(each => each.textContent)"
    )
    assert said == ["queued to completed: observed 3 times"]
    assert opened.execute_script("return document.querySelectorAll('.graph .node').length") == 9


def test_interactive_elements_have_accessible_names(opened: Any) -> None:
    unnamed = opened.execute_script(
        "return [...document.querySelectorAll('button, a, input, select, section')].filter(each =>"
        " !(each.textContent.trim() || each.getAttribute('aria-label') || each.labels?.length)).length"
    )
    assert unnamed == 0
    twice = opened.execute_script(
        "const ids = [...document.querySelectorAll('[id]')].map(each => each.id);"
        "return ids.filter((id, place) => ids.indexOf(id) !== place)"
    )
    assert twice == []
    broken = opened.execute_script(
        "return [...document.querySelectorAll('[aria-labelledby]')].flatMap(each =>"
        " each.getAttribute('aria-labelledby').split(' ')).filter(id => !document.getElementById(id))"
    )
    assert broken == []


def test_source_is_a_link_and_words_are_no_code(opened: Any) -> None:
    link = opened.find_element("css selector", ".body a[rel=noreferrer]")
    assert link.get_attribute("href") == "https://github.com/openai/openai-openapi/blob/f85dbe2/openapi.yaml"
    results = opened.find_elements("css selector", ".against dd code")
    texts = [each.get_attribute("textContent") for each in results]
    assert texts
    assert not [text for text in texts if text.startswith("HTTP ")]


def test_page_makes_no_requests(opened: Any) -> None:
    assert opened.execute_script("return performance.getEntriesByType('resource').length") == 0
