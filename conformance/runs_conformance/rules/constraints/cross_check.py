"""Confirms findings on constraints by a second, independent validator.

If the two validators disagree, the tally gets an internal error and the server is not accused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from runs_conformance.contract.constraint import body_documents, object_documents
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.second_opinion import (
    Place,
    can_judge,
    error_places,
    is_near_any,
    is_valid_by_jsonschema,
)
from runs_conformance.model.case import Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import Absent
from runs_conformance.model.verdict import Finding, Tally
from runs_conformance.rules.constraints.response_schemas import ObjectInResponse, objects_in_response

MAX_CONFIRMED = 3
"""Findings confirmed for each constraint and program; more would ask the same question again."""

Judge = Callable[[History], Mapping[str, Tally]]


def with_second_opinion(judge: Judge) -> Callable[[History], dict[str, Tally]]:
    """A judge of constraints whose findings are confirmed by the second validator."""

    def judge_and_confirm(history: History) -> dict[str, Tally]:
        tallies = dict(judge(history))
        opinions = _Opinions()
        for id_, tally in tallies.items():
            if tally.findings and can_judge(id_):
                tally.errors += _disagreements(id_, tally.findings[:MAX_CONFIRMED], history, opinions)
        return tallies

    return judge_and_confirm


@dataclass(slots=True)
class _Opinions:
    """The places of the errors that the second validator finds in the objects of one history, which keeps them alive.

    Many constraints of an object have findings if a server lacks a member: it is validated once for all of them.
    """

    places: dict[tuple[str, int, str], tuple[Place, ...]] = field(default_factory=dict)

    def error_places(self, object_: ObjectInResponse, edition: str) -> tuple[Place, ...]:
        key = object_.kind, id(object_.value), edition
        if key not in self.places:
            document = object_documents()[object_.kind]
            self.places[key] = error_places(document, object_.kind, object_.value, edition)
        return self.places[key]


def _disagreements(id_: str, findings: list[Finding], history: History, opinions: _Opinions) -> list[str]:
    exchanges = [(finding, history.find(finding.exchange)) for finding in findings]
    return [
        f"{id_}: the validators disagree on {finding.pointer or 'the whole value'} of exchange {finding.exchange}"
        for finding, exchange in exchanges
        if exchange is not None and not _is_confirmed(id_, finding, exchange, opinions)
    ]


def _is_confirmed(id_: str, finding: Finding, exchange: Exchange, opinions: _Opinions) -> bool:
    """Whether the second validator agrees; true if it cannot judge the evidence."""
    edition = exchange.edition or DEFAULT_EDITION
    operation = exchange.operation or ""
    if operation and id_.startswith(f"{operation}."):
        return _is_request_confirmed(operation, exchange, edition)
    objects = [
        object_
        for object_ in objects_in_response(exchange)
        if finding.pointer.startswith(object_.pointer) and id_.startswith(object_.kind.partition("_list")[0])
    ]
    return not objects or any(
        is_near_any(finding.pointer.removeprefix(object_.pointer), opinions.error_places(object_, edition))
        for object_ in objects
    )


def _is_request_confirmed(operation: str, exchange: Exchange, edition: str) -> bool:
    step, body = exchange.step, exchange.request.body
    if step is None or step.mutation is None or step.mutation.place != "body" or step.raw is not None:
        return True
    if operation not in body_documents() or isinstance(body, Absent):
        return True
    valid = is_valid_by_jsonschema(body_documents()[operation], operation, body, edition)
    # A finding on a valid request says that it was refused, one on an invalid request that it was accepted.
    return valid if step.role is Role.VALID else not valid
