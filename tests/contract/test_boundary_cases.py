"""An independent table of boundary cases agrees with the schemas, except for the differences listed here.

`boundary_cases.json` was collected from the published document, its prose and public issues, without these schemas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from runs_conformance.contract.constraint import constraints
from runs_conformance.contract.schema import Schema, compile_schema
from runs_conformance.contract.validation import validate
from runs_conformance.model.json import ABSENT, at
from tests.contract.tables import BoundaryCase, boundary_cases

DIFFERENCES: dict[str, tuple[str, str]] = {
    # case: (verdict of the schemas, reason)
    **dict.fromkeys(
        ("B-019", "B-020", "B-159", "B-160"),
        ("reject", "accepted and echoed in April 2024 only: a known deviation of that date, binding in later editions"),
    ),
    **dict.fromkeys(("B-053", "B-193"), ("either", "no limit is documented; the refusal is observed, not stated")),
    "B-386": ("either", "the maximum left the schema in 2024; the refusal is observed, not stated"),
    **dict.fromkeys(
        ("B-112", "B-252"), ("either", "forces a tool that the run does not list; no source states the result")
    ),
    **dict.fromkeys(
        ("B-113", "B-253"), ("either", "forces a function that the request does not list; the run may not have it")
    ),
    **dict.fromkeys(
        ("B-281", "B-282", "B-283", "B-287", "B-288", "B-289", "B-290"),
        ("either", "depends on the model: many support no reasoning effort, and few support every value"),
    ),
    **dict.fromkeys(
        ("B-362", "B-364"),
        ("either", "the schema has tool resources at run creation, the guide says that they cannot be set there"),
    ),
    **dict.fromkeys(("B-389", "B-396", "B-397"), ("either", "the server may fetch the image, and may fail to")),
    **dict.fromkeys(("B-132", "B-272"), ("reject", "valid until 2024-08-06, and invalid in the newest edition")),
}
"""Cases whose verdict differs in the newest edition."""

EARLY_DIFFERENCES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("B-323", "B-380", "B-393", "B-396", "B-397"),
        ("reject", "the table says all v2; lists of parts were introduced on 2024-05-09"),
    ),
}
"""Further cases that must be accepted and whose verdict differs in their first edition."""

REJECT_BELOW_MUST = "reject below must"
"""The verdict on a value that only breaks constraints of the levels `should` and `may`."""

AGREEING = {"accept": {"accept"}, "reject": {"reject", REJECT_BELOW_MUST}, "either": {"either", REJECT_BELOW_MUST}}
"""The verdicts of the schemas that agree with each verdict of the table."""


def implementation_defined_reasons(schema: Schema, value: Any) -> Iterator[str]:
    """Why a server may refuse a value that a compiled schema allows, computed without the code under test."""
    for entry in schema.get("x-implementation-defined", ()):
        condition = {key: item for key, item in entry.items() if key not in ("reason", "source", "always")}
        lists = condition.pop("x-listed", {})
        if (
            entry.get("always")
            or not Draft202012Validator(condition).is_valid(value)
            or not all(is_listed(value, pointer, places) for pointer, places in lists.items())
        ):
            yield entry["reason"]
    for branch in schema.get("oneOf", ()):
        if validate(branch, value).valid:
            yield from implementation_defined_reasons(branch, value)
    if isinstance(value, Mapping):
        properties = schema.get("properties", {})
        for member, inner in value.items():
            sub = properties.get(member, schema.get("additionalProperties"))
            if isinstance(sub, Mapping):
                yield from implementation_defined_reasons(dict(sub), inner)
    if isinstance(value, list) and "items" in schema:
        for item in value:
            yield from implementation_defined_reasons(schema["items"], item)


def is_listed(value: Any, pointer: str, places: str) -> bool:
    """Whether the value at a pointer, if there is one, is among those at another pointer that passes through a list."""
    listing, _, member = places.partition("/*")
    named = at(value, pointer)
    items = at(value, listing)
    return named is ABSENT or (isinstance(items, list) and named in [at(item, member) for item in items])


def schema_verdict(case: BoundaryCase, edition: str) -> str:
    """The verdict of the schemas of an edition on a case."""
    schema = compile_schema(case.document, case.operation, edition)
    violations = validate(schema, case.value).violations
    if violations:
        levels = {constraints(edition)[violation.constraint].level.value for violation in violations}
        return "reject" if "must" in levels else REJECT_BELOW_MUST
    return "either" if any(implementation_defined_reasons(schema, case.value)) else "accept"


def day_before(date: str) -> str:
    """The day before a date that is not the first of its month."""
    return f"{date[:-2]}{int(date[-2:]) - 1:02d}"


def test_the_table_is_complete() -> None:
    assert len({case.id for case in boundary_cases()}) == len(boundary_cases()) == 507


def test_the_newest_edition_agrees_with_the_table() -> None:
    verdicts = {case.id: schema_verdict(case, case.edition) for case in boundary_cases()}
    differing = {
        case.id: verdicts[case.id] for case in boundary_cases() if verdicts[case.id] not in AGREEING[case.verdict]
    }
    assert differing == {id_: verdict for id_, (verdict, _) in DIFFERENCES.items()}


def test_a_request_that_must_be_accepted_is_accepted_since_its_first_edition() -> None:
    differing = {}
    for case in boundary_cases():
        if case.verdict == "accept":
            verdict = schema_verdict(case, case.since)
            if verdict != "accept" and DIFFERENCES.get(case.id, ("",))[0] != verdict:
                differing[case.id] = verdict
    assert differing == {id_: verdict for id_, (verdict, _) in EARLY_DIFFERENCES.items()}


@pytest.mark.parametrize(
    ("members", "introduced"),
    [
        ({"reasoning_effort": "minimal"}, "2025-08-07"),
        ({"reasoning_effort": "none"}, "2025-11-13"),
        ({"reasoning_effort": "xhigh"}, "2025-12-04"),
        ({"reasoning_effort": "max"}, "2026-07-15"),
        ({"reasoning_effort": "low"}, "2025-02-10"),
        ({"tool_choice": "required"}, "2024-04-29"),
        ({"parallel_tool_calls": True}, "2024-06-06"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "2024-08-06"),
        ({"additional_messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}, "2024-05-09"),
    ],
)
def test_a_value_is_valid_from_its_date(members: dict[str, Any], introduced: str) -> None:
    body = {"assistant_id": "asst_1", **members}
    assert validate(compile_schema("requests/create_run", "x", introduced), body).valid
    assert not validate(compile_schema("requests/create_run", "x", day_before(introduced)), body).valid


@pytest.mark.parametrize("query", ["create_run", "list_run_steps", "get_run_step"])
def test_include_is_valid_from_its_date(query: str) -> None:
    assert "include" in compile_schema(f"queries/{query}", "x", "2024-08-28")["properties"]
    assert "include" not in compile_schema(f"queries/{query}", "x", "2024-08-27")["properties"]


@pytest.mark.parametrize("value", ["none", {}])
def test_a_response_format_is_valid_until_its_date(value: Any) -> None:
    body = {"assistant_id": "asst_1", "response_format": value}
    assert validate(compile_schema("requests/create_run", "create_run", "2024-08-05"), body).valid
    assert not validate(compile_schema("requests/create_run", "create_run", "2024-08-06"), body).valid


@pytest.mark.parametrize("operation", ["create_run", "create_thread_and_run"])
def test_the_assistant_id_is_marked_as_a_reference(operation: str) -> None:
    properties = compile_schema(f"requests/{operation}", operation)["properties"]
    assert properties["assistant_id"]["x-references"] == "assistant"


@pytest.mark.parametrize("query", ["list_runs", "list_run_steps", "list_messages", "list_assistants"])
@pytest.mark.parametrize("cursor", ["after", "before"])
def test_cursors_are_marked_as_references_and_implementation_defined(query: str, cursor: str) -> None:
    place = compile_schema(f"queries/{query}", query)["properties"][cursor]
    assert {"x-references", "x-implementation-defined"} <= place.keys()
