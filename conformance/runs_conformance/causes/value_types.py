"""Causes in a serializer: values of one JSON type that are sent as another in several kinds of object."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.failure import Failure
from runs_conformance.contract.json_type import json_type_of
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.json import JSON, Absent, is_array, is_object

_MIN_OBJECTS = 3
"""One type that is sent as another in this many kinds of object is one cause, not one per member."""

_LIST_TOPICS = ("listing", "paging")


@dataclass(frozen=True, slots=True)
class _Swap:
    """The type that the schema expects, and the type that was sent."""

    expected: str
    actual: str

    def explains(self, expected: JSON, actual: JSON) -> bool:
        """Whether a value differs from another only by values of the wrong type, in whichever of the two they are."""
        types = json_type_of(expected), json_type_of(actual)
        if types in ((self.expected, self.actual), (self.actual, self.expected)):
            return True
        if is_object(expected) and is_object(actual):
            return all(name in actual and self.explains(value, actual[name]) for name, value in expected.items())
        if is_array(expected) and is_array(actual):
            return len(expected) == len(actual) and all(map(self.explains, expected, actual))
        return types[0] == types[1] and expected == actual


def classify_value_types(classifier: FailureClassifier) -> None:
    """Classify the responses that send values of one type as another, and the rules that fail only for that."""
    found: dict[_Swap, list[Failure]] = defaultdict(list)
    for failure in classifier.rest:
        if (swap := _swap_of(failure)) is not None:
            found[swap].append(failure)
    for swap, failures in found.items():
        if len({failure.subject for failure in failures}) >= _MIN_OBJECTS:
            _add(classifier, swap, failures)


def _swap_of(failure: Failure) -> _Swap | None:
    """The types that a constraint on a response tells apart; None if the response may only repeat an accepted value."""
    finding = failure.finding
    if not failure.is_about_response or failure.keyword != "type" or failure.is_negative or failure.mutations:
        return None
    allowed = finding.expected if is_array(finding.expected) else [finding.expected]
    types = [name for name in allowed if isinstance(name, str) and name != "null"]
    if len(types) != 1 or isinstance(finding.actual, Absent) or finding.actual is None:
        return None
    return _Swap(types[0], json_type_of(finding.actual))


def _add(classifier: FailureClassifier, swap: _Swap, failures: list[Failure]) -> None:
    members = {failure.member for failure in failures}
    classifier.mark_explained(failures)
    repeated = classifier.take(lambda failure: failure.verdict.kind == "rule" and _shows_swap(failure, swap, members))
    names = sorted(members - {""})
    are_times = all(name.endswith("_at") for name in names)
    what = "times" if are_times else _plural(swap.expected)
    shown = ", ".join(f"`{name}`" for name in names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "")
    classifier.add(
        f"shape.type.{swap.expected}.{swap.actual}",
        f"{what.capitalize()} are sent as {_as_sent(swap.actual)}: {shown}",
        Severity.WRONG_SHAPE,
        f"Change the serializer so that it writes {what} as JSON {_plural(swap.expected)}"
        + (", the seconds since 1970." if are_times else "."),
        failures,
        repeated,
    )


def _shows_swap(failure: Failure, swap: _Swap, members: set[str]) -> bool:
    """Whether a rule fails only because values have the wrong type.

    It also does if a list with such values cannot be read.
    """
    expected, actual = failure.finding.expected, failure.finding.actual
    operation = OPERATIONS.get(failure.operation)
    is_list = operation is not None and operation.listed_kind is not None
    if is_list and "data" in members and (failure.subject in _LIST_TOPICS or failure.member == "data"):
        return True
    if isinstance(actual, Absent):
        return False
    if failure.member in members and json_type_of(actual) == swap.actual:
        return True
    return not isinstance(expected, Absent) and expected != actual and swap.explains(expected, actual)


def _plural(json_type: str) -> str:
    return f"{json_type}s"


def _as_sent(json_type: str) -> str:
    """The name of values of a wrong type. Integers are numbers, too, so other numbers need a name of their own."""
    return "floating-point numbers" if json_type == "number" else _plural(json_type)
