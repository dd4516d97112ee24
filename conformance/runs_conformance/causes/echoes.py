"""Rules that a server breaks only because it breaks another one of another topic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from runs_conformance.causes.failure import Failure
from runs_conformance.causes.groups import Sorting
from runs_conformance.model.json import JSON, at, is_array, is_object

_UNKNOWN_IDS = "references.unknown_and_malformed_ids_are_refused"
_SHARED_IDS = "ids.no_two_objects_share_an_id"

_FIND_ANYTHING = ("robustness.odd_ids_name_nothing",)
"""Rules that a server breaks which finds an object by any id, well-formed or not."""

_NAME_ONE_OBJECT = (
    "deletion.deleted_assistant_runs_nothing",
    "deletion.deleted_thread_shows_nothing",
    "deletion.deleted_thread_takes_nothing",
    "deletion.nothing_is_deleted_twice",
    "deletion.what_is_deleted_cannot_be_read",
    "listing.what_was_deleted_is_not_listed",
    "paging.after_excludes_its_item",
    "references.objects_are_found_under_their_own_parent_only",
    "threads.run_gets_a_thread_of_its_own",
)
"""Rules that take an id for the name of one object."""


@dataclass(frozen=True, slots=True)
class Echo:
    """A failure, and the id of the rule whose violation it repeats."""

    failure: Failure
    original: str


def take_echoes(sorting: Sorting) -> Sequence[Echo]:
    """Take the failures that repeat those of other rules."""
    failing = {failure.id: failure for failure in sorting.rest}
    echoes: list[Echo] = []
    if _UNKNOWN_IDS in failing:
        echoes += (Echo(each, _UNKNOWN_IDS) for each in sorting.take(lambda failure: failure.id in _FIND_ANYTHING))
    if _SHARED_IDS in failing:
        shared = {str(finding.actual) for finding in failing[_SHARED_IDS].verdict.findings}
        repeated = sorting.take(lambda failure: failure.id in _NAME_ONE_OBJECT and bool(_ids_in(failure) & shared))
        echoes += (Echo(each, _SHARED_IDS) for each in repeated)
    return echoes


def attach_echoes(sorting: Sorting, echoes: Sequence[Echo]) -> None:
    """Add each echo to the consequences of the cause that has the original."""
    for group in sorting.groups:
        ids = {failure.id for failure in group.members}
        group.consequences += [echo.failure for echo in echoes if echo.original in ids]


def _ids_in(failure: Failure) -> set[str]:
    """The texts in the request and the finding that may be ids."""
    request = at(failure.verdict.counterexample, "/request")
    sent: Mapping[str, JSON] = request if is_object(request) else {}
    query, path = sent.get("query"), sent.get("path")
    pairs = query if is_array(query) else ()
    values = {str(pair[1]) for pair in pairs if is_array(pair) and len(pair) == 2}
    values |= set(path.split("/")) if isinstance(path, str) else set()
    values |= set(_texts(sent.get("body")))
    return values | {str(failure.finding.actual)}


def _texts(value: JSON) -> Iterator[str]:
    members = value.values() if is_object(value) else ()
    yield from (member for member in members if isinstance(member, str))
