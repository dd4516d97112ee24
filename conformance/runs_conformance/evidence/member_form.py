"""The form of members: whether they have the types and members that the contract requires of them, at any depth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TypeAlias

from runs_conformance.contract.constraint import object_documents
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.schema import Schema, compile_schema
from runs_conformance.contract.validation import validate
from runs_conformance.evidence.number import has_fewer_digits
from runs_conformance.evidence.observation import Observation
from runs_conformance.model.json import JSON, Absent, equal_but_for_nulls
from runs_conformance.model.verdict import PASSED, Inconclusive, Result

Comparison: TypeAlias = Callable[[JSON, JSON], bool]

_FORM_KEYWORDS = ("type", "required")


@lru_cache(maxsize=256)
def _member_schema(kind: str, member: str, edition: str) -> Schema | None:
    document = object_documents().get(kind)
    schema = compile_schema(document, kind, edition or DEFAULT_EDITION) if document is not None else {}
    found: Schema | None = schema.get("properties", {}).get(member)
    return found


def form_violations(observation: Observation, name: str) -> frozenset[str]:
    """The constraints on types and required members that a member violates; they report it, so rules need not."""
    value, schema = observation.get(name), _member_schema(observation.kind, name, observation.exchange.edition)
    if isinstance(value, Absent) or schema is None:
        return frozenset()
    violated = (violation.constraint for violation in validate(schema, value).violations)
    return frozenset(constraint for constraint in violated if constraint.rpartition(".")[2] in _FORM_KEYWORDS)


def same_value(one: JSON | Absent, other: JSON | Absent) -> bool:
    """Whether two values are equal but for members that are null, a list that is null, and digits of a number."""
    both_empty = all(each is None or each == [] for each in (one, other))
    return both_empty or equal_but_for_nulls(one, other) or has_fewer_digits(one, other) or has_fewer_digits(other, one)


def check_kept(earlier: Observation, later: Observation, name: str, holds: bool, message: str) -> Result:
    """Check that a member has kept its value; inconclusive if it has another one in another form."""
    if not holds and _differ_in_form(earlier, later, name):
        return _different_forms(name)
    return later.check(holds, message, f"/{name}", earlier.get(name), later.get(name))


def _differ_in_form(one: Observation, other: Observation, name: str) -> bool:
    return form_violations(one, name) != form_violations(other, name)


def _different_forms(name: str) -> Inconclusive:
    return Inconclusive(f"`{name}` has a wrong type or lacks a member in one response only, so it cannot be compared")


def check_constant(
    observations: Iterable[Observation], name: str, message: str, are_equal: Comparison
) -> Iterator[Result]:
    """Check that a member has the same value in all observations that show it in the same form."""
    firsts: list[Observation] = []
    for observation in observations:
        now = observation.get(name)
        if isinstance(now, Absent):
            continue
        if not firsts:
            firsts.append(observation)
        elif any(_agree(first, now, name, are_equal) for first in firsts):
            yield PASSED
        elif same := [first for first in firsts if not _differ_in_form(first, observation, name)]:
            yield observation.check(False, message, f"/{name}", same[0].get(name), now)
        else:
            firsts.append(observation)
            yield _different_forms(name)


def _agree(first: Observation, now: JSON, name: str, are_equal: Comparison) -> bool:
    was = first.get(name)
    return not isinstance(was, Absent) and are_equal(was, now)
