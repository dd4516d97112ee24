"""Crashes of error handlers that cannot name a position by a number: the index of an item, or the offset in a text."""

from __future__ import annotations

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.crashes import CRASH_RULES, name_server_error, sends_no_json
from runs_conformance.causes.failure import Failure, place_of

KIND = "crash.items"
_MIN_CRASHES = 3
_SHARE = 0.8
"""The share of mistakes in items that make the server fail, if its handler of errors is at fault."""
_FOUND_BY_CHECKS = frozenset(
    {"enum", "pattern", "maxLength", "minLength", "maximum", "minimum", "maxItems", "minItems", "maxProperties"}
)
"""Keywords whose violations have the right type. Code that only uses such a value does not fail, but its check may."""


def classify_item_crashes(classifier: FailureClassifier) -> None:
    """Classify the crashes on mistakes in items of lists, if the same mistakes elsewhere are refused.

    Such a server finds the mistakes. What fails is the response that names the position: it contains an index, as the
    position in a body that is not JSON contains an offset.
    """
    crashes = [failure for failure in classifier.rest if is_crash_on_invalid_body(failure)]
    if len(crashes) < _MIN_CRASHES or not all(_is_in_items(failure.place) for failure in crashes):
        return
    refusing = classifier.refused_bodies
    in_items = sum(_is_in_items(place_of(verdict.id)) for verdict in refusing)
    elsewhere = {verdict.id.rpartition(".")[2] for verdict in refusing if not _is_in_items(place_of(verdict.id))}
    alike = [failure for failure in crashes if failure.keyword in elsewhere]
    if (
        len(crashes) < _SHARE * (len(crashes) + in_items)
        or len(alike) < _SHARE * len(crashes)
        or not any(failure.keyword in _FOUND_BY_CHECKS for failure in alike)
    ):
        return
    classifier.mark_explained(crashes)
    unparsed = classifier.take(
        lambda failure: (failure.is_crash or failure.id in CRASH_RULES) and sends_no_json(failure)
    )
    what = "Invalid array items" + (", and bodies that are not JSON," if unparsed else "")
    numbers = "the index of an item" + (", and the offset in a text" if unparsed else "")
    classifier.add(
        KIND,
        f"{what} get {name_server_error(crashes)} instead of 400",
        Severity.CRASH,
        "The server detects these errors but crashes while reporting them: let the handler of validation errors accept "
        f"numbers in the location ({numbers}).",
        [*crashes, *unparsed],
        typical=lambda failure: failure.is_about_request,
    )


def is_crash_on_invalid_body(failure: Failure) -> bool:
    """Whether an invalid value in a body made the server fail."""
    return failure.is_about_request and not failure.is_in_query and not failure.is_refused_valid and failure.is_crash


def _is_in_items(place: str) -> bool:
    return "[]" in place
