"""The cause of objects that cannot be read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.causes import analyze
from runs_conformance.model.json import JSON
from runs_conformance.model.verdict import Outcome, Verdict
from tests.causes.verdicts import broken_rule, wrong_rule, wrong_value

UNREAD = wrong_rule("acceptance.assistants_threads_and_runs_can_be_read", "get_run", "", 200, 404)
MESSAGES = replace(broken_rule("errors.message_is_a_text", "x"), outcome=Outcome.PASS, findings=(), judged=9)


def framework_error(detail: str) -> Verdict:
    example: JSON = {"case": {"role": "act"}, "answer": {"http_status": 404, "body": {"detail": detail}}}
    failing = wrong_value("error.error.required", "get_run", "error", None)
    return replace(failing, operation=None, counterexample=example)


def test_a_missing_route_is_named_and_explains_its_errors() -> None:
    (cause,) = analyze([UNREAD, MESSAGES, framework_error("Not Found")], ["get_run"])
    assert cause.kind == "reads"
    assert cause.title == "Runs cannot be read: there is no GET /threads/{thread_id}/runs/{run_id}"
    assert cause.consequences == ("error.error.required",)


def test_other_errors_in_the_form_of_the_framework_are_no_matter_of_missing_routes() -> None:
    causes = analyze([UNREAD, MESSAGES, framework_error("No such run.")], ["get_run"])
    assert {cause.kind for cause in causes} == {"reads", "errors.envelope"}


@pytest.mark.parametrize(("status", "missing"), [(404, []), (500, ["get_run"]), (404, ["list_runs"])])
def test_an_object_that_a_route_does_not_show_is_a_failed_look_up(status: int, missing: list[str]) -> None:
    unread = replace(UNREAD, findings=(replace(UNREAD.findings[0], actual=status),))
    (cause,) = analyze([unread], missing)
    assert cause.title == "Existing objects are not shown by get_run"
