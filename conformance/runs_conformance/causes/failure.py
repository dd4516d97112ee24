"""A failing verdict, with the properties by which causes are distinguished."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from runs_conformance.causes.cause import LEVELS
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.validation import validate_document
from runs_conformance.model.exchange import MALFORMED
from runs_conformance.model.json import JSON, Absent, at, is_array, is_object
from runs_conformance.model.verdict import Finding, Verdict

_FIX = "Fix: "
_MORE_FINDINGS = re.compile(r"(\d+) more findings? ")
_SERVER_ERROR = re.compile(r"failed with HTTP (5\d\d)")
_ACCEPTANCE = "HTTP 200"
"""The expected result in a finding that a valid request was not accepted."""


@dataclass(frozen=True)
class Failure:
    """A failing verdict, the finding that decides its cause, and its counterexample."""

    verdict: Verdict

    @property
    def id(self) -> str:
        """The id of the requirement."""
        return self.verdict.id

    @cached_property
    def finding(self) -> Finding:
        """The finding that decides the cause: the refusal of a valid value if there is one, else that shown.

        Invalid values of the same member may have been accepted as well, but only refusals break clients.
        """
        findings = self.verdict.findings or (Finding(""),)
        refusals = (finding for finding in findings if self.is_about_request and finding.expected == _ACCEPTANCE)
        return next(refusals, findings[0])

    @property
    def is_shown(self) -> bool:
        """Whether the counterexample shows the finding that decides the cause."""
        return not self.verdict.findings or self.finding is self.verdict.findings[0]

    @property
    def is_about_request(self) -> bool:
        """Whether it is a constraint on requests."""
        return self.verdict.kind == "constraint" and self.verdict.operation is not None

    @property
    def is_about_response(self) -> bool:
        """Whether it is a constraint on responses."""
        return self.verdict.kind == "constraint" and self.verdict.operation is None

    @cached_property
    def place(self) -> str:
        """The path of a constraint without its operation or object, and without its keyword."""
        return place_of(self.id)

    @property
    def member(self) -> str:
        """The name of the member that a constraint or finding is about; empty for a whole object."""
        if self.verdict.kind == "constraint":
            return self.place.rpartition(".")[2].removesuffix("[]")
        return next((name for name in reversed(self.finding.pointer.split("/")) if not name.isdigit()), "")

    @property
    def keyword(self) -> str:
        """The schema keyword of a constraint."""
        return self.id.rpartition(".")[2]

    @property
    def subject(self) -> str:
        """The operation or object of a constraint, the topic of a rule."""
        return self.id.partition(".")[0]

    @property
    def fix(self) -> str:
        """The fix that the docstring of a rule gives; empty if it gives none."""
        last = self.verdict.explanation.rpartition("\n\n")[2]
        return last.removeprefix(_FIX) if last.startswith(_FIX) else ""

    @property
    def is_from_prose(self) -> bool:
        """Whether the requirement is stated in words, and no schema has it."""
        return self.verdict.source.startswith("prose:")

    @property
    def finding_count(self) -> int:
        """The number of findings, with those that the verdict leaves out."""
        more = _MORE_FINDINGS.match(self.verdict.reason or "")
        return len(self.verdict.findings) + (int(more[1]) if more else 0)

    @property
    def is_occasional(self) -> bool:
        """Whether the failure occurred in at most half of the judged cases."""
        return 2 * self.finding_count <= self.verdict.judged

    @property
    def parameters(self) -> frozenset[str]:
        """The names of the parameters in the query of the counterexample."""
        query = at(self.verdict.counterexample, "/request/query")
        pairs = query if is_array(query) else ()
        return frozenset(str(pair[0]) for pair in pairs if is_array(pair) and pair)

    @property
    def operation(self) -> str:
        """The operation that was requested; empty if unknown."""
        return self.finding.operation or self.verdict.operation or ""

    @property
    def status(self) -> int | None:
        """The HTTP status of the response; None if there was none, or if the response to the finding is not shown."""
        if not self.is_shown:
            error = _SERVER_ERROR.search(self.finding.message)
            return int(error[1]) if error is not None else None
        status = at(self.verdict.counterexample, "/answer/http_status")
        return status if isinstance(status, int) else None

    @property
    def body(self) -> JSON | Absent:
        """The body of the response."""
        return at(self.verdict.counterexample, "/answer/body")

    @property
    def is_success(self) -> bool:
        """Whether the response has a status of success."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_crash(self) -> bool:
        """Whether the response has a status that means a server error."""
        return self.status is not None and self.status >= 500

    @property
    def got_no_response(self) -> bool:
        """Whether the request had no complete response."""
        return isinstance(at(self.verdict.counterexample, "/answer/problem"), str)

    @property
    def got_malformed_response(self) -> bool:
        """Whether what the server sent in response is not HTTP."""
        problem = at(self.verdict.counterexample, "/answer/problem")
        return isinstance(problem, str) and problem.startswith(MALFORMED)

    @property
    def is_negative(self) -> bool:
        """Whether the request of the counterexample was sent to be refused."""
        return at(self.verdict.counterexample, "/case/role") == "negative"

    @property
    def shows_accepted_violation(self) -> bool:
        """Whether the response shown is to an accepted request that violates its schema."""
        case = at(self.verdict.counterexample, "/case")
        return self.is_negative and self.is_success and is_object(case) and bool(_exercised_ids(case))

    @property
    def is_accepted_violation(self) -> bool:
        """Whether an invalid request was accepted."""
        return self.is_about_request and self.finding.expected != _ACCEPTANCE and self.is_success

    @property
    def is_refused_valid(self) -> bool:
        """Whether a valid request was refused."""
        return self.is_about_request and self.finding.expected == _ACCEPTANCE

    @cached_property
    def has_invalid_body(self) -> bool:
        """Whether the request has a body that its schema does not allow in the newest edition, or that is not JSON."""
        request = at(self.verdict.counterexample, "/request")
        if self.is_refused_valid:
            return False
        if isinstance(at(request, "/text"), str):
            return True
        body, operation = at(request, "/body"), OPERATIONS.get(self.operation)
        if isinstance(body, Absent) or operation is None or operation.body is None:
            return False
        return not is_object(body) or not validate_document(f"requests/{operation.body}", operation.name, body).valid

    @property
    def is_in_query(self) -> bool:
        """Whether a constraint on requests is about the query."""
        return in_query(self.verdict)

    @cached_property
    def mutations(self) -> tuple[tuple[str, JSON | Absent], ...]:
        """Place and value of each violation in the request and in the requests before it; absent if removed."""
        example = self.verdict.counterexample
        steps = at(example, "/steps")
        sent = [at(example, "/case"), *(steps if is_array(steps) else ())]
        negative = [step for step in sent if is_object(step) and step.get("role") == "negative"]
        return tuple(
            (place_of(str(id_)), at(step, "/mutation/became")) for step in negative for id_ in _exercised_ids(step)
        )

    @property
    def replay_rank(self) -> int:
        """The place among examples by what replays showed: 0 if it was confirmed, 2 if it never occurred again."""
        failed, replays = (at(self.verdict.counterexample, f"/confirmed/{name}") for name in ("failed", "played"))
        return 1 if not isinstance(replays, int) else 0 if failed == replays else 1 if failed else 2

    @property
    def size(self) -> tuple[int, int, str]:
        """How much there is to read in the counterexample, for the choice of the simplest."""
        example = self.verdict.counterexample
        if not is_object(example):
            return (1_000_000, 0, self.id)
        before = example.get("before")
        return (len(before) if is_array(before) else 0, len(str(example.get("request"))), self.id)


