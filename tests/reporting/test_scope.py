"""The capabilities in which a target conforms, and the operations that it does not offer."""

from __future__ import annotations

import json
from dataclasses import replace

from runs_conformance.model.verdict import Finding, Outcome
from runs_conformance.reporting import claim, html, markdown, report_json
from runs_conformance.reporting.console import render_summary
from runs_conformance.reporting.report import Report
from runs_conformance.reporting.scope import scope_line
from runs_conformance.reporting.terminal_style import Style
from tests.reporting.reports import report, verdict

LINE = "conforms in core, validation; not offered: steps, POST /threads/runs (3 of 23 operations)"


def partial(outcome: Outcome = Outcome.PASS) -> Report:
    made = report(
        verdict("run.id.type", Outcome.PASS, capability="core"),
        verdict("create_run.metadata.type", Outcome.PASS, capability="validation"),
        verdict("listing.order", Outcome.INCONCLUSIVE, capability="listing"),
        exit_code=0 if outcome is Outcome.PASS else 1,
    )
    target = replace(
        made.target,
        capabilities=("core", "validation", "listing"),
        capabilities_not_offered=("steps", "create_and_run"),
        operations_not_offered=("list_run_steps", "get_run_step", "create_thread_and_run"),
    )
    return replace(made, outcome=outcome, target=target)


def test_the_second_line_names_what_is_offered_and_what_is_not() -> None:
    assert render_summary(partial(), Style()).splitlines()[1] == LINE
    assert LINE in markdown.text(partial()).replace("\\", "")
    assert LINE[1:] in html.text(partial())
    assert LINE.removeprefix("conforms") in claim.document(partial())["claim"]


def test_a_target_that_does_not_pass_conforms_in_nothing() -> None:
    failed = partial(Outcome.FAIL)
    assert scope_line(failed) == LINE.partition("; ")[2]
    assert claim.document(failed)["claim"].endswith(LINE.partition("; ")[2])


def test_single_operations_are_named_by_method_and_path() -> None:
    made = partial()
    target = replace(
        made.target,
        capabilities_not_offered=("streaming",),
        operations_not_offered=("list_runs", "get_run", "delete_message"),
    )
    line = scope_line(replace(made, target=target), max_names=2)
    assert line.endswith("not offered: streaming, GET /threads/{thread_id}/runs and 2 more (3 of 23 operations)")


def test_capabilities_of_one_operation_are_named_by_it() -> None:
    path = "POST /threads/{thread_id}/runs/{run_id}"
    made = partial(Outcome.FAIL)
    operations = ("cancel_run", "submit_tool_outputs")
    target = replace(made.target, capabilities_not_offered=("cancel", "tools"), operations_not_offered=operations)
    line = scope_line(replace(made, target=target))
    assert line == f"not offered: {path}/cancel, {path}/submit_tool_outputs (2 of 23 operations)"


def test_authentication_that_is_not_offered_is_explained() -> None:
    made = partial(Outcome.FAIL)
    target = replace(made.target, capabilities_not_offered=("auth",), operations_not_offered=())
    assert scope_line(replace(made, target=target)) == "not offered: auth (requests without a key are served)"


def test_operations_whose_absence_fails_a_requirement_are_named_first() -> None:
    failing = verdict("acceptance.objects_can_be_read", Outcome.FAIL, kind="rule", operation=None)
    failing = replace(failing, findings=(Finding("an existing object was not shown", operation="get_run"),))
    made = replace(partial(Outcome.FAIL), verdicts=(failing,))
    target = replace(
        made.target, capabilities_not_offered=(), operations_not_offered=("list_runs", "delete_message", "get_run")
    )
    line = scope_line(replace(made, target=target), max_names=1)
    assert line == "not offered: GET /threads/{thread_id}/runs/{run_id} and 2 more (3 of 23 operations)"


def test_a_target_that_offers_everything_has_no_such_line() -> None:
    made = replace(partial(), target=report().target)
    assert scope_line(made) == ""
    assert "not offered" not in render_summary(made, Style())


def test_the_report_holds_the_names_as_data() -> None:
    target = json.loads(report_json.text(partial()))["target"]
    assert target["not_offered"] == {
        "capabilities": ["steps", "create_and_run"],
        "operations": ["list_run_steps", "get_run_step", "create_thread_and_run"],
    }


def test_an_operation_whose_requests_another_route_takes_is_named_with_it() -> None:
    made = partial()
    shadowed = replace(made, target=replace(made.target, shadowed_operations=("create_thread_and_run",)))
    assert "POST /threads/runs (or the route of /threads/{thread_id} takes its requests)" in scope_line(shadowed)
