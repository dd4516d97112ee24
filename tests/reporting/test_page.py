"""The page of a report in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from runs_conformance.model.case import step_to_json
from runs_conformance.model.verdict import Finding, Outcome
from runs_conformance.reporting import html
from runs_conformance.reporting.report import Transition
from tests.reporting.chromium import chromium
from tests.reporting.reports import BEFORE, NEGATIVE, example, report, verdict

ITEMS = "create_run.tools[].function.name.pattern"
FINAL = "lifecycle.terminal_status_is_final"
PAYLOADS = (
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    '"><svg onload="document.title=\'owned\'">',
    "' onmouseover='document.title=\"owned\"' x='",
    "javascript:document.title='owned'",
    "{{ 7 * 7 }}{% raw %}",
    "</pre></details></body><h1>gone</h1>",
)


def timeline(*statuses: str) -> list[Any]:
    return [
        {
            "exchange": f"x{number:06d}",
            "at": number / 10,
            "operation": "get_run",
            "http_status": 200,
            "statuses": [status],
            "times": 1,
            "shows": number == len(statuses) - 1,
        }
        for number, status in enumerate(statuses)
    ]


def hostile(number: int) -> str:
    return PAYLOADS[number % len(PAYLOADS)]


def shown(size: int = 60) -> Any:
    """A report in which a hostile target had its say everywhere that a target can."""
    finding = Finding(hostile(0), "x000007", "get_run", "/status", hostile(1), hostile(2))
    answer = {"http_status": 200, "body": {hostile(3): hostile(4), "status": [hostile(number) for number in range(7)]}}
    life = timeline("queued", "completed", hostile(5))
    steps = [step_to_json(step) for step in (*BEFORE, NEGATIVE)]
    every = [
        verdict("create_run.max_prompt_tokens.minimum", Outcome.FAIL, counterexample=example(steps=steps)),
        verdict(ITEMS, Outcome.FAIL),
        verdict(
            FINAL,
            Outcome.FAIL,
            kind="rule",
            operation=None,
            capability="core",
            explanation="Clients stop polling.",
            findings=(finding, replace(finding, message=hostile(6))),
            counterexample=example(answer=answer, timeline=life, mutation=None),
        ),
        verdict("listing.order", Outcome.FAIL, kind="rule", level="should", operation=None, capability="listing"),
        verdict("steps.named", Outcome.NOT_APPLICABLE, reason=hostile(0), capability="steps"),
        verdict("tenancy.apart", Outcome.NOT_JUDGED, reason="needs it", needs=hostile(1), capability="tenancy"),
        *(verdict(f"run.member_{number}.type", Outcome.PASS, operation=None) for number in range(size)),
    ]
    seen = (
        Transition("queued", "completed", 3, "between_looks"),
        Transition("completed", hostile(0)[:40], 1, "illegal"),
    )
    made = report(*every)
    return replace(made, transitions=seen, reason=hostile(1), target=replace(made.target, name=hostile(0)))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as driver:
        yield driver


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(html.text(shown(), "openai", "reports/latest/report.json"))
    return path.as_uri()


@pytest.fixture
def opened(browser: Any, page: str) -> Iterator[Any]:
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get(page)
    yield browser
    complaints = [entry["message"] for entry in browser.get_log("browser") if entry["level"] != "INFO"]
    assert complaints == []


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


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_page_does_not_overflow_horizontally(opened: Any, width: int) -> None:
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        assert opened.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_print_shows_every_mistake_and_its_fix_only(opened: Any) -> None:
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        opened.execute_script("dispatchEvent(new Event('beforeprint'))")
        fixes = opened.find_elements("css selector", ".card .fix")
        assert len(fixes) > 1
        assert all(fix.is_displayed() for fix in fixes)
        assert not opened.find_element("id", "listing.order").is_displayed()
        assert not opened.find_element("css selector", ".filter").is_displayed()
        opened.execute_script("dispatchEvent(new Event('afterprint'))")
        assert opened.find_elements("css selector", ".card")[-1].get_attribute("open") is None
    finally:
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_mistakes_come_first_and_the_severest_is_open(opened: Any) -> None:
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
    assert more.text == "6 more requirements of the same mistake"
    hidden = more.find_element("css selector", ".verdict").get_attribute("id")
    browser.get(f"{path.as_uri()}#{quote(hidden)}")
    browser.execute_async_script("setTimeout(arguments[0], 100)")
    assert browser.find_element("id", hidden).is_displayed()


def test_filters_live_in_the_url_and_update_the_counts(browser: Any, page: str) -> None:
    browser.get(f"{page}?level=must&text=prompt_tokens#mistakes")
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
    assert browser.current_url.endswith("#mistakes")


def test_source_is_a_link_and_words_are_no_code(opened: Any) -> None:
    link = opened.find_element("css selector", ".body a[rel=noreferrer]")
    assert link.get_attribute("href") == "https://github.com/openai/openai-openapi/blob/f85dbe2/openapi.yaml"
    results = opened.find_elements("css selector", ".against dd code")
    texts = [each.get_attribute("textContent") for each in results]
    assert texts
    assert not [text for text in texts if text.startswith("HTTP ")]


def test_page_makes_no_requests(opened: Any) -> None:
    assert opened.execute_script("return performance.getEntriesByType('resource').length") == 0


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
