"""One failure as lines of text: the request as it was sent, and what was expected."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.model.json import JSON
from runs_conformance.model.verdict import Finding, Outcome
from runs_conformance.reporting.failure_text import expected_and_actual, labelled_lines, request_summary
from tests.reporting.reports import verdict

BODY: dict[str, JSON] = {"body": {"assistant_id": "asst_1"}}
WHOLE: dict[str, JSON] = {"place": "body", "pointer": ""}


@pytest.mark.parametrize(
    ("request_part", "mutation", "expected"),
    [
        (BODY, {**WHOLE, "keyword": "content_type"}, "the content type text/plain"),
        ({"text": '{"a": '}, {**WHOLE, "keyword": "json"}, 'the malformed body "{\\"a\\": "'),
        ({"text": ""}, {**WHOLE, "keyword": "body"}, "the whole body removed"),
        (
            {"body": None},
            {**WHOLE, "keyword": "type", "was": {"a": 1}, "became": None},
            'the whole body = null (was {"a": 1})',
        ),
        ({"body": {}}, {"pointer": "/a", "keyword": "required", "was": 1}, "/a removed (was 1)"),
        (BODY, {"pointer": "/a", "keyword": "enum", "became": 1}, "/a added: 1"),
    ],
)
def test_change_of_a_request(request_part: dict[str, JSON], mutation: JSON, expected: str) -> None:
    example: JSON = {
        "request": {"method": "POST", "path": "/threads/runs", **request_part},
        "case": {"headers": {"Content-Type": "text/plain"}},
        "mutation": mutation,
    }
    assert request_summary(example) == f"POST /threads/runs with {expected}"


@pytest.mark.parametrize(
    ("id_", "expected", "text"),
    [
        ("run.model.type", "string", "a string"),
        ("run.model.type", ["string", "null"], "a string or null"),
        ("run.object.const", "thread.run", '"thread.run"'),
        ("steps.type", "string", '"string"'),
    ],
)
def test_a_type_is_expected_in_words(id_: str, expected: JSON, text: str) -> None:
    failing = verdict(id_, Outcome.FAIL, kind="rule" if id_.startswith("steps.") else "constraint", operation=None)
    failing = replace(failing, findings=(Finding("it is wrong", "x", "get_run", "/model", expected, None),))
    results = {result.label: result.line for result in expected_and_actual(failing)}
    assert results == {"expected": text, "actual": "null at /model"}


@pytest.mark.parametrize(
    ("reason", "count"),
    [(None, "3"), ("115 more findings are not listed", "118"), ("1 more finding is not listed", "4")],
)
def test_all_findings_are_counted(reason: str | None, count: str) -> None:
    failing = replace(
        verdict("run.model.type", Outcome.FAIL, operation=None),
        findings=(Finding("it is wrong", "x"),) * 3,
        reason=reason,
    )
    assert dict(labelled_lines(failing))["findings"] == count