def in_query(verdict: Verdict) -> bool:
    """Whether a constraint on requests is about the query."""
    operation = OPERATIONS.get(verdict.operation or "")
    if operation is None or operation.query is None:
        return False
    return operation.body is None or verdict.id.partition(".")[2].startswith("include")


def place_of(id_: str) -> str:
    """The place that a constraint is about: its id without the operation or object and without the keyword."""
    return id_.rpartition(".")[0].partition(".")[2]


def kind_shown(operation: str) -> str | None:
    """The kind of object that the responses of an operation show, alone or in a list."""
    known = OPERATIONS.get(operation)
    return known.listed_kind or known.response_kind if known is not None else None


def _exercised_ids(step: Mapping[str, JSON]) -> Sequence[JSON]:
    exercises = step.get("exercises")
    return exercises if is_array(exercises) else ()


def operations_of(failures: Sequence[Failure]) -> Iterator[str]:
    """The operations of failures in the order of the contract."""
    named = {failure.operation for failure in failures}
    named |= {finding.operation or "" for failure in failures for finding in failure.verdict.findings}
    return (operation for operation in OPERATIONS if operation in named)


def most_urgent(failures: Sequence[Failure]) -> Sequence[Failure]:
    """The failures that are a MUST, or all if none is."""
    return [failure for failure in failures if failure.verdict.level == "must"] or failures


def join_fixes(failures: Sequence[Failure]) -> str:
    """The fixes of the failing rules, those of a MUST first; empty if a rule has none."""
    fixes = [failure.fix for failure in sorted(failures, key=lambda failure: LEVELS.index(failure.verdict.level))]
    return " ".join(dict.fromkeys(fixes)) if all(fixes) else ""
