"""Request constraints: a request that violates one is refused, and a request that satisfies it is accepted.

A refusal counts only if it has no other explanation: the same program must have had the operation's minimal request
accepted, and a request with a valid value at the same place, on a thread without an active run; and a valid request
after it or just before it, since a state of the target may refuse all of them. Requests that were refused or failed for
another reason are inconclusive.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from runs_conformance.contract.union_choice import UnionChoice
from runs_conformance.evidence.metadata import may_exceed_metadata_limit
from runs_conformance.evidence.random_refusal import random_refusals
from runs_conformance.evidence.refusal_reason import (
    OUTPUTS_ARE_COUNTED,
    is_taken_for_missing,
    may_concern_missing_object,
    may_count_outputs,
    may_lack_file,
    member_named_instead,
    missing_sibling,
    names_missing_messages,
)
from runs_conformance.evidence.thread_lock import says_locked
from runs_conformance.model.case import Accept, Mutation, Role, Step
from runs_conformance.model.error_message import error_message
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent, spell_pointer
from runs_conformance.model.text import excerpt
from runs_conformance.model.verdict import (
    INVALID_REFUSED,
    NO_OTHER_VALUE,
    NO_VALID_VALUE,
    VALID_ACCEPTED,
    Finding,
    Inconclusive,
    Nature,
    Passed,
    Result,
    Suspicion,
    Tally,
)
from runs_conformance.rules.constraints.program_requests import TOO_LARGE, ProgramRequests, inconclusive_reason
from runs_conformance.rules.constraints.refused_bounds import find_refused_bound
from runs_conformance.rules.constraints.refused_choices import (
    expects_other_form,
    is_refused_with_others,
    refused_choice_in,
    untaken_choice,
    untaken_type,
)
from runs_conformance.rules.constraints.refused_places import outermost_refused_place, report_outermost_places
from runs_conformance.rules.constraints.unsent_values import judge_unsent_values, refused_constraints

_NO_SUCH_SIZE = "the server does not accept a body of the size that a valid value needs (HTTP 413)"

_TAKEN_FOR_MISSING = "the refusal calls the empty value missing, so it does not show that types are checked"


_MAY_BE_BOUND = "the number is beyond all that were accepted, so it may have been refused for its size"

_MAX_SHOWN = 80
"""Characters of a value in a message."""

_REFUSED = "HTTP 400"
_ACCEPTED = "HTTP 200"


def tallies(history: History) -> dict[str, Tally]:
    """The tallies of all request constraints that a history exercises, by constraint id."""
    program = ProgramRequests(history)
    by_constraint: dict[str, Tally] = {}
    for id_, result in _judge_invalid_requests(program):
        by_constraint.setdefault(id_, Tally()).add(result)
    without_verdict = {id_ for id_, tally in by_constraint.items() if not tally.judged}
    for id_, result in _judge_valid_requests(program):
        # Accepted valid values prove nothing while the refusal of invalid ones is inconclusive.
        if id_ not in without_verdict or isinstance(result, Finding):
            by_constraint.setdefault(id_, Tally()).add(result)
    for id_, result in judge_unsent_values(program):
        by_constraint.setdefault(id_, Tally()).add(result)
    for id_ in refused_constraints(program) - by_constraint.keys():
        by_constraint[id_] = Tally()
        by_constraint[id_].add(Inconclusive(NO_VALID_VALUE))
    return by_constraint


def _judge_invalid_requests(program: ProgramRequests) -> Iterator[tuple[str, Result]]:
    for attempts in program.negatives.values():
        step = attempts[0].step
        if step is None or (attempts[-1].refused and program.only_spreads_to(step.operation)):
            continue
        for id_ in step.exercises:
            yield id_, _judge_invalid_request(id_, step, attempts, program)


def _judge_invalid_request(id_: str, step: Step, attempts: Sequence[Exchange], program: ProgramRequests) -> Result:
    accepted = next((exchange for exchange in attempts if exchange.accepted), None)
    if accepted is not None:
        return _finding(accepted, step.mutation, f"accepted {_describe(step.mutation)}", _REFUSED)
    if (reason := program.control_failure(step.operation)) is not None:
        return Inconclusive(reason)
    if failed := _judge_server_failure(attempts, step, program):
        if id_ in program.tried and id_ not in program.accepted:
            return Inconclusive(f"{NO_VALID_VALUE} either")
        return failed
    refused = next((exchange for exchange in attempts if exchange.refused), None)
    if refused is None:
        return Inconclusive(inconclusive_reason(attempts[-1]))
    if id_ not in program.accepted:
        return Inconclusive(NO_VALID_VALUE)
    if program.takes_no_body_of_this_size(refused, id_):
        return Suspicion(_NO_SUCH_SIZE)
    if other := _other_cause(refused, step, program):
        # The target may refuse other invalid values and still accept this one.
        return Suspicion(other.reason)
    if step.mutation is not None and (missing := missing_sibling(refused, step.mutation.pointer)):
        return Suspicion(f"the refusal of {_describe(step.mutation)} asks for {excerpt(missing, 80)}")
    if step.mutation is not None and may_concern_missing_object(refused, step.mutation.pointer):
        return Suspicion(f"HTTP {refused.status} says that something else was not found or is in conflict")
    if step.mutation is not None and (
        choice := refused_choice_in(refused, step.mutation, program.refused_choices(step.operation))
    ):
        return _untaken(choice)
    mutation = step.mutation
    if mutation is not None and mutation.keyword == "type" and is_taken_for_missing(refused, mutation.mutated):
        # Not a suspicion: the refusal of another value of a wrong type decides.
        return Inconclusive(_TAKEN_FOR_MISSING)
    if mutation is not None and may_count_outputs(refused, mutation.pointer):
        # The refusal of the invalid output alone decides.
        return Inconclusive(OUTPUTS_ARE_COUNTED)
    return Passed(INVALID_REFUSED)


def _other_cause(refused: Exchange, step: Step, program: ProgramRequests) -> Inconclusive | None:
    """Another possible reason for a refusal than the value under test; None if there is none."""
    if not program.occupancy.is_idle(refused) or says_locked(refused):
        return Inconclusive("the thread may have had an active run, which refuses every request")
    if program.refuses_everything(refused):
        return Inconclusive(f"the valid {step.operation} requests around it were refused, too")
    if names_missing_messages(refused):
        return Inconclusive("the thread may have no user message, which every run without instructions needs")
    if step.operation in random_refusals(program.history):
        return Inconclusive(f"{step.operation} also refused a request that it accepted another time")
    named = member_named_instead(refused, step.mutation.pointer) if step.mutation else None
    if named is not None:
        return Inconclusive(f"the refusal of {_describe(step.mutation)} names {excerpt(named, 80)} instead")
    return None


def _judge_valid_requests(program: ProgramRequests) -> Iterator[tuple[str, Result]]:
    findings, excused = list[tuple[str, Exchange, Finding]](), list[tuple[str, Exchange, Finding]]()
    for attempts in program.valid.values():
        step = attempts[0].step
        if step is None:
            continue
        if any(exchange.accepted for exchange in attempts):
            yield from ((id_, Passed(VALID_ACCEPTED)) for id_ in step.exercises)
        elif not step.packed and (isinstance(step.expectation, Accept) or _expects_other_form(attempts, program)):
            # A request with one value tests the first constraint that it names; of the others it only shows a value.
            id_ = step.exercises[0]
            result = _judge_refused_valid_request(step, attempts, program)
            if isinstance(result, Finding):
                bound = find_refused_bound(step, attempts, program.all_valid.get(step.operation, ()))
                if bound.is_uncertain:
                    yield id_, Inconclusive(_MAY_BE_BOUND)
                    continue
                id_ = bound.id or id_
                if place := outermost_refused_place(id_, program.tried, program.accepted):
                    excused.append((place, attempts[-1], result))
                    result = Inconclusive(NO_OTHER_VALUE)
                else:
                    findings.append((id_, attempts[-1], result))
                    continue
            yield id_, result
    yield from _judge_refused_choices(findings, program)
    yield from report_outermost_places(excused, [(exchange, finding) for _, exchange, finding in findings])


def _expects_other_form(attempts: Sequence[Exchange], program: ProgramRequests) -> bool:
    refused = next((exchange for exchange in attempts if exchange.refused), None)
    choice = untaken_choice(refused, program.refused_choices(refused.operation or "")) if refused is not None else None
    return (
        refused is not None and choice is not None and expects_other_form(refused, choice, program.negatives.values())
    )


def _judge_refused_choices(
    findings: Sequence[tuple[str, Exchange, Finding]], program: ProgramRequests
) -> Iterator[tuple[str, Result]]:
    """Attribute the refusals of a union's alternative that was never accepted to it, not to what is around or in it."""
    reported = {id_ for id_, _, _ in findings}
    for id_, exchange, finding in findings:
        operation = exchange.operation or ""
        refused = program.refused_choices(operation)
        choice = untaken_choice(exchange, refused)
        place = id_.rpartition(".")[0]
        alternative, enum = (choice.place.rpartition(".")[0], f"{choice.place}.enum") if choice else ("", "")
        kind = untaken_type(exchange, finding.pointer, program.all_valid.get(operation, []))
        if choice is not None and id_ != enum and enum in reported and place.startswith(f"{alternative}."):
            yield id_, _untaken(choice)
        elif kind is not None and f"{kind.place}.enum" in reported:
            yield id_, _untaken(kind)
        elif choice is not None and id_ in program.accepted and alternative.startswith(f"{place}["):
            yield enum, finding
        elif choice is not None and id_ == f"{alternative}.type" and not is_refused_with_others(choice, refused):
            # The object has a type that the union allows, so only its alternative can be refused.
            yield enum, finding
        else:
            yield id_, finding


