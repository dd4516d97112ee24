"""Which edition of the contract a server fits better than the one by which it was judged."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from runs_conformance.causes.failure import Failure
from runs_conformance.contract.constraint import constraints
from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.validation import validate_document
from runs_conformance.model.json import JSON, Absent, at, is_array, is_object, pointer_tokens
from runs_conformance.model.verdict import Outcome, Verdict

MIN_SHARE = 0.1
"""An edition that explains a smaller share of the failures is not worth a recommendation."""

MIN_RATIO = 3
"""How many failures an edition explains for each that it adds. A server that implements what the edition lacks, and
fails elsewhere, was not written for it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionFit:
    """An edition by which fewer MUST requirements fail.

    `explained` of the `failures` do not occur by this edition; `added` failures would be new.
    """

    edition: str
    failures: int
    explained: int
    added: int

    @property
    def fewer(self) -> int:
        """By how many failures this edition fits better."""
        return self.explained - self.added

    def to_json(self) -> dict[str, JSON]:
        """The fit as JSON."""
        return {
            "edition": self.edition,
            "failures": self.failures,
            "explained": self.explained,
            "added": self.added,
        }


def find_better_edition(verdicts: Sequence[Verdict], edition: str) -> EditionFit | None:
    """The edition that explains the most MUST failures, the newest of several; None if none explains a tenth.

    Judges by the verdicts of `edition`, without further requests. A failure is explained if the other edition lacks the
    requirement, or if the request that shows the failure is valid in only one of the two editions.

    Accepted invalid values explain nothing if their operation accepts most of them, if the server validates nothing in
    the member around them, or if it enforces any constraint that the other edition lacks.
    """
    failures = [Failure(verdict) for verdict in verdicts if verdict.outcome is Outcome.FAIL and verdict.level == "must"]
    if not failures:
        return None
    checking = set(_checking_operations(verdicts))
    telling = [failure for failure in failures if not failure.is_accepted_violation or failure.subject in checking]
    fits = [
        replace(_fit(telling, verdicts, edition, other), failures=len(failures))
        for other in reversed(EDITIONS)
        if other != edition
    ]
    plausible = [fit for fit in fits if fit.explained >= MIN_RATIO * fit.added]
    best = max(plausible, key=lambda fit: fit.fewer, default=None)
    return best if best is not None and best.fewer >= max(1, MIN_SHARE * len(failures)) else None


