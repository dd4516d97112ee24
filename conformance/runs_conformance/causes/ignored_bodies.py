"""Operations that lose every member of their bodies."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache

from runs_conformance.causes.cause import Severity
from runs_conformance.causes.classifier import FailureClassifier
from runs_conformance.causes.failure import Failure, in_query, kind_shown, place_of
from runs_conformance.causes.wording import as_code, list_names
from runs_conformance.contract.constraint import object_documents, schema_constraints
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.schema import compile_schema
from runs_conformance.model.verdict import Verdict


def find_ignored_bodies(classifier: FailureClassifier, lost: Collection[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """The operations that ignore their bodies, each with the members of it, given the members known to be lost.

    Each of several members is lost, or the object lacks it nearly everywhere, and no value within the body is refused.
    """
    checking = {verdict.operation for verdict in classifier.passing if _member_checked(verdict)}
    ignored: dict[str, tuple[str, ...]] = {}
    for operation in dict.fromkeys(operation for operation, _ in sorted(lost)):
        gone = {place for name, place in lost if name == operation}
        gone |= {
            failure.place
            for failure in classifier.failing
            if failure.is_about_response and failure.subject == kind_shown(operation) and _is_always_missing(failure)
        }
        members = _members_sent(classifier, operation)
        if len(members) > 1 and gone.issuperset(members) and operation not in checking:
            ignored[operation] = tuple(members)
    return ignored


def describe_ignored_bodies(ignored: Mapping[str, Sequence[str]]) -> tuple[str, Severity, str]:
    """The title, severity and fix of ignored bodies."""
    names = list_names([*ignored])
    losses = "; ".join(f"{list_names(as_code(m), len(m))} of {name}" for name, m in ignored.items())
    title = f"{names} ignore their bodies" if len(ignored) > 1 else f"{names} ignores its body: it loses {losses}"
    fix = "Read the body, check its members against the schema, store them, and return what was stored"
    return title.removesuffix(f" of {names}"), Severity.DATA_LOSS, f"{fix}. The server loses {losses}."


def _is_always_missing(failure: Failure) -> bool:
    return failure.keyword == "required" and not failure.is_occasional


def _members_sent(classifier: FailureClassifier, operation: str) -> list[str]:
    """The members of the body of an operation, as the constraints on it name them."""
    names = (
        _first_member(place_of(verdict.id))
        for verdict in classifier.verdicts
        if verdict.kind == "constraint" and verdict.operation == operation and not in_query(verdict)
    )
    return sorted({name for name in names if name})


def _member_checked(verdict: Verdict) -> str:
    """The member of a body whose invalid value is refused; empty if a verdict does not show that."""
    is_about_body = verdict.kind == "constraint" and verdict.operation is not None and not in_query(verdict)
    return _first_member(place_of(verdict.id)) if is_about_body else ""


def _first_member(place: str) -> str:
    return place.partition(".")[0].partition("[")[0].partition("{")[0]


@cache
def members_of(kind: str) -> frozenset[str]:
    """The names of the members of a kind of object in the newest edition."""
    document = object_documents().get(kind)
    found = schema_constraints(compile_schema(document, kind, DEFAULT_EDITION)) if document else ()
    return frozenset(_first_member(place_of(id_)) for id_, *_ in found)
