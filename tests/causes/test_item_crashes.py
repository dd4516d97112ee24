"""Servers that find mistakes in items of lists and fail to report them, and what filtered runs say of validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from runs_conformance.causes import analyze
from runs_conformance.model.verdict import FILTERED_OUT, Finding, Outcome, Verdict
from tests.causes.verdicts import accepted_at, by_kind, crash_verdict, refused_verdict


def crash_at(id_: str) -> Verdict:
    operation = id_.partition(".")[0]
    failing = replace(crash_verdict(id_, {"body": {"tools": [None]}}, operation=operation), kind="constraint")
    finding = Finding("failed with HTTP 500 on every attempt with it", "x", operation, "/tools/0", "HTTP 400", None)
    return replace(failing, findings=(finding,))


IN_ITEMS = [
    crash_at(f"create_run.tools[].{place}")
    for place in ("type", "type.required", "name.maxLength", "name.type", "function.type")
]
ELSEWHERE = [refused_verdict(f"create_run.model.{keyword}") for keyword in ("type", "required", "maxLength")]
UNPARSED = crash_verdict("robustness.odd_requests_do_not_break_the_server", {"text": '{"a": '})
ITEMS = "Invalid array items get HTTP 500 instead of 400"


def test_mistakes_that_only_items_of_lists_make_crashes_of_are_one_cause() -> None:
    taken = accepted_at("create_run.model.enum", "create_run.tools[].strict.type")
    causes = by_kind(*IN_ITEMS, *ELSEWHERE, *taken)
    assert next(iter(causes)) == "crash.items"
    assert (causes["crash.items"].title, set(causes["crash.items"].ids)) == (ITEMS, {each.id for each in IN_ITEMS})
    others = [cause for kind, cause in causes.items() if kind != "crash.items"]
    assert {id_ for cause in others for id_ in cause.ids} == {each.id for each in taken}
    assert {cause.severity for cause in others} == {"missing_validation"}


def test_bodies_that_are_not_json_crash_in_the_same_place() -> None:
    (cause,) = analyze([*IN_ITEMS, *ELSEWHERE, UNPARSED])
    assert cause.title == "Invalid array items, and bodies that are not JSON, get HTTP 500 instead of 400"
    assert UNPARSED.id in cause.ids
    assert cause.reproduction != UNPARSED.id


@pytest.mark.parametrize(
    "verdicts",
    [
        pytest.param(IN_ITEMS, id="nothing is refused elsewhere"),
        pytest.param([*IN_ITEMS, *ELSEWHERE, crash_at("create_run.metadata.type")], id="another place crashes"),
        pytest.param(
            [*IN_ITEMS, *ELSEWHERE, *(refused_verdict(f"create_run.content[].m{n}.type") for n in range(3))],
            id="other items are refused",
        ),
        pytest.param(
            [*(each for each in IN_ITEMS if "maxLength" not in each.id), *ELSEWHERE], id="use without a check"
        ),
        pytest.param([*IN_ITEMS, refused_verdict("create_run.model.pattern")], id="other mistakes are refused"),
    ],
)
def test_other_crashes_are_no_failures_to_report(verdicts: Sequence[Verdict]) -> None:
    assert "crash.items" not in by_kind(*verdicts)


def test_crashes_are_not_counted_as_acceptances() -> None:
    causes = by_kind(*accepted_at(*(f"create_run.m{n}.type" for n in range(5))), *IN_ITEMS)
    assert "The server accepts values of another type (5 constraints);" in causes["validation.none"].fix


def test_an_operation_whose_mistakes_are_found_does_not_validate_nothing() -> None:
    taken = accepted_at(*(f"create_run.m{n}.{keyword}" for n in range(4) for keyword in ("enum", "pattern")))
    alone = by_kind(*taken, refused_verdict("create_run.model.type"))
    assert alone["validation.none"].title == "Request bodies are hardly validated"
    found = by_kind(*taken, *IN_ITEMS, *ELSEWHERE)
    assert "validation.none" not in found
    assert not any("hardly" in cause.title for cause in found.values())


@pytest.mark.parametrize("is_filtered", [False, True])
def test_filtered_runs_say_nothing_of_shares(is_filtered: bool) -> None:
    unjudged = replace(
        refused_verdict("create_run.model.type"),
        outcome=Outcome.NOT_JUDGED,
        reason=FILTERED_OUT if is_filtered else "unsent",
    )
    taken = accepted_at(*(f"create_run.m{n}.type" for n in range(4)), "list_runs.order.enum")
    queries = accepted_at("list_runs.limit.minimum", "list_messages.order.enum")
    causes = by_kind(*taken, *queries, unjudged)
    assert {cause.title for cause in causes.values()} == (
        {"Invalid request bodies are accepted", "Invalid query parameters are accepted: `order`, `limit`"}
        if is_filtered
        else {"Request bodies are not validated", "Query parameters are not validated"}
    )
    few = by_kind(*accepted_at("create_run.model.maxLength", "create_thread.model.maxLength"), unjudged)
    assert [cause.title for cause in few.values()] == [
        "Invalid values of `model` are accepted" if is_filtered else "Lengths of strings are not limited"
    ]
