"""Objects that an invalid request created or modified, because the target accepted it.

The acceptance is one finding. What such an object shows afterwards follows from it, and says nothing about how the
target treats valid values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.observation import Observation, message_observations, observations_in
from runs_conformance.evidence.request_expectation import is_interpretable
from runs_conformance.evidence.run_timeline import RunTimeline, all_runs, created_runs, run_observations
from runs_conformance.evidence.timeline import Timeline, timelines
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import is_object, pointer_tokens

ANY_MEMBER = "*"
"""Stands for every member, if it is not known which of them the request made invalid."""

_ANY = frozenset({ANY_MEMBER})
_CARRIES_MESSAGES = frozenset({"messages", "additional_messages", "thread", ANY_MEMBER})


@dataclass(frozen=True, slots=True)
class _AcceptedInvalid:
    """The invalid members by kind and id of the object, and the threads that were sent invalid messages.

    `runs` holds the ids of runs that were invalid from their creation on, by their request or their assistant.
    """

    members: Mapping[tuple[str, str], frozenset[str]]
    threads: frozenset[str]
    runs: frozenset[str]


def invalid_members(history: History, observation: Observation) -> frozenset[str]:
    """The members of an observed object that an accepted invalid request may have set, or `ANY_MEMBER`."""
    threads = _threads_of(observation)
    return frozenset[str]().union(*(_members(history, observation.kind, id_, threads) for id_ in _ids_of(observation)))


def is_valid_object(history: History, observation: Observation) -> bool:
    """Whether no invalid request created or modified an observed object."""
    return not invalid_members(history, observation)


def may_be_invalid(history: History, observation: Observation, member: str) -> bool:
    """Whether an accepted invalid request may have set a member of an observed object."""
    return not invalid_members(history, observation).isdisjoint({member, ANY_MEMBER})


def valid_runs(history: History) -> tuple[RunTimeline, ...]:
    """The timelines of all runs that were created validly, those with an ambiguous id from their creation only.

    An invalid modification of a run changes its metadata, not its settings.
    """
    invalid = _accepted_invalid(history).runs
    return tuple(run for run in created_runs(history) if run.id not in invalid)


def valid_run_observations(history: History) -> Iterable[Observation]:
    """Every observation of a run, except those with an invalid value."""
    return (observation for observation in run_observations(history) if is_valid_object(history, observation))


def valid_timelines(kind: str, history: History) -> tuple[Timeline, ...]:
    """The timelines of all objects of a kind, except those with an invalid value."""
    return tuple(
        timeline
        for timeline in timelines(kind, history)
        if all(is_valid_object(history, o) for o in timeline.observations)
    )


def valid_messages(history: History) -> tuple[Timeline, ...]:
    """The timelines of all messages, except those with an invalid value."""
    return valid_timelines("message", history)


def valid_assistants(history: History) -> tuple[Timeline, ...]:
    """The timelines of all assistants, except those with an invalid value."""
    return valid_timelines("assistant", history)


def valid_message_observations(history: History) -> Iterable[Observation]:
    """Every observation of a message, except those with an invalid value."""
    return (observation for observation in message_observations(history) if is_valid_object(history, observation))


def _ids_of(observation: Observation) -> frozenset[str]:
    """The id that an object shows, and the one that was requested: a request may have overwritten the first."""
    exchange = observation.exchange
    operation = OPERATIONS.get(exchange.operation or "")
    if operation is None or operation.acts_on != observation.kind or not operation.parameters:
        return frozenset({observation.id})
    return frozenset({observation.id, exchange.path.get(operation.parameters[-1], observation.id)})


def _threads_of(observation: Observation) -> tuple[str, ...]:
    return (observation.text("thread_id"), observation.exchange.path.get("thread_id", ""))


def _members(history: History, kind: str, id_: str, threads: Iterable[str]) -> frozenset[str]:
    invalid = _accepted_invalid(history)
    own = invalid.members.get((kind, id_), frozenset())
    is_in_thread = kind == "message" and not invalid.threads.isdisjoint(threads)
    return own | {ANY_MEMBER} if is_in_thread else own


@lru_cache(maxsize=16)
def _accepted_invalid(history: History) -> _AcceptedInvalid:
    members: dict[tuple[str, str], set[str]] = {}
    threads: set[str] = set()
    runs: set[str] = set()
    for exchange in history:
        if not exchange.accepted or is_interpretable(exchange):
            continue
        names = _invalid_members(exchange)
        targets = list(_targets(exchange))
        for target in targets:
            members.setdefault(target, set()).update(names)
        if exchange.operation != "modify_run":
            runs |= {id_ for kind, id_ in targets if kind == "run"}
        if names & _CARRIES_MESSAGES:
            threads |= {id_ for kind, id_ in targets if kind == "thread"}
            threads |= {exchange.path["thread_id"]} if exchange.operation == "create_run" else set()
    for run in all_runs(history) if members else ():
        inherited = members.get(("assistant", str(run.creation_body.get("assistant_id"))))
        if inherited:
            members.setdefault(("run", run.id), set()).update(inherited)
            runs.add(run.id)
    by_object = {key: frozenset(names) for key, names in members.items()}
    return _AcceptedInvalid(by_object, frozenset(threads), frozenset(runs))


def _invalid_members(exchange: Exchange) -> frozenset[str]:
    """The members that a request made invalid. If that is not known, a modification may have set what it names."""
    mutation = exchange.step.mutation if exchange.step is not None else None
    tokens = pointer_tokens(mutation.pointer) if mutation is not None and mutation.place == "body" else []
    if tokens:
        return frozenset(tokens[:1])
    body = exchange.request.body
    is_modification = (exchange.operation or "").startswith("modify_")
    return frozenset(body) if mutation is None and is_modification and is_object(body) and body else _ANY


def _targets(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """The objects that a request created or modified, by kind and id."""
    operation = OPERATIONS[exchange.operation] if exchange.operation else None
    if operation is None or operation.method != "POST":
        return
    if (exchange.operation or "").startswith("modify_"):
        yield operation.acts_on or "", exchange.path.get(operation.parameters[-1], "")
        return
    created = next((each for each in observations_in(exchange) if each.kind == operation.creates), None)
    if created is not None and created.id:
        yield created.kind, created.id
        if exchange.operation == "create_thread_and_run":
            yield "thread", created.text("thread_id")
