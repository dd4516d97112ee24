"""Which failures are explained by another requirement that fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.model.verdict import Finding
from tests.causes.verdicts import broken_rule, by_kind

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
    shown = broken_rule("transport.json_is_by_the_letter", "create_assistant")
    causes = by_kind(taken, replace(shown, findings=nan_answers(("x2", "create_assistant", NAN), *others)))
    assert ("transport" in causes) is not is_explained
    assert causes["bodies"].consequences == ((shown.id,) if is_explained else ())


def test_nan_that_no_request_contained_is_a_mistake_of_its_own() -> None:
    taken = broken_rule("robustness.malformed_json_is_refused", "create_assistant")
    shown = broken_rule("transport.json_is_by_the_letter", "create_assistant")
    causes = by_kind(taken, replace(shown, findings=nan_answers(("x2", "create_assistant", NAN))))
    assert set(causes) == {"bodies", "transport"}


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