def _untaken(choice: UnionChoice) -> Inconclusive:
    name = choice.place.partition(".")[2]
    return Inconclusive(f"no request with {name}: {choice.value} was accepted, which may be why this was refused")


def _judge_refused_valid_request(step: Step, attempts: Sequence[Exchange], program: ProgramRequests) -> Result:
    if (reason := program.control_failure(step.operation)) is not None:
        return Inconclusive(reason)
    if failed := _judge_server_failure(attempts, step, program):
        return failed
    refused = next((exchange for exchange in attempts if exchange.refused), None)
    if refused is None:
        return Inconclusive(inconclusive_reason(attempts[-1]))
    if refused.status == TOO_LARGE:
        return Suspicion(_NO_SUCH_SIZE)
    if other := _other_cause(refused, step, program):
        return other
    if may_lack_file(refused):
        return Inconclusive("the server may lack a file or vector store that the request names")
    if may_exceed_metadata_limit(program.history, refused):
        return Inconclusive("a server that merges metadata would exceed the maximum number of pairs")
    message = error_message(refused.body)
    explanation = f", saying: {excerpt(message, 160)}" if message is not None else ""
    return _finding(
        refused,
        step.mutation,
        f"refused {_describe(step.mutation)}, which is valid{explanation}",
        _ACCEPTED,
        Nature.VALID_REQUEST_REFUSED,
    )


