"""How the least urgent causes are joined if there are too many."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.causes import analyze
from runs_conformance.causes.classifier import MAX_CAUSES
from runs_conformance.model.json import JSON, is_object
from runs_conformance.model.verdict import Verdict
from tests.causes.verdicts import as_constraint_on_answers, broken_rule, by_kind, wrong_value

OBJECTS = (
    "assistant",
    "message",
    "run",
    "run_step",
    "thread",
    "message_deleted",
    "thread_deleted",
    "assistant_deleted",
)
RULES = (
    "cancel.cancelling_ends_in_cancelled",
    "lock.no_message_while_a_run_works",
    "lifecycle.begins_queued",
    "streaming.every_event_has_a_name",
    "messages.are_not_lost",
    "identity.never_changes",
)


def urgent(count: int) -> list[Verdict]:
    """Failures of a given number of causes, each with a MUST."""
    rules = [broken_rule(id_, "get_run") for id_ in RULES]
    shapes = [
        as_constraint_on_answers(wrong_value(f"{kind}.member{number}.enum", f"get_{number}", ["a"], "b"))
        for number, kind in enumerate(OBJECTS)
    ]
    return [*rules, *shapes][:count]


WARNINGS = [
    broken_rule("deletion.deleted_thread_shows_nothing", "list_messages", "should"),
    broken_rule("references.unknown_and_malformed_ids_are_refused", "get_run", "should"),
    broken_rule("references.objects_are_found_under_their_own_parent_only", "get_run", "should"),
    broken_rule("tools.unknown_outputs_are_refused", "submit_tool_outputs", "should"),
    broken_rule("robustness.other_content_types_are_refused", "create_run", "may"),
]


@pytest.mark.parametrize(("others", "is_joined"), [(11, False), (12, True), (13, True), (14, True)])
def test_small_causes_are_joined_with_those_of_their_severity_only(others: int, is_joined: bool) -> None:
    failing = [*urgent(others), *WARNINGS]
    causes = by_kind(*failing)
    assert ("minor.missing_validation" in causes) is is_joined
    assert causes["deletion"].level == "should"
    assert len(causes) == max(MAX_CAUSES, others + 2)  # Deletion and validation stay apart.
    assert {id_ for cause in causes.values() for id_ in cause.ids} == {each.id for each in failing}


def test_a_joined_cause_says_what_is_wrong_and_how_to_fix_each() -> None:
    warnings = [*WARNINGS, broken_rule("auth.first_beta_is_over", "get_run", "should")]
    cause = by_kind(*urgent(14), *warnings)["minor.missing_validation"]
    title = "Ids of objects that do not exist are accepted"
    assert cause.title.startswith(f"4 smaller causes: {title}; ")
    assert cause.title.endswith("; 1 more")
    assert (cause.severity, cause.level) == ("missing_validation", "should")
    fixes = {each.fix for each in analyze(warnings) if each.severity == "missing_validation"}
    assert len(fixes) == 4
    assert all(fix in cause.fix for fix in fixes)


def test_must_is_never_joined() -> None:
    more = ("deletion.deleted_thread_shows_nothing", "references.unknown_and_malformed_ids_are_refused")
    causes = analyze([*urgent(14), *(broken_rule(id_, "get_run") for id_ in more), WARNINGS[3]])
    assert [cause.level for cause in causes] == ["must"] * 16 + ["should"]


@pytest.mark.parametrize(
    ("replays", "shown"),
    [
        ({}, "a_tool_is_called_when_one_must_be"),
        ({"a_tool_is_called_when_one_must_be": (0, 3)}, "the_tool_that_is_named_is_called"),
        ({"the_tool_that_is_named_is_called": (1, 1)}, "the_tool_that_is_named_is_called"),
        ({"the_tool_that_is_named_is_called": (1, 2)}, "a_tool_is_called_when_one_must_be"),
    ],
)
def test_the_example_of_a_cause_is_one_that_was_confirmed(replays: dict[str, tuple[int, int]], shown: str) -> None:
    failing = []
    for length, name in enumerate(("a_tool_is_called_when_one_must_be", "the_tool_that_is_named_is_called")):
        rule = broken_rule(f"choice.{name}", "get_run")
        assert is_object(rule.counterexample)
        example: dict[str, JSON] = {**rule.counterexample, "before": [{}] * length}
        if name in replays:
            failed, played = replays[name]
            example["confirmed"] = {"failed": failed, "played": played}
        failing.append(replace(rule, counterexample=example))
    (cause,) = analyze(failing)
    assert cause.reproduction == f"choice.{shown}"
