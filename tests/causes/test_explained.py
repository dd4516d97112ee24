"""Which failures are explained by another requirement that fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.model.json import JSON
from runs_conformance.model.verdict import Finding, Verdict
from runs_conformance.rules.tools.call_steps import OUTPUT_OF_ANOTHER_CALL
from tests.causes.verdicts import accepted_verdict, broken_rule, by_kind

NAN = "not_a_number: NaN"


def nan_answers(*answers: tuple[str, str, str]) -> tuple[Finding, ...]:
    return tuple(Finding("invalid JSON", exchange, operation, actual=actual) for exchange, operation, actual in answers)


@pytest.mark.parametrize(
    ("others", "is_explained"),
    [
        ([], True),
        ([("x3", "list_assistants", NAN)], True),
        ([("x3", "get_run", NAN)], False),
        ([("x3", "get_assistant", "byte_order_mark")], False),
    ],
)
def test_nan_that_is_accepted_and_shown_is_one_cause(others: list[tuple[str, str, str]], is_explained: bool) -> None:
    taken = replace(
        broken_rule("robustness.malformed_json_is_refused", "create_assistant"),
        findings=(Finding("accepted", "x1", "create_thread"), Finding("accepted", "x2", "create_assistant")),
    )
    shown = broken_rule("transport.json_is_valid", "create_assistant")
    causes = by_kind(taken, replace(shown, findings=nan_answers(("x2", "create_assistant", NAN), *others)))
    assert ("transport" in causes) is not is_explained
    assert causes["bodies"].consequences == ((shown.id,) if is_explained else ())


def test_nan_that_no_request_contained_is_a_mistake_of_its_own() -> None:
    taken = broken_rule("robustness.malformed_json_is_refused", "create_assistant")
    shown = broken_rule("transport.json_is_valid", "create_assistant")
    causes = by_kind(taken, replace(shown, findings=nan_answers(("x2", "create_assistant", NAN))))
    assert set(causes) == {"bodies", "transport"}


def lost_metadata(id_: str, *lost: tuple[str, JSON, JSON]) -> Verdict:
    """A rule on metadata, by the operation and the expected and actual metadata of each finding."""
    findings = tuple(Finding("it is lost", "x", name, "/metadata", was, now) for name, was, now in lost)
    return replace(broken_rule(id_, lost[0][0]), findings=findings)


OVERWRITTEN: tuple[str, JSON, JSON] = ("get_run", {"while": "running"}, {})


@pytest.mark.parametrize("id_", ["metadata.is_kept", "metadata.changes_only_when_modified"])
@pytest.mark.parametrize(
    ("lost", "is_explained"),
    [
        ([OVERWRITTEN], True),
        ([OVERWRITTEN, ("list_runs", {"while": "running"}, {})], True),
        ([OVERWRITTEN, ("get_run", {"topic": "sample"}, {})], False),
        ([("get_thread", {"while": "running"}, {})], False),
        ([("get_run", {"while": "running"}, {"while": "queued"})], False),
    ],
)
def test_metadata_that_a_run_overwrites_is_one_cause(
    id_: str, lost: list[tuple[str, JSON, JSON]], is_explained: bool
) -> None:
    causes = by_kind(lost_metadata("races.changes_outlive_the_run", OVERWRITTEN), lost_metadata(id_, *lost))
    assert set(causes) == ({"races"} if is_explained else {"races", "data"})
    assert causes["races"].consequences == ((id_,) if is_explained else ())


@pytest.mark.parametrize(
    ("explained", "explaining", "kind"),
    [
        ("messages.answer_has_a_step", "steps.named_messages_exist", "steps"),
        ("threads.keep_the_order_of_their_messages", "listing.ties_keep_one_order", "lists"),
        ("messages.additional_messages_keep_their_order", "listing.ties_keep_one_order", "lists"),
    ],
)
def test_a_defect_that_two_rules_show_is_one_cause(explained: str, explaining: str, kind: str) -> None:
    repeated, shown = broken_rule(explained, "list_run_steps", "should"), broken_rule(explaining, "get_run_step")
    ((found, cause),) = by_kind(repeated, shown).items()
    assert (found, cause.consequences) == (kind, (explained,))
    assert explained in next(iter(by_kind(repeated).values())).ids


STORED = "stored.run_is_as_its_stream_ended"


def streamed_differently(*members: str, expected: str | None = None) -> Verdict:
    failing = broken_rule(STORED, "get_run", "should")
    return replace(
        failing, findings=tuple(Finding("it differs", "x", "get_run", f"/{name}", expected, "new") for name in members)
    )


def without_usage(pointer: str) -> Verdict:
    failing = broken_rule("usage.is_given_when_completed", "create_run", "should")
    return replace(failing, findings=(Finding("no usage", "x", "create_run", pointer, "an object", None),))


@pytest.mark.parametrize(
    ("members", "is_explained"), [(["status", "usage"], True), (["usage"], False), (["metadata"], False)]
)
def test_revived_runs_explain_another_end_than_the_streamed_one(members: list[str], is_explained: bool) -> None:
    revived = broken_rule("lifecycle.terminal_status_is_final", "get_run")
    causes = by_kind(revived, streamed_differently(*members, expected="completed"))
    assert (STORED in causes["lifecycle"].consequences) is is_explained


def on_run(failing: Verdict, path: str, exchange: str) -> Verdict:
    example: JSON = {"request": {"path": f"/threads/thread_1/runs{path}"}, "answer": {"http_status": 200}}
    findings = tuple(replace(finding, exchange=exchange) for finding in failing.findings)
    return replace(failing, findings=findings, counterexample=example)


@pytest.mark.parametrize(
    ("end", "message", "is_explained"),
    [
        ("cancelled", "`cancelled_at` is earlier than the start of the run", True),
        ("incomplete", "`cancelled_at` is earlier than the start of the run", False),
        ("cancelled", "`cancelled_at` is earlier than the creation of the run", False),
        ("cancelled", "`cancelled_at` is earlier than the start of the run step", False),
    ],
)
def test_an_end_before_the_start_is_that_of_a_revived_run(end: str, message: str, is_explained: bool) -> None:
    revived = on_run(broken_rule("lifecycle.terminal_status_is_final", "get_run"), "/run_a", "x1")
    revived = replace(revived, findings=(Finding(f"the run had ended {end!r}, and is now 'queued'", "x1", "get_run"),))
    times = on_run(broken_rule("times.are_in_order", "list_runs"), "", "x5")
    times = replace(times, findings=(Finding(message, "x5", "list_runs", "/data/0/cancelled_at"),))
    consequences = {id_ for cause in by_kind(revived, times).values() for id_ in cause.consequences}
    assert (times.id in consequences) is is_explained


@pytest.mark.parametrize(
    ("repeated", "is_explained"),
    [
        (on_run(broken_rule("times.are_in_order", "get_run"), "/run_a", "x5"), True),
        (on_run(broken_rule("times.are_in_order", "list_runs"), "", "x1"), True),
        (on_run(broken_rule("times.are_in_order", "get_run"), "/run_b", "x5"), False),
        (on_run(streamed_differently("status"), "/run_b", "x5"), False),
        (on_run(streamed_differently("status"), "/run_a", "x5"), True),
    ],
)
def test_revived_runs_explain_nothing_about_other_runs(repeated: Verdict, is_explained: bool) -> None:
    revived = on_run(broken_rule("lifecycle.terminal_status_is_final", "get_run"), "/run_a", "x1")
    consequences = {id_ for cause in by_kind(revived, repeated).values() for id_ in cause.consequences}
    assert (repeated.id in consequences) is is_explained


@pytest.mark.parametrize(
    ("pointer", "stored", "is_explained"),
    [
        ("/events/9/data/usage", streamed_differently("usage"), True),
        ("/events/9/data/usage", streamed_differently("usage", "model"), False),
        ("/events/9/data/usage", streamed_differently("usage", expected="old"), False),
        ("/usage", streamed_differently("usage"), False),
    ],
)
def test_usage_that_events_lack_explains_its_difference_to_a_read(
    pointer: str, stored: Verdict, is_explained: bool
) -> None:
    revived = broken_rule("lifecycle.terminal_status_is_final", "get_run")
    causes = by_kind(without_usage(pointer), stored, revived)
    consequences = {id_: cause.kind for cause in causes.values() for id_ in cause.consequences}
    assert (STORED in consequences) is is_explained
    assert consequences.get(STORED) != causes["lifecycle"].kind


@pytest.mark.parametrize(
    ("operation", "sent", "is_explained"),
    [
        ("modify_assistant", {"id": "asst_0"}, True),
        ("modify_assistant", {"name": "Ada"}, False),
        ("modify_thread", {"id": "asst_0"}, False),
        ("get_assistant", {"id": "asst_0"}, False),
    ],
)
def test_stored_unknown_members_explain_an_id_that_is_overwritten(
    operation: str, sent: dict[str, JSON], is_explained: bool
) -> None:
    shown = broken_rule("identity.response_shows_the_requested_object", operation)
    finding = Finding("another id", "x", operation, "/id", "asst_a", "asst_0")
    example: JSON = {"exchange": "x", "operation": operation, "request": {"body": sent}, "case": {"role": "negative"}}
    taken = accepted_verdict("modify_assistant.additionalProperties", "modify_assistant")
    causes = by_kind(taken, replace(shown, findings=(finding,), counterexample=example))
    consequences = {id_ for cause in causes.values() for id_ in cause.consequences}
    assert (shown.id in consequences) is is_explained


@pytest.mark.parametrize(
    ("sent", "read", "explained"),
    [
        ({"instructions": "New."}, "New.", {"modify.run_changes_in_metadata_only", "settings.never_change"}),
        ({"instructions": "New."}, "Other.", {"modify.run_changes_in_metadata_only"}),
        ({"metadata": {}}, "New.", set()),
    ],
)
def test_stored_unknown_members_explain_what_a_modification_overwrites(
    sent: dict[str, JSON], read: str, explained: set[str]
) -> None:
    changed = broken_rule("modify.run_changes_in_metadata_only", "modify_run")
    finding = Finding("changed", "x", "modify_run", "/instructions", "Old.", "New.")
    example: JSON = {
        "exchange": "x",
        "operation": "modify_run",
        "request": {"body": sent},
        "case": {"role": "negative"},
    }
    shown = broken_rule("settings.never_change", "list_runs")
    later = Finding("changed", "y", "list_runs", "/data/0/instructions", "Old.", read)
    taken = accepted_verdict("modify_thread.additionalProperties", "modify_thread")
    causes = by_kind(
        taken, replace(changed, findings=(finding,), counterexample=example), replace(shown, findings=(later,))
    )
    with_unknown = next(cause for cause in causes.values() if taken.id in cause.ids)
    assert set(with_unknown.consequences) == explained


@pytest.mark.parametrize(
    ("id_", "member", "value"),
    [
        ("cancel.happens_only_when_asked_for", "status", "cancelled"),
        ("identity.never_changes", "created_at", 5),
        ("lifecycle.terminal_status_is_final", "status", "cancelled"),
    ],
)
@pytest.mark.parametrize(
    ("later", "is_explained"),
    [
        ([("x", "modify_run"), ("y", "list_runs")], True),
        ([("y", "list_runs"), ("x", "modify_run"), ("z", "get_run")], True),
        ([("y", "list_runs")], False),
        ([("x", "modify_run"), ("y", "cancel_run")], False),
    ],
)
def test_members_that_a_modification_of_a_run_sets_explain_that_they_change(
    id_: str, member: str, value: JSON, later: list[tuple[str, str]], is_explained: bool
) -> None:
    causes = by_kind(*_stored_by_modification({"status": "cancelled", "created_at": 5}, id_, member, value, later))
    consequences = {each for cause in causes.values() for each in cause.consequences}
    assert (id_ in consequences) is is_explained


def test_another_value_than_the_modification_sets_is_a_mistake_of_its_own() -> None:
    later = [("x", "modify_run"), ("y", "list_runs")]
    shown = _stored_by_modification(
        {"status": "failed"}, "lifecycle.terminal_status_is_final", "status", "queued", later
    )
    assert "lifecycle" in by_kind(*shown)


def _stored_by_modification(
    sent: dict[str, JSON], id_: str, member: str, value: JSON, later: list[tuple[str, str]]
) -> tuple[Verdict, Verdict]:
    """A modification of a run, in exchange x, that stores what is sent, and a rule on a member in later responses."""
    changed = broken_rule("modify.run_changes_in_metadata_only", "modify_run")
    finding = Finding("changed", "x", "modify_run", "/status", "completed", sent["status"])
    example: JSON = {"exchange": "x", "operation": "modify_run", "request": {"body": sent}}
    findings = tuple(Finding("changed", exchange, name, f"/{member}", None, value) for exchange, name in later)
    return (
        replace(changed, findings=(finding,), counterexample=example),
        replace(broken_rule(id_, later[0][1]), findings=findings),
    )


@pytest.mark.parametrize("outputs", ["missing", "unknown"])
@pytest.mark.parametrize(
    ("messages", "is_explained"),
    [
        ([OUTPUT_OF_ANOTHER_CALL], True),
        ([OUTPUT_OF_ANOTHER_CALL, "the step shows a different output"], False),
        (["the step shows a different output"], False),
    ],
)
def test_outputs_at_other_calls_are_not_matched_by_id(outputs: str, messages: list[str], is_explained: bool) -> None:
    unmatched = broken_rule(f"tools.{outputs}_outputs_are_refused", "submit_tool_outputs")
    findings = tuple(Finding(message, f"x{number}", "get_run_step") for number, message in enumerate(messages))
    shown = replace(broken_rule("tools.step_records_the_outputs", "get_run_step", "should"), findings=findings)
    causes = by_kind(unmatched, shown)
    assert causes["outputs"].consequences == ((shown.id,) if is_explained else ())
    assert "by id" in causes["outputs"].fix
