"""Metadata that a server drops: the operation that was given it, and the pairs that are lost because of their keys."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.failure import Failure, kind_shown
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.model.json import at, is_array, is_object, json_equal
from runs_conformance.model.verdict import Finding

_GIVEN_MESSAGES = (
    ("create_thread", "messages"),
    ("create_run", "additional_messages"),
    ("create_thread_and_run", "thread.messages"),
    ("create_thread_and_run", "additional_messages"),
)
"""The operations that take messages, and where."""

_EVENT = re.compile(r"^/events/(\d+)/")


def is_pair(place: str) -> bool:
    """Whether a place is that of a pair of metadata, and not of all metadata."""
    return "metadata." in place


def describe_lost_pairs(by_operation: Mapping[str, Sequence[str]]) -> tuple[str, Severity, str]:
    """The title, severity and fix where nothing but some pairs of metadata is lost; by operation, their places."""
    keys = as_code(place.partition("metadata.")[2] for places in by_operation.values() for place in places)
    operations = list_names([*by_operation])
    title = f"Pairs of `metadata` are dropped because of their keys ({list_names(keys)}): {operations}"
    return title, Severity.DATA_LOSS, "Store every pair of metadata as it was sent, whatever its key."


def places_of_lost_pairs(place: str, finding: Finding) -> list[str]:
    """The places of the pairs that metadata lacks if it kept all others; its own place otherwise."""
    given, shown = finding.expected, finding.actual
    if not is_object(given) or not is_object(shown):
        return [place]
    missing = [key for key in given if key not in shown]
    is_rest_kept = all(json_equal(given[key], shown[key]) for key in given if key in shown)
    return [f"{place}.{key}" for key in missing] if is_rest_kept and 0 < len(missing) < len(given) else [place]


def place_of_message_metadata(failure: Failure) -> tuple[str, str]:
    """The operation that was given the message without its metadata; create_thread unless another is seen to be."""
    before = at(failure.verdict.counterexample, "/before")
    for step in before if is_array(before) else ():
        for operation, place in _GIVEN_MESSAGES:
            messages = at(step, f"/body/{place.replace('.', '/')}")
            given = (at(message, "/metadata") for message in (messages if is_array(messages) else ()))
            if at(step, "/operation") == operation and any(
                json_equal(metadata, failure.finding.expected) for metadata in given
            ):
                return operation, f"{place}[].metadata"
    return "create_thread", "messages[].metadata"


def place_of_metadata_shown(failure: Failure, finding: Finding) -> str:
    """The place of the metadata that a response lacks; empty if it is unknown which of two objects it belongs to."""
    event = _EVENT.match(finding.pointer)
    if finding.operation != "create_thread_and_run" or event is None:
        return "metadata"
    # Threads come first in such streams, so that one stream tells which object the same event of another shows.
    name = at(failure.verdict.counterexample, f"/answer/events/{event[1]}")
    if not isinstance(name, str):
        return ""
    return "thread.metadata" if name.startswith("thread.created") else "metadata"


def is_of_metadata(place: str) -> bool:
    """Whether a place is that of metadata, or of a pair of it."""
    return place.endswith("metadata") or is_pair(place)


def kind_with_metadata(operation: str, place: str) -> str | None:
    """The kind of object that the metadata at a place of a request belongs to."""
    if place.endswith("[].metadata"):
        return "message"
    return "thread" if place.startswith("thread.metadata") else kind_shown(operation)
