"""The cause of crashes on requests without a required member."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.model.json import JSON
from runs_conformance.model.verdict import Finding, Verdict
from tests.causes.verdicts import accepted_at, by_kind, crash_verdict


def crash_on(id_: str, value: JSON = None) -> Verdict:
    operation = id_.partition(".")[0]
    finding = Finding("it failed", "x", operation, "/a", "HTTP 400", value, case=id_)
    failing = crash_verdict(id_, {"body": {}}, operation=operation)
    return replace(failing, kind="constraint", operation=operation, findings=(finding,))


ABSENT_MEMBERS = [crash_on(f"create_message.{name}") for name in ("role.required", "content.required", "role.type")] + [
    crash_on("create_run.assistant_id.required")
]
UNKNOWN = accepted_at("create_run.additionalProperties")


def test_crashes_on_missing_and_null_members_are_one_cause() -> None:
    rule = crash_verdict("errors.requests_do_not_break_the_server", {"body": {}})
    repeated = replace(rule, findings=(replace(rule.findings[0], case="create_message.role.required"),))
    causes = by_kind(*ABSENT_MEMBERS, repeated, *UNKNOWN)
    cause = causes["crash.required"]
    assert cause.title == "Requests without required members (`role`, `content`, `assistant_id`) get HTTP 500"
    assert "`role`, `content` of create_message; `assistant_id` of create_run" in cause.fix
    assert cause.consequences == (rule.id,)
    assert set(cause.ids) == {rule.id, *(each.id for each in ABSENT_MEMBERS)}


@pytest.mark.parametrize(
    "others",
    [
        [*ABSENT_MEMBERS, crash_on("create_run.metadata.type", "x")],
        [*ABSENT_MEMBERS, crash_on("create_run.metadata.type")],
        ABSENT_MEMBERS[:1],
    ],
)
def test_crashes_on_other_values_too_are_missing_validation(others: list[Verdict]) -> None:
    assert "crash.required" not in by_kind(*others, *UNKNOWN)
