"""Messages on large values stay short."""

from __future__ import annotations

from typing import Any

from runs_conformance.contract.schema_violation import MAX_OF_EACH
from runs_conformance.contract.second_opinion import independent_errors
from runs_conformance.contract.short_repr import MAX_PLAIN, with_short_repr
from runs_conformance.contract.validation import validate_document

LARGE: dict[str, Any] = {
    "id": "x" * 10_000,
    "object": ["y"] * 10_000,
    "metadata": {f"name{number}": number for number in range(1_000)},
    "n" * 10_000: [{"deep": "z" * 10_000}],
}


def test_large_values_stay_equal_and_print_little() -> None:
    value = with_short_repr(LARGE)
    assert value == LARGE
    assert len(repr(value)) < 300
    assert repr(value["id"]) == "(10000 characters)"
    assert repr(value["object"]) == "(10000 items)"
    assert repr(value["metadata"]) == "(1000 members)"
    assert str(value["id"]) == LARGE["id"]


def test_small_values_print_themselves() -> None:
    small = {"a": ["b" * MAX_PLAIN, 1, None, True, 1.5, {}]}
    assert repr(with_short_repr(small)) == repr(small)


def test_errors_in_large_values_are_found_at_their_places() -> None:
    errors = independent_errors("objects/thread", "thread", LARGE)
    places = {error.place for error in errors}
    assert ("object",) in places
    assert ("metadata",) in places
    violations = {id_ for error in errors for id_, _ in error.violations}
    assert {"thread.object.const", "thread.metadata.maxProperties"} <= violations


def test_messages_show_the_beginning_of_a_large_value() -> None:
    result = validate_document("objects/thread", "thread", LARGE)
    assert result.violations
    assert all(len(violation.message) < 500 for violation in result.violations)


def test_few_of_many_violations_of_a_constraint_are_kept() -> None:
    thread = {"metadata": {f"name{number}": number for number in range(5_000)}}
    result = validate_document("objects/thread", "thread", thread)
    kept = [each for each in result.violations if each.constraint == "thread.metadata{}.type"]
    assert len(kept) == MAX_OF_EACH
    assert result.checked.count("thread.metadata{}.type") == 5_000
