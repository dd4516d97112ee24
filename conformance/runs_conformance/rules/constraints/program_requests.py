"""The requests of one program by their role, and what the others say about one that was refused or failed."""

from __future__ import annotations

from functools import cached_property

from runs_conformance.contract.union_choice import UnionChoice
from runs_conformance.evidence.refusal_reason import named_members
from runs_conformance.evidence.server_failure import RANDOM_FAILURES, count_unsteady_steps
from runs_conformance.evidence.thread_occupancy import thread_occupancy
from runs_conformance.model.case import Role
from runs_conformance.model.exchange import UNAUTHORIZED_STATUSES, Completion, Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import is_object
from runs_conformance.rules.constraints.refused_choices import refused_choices

TOO_LARGE = 413
"""The largest accepted body depends on the server's resources, not on the contract."""


class ProgramRequests:
    """The exchanges of one program by their role."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.negatives: dict[str, list[Exchange]] = {}
        self.valid: dict[str, list[Exchange]] = {}
        self.controls: dict[str, list[Exchange]] = {}
        self.all_valid: dict[str, list[Exchange]] = {}
        self.accepted: set[str] = set()
        self.tried: set[str] = set()
        self._refused_choices: dict[str, frozenset[UnionChoice]] = {}
        self.occupancy = thread_occupancy(history)
        for exchange in history:
            step = exchange.step
            if step is None:
                continue
            if step.role is Role.NEGATIVE and step.exercises:
                self.negatives.setdefault(step.id, []).append(exchange)
            elif step.role is Role.VALID and step.exercises:
                self.valid.setdefault(step.id, []).append(exchange)
            elif step.role is Role.CONTROL:
                self.controls.setdefault(step.operation, []).append(exchange)
            if step.role in (Role.VALID, Role.CONTROL):
                self.all_valid.setdefault(step.operation, []).append(exchange)
                self.tried.update(step.exercises)
                if exchange.accepted:
                    self.accepted.update(step.exercises)

    def control_failure(self, operation: str) -> str | None:
        """The reason why an operation has no control, which gives its refusals their meaning; None if it has one.

        The control is the minimal request, or any valid one where the minimal one was not sent.
        """
        kind = "minimal" if operation in self.controls else "valid"
        controls = self.controls.get(operation, self.all_valid.get(operation, []))
        if any(control.accepted for control in controls):
            return None
        if not controls:
            return f"the minimal {operation} request was not sent"
        if any(control.refused for control in controls):
            return f"the {kind} {operation} request was also refused"
        return f"the {kind} {operation} request: {inconclusive_reason(controls[-1])}"

    def only_spreads_to(self, operation: str) -> bool:
        """Whether the program tests another operation, and sends this one only values that the other did not refuse.

        The operation's own program has the valid requests that give its refusals their meaning.
        """
        return operation not in self.all_valid and bool(self.controls)

    def refuses_everything(self, refused: Exchange) -> bool:
        """Whether the target may have refused every request of the operation at that time.

        It did not if it accepted a request afterwards. If it refused all valid ones, the last one before decides, or an
        invalid one that was accepted since; but a valid request is then never reported. Valid requests that were
        refused for members that an invalid one does not have say nothing about it.
        """
        own = refused.step.id if refused.step is not None else ""
        is_valid = refused.step is not None and refused.step.role is Role.VALID
        valid = [
            each
            for each in self.all_valid.get(refused.operation or "", [])
            if _shows_target_state(each, own) and (is_valid or not _names_what_is_missing_in(refused, each))
        ]
        valid += (each for many in self.negatives.values() for each in many if _is_accepted_like(each, refused))
        later = [exchange for exchange in valid if refused.happened_before(exchange)]
        if any(exchange.accepted for exchange in later):
            return False
        before = [exchange for exchange in valid if exchange.happened_before(refused)]
        return not before or (is_valid and later != []) or not max(before, key=lambda each: each.ended).accepted

    def takes_no_body_of_this_size(self, refused: Exchange, id_: str) -> bool:
        """Whether the size of the body explains a refusal: a valid value of the constraint was refused for it, too."""
        attempts = (each for many in self.valid.values() for each in many if each.status == TOO_LARGE)
        return refused.status == TOO_LARGE and any(
            each.step is not None and not each.step.packed and each.step.exercises[0] == id_ for each in attempts
        )

    def refused_choices(self, operation: str) -> frozenset[UnionChoice]:
        """The alternatives of unions in valid requests of an operation that were never accepted."""
        if operation not in self._refused_choices:
            self._refused_choices[operation] = refused_choices(self.all_valid.get(operation, []))
        return self._refused_choices[operation]

    @cached_property
    def fails_at_random(self) -> bool:
        """Whether several requests failed with a server error once and not another time."""
        return count_unsteady_steps(self.history) >= RANDOM_FAILURES

    def kept_serving(self, failed: Exchange) -> bool:
        """Whether the minimal request was accepted at some time, and a request certainly after the failure.

        That is a valid request, or an invalid one of the same operation.
        """
        controls = self.controls.get(failed.operation or "", [])
        groups = (controls, *self.valid.values(), *self.negatives.values())
        later = (exchange for many in groups for exchange in many if exchange.accepted)
        return any(control.accepted for control in controls) and any(
            failed.happened_before(each) and (_is_valid(each) or each.operation == failed.operation) for each in later
        )


def _is_accepted_like(exchange: Exchange, other: Exchange) -> bool:
    return exchange.accepted and exchange.operation == other.operation


def _is_valid(exchange: Exchange) -> bool:
    return exchange.step is not None and exchange.step.role is not Role.NEGATIVE


def _shows_target_state(valid: Exchange, own: str) -> bool:
    """Whether the response to a valid request shows if the target was able to accept requests.

    `own` is the id of the refused step, whose repetitions do not count. Neither does a refused request with several
    values, because one of the values may be the cause.
    """
    step = valid.step
    return step is not None and step.id != own and (valid.accepted or not step.packed)


def _names_what_is_missing_in(other: Exchange, valid: Exchange) -> bool:
    """Whether a valid request was refused for members of its own that another request does not have."""
    body, others = valid.request.body, other.request.body
    named = set(body) & named_members(valid) if is_object(body) and valid.refused else set()
    return bool(named) and named.isdisjoint(others if is_object(others) else ())


def inconclusive_reason(exchange: Exchange) -> str:
    """Why an exchange shows neither acceptance nor refusal."""
    status = exchange.status
    if exchange.completion is not Completion.ANSWERED or status is None:
        return f"no complete response ({exchange.problem or 'the connection was lost'})"
    if status == 429:
        return "rate limited (HTTP 429)"
    if status in UNAUTHORIZED_STATUSES:
        return f"not authorized (HTTP {status})"
    return f"the response was HTTP {status}, which is neither acceptance nor refusal"