def _checking_operations(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """The operations that refuse at least half of the invalid values that they were sent."""
    outcomes: dict[str, Counter[Outcome]] = defaultdict(Counter)
    for verdict in verdicts:
        if verdict.kind == "constraint" and verdict.operation:
            outcomes[verdict.operation][verdict.outcome] += 1
    return (name for name, counts in outcomes.items() if counts[Outcome.PASS] >= counts[Outcome.FAIL])


def _fit(failures: Sequence[Failure], verdicts: Sequence[Verdict], edition: str, other_edition: str) -> EditionFit:
    ours, theirs = _statements(edition), _statements(other_edition)
    explained, others = list[Failure](), list[Failure]()
    for failure in failures:
        (explained if _is_explained(failure, edition, other_edition, ours, theirs) else others).append(failure)
    unvalidated = _unvalidated_places(others, verdicts)
    is_newer = _validates_additions(verdicts, theirs)
    return EditionFit(
        edition=other_edition,
        failures=len(failures),
        explained=sum(
            not failure.is_accepted_violation
            or (not is_newer and unvalidated.isdisjoint(_enclosing_places(failure.id)))
            for failure in explained
        ),
        added=len(set(_requirements_broken_by(verdicts, theirs))),
    )


def _unvalidated_places(failures: Sequence[Failure], verdicts: Sequence[Verdict]) -> set[str]:
    """The places around accepted violations within which no constraint passed."""
    accepted = {place for each in failures if each.is_accepted_violation for place in _enclosing_places(each.id)}
    passed = (verdict.id for verdict in verdicts if verdict.outcome is Outcome.PASS)
    return accepted.difference(place for id_ in passed for place in _enclosing_places(id_))


def _validates_additions(verdicts: Sequence[Verdict], theirs: Mapping[str, str]) -> bool:
    """Whether a server refuses requests for what another edition does not require, so that it was not written for it.

    Other values that the server accepts there are no evidence, since an edition with open objects allows any.
    """
    return any(
        verdict.kind == "constraint"
        and verdict.operation is not None
        and verdict.outcome is Outcome.PASS
        and verdict.id not in theirs
        for verdict in verdicts
    )


def _enclosing_places(id_: str) -> Iterator[str]:
    """The operation and the members that contain the place of a constraint, outermost first."""
    members = id_.split(".")[:-2]
    return (".".join(members[: number + 1]) for number in range(len(members)))


def _statements(edition: str) -> Mapping[str, str]:
    return {id_: constraint.statement for id_, constraint in constraints(edition).items()}


def _is_explained(
    failure: Failure, edition: str, other_edition: str, ours: Mapping[str, str], theirs: Mapping[str, str]
) -> bool:
    is_unknown = failure.verdict.kind == "constraint" and failure.id not in theirs
    if failure.is_about_response:
        # A server that returns a member that the edition does not have fits it no better, whatever the value.
        if is_unknown:
            return isinstance(failure.finding.actual, Absent)
        return ours.get(failure.id) != theirs[failure.id] and not _breaks_in(failure, other_edition)
    validity = [
        (_is_valid(failure, body, edition), _is_valid(failure, body, other_edition)) for body in _bodies(failure)
    ]
    if failure.is_accepted_violation:
        # A server that accepts a member that the edition does not have fits it no better.
        return bool(validity) and all(each == (False, True) for each in validity)
    if failure.verdict.kind == "rule" and failure.is_success and not _is_about_addition(failure, other_edition):
        return False
    return is_unknown or (bool(validity) and all(each == (True, False) for each in validity))


def _is_about_addition(failure: Failure, other_edition: str) -> bool:
    """Whether a rule is about a member of the request that another edition does not allow.

    Other rules on the response to such a request, on its stream for example, hold in that edition, too.
    """
    names = {token for body in _bodies(failure) for token in _tokens_not_allowed(failure, body, other_edition)}
    text = f"{failure.verdict.statement} {failure.verdict.explanation} {failure.finding.message}"
    return bool(names & {*pointer_tokens(failure.finding.pointer)}) or any(f"`{name}`" in text for name in names)


def _tokens_not_allowed(failure: Failure, body: JSON, edition: str) -> Iterator[str]:
    """The names in the places at which a body violates an edition."""
    operation = OPERATIONS[failure.operation]
    violations = validate_document(f"requests/{operation.body}", operation.name, body, edition).violations
    return (token for violation in violations for token in pointer_tokens(violation.place) if not token.isdecimal())


def _bodies(failure: Failure) -> Iterator[JSON]:
    """The body of the request that shows a failure, with the value of each finding in its place."""
    operation = OPERATIONS.get(failure.operation)
    body = at(failure.verdict.counterexample, "/request/body")
    if operation is None or operation.body is None or isinstance(body, Absent):
        return
    yield body
    if failure.is_about_request:
        for finding in failure.verdict.findings[1:]:
            is_placed = finding.pointer and not isinstance(at(body, finding.pointer), Absent)
            if is_placed and not isinstance(finding.actual, Absent):
                yield _with_value(body, pointer_tokens(finding.pointer), finding.actual)


def _with_value(body: JSON, tokens: Sequence[str], value: JSON) -> JSON:
    """The body with another value at a place that exists."""
    if not tokens:
        return value
    first, *rest = tokens
    if is_object(body):
        return {**body, first: _with_value(body[first], rest, value)}
    if is_array(body):
        return [_with_value(item, rest, value) if str(n) == first else item for n, item in enumerate(body)]
    return body


def _is_valid(failure: Failure, body: JSON, edition: str) -> bool:
    operation = OPERATIONS[failure.operation]
    return validate_document(f"requests/{operation.body}", operation.name, body, edition).valid


def _breaks_in(failure: Failure, edition: str) -> bool:
    """Whether the object in the response that shows a failure violates the same constraint in an edition."""
    kind = failure.subject
    operation = OPERATIONS.get(failure.operation)
    if operation is None or operation.response_kind != kind or not is_object(failure.body):
        return True
    result = validate_document(f"objects/{kind}", kind, failure.body, edition)
    return any(violation.constraint == failure.id for violation in result.violations)


def _requirements_broken_by(verdicts: Sequence[Verdict], theirs: Mapping[str, str]) -> Iterator[str]:
    """The requirements that a server violates in an edition because it implements what this edition does not have.

    An operation that validates a member that the edition does not have accepts an unknown member.
    """
    outcomes = {verdict.id: verdict.outcome for verdict in verdicts}
    for verdict in verdicts:
        is_unknown = verdict.kind == "constraint" and verdict.operation is not None and verdict.id not in theirs
        unknown = f"{verdict.operation}.additionalProperties"
        if is_unknown and verdict.outcome is Outcome.PASS and outcomes.get(unknown) is not Outcome.FAIL:
            yield unknown
