"""The text of findings that become titles of causes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from runs_conformance import rules
from runs_conformance.model.case import Step
from runs_conformance.model.history import History
from runs_conformance.rules import assistants, metadata
from runs_conformance.rules.settings import requested_values, unrequested_values
from runs_conformance.rules.times import form_and_order, run_start_and_expiry
from runs_conformance.rules.tools import tool_outputs
from tests.rules.examples import findings
from tests.rules.histories import ASSISTANT, T0, HistoryBuilder, action, assistant, call, run, thread


def _accepted(calls: Sequence[Any]) -> History:
    """Outputs for these calls, accepted by a run that waits for call_a and call_b."""
    builder = HistoryBuilder()
    waiting: dict[str, Any] = {"required_action": action(call(), call("call_b"))}
    builder.see_statuses("queued")
    builder.get_run(run("requires_action", **waiting))
    body = {"tool_outputs": [{"tool_call_id": id_, "output": "x"} for id_ in calls]}
    builder.send("submit_tool_outputs", run("queued"), body=body, step=Step(operation="submit_tool_outputs"))
    return builder.history()


@pytest.mark.parametrize(
    ("calls", "message"),
    [(["call_b"], "outputs were accepted for 1 of 2 calls"), ([], "outputs were accepted for 0 of 2 calls")],
)
def test_outputs_that_are_missing_are_counted(calls: Sequence[str], message: str) -> None:
    (finding,) = findings(tool_outputs.missing_outputs_are_refused, _accepted(calls))
    assert finding.message == message


@pytest.mark.parametrize(
    ("unknown", "message"),
    [
        ("call_c", "an output for call_c, which is not a call of the run, was accepted"),
        (5, "an output for no call of the run was accepted"),
    ],
)
def test_outputs_that_name_no_call_are_said_to(unknown: Any, message: str) -> None:
    (finding,) = findings(tool_outputs.unknown_outputs_are_refused, _accepted(["call_a", "call_b", unknown]))
    assert finding.message == message


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("completed_at", 0, "`completed_at` is 0, which is neither null nor a time in seconds since 1970"),
        ("completed_at", 17, "`completed_at` is 17, which is not a time in seconds since 1970"),
        ("created_at", 0, "`created_at` is 0, which is not a time in seconds since 1970"),
    ],
)
def test_zero_is_told_from_null(name: str, value: int, message: str) -> None:
    builder = HistoryBuilder()
    times: dict[str, Any] = {name: value}
    builder.get_run(run("queued", **times))
    (finding,) = findings(form_and_order.are_unix_seconds, builder.history())
    assert finding.message == message


def test_rules_name_an_http_status_without_the_word_status() -> None:
    folder = Path(rules.__file__).parent
    assert [path for path in folder.rglob("*.py") if re.search(r"HTTP status [1-5]", path.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    ("shown", "message"),
    [(None, "metadata is null, not an object"), ([], "metadata is an array, not an object")],
)
def test_metadata_that_is_no_object_is_named_by_its_type(shown: Any, message: str) -> None:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(metadata=shown))
    (finding,) = findings(metadata.holds_nothing_else, builder.history())
    assert finding.message == message


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ({"started_at": T0 - 5}, "the run started before it was created"),
        ({"completed_at": T0 - 5}, "`completed_at` is earlier than the creation of the run"),
        ({"started_at": T0 + 9, "failed_at": T0 + 5}, "`failed_at` is earlier than the start of the run"),
    ],
)
def test_times_in_the_wrong_order_name_what_they_precede(times: dict[str, Any], message: str) -> None:
    builder = HistoryBuilder()
    builder.get_run(run("queued", **{"started_at": None, **times}))
    (finding,) = findings(form_and_order.are_in_order, builder.history())
    assert finding.message == message


def test_an_expiry_at_another_time_is_expected_at_a_whole_second() -> None:
    builder = HistoryBuilder()
    builder.get_run(run("queued", expires_at=T0 + 3600))
    (finding,) = findings(run_start_and_expiry.unfinished_run_expires_ten_minutes_after_creation, builder.history())
    assert (finding.message, repr(finding.expected)) == ("the run expires 3600 s after created_at", str(T0 + 600))


@pytest.mark.parametrize(
    ("operation", "rule", "shown", "message"),
    [
        (
            "create_assistant",
            assistants.show_who_they_are,
            {"name": "B"},
            "the assistant's `name` differs from the request",
        ),
        (
            "create_run",
            requested_values.model_is_as_asked,
            {"model": "b"},
            "the run's `model` differs from the request",
        ),
        (
            "create_run",
            unrequested_values.defaults_are_shown,
            {"truncation_strategy": {"type": "last_messages"}},
            "the run's `truncation_strategy` is not the default",
        ),
    ],
)
def test_findings_on_values_say_whose_they_are(operation: str, rule: Any, shown: dict[str, Any], message: str) -> None:
    builder = HistoryBuilder()
    if operation == "create_assistant":
        builder.send(operation, {**assistant(), **shown}, body={"model": "gpt-4o", "name": "A"})
    else:
        builder.create_run(run(**shown), body={"assistant_id": ASSISTANT, "model": "a"})
    assert [finding.message for finding in findings(rule, builder.history())] == [message]
