"""Acceptance: what is as small and as plain as the contract allows is taken, and what exists is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.observation import Sighting, exchanges, sightings_in
from runs_conformance.evidence.request_expectation import plain
from runs_conformance.model.case import Key, Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import HELD, Result, Undecided

_ON_A_MODEL = frozenset({"create_assistant", "modify_assistant", "create_run", "create_thread_and_run"})
"""Operations whose refusal may mean that the target does not have the model."""

_ON_A_STATE = frozenset({"submit_tool_outputs", "cancel_run"})
"""Operations whose refusal may mean that the run has moved on by itself."""

_REFUSALS = (400, 409, 413, 415, 422)


@rule(
    over=exchanges,
    level=Level.MUST,
    source=schema("openai-openapi f85dbe2 openapi.yaml, the required members of each request"),
    capability="core",
)
def smallest_request_is_accepted(exchange: Exchange) -> Iterator[Result]:
    """The smallest legal request of an operation, upon objects that exist, is accepted.

    A server that refuses it cannot be used; and that it refuses what is illegal, too, then says nothing for it.
    """
    step = exchange.step
    if step is None or step.role is not Role.CONTROL or exchange.operation is None:
        return
    if exchange.accepted:
        yield HELD
    elif exchange.status not in _REFUSALS:
        return
    elif exchange.operation in _ON_A_MODEL:
        yield Undecided(f"{exchange.operation} was refused, which may be a matter of the model")
    elif exchange.operation in _ON_A_STATE:
        yield Undecided(f"{exchange.operation} was refused, which may be a matter of the run's state")
    else:
        yield exchange.finding("the smallest legal request was refused", "", 200, exchange.status)


@dataclass(frozen=True, slots=True)
class _Whole:
    """A legal request of several members, and the other legal requests for its operation."""

    exchange: Exchange
    others: list[Exchange]

    @property
    def by_parts(self) -> bool:
        """Whether all that it is to show was accepted in other requests, and nothing smaller was refused."""
        size, shown = _size(self.exchange), set[str]()
        for other in self.others:
            if other.accepted:
                shown.update(_exercises(other))
            elif _size(other) < size:
                return False
        return shown.issuperset(_exercises(self.exchange))


def _exercises(exchange: Exchange) -> tuple[str, ...]:
    return exchange.step.exercises if exchange.step is not None else ()


def _size(exchange: Exchange) -> int:
    return len(exchange.request.body) if is_object(exchange.request.body) else 0


def _wholes(history: History) -> Iterator[_Whole]:
    legal = [each for each in history if each.step is not None and each.step.role is Role.VALID]
    for exchange in legal:
        if len(_exercises(exchange)) > 1 and plain(exchange):
            others = [each for each in legal if each.operation == exchange.operation and each is not exchange]
            yield _Whole(exchange, others)


@rule(
    over=_wholes,
    level=Level.SHOULD,
    source=schema("openai-openapi f85dbe2 openapi.yaml: no request says which of its optional members exclude others"),
    capability="core",
)
def members_are_accepted_together(whole: _Whole) -> Iterator[Result]:
    """What is accepted member by member is accepted in one request.

    The service is known to have refused some pairs for the sake of a model; nothing that is written says which.
    """
    if whole.exchange.accepted:
        yield HELD
    elif whole.exchange.status in (400, 422) and whole.by_parts:
        names = ", ".join(whole.exchange.request.body) if is_object(whole.exchange.request.body) else ""
        message = f"refused together, though each of them is accepted in another request: {names}"
        yield whole.exchange.finding(message, "", 200, whole.exchange.status)


def _looks_at_what_exists(capability: str) -> Callable[[History], Iterator[Exchange]]:
    """Plain reads, by operations of a capability, of objects that certainly exist, with the key they belong to."""
    wanted = {name for name, known in OPERATIONS.items() if known.method == "GET" and known.capability == capability}

    def over(history: History) -> Iterator[Exchange]:
        return (x for x in history if x.operation in wanted and _is_plain(x) and _exists(x, history))

    return over


def _is_plain(exchange: Exchange) -> bool:
    step = exchange.step
    usual = step is not None and step.key is Key.OWN and step.role is not Role.NEGATIVE
    return usual and step is not None and not step.headers and not step.query and not step.raw


def _exists(exchange: Exchange, history: History) -> bool:
    """Whether everything that the path names was shown before, each where the path puts it, and nothing of it may have
    been deleted since.
    """
    ids = set(exchange.path.values())
    shown: set[str] = set()
    for other in history:
        if other.started >= exchange.ended:
            break
        if _may_have_deleted(other, exchange):
            return False
        if other.before(exchange) and other.step is not None and other.step.key is Key.OWN:
            for sighting in sightings_in(other):
                if not _elsewhere(sighting, exchange):
                    shown |= {sighting.id, sighting.text("thread_id")}
    return ids <= shown


def _may_have_deleted(other: Exchange, exchange: Exchange) -> bool:
    """Whether a deletion may have taken something that a path names: by itself, or a run along with its assistant."""
    operation = OPERATIONS.get(other.operation or "")
    if operation is None or operation.method != "DELETE":
        return False
    deleted = other.path.get(operation.parameters[-1])
    return deleted in exchange.path.values() or (operation.acts_on == "assistant" and "run_id" in exchange.path)


def _elsewhere(sighting: Sighting, exchange: Exchange) -> bool:
    """Whether an object belongs to another thread or run than the path of a request says."""
    return any(
        sighting.text(parent) not in ("", exchange.path.get(parent, sighting.text(parent)))
        for parent in ("thread_id", "run_id")
        if sighting.id != exchange.path.get(parent)
    )


def _found(exchange: Exchange) -> Iterator[Result]:
    if exchange.accepted:
        yield HELD
    elif exchange.refused:
        yield exchange.finding("an object that exists was not shown", "", 200, exchange.status)


_READS = schema("openai-openapi f85dbe2 openapi.yaml, the 200 answer of each retrieval")


@rule(over=_looks_at_what_exists("core"), level=Level.MUST, source=_READS, capability="core")
def assistants_threads_and_runs_can_be_read(exchange: Exchange) -> Iterator[Result]:
    """An assistant, a thread or a run that was created, and not deleted, is shown to whoever created it."""
    yield from _found(exchange)


@rule(over=_looks_at_what_exists("messages"), level=Level.MUST, source=_READS, capability="messages")
def messages_can_be_read(exchange: Exchange) -> Iterator[Result]:
    """A message that was shown once, and not deleted, is shown again."""
    yield from _found(exchange)


@rule(over=_looks_at_what_exists("steps"), level=Level.MUST, source=_READS, capability="steps")
def steps_can_be_read(exchange: Exchange) -> Iterator[Result]:
    """The steps of a run that exists are listed, and each of them is shown by itself."""
    yield from _found(exchange)


@rule(over=_looks_at_what_exists("listing"), level=Level.MUST, source=_READS, capability="listing")
def lists_can_be_read(exchange: Exchange) -> Iterator[Result]:
    """The messages and runs of a thread that exists are listed, and so are the assistants."""
    yield from _found(exchange)
