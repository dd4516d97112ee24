"""Every view says how many requests a rate limit refused, and how long the test run waited for it."""

from __future__ import annotations

from dataclasses import replace

from runs_conformance.reporting import html, markdown, report_json
from runs_conformance.reporting.console import render_summary
from runs_conformance.reporting.notes import rate_limit_note
from runs_conformance.reporting.terminal_style import Style
from tests.reporting.reports import report

LIMITED = replace(report(), usage=replace(report().usage, rate_limited=161, rate_limit_seconds=74.04))
LINE = "A rate limit refused 161 of 1,234 requests (HTTP 429 or 503); waiting for it took 74.0 s"


def test_every_view_has_the_line() -> None:
    assert LINE in render_summary(LIMITED, Style()).splitlines()
    assert LINE in markdown.text(LIMITED).replace("\\", "")
    assert LINE in html.text(LIMITED)
    counts = report_json.to_json(LIMITED)["counts"]
    assert (counts["rate_limited"], counts["rate_limit_seconds"]) == (161, 74.04)


def test_nothing_is_said_without_a_rate_limit() -> None:
    assert rate_limit_note(report()) == ""
    assert "rate limit refused" not in html.text(report()) + markdown.text(report())


def test_refused_requests_that_were_not_sent_again_did_not_wait() -> None:
    given_up = replace(LIMITED, usage=replace(LIMITED.usage, rate_limit_seconds=0.0))
    assert rate_limit_note(given_up) == LINE.partition(";")[0]
