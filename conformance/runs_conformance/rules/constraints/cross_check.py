"""Confirms findings by a second, independent validator before they are reported.

A finding on the schema of a response needs the same violation, at the same place. A finding on a request, or one that
follows from it, needs the request to be what the suite assumes: valid, or invalid at the mutated place alone. If
the two validators disagree, the tally gets an internal error, and the finding is not reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from runs_conformance.contract.constraint import body_documents, object_documents, query_documents
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.second_opinion import (
    IndependentError,
    confirms_violation,
    independent_errors,
    is_checkable,
    is_meant_invalid,
    is_mutation_confirmed,
    request_errors,
)
from runs_conformance.contract.validation import validate_document
from runs_conformance.evidence.request_expectation import must_be_accepted
from runs_conformance.model.case import Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import Absent
from runs_conformance.model.verdict import Finding
from runs_conformance.rules.constraints.response_schemas import ObjectInResponse, objects_in_response

MAX_CONFIRMED = 3
"""Findings confirmed for each id and program; more would ask the same question again."""

MAX_REFUSED = 100
"""Refused requests of a program that are checked; a target may refuse all."""

_VALID_ROLES = (Role.VALID, Role.CONTROL, Role.FIXTURE)

Errors = tuple[IndependentError, ...]


@dataclass(slots=True)
class SecondOpinion:
    """The opinion of the second validator on the requests and responses of one history.

    Each is validated once, however many findings concern it: a server that lacks a member fails many constraints.
    """

    history: History
    _responses: dict[tuple[str, int], Errors] = field(default_factory=dict)
    _requests: dict[str, Errors] = field(default_factory=dict)

    def disagreements(self, id_: str, findings: Sequence[Finding], *, is_rule: bool) -> list[str]:
        """The parts of the first findings on a constraint or rule that the second validator does not confirm."""
        is_about_response = not is_rule and id_.partition(".")[0] not in OPERATIONS
        return [
            f"{id_}: the validators disagree on {subject} of exchange {finding.exchange}"
            for finding in findings[:MAX_CONFIRMED]
            if (subject := self._find_unconfirmed_part(id_, finding, is_about_response))
        ]

    def find_unmatched(self, id_: str, findings: Sequence[Finding], *, is_rule: bool) -> list[Finding]:
        """The findings on requests that do not match their steps, according to the second validator."""
        if not is_rule and id_.partition(".")[0] not in OPERATIONS:
            return []
        exchanges = ((finding, self.history.find(finding.exchange)) for finding in findings)
        return [
            finding
            for finding, exchange in exchanges
            if exchange is not None and exchange.step is not None and not self._is_request_confirmed(exchange)
        ]

    def rightly_refused(self) -> str | None:
        """A message about a refused request that was meant to be valid and that the second validator finds invalid."""
        refused = (
            each
            for each in self.history
            if each.refused and each.step is not None and each.step.role in _VALID_ROLES and each.step.raw is None
        )
        for exchange in islice(refused, MAX_REFUSED):
            if not self._is_request_confirmed(exchange):
                return f"{exchange.operation} was refused, and rightly: exchange {exchange.id} is not valid"
        return None

    def _find_unconfirmed_part(self, id_: str, finding: Finding, is_about_response: bool) -> str:
        """The part of the evidence that is not confirmed; empty if all is confirmed."""
        exchange = self.history.find(finding.exchange)
        if exchange is None:
            return ""
        if is_about_response:
            return "" if self._is_response_confirmed(id_, finding, exchange) else finding.pointer or "the whole value"
        return "" if self._is_request_confirmed(exchange) else "the request"

    def _is_response_confirmed(self, id_: str, finding: Finding, exchange: Exchange) -> bool:
        return any(
            not is_checkable(each.value)
            or confirms_violation(
                id_, finding.pointer.removeprefix(each.pointer), self._response_errors(each, exchange)
            )
            for each in objects_in_response(exchange)
            if finding.pointer.startswith(each.pointer)
        )

    def _response_errors(self, object_: ObjectInResponse, exchange: Exchange) -> Errors:
        # The history keeps the object alive, so its `id()` stays unique.
        key = object_.kind, id(object_.value)
        if key not in self._responses:
            edition = exchange.edition or DEFAULT_EDITION
            document = object_documents()[object_.kind]
            self._responses[key] = independent_errors(document, object_.kind, object_.value, edition)
        return self._responses[key]

    def _is_request_confirmed(self, exchange: Exchange) -> bool:
        step = exchange.step
        if exchange.operation not in {*body_documents(), *query_documents()} or exchange.request.text is not None:
            return True
        if step is None:
            return _is_valid_by_ours(exchange) is not bool(self._request_errors(exchange))
        if is_meant_invalid(step):
            return is_mutation_confirmed(step, self._request_errors(exchange))
        return not is_meant_valid(exchange, step) or not self._request_errors(exchange)

    def _request_errors(self, exchange: Exchange) -> Errors:
        if exchange.id not in self._requests:
            request, edition = exchange.request, exchange.edition or DEFAULT_EDITION
            # The queries of other clients are not judged.
            query = request.query if exchange.step is not None else ()
            self._requests[exchange.id] = request_errors(exchange.operation or "", request.body, query, edition)
        return self._requests[exchange.id]


def is_meant_valid(exchange: Exchange, step: Step) -> bool:
    """Whether the suite takes the request of a step for valid."""
    if step.raw is not None or step.limit_search:
        return False
    return step.role in _VALID_ROLES or must_be_accepted(exchange)


def _is_valid_by_ours(exchange: Exchange) -> bool:
    """Whether a body of other traffic is valid according to our validator."""
    body, operation = exchange.request.body, exchange.operation or ""
    if isinstance(body, Absent) or operation not in body_documents():
        return True
    edition = exchange.edition or DEFAULT_EDITION
    return validate_document(body_documents()[operation], operation, body, edition).valid