def _judge_server_failure(attempts: Sequence[Exchange], step: Step, program: ProgramRequests) -> Result | None:
    """The result of a server error (5xx) on every attempt; None if there was none, or not on every attempt."""
    failed = [exchange for exchange in attempts if exchange.status is not None and exchange.status >= 500]
    if len(failed) < len(attempts) or not failed:
        return None
    if program.fails_at_random:
        return Suspicion(f"the server fails with HTTP {failed[-1].status} at random")
    if len(failed) < 2 or not program.kept_serving(failed[-1]):
        return Suspicion(f"the server failed with HTTP {failed[-1].status}, possibly for another reason")
    expected = _ACCEPTED if step.role is Role.VALID else _REFUSED
    message = f"failed with HTTP {failed[-1].status} on every attempt with {_describe(step.mutation)}"
    return _finding(failed[-1], step.mutation, message, expected, Nature.SERVER_ERROR)


def _finding(
    exchange: Exchange, mutation: Mutation | None, message: str, expected: str, nature: Nature | None = None
) -> Finding:
    pointer = mutation.pointer if mutation else ""
    actual = mutation.mutated if mutation else ABSENT
    return replace(exchange.finding(message, pointer, expected, actual), nature=nature)


def _describe(mutation: Mutation | None) -> str:
    """The mutated value in words: `max_prompt_tokens: 255`, `a request without assistant_id`."""
    if mutation is None:
        return "the request"
    name = spell_pointer(mutation.pointer) or f"the {mutation.place}"
    if isinstance(mutation.mutated, Absent):
        return f"a request without {name}"
    return f"{name}: {_excerpt(mutation.mutated)}"


def _excerpt(value: JSON) -> str:
    """The value as JSON, at most 80 characters of it; a longer text has its own length, not that of its JSON."""
    text = _to_json(value)
    if isinstance(value, str) and len(text) > _MAX_SHOWN:
        return f"{text[:_MAX_SHOWN]}… ({len(value)} characters)"
    return excerpt(text, _MAX_SHOWN)


def _to_json(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False, default=repr)
