"""Existing objects can be read, and are listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.creation import key_of, uses_key_of_creator
from runs_conformance.evidence.observation import Observation, observations_in
from runs_conformance.evidence.server_failure import describe_unusable, is_server_error
from runs_conformance.model.case import Key, Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import PASSED, Result, Suspicion

_READS = schema("openai-openapi f85dbe2 openapi.yaml, the 200 response of each retrieval")

_VALID_IN_EVERY_LIST = {"order": ("asc", "desc"), "limit": tuple(map(str, range(1, 101)))}
"""The query parameters that name no object, with their valid values."""


@dataclass(frozen=True, slots=True)
class ObjectRead:
    """A read of objects that were shown before and cannot have been deleted since.

    It `names_another_parent` if one of them was shown at this place only as an object of another thread or run, or at
    the place of another one, too. `is_refused_for_its_query` says that the same list was shown later with another one.
    """

    exchange: Exchange
    names_another_parent: bool = False
    is_refused_for_its_query: bool = False


def _reads_of_existing_objects(capability: str) -> Callable[[History], Iterator[ObjectRead]]:
    """Ordinary reads, by operations of a capability, of objects that certainly exist, with their creators' key."""
    operations = {
        name for name, known in OPERATIONS.items() if known.method == "GET" and known.capability == capability
    }

    def reads(history: History) -> Iterator[ObjectRead]:
        for exchange in history:
            if exchange.operation in operations and _is_ordinary(exchange) and uses_key_of_creator(history, exchange):
                read = _read_of_existing_objects(exchange, history)
                if read is not None:
                    yield read

    return reads


def _is_ordinary(exchange: Exchange) -> bool:
    step = exchange.step
    if step is None or step.role is Role.NEGATIVE or step.headers or step.raw:
        return False
    return all(str(value) in _VALID_IN_EVERY_LIST.get(name, ()) for name, value in step.query)


def _read_of_existing_objects(exchange: Exchange, history: History) -> ObjectRead | None:
    """The read, if every object in the path was shown before under that path and cannot have been deleted since."""
    ids, key = set(exchange.path.values()), key_of(exchange)
    shown: set[str] = set()
    misplaced: set[str] = set()
    repeated: set[str] = set()
    for other in history:
        if other.started >= exchange.ended:
            break
        if _may_have_deleted(other, exchange) or _created_for_others(other, ids, key):
            return None
        if other.happened_before(exchange) and other.step is not None and other.step.key is key:
            for observation in observations_in(other):
                if other.path.get("run_id", exchange.path.get("run_id")) != exchange.path.get("run_id"):
                    repeated.add(observation.id)
                if not _is_elsewhere(observation, exchange):
                    shown |= {observation.id, observation.text("thread_id")}
                elif observation.is_misplaced and other.path.items() <= exchange.path.items():
                    misplaced.add(observation.id)
    if not ids <= shown | misplaced:
        return None
    is_elsewhere = not ids <= shown or exchange.path.get("step_id") in repeated
    return ObjectRead(exchange, is_elsewhere, _is_refused_for_its_query(exchange, history))


def _is_refused_for_its_query(exchange: Exchange, history: History) -> bool:
    """Whether a list with a limit or order was refused as invalid, and was shown later with another one or none."""
    query = exchange.step.query if exchange.step is not None else ()
    return (
        bool(query)
        and exchange.status in (400, 422)
        and any(
            other.accepted
            and other.operation == exchange.operation
            and other.path == exchange.path
            and exchange.happened_before(other)
            for other in history
        )
    )


def _created_for_others(creation: Exchange, ids: set[str], key: Key) -> bool:
    """Whether a request with another key than this one created one of these objects or something in them."""
    operation = OPERATIONS.get(creation.operation or "")
    if operation is None or not operation.creates or key_of(creation) is key:
        return False
    return any({each.id, each.text("thread_id")} & ids for each in observations_in(creation))


def _may_have_deleted(deletion: Exchange, exchange: Exchange) -> bool:
    """Whether a deletion may have removed an object in the path, either itself or a run along with its assistant."""
    operation = OPERATIONS.get(deletion.operation or "")
    if operation is None or operation.method != "DELETE":
        return False
    deleted = deletion.path.get(operation.parameters[-1])
    return deleted in exchange.path.values() or (operation.acts_on == "assistant" and "run_id" in exchange.path)


def _is_elsewhere(observation: Observation, exchange: Exchange) -> bool:
    """Whether an object belongs to another thread or run than the path of a request says."""
    return any(
        observation.text(parent) not in ("", exchange.path.get(parent, observation.text(parent)))
        for parent in ("thread_id", "run_id")
        if observation.id != exchange.path.get(parent)
    )


def _check_shown(read: ObjectRead) -> Iterator[Result]:
    exchange = read.exchange
    if read.names_another_parent:
        if exchange.refused:
            yield Suspicion("the object names another thread or run than the path of the refused request")
    elif exchange.accepted:
        yield PASSED
    elif exchange.refused and not read.is_refused_for_its_query:
        yield exchange.finding(
            f"{exchange.operation} was refused, although the object exists", "", 200, exchange.status
        )
    elif is_server_error(exchange) or exchange.has_success_status:
        yield Suspicion(describe_unusable(exchange))


@rule(units=_reads_of_existing_objects("core"), level=Level.MUST, source=_READS, capability="core")
def assistants_threads_and_runs_can_be_read(read: ObjectRead) -> Iterator[Result]:
    """An assistant, thread or run that was created and not deleted can be read by its creator.

    Clients poll runs and reload conversations by id.

    Fix: Store an object before its id is returned.
    """
    yield from _check_shown(read)


@rule(units=_reads_of_existing_objects("messages"), level=Level.MUST, source=_READS, capability="messages")
def messages_can_be_read(read: ObjectRead) -> Iterator[Result]:
    """A message that was shown once and not deleted can be read again.

    Clients reload single messages by the ids that lists and events showed.

    Fix: Look messages up in the same store that lists and streams read from.
    """
    yield from _check_shown(read)


@rule(units=_reads_of_existing_objects("steps"), level=Level.MUST, source=_READS, capability="steps")
def steps_can_be_read(read: ObjectRead) -> Iterator[Result]:
    """The steps of an existing run are listed, and each of them can be read.

    Clients inspect the tool calls of a run through its steps.

    Fix: Serve the steps of a run for as long as the run itself.
    """
    yield from _check_shown(read)


@rule(units=_reads_of_existing_objects("listing"), level=Level.MUST, source=_READS, capability="listing")
def lists_can_be_read(read: ObjectRead) -> Iterator[Result]:
    """The messages and runs of an existing thread are listed, and so are the assistants.

    Clients restore conversations from these lists.

    Fix: Respond to a list operation with a page, even if the list is empty.
    """
    yield from _check_shown(read)
