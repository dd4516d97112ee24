"""Defects of a serializer with members without a value: it leaves them out, or writes null where it is not allowed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import cache

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.failure import Failure, place_of
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.contract.constraint import object_documents, schema_constraints
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.schema import compile_schema
from runs_conformance.model.json import is_object

_MIN_OMITTED = 4
"""A server that leaves out this many members which may be null, in two kinds of object, leaves out every null."""
_MIN_IN_OPERATION = 3
"""An operation that alone leaves out this many members which may be null leaves out every null."""
_MIN_WRITTEN = 3
"""A server that writes null at this many places where it is not allowed, in two kinds of object, leaves nothing out."""
_MIN_KINDS = 2
_MIN_MEMBERS = 2
"""One member that is null in several kinds of object has its cause in this member."""
_MAX_NAMED = 8
_MAX_KINDS = 3


def _classify_omitting_operations(classifier: FailureClassifier) -> None:
    """Classify the members that are null and left out by one operation, where others show them in such objects."""
    by_operation: dict[str, list[Failure]] = defaultdict(list)
    for failure in classifier.rest:
        operations = {finding.operation or "" for finding in failure.verdict.findings}
        if _is_omitted(failure) and not _is_in_streams_only(failure) and len(operations) == 1 and _is_shown(failure):
            by_operation[operations.pop()].append(failure)
    found = {name: members for name in OPERATIONS if len(members := by_operation[name]) >= _MIN_IN_OPERATION}
    omitted = [failure for members in found.values() for failure in members]
    if not omitted or any(_has_null(failure) for failure in omitted):
        return
    classifier.mark_explained(omitted)
    lists = [
        f"{list_names(as_code(f.place for f in members), _MAX_NAMED)} in {name}" for name, members in found.items()
    ]
    classifier.add(
        "shape.nulls.operation",
        f"Members without a value are left out by {list_names(as_code(found))}",
        Severity.MISSING_MEMBER,
        "Write members without a value as null there, too, as other operations do (no `exclude_none`, `omitempty` and "
        f"the like): {'; '.join(lists)}.",
        omitted,
    )


def _is_shown(failure: Failure) -> bool:
    """Whether some objects of the kind have the member."""
    return failure.finding_count < failure.verdict.judged


def classify_nulls(classifier: FailureClassifier) -> None:
    """Classify the members that a serializer omits because they are null, or writes as null where it must not."""
    _classify_omitting_operations(classifier)
    _classify_omitted(classifier)
    _classify_written(classifier)


def _classify_omitted(classifier: FailureClassifier) -> None:
    """Classify the members that are left out because they are null, everywhere or only in streams."""
    omitted = [failure for failure in classifier.rest if _is_omitted(failure)]
    in_streams = [failure for failure in omitted if _is_in_streams_only(failure)]
    elsewhere = [failure for failure in omitted if failure not in in_streams]
    only_streams = _are_many(in_streams) and not _are_many(elsewhere)
    found = in_streams if only_streams else omitted
    if not _are_many(found) or any(_has_null(failure) for failure in found):
        return
    classifier.mark_explained(found)
    members = as_code(failure.place for failure in found)
    what, title = (
        ("the serializer of events", "Streams leave members that are null out of")
        if only_streams
        else ("the serializer", "Members that are null are left out of")
    )
    classifier.add(
        "shape.nulls",
        f"{title} {_name_objects(found)}",
        Severity.MISSING_MEMBER,
        f"Let {what} write members without a value as null instead of leaving them out "
        f"(`exclude_none`, `omitempty` and the like): {list_names(members, _MAX_NAMED)}.",
        found,
    )


def _classify_written(classifier: FailureClassifier) -> None:
    """Classify the members that are written as null, where they must be left out or have a value."""
    written = [
        failure
        for failure in classifier.rest
        if failure.is_about_response
        and failure.keyword == "type"
        and failure.place
        and not failure.mutations
        and all(finding.actual is None for finding in failure.verdict.findings)
    ]
    optional = [failure for failure in written if not _is_required(failure)]
    kinds, names = ({part(failure) for failure in optional} for part in (_kind, lambda failure: failure.member))
    if len(optional) < _MIN_WRITTEN or len(kinds) < _MIN_KINDS or len(names) < _MIN_MEMBERS:
        return
    classifier.mark_explained(written)
    members = as_code(failure.place for failure in optional)
    required = as_code(failure.place for failure in written if failure not in optional)
    value = f", and give {list_names(required, _MAX_NAMED)} a value" if required else ""
    classifier.add(
        "shape.written_nulls",
        f"Members without a value are written as null in {_name_objects(written)}",
        Severity.WRONG_SHAPE,
        "Let the serializer leave out members without a value where they may not be null (`exclude_unset`, "
        f"`omitempty` and the like, on these members only): {list_names(members, _MAX_NAMED)}{value}.",
        written,
    )


def _is_omitted(failure: Failure) -> bool:
    """Whether a member is missing that may be null."""
    return (
        failure.is_about_response
        and failure.keyword == "required"
        and failure.place in nullable_places(failure.subject)
    )


def _is_in_streams_only(failure: Failure) -> bool:
    """Whether a member is missing in events alone; findings at other places are listed among the first."""
    return all(finding.pointer.startswith("/events/") for finding in failure.verdict.findings)


def _are_many(failures: Sequence[Failure]) -> bool:
    return len(failures) >= _MIN_OMITTED and len({_kind(failure) for failure in failures}) >= _MIN_KINDS


def _has_null(failure: Failure) -> bool:
    """Whether the response that shows a failure is an object with a member that is null."""
    body = failure.body
    return failure.is_success and is_object(body) and None in body.values()


def _kind(failure: Failure) -> str:
    return failure.subject.replace("_", " ")


def _name_objects(failures: Collection[Failure]) -> str:
    """The kinds of object in which failures occur, for a title."""
    kinds = sorted({_kind(failure) for failure in failures})
    if len(kinds) > _MAX_KINDS:
        return f"{len(kinds)} kinds of object ({list_names(kinds, len(kinds))})"
    return f"the {', '.join(kinds[:-1])} and {kinds[-1]} objects"


@cache
def _places(kind: str) -> tuple[frozenset[str], frozenset[str]]:
    """The nullable places of a kind of object, and its required places, in the newest edition."""
    document = object_documents().get(kind)
    found = tuple(schema_constraints(compile_schema(document, kind, DEFAULT_EDITION))) if document else ()
    nullable = frozenset(place_of(id_) for id_, keyword, _, value in found if keyword == "type" and "null" in value)
    return nullable, frozenset(place_of(id_) for id_, keyword, *_ in found if keyword == "required")


def nullable_places(kind: str) -> frozenset[str]:
    """The places of a kind of object that may be null in the newest edition."""
    return _places(kind)[0]


def _is_required(failure: Failure) -> bool:
    return failure.place in _places(failure.subject)[1]
