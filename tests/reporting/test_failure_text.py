"""The request of a failure in one line says what was changed, as it was sent."""

from __future__ import annotations

import pytest

from runs_conformance.model.json import JSON
from runs_conformance.reporting.failure_text import request_summary

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
