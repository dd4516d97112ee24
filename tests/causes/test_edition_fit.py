"""Which edition a server fits, judged by its failures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.app import run
from runs_conformance.app.options import RunOptions
from runs_conformance.causes import find_better_edition
from runs_conformance.contract.edition import DEFAULT_EDITION, EDITIONS
from runs_conformance.model.json import ABSENT, JSON
from runs_conformance.model.verdict import Finding, Outcome, Verdict
from runs_conformance.reporting.folder import prepare_folder
from runs_conformance.reporting.progress import SilentProgress
from runs_conformance.reporting.report import Report
from runs_conformance.targets import remote_target
from runs_conformance.testing import start_emulator

REASONING = "create_run.reasoning_effort.type"


def verdict(id_: str, outcome: Outcome = Outcome.FAIL, *, kind: str = "constraint", **body: Any) -> Verdict:
    request: JSON = {"body": {"assistant_id": "asst_1", **body}}
    example: JSON = {"exchange": "x", "request": request, "answer": {"http_status": 400}}
    return Verdict(
        id=id_,
        kind=kind,
        level="must",
        capability="validation",
        operation="create_run",
        outcome=outcome,
        judged=1,
        statement="",
        source="",
        findings=(Finding("refused", "x", "create_run", expected="HTTP 200"),) if outcome is Outcome.FAIL else (),
        counterexample=example if outcome is Outcome.FAIL else None,
    )


def test_requirements_that_an_edition_lacks_speak_for_it() -> None:
    fit = find_better_edition([verdict(REASONING)], DEFAULT_EDITION)
    assert fit is not None
    assert (fit.edition, fit.failures, fit.fewer) == ("2024-08-28", 1, 1)


def test_requests_that_an_edition_does_not_allow_speak_for_it() -> None:
    rule = verdict("settings.reasoning_effort_is_as_asked", kind="rule", reasoning_effort="low")
    fit = find_better_edition([rule, verdict("create_run.temperature.type", temperature=1)], DEFAULT_EDITION)
    assert fit is not None
    assert (fit.edition, fit.explained) == ("2024-08-28", 1)


@pytest.mark.parametrize(
    ("refused", "edition"),
    [
        (["max"], "2025-12-04"),
        (["max", "none", "xhigh"], "2025-08-07"),
        (["none", "minimal"], "2025-02-10"),
        (["low", "minimal"], "2024-08-28"),
    ],
)
def test_every_refused_value_speaks_for_an_edition_that_lacks_it(refused: list[str], edition: str) -> None:
    failing = verdict("create_run.reasoning_effort.enum", reasoning_effort=refused[0])
    findings = tuple(Finding("", "x", "create_run", "/reasoning_effort", "HTTP 200", value) for value in refused)
    fit = find_better_edition([replace(failing, findings=findings)], DEFAULT_EDITION)
    assert fit is not None
    assert fit.edition == edition


def test_a_server_that_implements_an_addition_fits_no_edition_without_it() -> None:
    other = "create_run.reasoning_effort.enum"
    assert find_better_edition([verdict(REASONING), verdict(other, Outcome.PASS)], DEFAULT_EDITION) is None


def test_an_edition_must_explain_three_failures_for_each_that_it_adds() -> None:
    implemented = verdict("create_thread_and_run.parallel_tool_calls.type", Outcome.PASS)
    later = [verdict("run.parallel_tool_calls.type"), verdict("create_run.parallel_tool_calls.type")]
    assert find_better_edition([*later, implemented], DEFAULT_EDITION) is None
    fit = find_better_edition([*later, implemented, verdict("run.parallel_tool_calls.required")], DEFAULT_EDITION)
    assert fit is not None
    assert (fit.edition, fit.explained, fit.added) == ("2024-04-17", 3, 1)


def accepted(id_: str, **body: Any) -> Verdict:
    """The verdict on a server that accepted an invalid body."""
    example: JSON = {
        "request": {"body": {"assistant_id": "asst_1", **body}},
        "answer": {"http_status": 200},
        "case": {"role": "negative", "exercises": [id_]},
    }
    finding = Finding("accepted it", "x", "create_run", expected="HTTP 400")
    return replace(verdict(id_), findings=(finding,), counterexample=example)


def test_a_server_that_accepts_unknown_members_fits_no_edition_better() -> None:
    assert find_better_edition([accepted(REASONING, reasoning_effort=5)], DEFAULT_EDITION) is None


def test_accepted_bodies_speak_for_an_edition_only_if_the_server_refuses_others() -> None:
    id_ = "create_run.tools[].file_search.ranking_options.type"
    fit = accepted(id_, tools=[{"type": "file_search", "file_search": {"ranking_options": 5}}])
    assert find_better_edition([fit, verdict("create_run.model.type", Outcome.PASS)], DEFAULT_EDITION) is not None
    assert find_better_edition([fit, accepted("create_run.model.type", model=5)], DEFAULT_EDITION) is None


def test_accepted_bodies_speak_for_no_edition_if_the_server_validates_what_it_lacks() -> None:
    fit = accepted("create_run.tools[].file_search.type", tools=[{"type": "file_search", "file_search": 5}])
    passed = [verdict("create_run.model.type", Outcome.PASS)]
    assert find_better_edition([fit, *passed], DEFAULT_EDITION) is not None
    passed.append(verdict("create_run.response_format.json_schema.name.type", Outcome.PASS))
    assert find_better_edition([*[fit] * 9, *passed], DEFAULT_EDITION) is None


@pytest.mark.parametrize(
    ("id_", "pointer", "is_explained"),
    [
        ("settings.parallel_tool_calls_is_as_asked", "/parallel_tool_calls", True),
        ("deltas.tool_call_deltas_add_up", "/events/4/data/step_details", False),
    ],
)
def test_a_rule_on_responses_is_explained_only_by_its_own_member(id_: str, pointer: str, is_explained: bool) -> None:
    body: JSON = {"assistant_id": "asst_1", "parallel_tool_calls": False}
    example: JSON = {"request": {"body": body}, "answer": {"http_status": 200}}
    finding = Finding("differs", "x", "create_run", pointer, False, True)
    broken = replace(verdict(id_, kind="rule"), counterexample=example, findings=(finding,))
    assert (find_better_edition([broken], DEFAULT_EDITION) is not None) is is_explained


def accepted_store(member: str, value: JSON) -> Verdict:
    """The verdict on a server that created a thread with an invalid member of a vector store."""
    id_ = f"create_thread.tool_resources.file_search.vector_stores[].{member}.type"
    example: JSON = {
        "request": {"body": {"tool_resources": {"file_search": {"vector_stores": [{member: value}]}}}},
        "answer": {"http_status": 200},
        "case": {"role": "negative", "exercises": [id_]},
    }
    finding = Finding("accepted it", "x", "create_thread", expected="HTTP 400")
    return replace(verdict(id_), operation="create_thread", findings=(finding,), counterexample=example)


def test_a_member_of_which_nothing_is_validated_speaks_for_no_edition() -> None:
    passed = [
        replace(verdict(f"create_thread.{member}.type", Outcome.PASS), operation="create_thread")
        for member in ("metadata", "messages")
    ]
    strategy, files = accepted_store("chunking_strategy", "auto"), accepted_store("file_ids", {})
    assert find_better_edition([strategy, *passed], DEFAULT_EDITION) is not None
    assert find_better_edition([strategy, files, *passed], DEFAULT_EDITION) is None


@pytest.mark.parametrize(("actual", "is_explained"), [(ABSENT, True), (None, False)])
def test_a_member_that_is_returned_speaks_against_an_edition_without_it(actual: JSON, is_explained: bool) -> None:
    finding = Finding("differs", "x", "get_run", "/parallel_tool_calls", "boolean", actual)
    answer = replace(verdict("run.parallel_tool_calls.type"), operation=None, findings=(finding,))
    assert (find_better_edition([answer], DEFAULT_EDITION) is not None) is is_explained


def test_less_than_a_tenth_is_not_worth_a_recommendation() -> None:
    others = [verdict(f"create_run.member_{number}.type", kind="rule") for number in range(10)]
    assert find_better_edition([verdict(REASONING), *others], DEFAULT_EDITION) is None
    assert find_better_edition([verdict(REASONING), *others[1:]], DEFAULT_EDITION) is not None


def test_nothing_is_recommended_to_a_server_without_failures() -> None:
    assert find_better_edition([verdict(REASONING, Outcome.PASS)], DEFAULT_EDITION) is None


def judge_edition(edition: str, folder: Path) -> Report:
    options = RunOptions(select=("create_assistant.*",), confirm=False)
    with start_emulator(edition=edition, step_ms=0) as emulator:
        target = remote_target(emulator.base_url, api_key=emulator.api_key)
        return run.judge(target, options, run.plan_run(target, options), prepare_folder(folder), SilentProgress())


@pytest.mark.parametrize("edition", [edition for edition in EDITIONS if edition < "2025"])
def test_a_server_of_an_edition_fits_its_own(edition: str, tmp_path: Path) -> None:
    fit = judge_edition(edition, tmp_path).edition_fit
    assert fit is not None
    assert fit.edition == edition
    assert fit.fewer == fit.failures
