"""Metadata: shown as given, stored, and changed only by modifications."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.contract.json_type import describe_types, json_type_of
from runs_conformance.evidence.metadata import ExpectedMetadata, MetadataTimeline
from runs_conformance.evidence.metadata import metadata_timelines as all_metadata
from runs_conformance.evidence.modified_sibling import PARTS_OF_SIBLINGS, part_of_sibling
from runs_conformance.evidence.stale_item import is_list_item
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, is_object, json_equal
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed, schema
from runs_conformance.model.verdict import Result, with_part

_SCHEMA = schema("openai-openapi f85dbe2 openapi.yaml Metadata: pairs that can be attached to an object")
_RECORDED = observed("recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31")


def _expectations(history: History) -> Iterable[ExpectedMetadata]:
    return (expected for timeline in all_metadata(history) for expected in timeline.expectations)


def _check_pairs(expected: ExpectedMetadata, message: str, *, include_empty: bool) -> Iterator[Result]:
    shown = expected.observation.get("metadata")
    for name, value in (expected.latest_write.metadata or {}).items() if shown is not ABSENT else ():
        actual = shown.get(name, ABSENT) if is_object(shown) else ABSENT
        if value != "" or actual is not ABSENT or include_empty:
            holds = actual is not ABSENT and json_equal(actual, value)
            yield expected.observation.check(
                holds, f"{message} {name!r}", "/metadata", expected.latest_write.metadata, shown
            )


@rule(
    units=_expectations,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="metadata",
    clauses=("ended-run-can-be-modified", "metadata-is-echoed"),
    formerly=("metadata.is_shown_in_the_answer",),
)
def is_shown_in_the_response(expected: ExpectedMetadata) -> Iterator[Result]:
    """The response to a creation or modification shows the metadata given in the request.

    Clients take the response to be the stored object. No source says whether existing keys are kept or dropped, so both
    pass.

    Fix: Return the metadata as it is stored after the request.
    """
    if expected.observation.exchange is expected.latest_write.exchange:
        yield from _check_pairs(expected, "the response does not show the given value of", include_empty=True)


@rule(
    units=_expectations,
    level=Level.MUST,
    source=_SCHEMA,
    capability="metadata",
    clauses=("ended-run-can-be-modified", "metadata-is-echoed"),
    needs_complete_history=True,
)
def is_kept(expected: ExpectedMetadata) -> Iterator[Result]:
    """Accepted metadata is shown in every later response until it is modified.

    Clients find their objects by metadata. Compared across reads, lists and events of assistants, threads, messages and
    runs. A key with an empty value may be dropped.

    Fix: Store metadata with its object, and return it wherever the object is shown.
    """
    if expected.observation.exchange is not expected.latest_write.exchange:
        yield from _check_pairs(expected, "a later response does not show the given value of", include_empty=False)


@rule(
    units=_expectations,
    level=Level.SHOULD,
    source=_RECORDED,
    capability="metadata",
    clauses=("metadata-is-echoed", "metadata-replace-or-merge"),
    needs_complete_history=True,
    occasions=5,
)
def holds_nothing_else(expected: ExpectedMetadata) -> Iterator[Result]:
    """Metadata contains only pairs that were given to this object, and is `{}` if none were, or null if null was given.

    Clients find their objects by metadata, and foreign pairs make them find the wrong ones. A run does not inherit its
    thread's metadata, nor a thread its run's.

    Fix: Return `{}` for an object without metadata, do not copy metadata between objects, and add no pairs of the
    server's own.
    """
    shown = expected.observation.get("metadata")
    if expected.all_written_or_unknown is None or shown is ABSENT:
        return
    if shown is None and expected.latest_write.is_null:
        return  # The schema allows null in requests and responses.
    foreign = [
        name
        for name, value in (shown.items() if is_object(shown) else ())
        if not any(name in given and json_equal(given[name], value) for given in expected.all_written_or_unknown)
    ]
    yield expected.observation.check(
        is_object(shown) and not foreign,
        f"metadata has the pair {foreign[0]!r}, which this object was never given"
        if foreign
        else f"metadata is {describe_types([json_type_of(shown)])}, not an object",
        "/metadata",
        expected.latest_write.metadata or {},
        shown,
    )


@rule(
    units=all_metadata,
    level=Level.MUST,
    source=_SCHEMA,
    capability="metadata",
    clauses=("modify-run-changes-only-metadata", "metadata-is-echoed"),
    needs_complete_history=True,
    occasions=5,
    needs_parts=PARTS_OF_SIBLINGS,
)
def changes_only_when_modified(timeline: MetadataTimeline) -> Iterator[Result]:
    """Metadata does not change between two reads unless the object is modified.

    Clients rely on finding what they stored. Objects that are created without metadata share none, either. Judged only
    on objects whose creation was recorded: a client whose requests were not recorded may modify any other.

    Fix: Write metadata only when the object is created or modified, and give each object metadata of its own.
    """
    for earlier, later, requests in timeline.observation_pairs_without_write() if timeline.creation_is_known else ():
        was, now = earlier.get("metadata"), later.get("metadata")
        if not requests and was is not ABSENT and now is not ABSENT:
            part = part_of_sibling(timeline, earlier, later)
            message = "metadata changed without a modification"
            if part and now and not was:
                message = f"metadata changed when another {timeline.timeline.kind} was modified"
            elif is_list_item(later) and not is_list_item(earlier):
                message = "the list shows other metadata than the object has"
            result = later.check(json_equal(was or {}, now or {}), message, "/metadata", was, now)
            yield with_part(result, part)
