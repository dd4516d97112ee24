"""Acceptance: minimal valid requests are accepted, and existing objects can be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from runs_conformance.contract.json_type import json_type_of
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.observation import Observation, observations_in
from runs_conformance.evidence.random_refusal import EqualRequests, equal_requests
from runs_conformance.evidence.request_expectation import must_be_accepted
from runs_conformance.evidence.server_failure import is_server_error
from runs_conformance.evidence.smallest_refusal import model_was_accepted, other_reason_than_model
from runs_conformance.evidence.thread_lock import says_locked
from runs_conformance.model.case import Key, Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent, is_array, is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, schema
from runs_conformance.model.verdict import PASSED, Inconclusive, Result, Suspicion

_MODEL_OPERATIONS = frozenset({"create_assistant", "modify_assistant", "create_run", "create_thread_and_run"})
"""Operations that the target may refuse because it does not have the model."""

_STATE_OPERATIONS = frozenset({"submit_tool_outputs", "cancel_run"})
"""Operations that the target may refuse because the run has changed its status."""

_REFUSED_STATUSES = (400, 409, 413, 415, 422)


@dataclass(frozen=True, slots=True)
class _SmallestRequest:
    """A control request, and a larger request of its operation with the same model that was accepted, if any.

    `other_reason` is what the refusal says if it cannot be due to the model; `model_is_known` says that another
    request with this model was accepted.
    """

    exchange: Exchange
    larger: Exchange | None = None
    other_reason: str = ""
    model_is_known: bool = False


def _smallest_requests(history: History) -> Iterator[_SmallestRequest]:
    accepted = [each for each in history if each.accepted and each.operation in _MODEL_OPERATIONS]
    for exchange in history:
        if exchange.step is not None and exchange.step.role is Role.CONTROL and exchange.operation is not None:
            yield _SmallestRequest(exchange) if exchange.accepted else _refused_request(exchange, accepted, history)


def _refused_request(refused: Exchange, accepted: Sequence[Exchange], history: History) -> _SmallestRequest:
    larger = next((each for each in accepted if _is_larger(each, refused, history)), None)
    needs_model = refused.refused and refused.operation in _MODEL_OPERATIONS and not _keeps_model(refused)
    reason = (other_reason_than_model(refused) or "") if needs_model else ""
    return _SmallestRequest(refused, larger, reason, bool(reason) and model_was_accepted(refused, history))


def _is_larger(accepted: Exchange, refused: Exchange, history: History) -> bool:
    """Whether an accepted request has all members of the refused one, others besides, and no other model."""
    larger, smaller = accepted.request.body, refused.request.body
    if accepted.operation != refused.operation or not is_object(larger) or not is_object(smaller):
        return False
    if not (larger.keys() > smaller.keys() and all(larger[name] == value for name, value in smaller.items())):
        return False
    if refused.operation == "create_assistant" or "model" not in larger:
        return True
    shown = (each.value for exchange in history for each in observations_in(exchange) if each.kind == "assistant")
    return {each.get("model") for each in shown if each.get("id") == smaller.get("assistant_id")} == {larger["model"]}


def _keeps_model(exchange: Exchange) -> bool:
    """Whether a request modifies an assistant without naming a model, so that the one in use stays."""
    body = exchange.request.body
    return exchange.operation == "modify_assistant" and is_object(body) and "model" not in body


@rule(
    units=_smallest_requests,
    level=Level.MUST,
    source=schema("openai-openapi f85dbe2 openapi.yaml, the required members of each request"),
    capability="core",
)
def smallest_request_is_accepted(request: _SmallestRequest) -> Iterator[Result]:
    """The smallest valid request of an operation on existing objects is accepted.

    A server that refuses it is unusable, and its refusals of invalid requests prove nothing. A server may refuse a
    model, so the smallest request that names one, or starts a run, is blamed only if a larger one with that model is
    accepted, or if the refusal names something else and any other request with that model is accepted.

    Fix: Require only the members that the schema requires, and match /threads/runs before /threads/{thread_id}.
    """
    exchange = request.exchange
    if exchange.accepted:
        yield PASSED
    elif is_server_error(exchange) or exchange.has_success_status:
        yield Suspicion(_describe_unusable(exchange))
    elif exchange.status not in _REFUSED_STATUSES:
        return
    elif says_locked(exchange):
        yield Inconclusive(f"{exchange.operation} was refused, possibly because of an active run")
    elif request.larger is not None and is_object(request.larger.request.body):
        sent = exchange.request.body if is_object(exchange.request.body) else {}
        names = ", ".join(name for name in request.larger.request.body if name not in sent)
        message = f"the smallest valid request was refused; with {names} it was accepted"
        yield exchange.finding(message, "", 200, exchange.status)
    elif request.other_reason:
        message = f"the smallest valid request was refused: {request.other_reason}"
        yield exchange.finding(message, "", 200, exchange.status) if request.model_is_known else Inconclusive(message)
    elif exchange.operation in _MODEL_OPERATIONS and not _keeps_model(exchange):
        yield Inconclusive(f"{exchange.operation} was refused, possibly because of the model")
    elif exchange.operation in _STATE_OPERATIONS:
        yield Inconclusive(f"{exchange.operation} was refused, possibly because of the state of the run")
    else:
        yield exchange.finding("the smallest valid request was refused", "", 200, exchange.status)


@rule(
    units=equal_requests,
    level=Level.MUST,
    source=schema("openai-openapi f85dbe2 openapi.yaml, the 200 answer of each creation"),
    capability="core",
)
def equal_requests_are_all_accepted(requests: EqualRequests) -> Iterator[Result]:
    """A legal request that is accepted once is accepted every time.

    Clients cannot correct a request that is valid already. Judged on creations with equal bodies, on threads that
    had no run before.

    Fix: Answer with HTTP 429 or 503 if the server cannot serve a request now.
    """
    refused, count = requests.refused, len(requests.accepted) + len(requests.refused)
    if requests.differ:
        message = f"legal requests are refused at random: {len(refused)} of {count} equal ones"
        yield refused[0].finding(message, "", 200, refused[0].status)
    elif requests.unclear:
        yield Suspicion(_describe_unusable(requests.unclear[0]))
    elif requests.accepted:
        yield PASSED


@dataclass(frozen=True, slots=True)
class _CombinedRequest:
    """A valid request with several optional members, and the other valid requests of its operation."""

    exchange: Exchange
    others: list[Exchange]

    @property
    def parts_were_accepted(self) -> bool:
        """Whether all tested values were accepted in other requests, and no smaller request was refused.

        A value counts as accepted if another one of its type was, at its place. Empty values are of a type of their
        own: some servers accept only them, others all but them. Of `type` members, which choose an alternative, the
        value itself must have been accepted.
        """
        size, shown, forms = _size(self.exchange), set[str](), set[tuple[str, str]]()
        for other in self.others:
            if other.accepted:
                shown.update(_exercises(other))
                forms.update(_forms(other.request.body))
            elif _size(other) < size:
                return False
        return shown.issuperset(_exercises(self.exchange)) and forms.issuperset(_forms(self.exchange.request.body))


def _exercises(exchange: Exchange) -> tuple[str, ...]:
    return exchange.step.exercises if exchange.step is not None else ()


def _size(exchange: Exchange) -> int:
    return len(exchange.request.body) if is_object(exchange.request.body) else 0


def _forms(value: JSON | Absent, place: str = "") -> Iterator[tuple[str, str]]:
    """The place and the type of each value in a body; items of an array share their place."""
    if is_object(value) and value:
        for name, member in value.items():
            yield from _forms(member, f"{place}.{name}" if place else name)
    elif is_array(value) and value:
        for item in value:
            yield from _forms(item, f"{place}[]")
    else:
        kind = json_type_of(value).replace("integer", "number")
        is_choice = isinstance(value, str) and place.rpartition(".")[2] == "type"
        yield place, f"empty {kind}" if value in ("", [], {}) else f"type {value}" if is_choice else kind


def _combined_requests(history: History) -> Iterator[_CombinedRequest]:
    valid = [each for each in history if each.step is not None and each.step.role is Role.VALID]
    for exchange in valid:
        if len(_exercises(exchange)) > 1 and must_be_accepted(exchange):
            others = [each for each in valid if each.operation == exchange.operation and each is not exchange]
            yield _CombinedRequest(exchange, others)


@rule(
    units=_combined_requests,
    level=Level.SHOULD,
    source=schema("openai-openapi f85dbe2 openapi.yaml: no request says which of its optional members exclude others"),
    capability="core",
)
def members_are_accepted_together(request: _CombinedRequest) -> Iterator[Result]:
    """Members that are accepted one by one are accepted in one request.

    The real service refused some combinations that a model did not support, but no document says which.

    Fix: Validate optional members independently of each other.
    """
    if request.exchange.accepted:
        yield PASSED
    elif request.exchange.has_success_status:
        yield Suspicion(_describe_unusable(request.exchange))
    elif request.exchange.status in (400, 422) and request.parts_were_accepted:
        names = ", ".join(dict.fromkeys(place for place, _ in _forms(request.exchange.request.body)))
        message = f"the members were refused together, although each was accepted in another request: {names}"
        yield request.exchange.finding(message, "", 200, request.exchange.status)


@dataclass(frozen=True, slots=True)
class ObjectRead:
    """A read of objects that were shown before and cannot have been deleted since.

    It `names_another_parent` if one of them was shown at this place only as an object of another thread or run.
    """

    exchange: Exchange
    names_another_parent: bool = False


def _reads_of_existing_objects(capability: str) -> Callable[[History], Iterator[ObjectRead]]:
    """Ordinary reads, by operations of a capability, of objects that certainly exist, with the key of their owner."""
    operations = {
        name for name, known in OPERATIONS.items() if known.method == "GET" and known.capability == capability
    }

    def reads(history: History) -> Iterator[ObjectRead]:
        for exchange in history:
            if exchange.operation in operations and _is_ordinary(exchange):
                read = _read_of_existing_objects(exchange, history)
                if read is not None:
                    yield read

    return reads


def _is_ordinary(exchange: Exchange) -> bool:
    step = exchange.step
    is_ordinary = step is not None and step.key is Key.PRIMARY and step.role is not Role.NEGATIVE
    return is_ordinary and step is not None and not step.headers and not step.query and not step.raw


def _read_of_existing_objects(exchange: Exchange, history: History) -> ObjectRead | None:
    """The read, if every object in the path was shown before under that path and cannot have been deleted since."""
    ids = set(exchange.path.values())
    shown: set[str] = set()
    misplaced: set[str] = set()
    for other in history:
        if other.started >= exchange.ended:
            break
        if _may_have_deleted(other, exchange) or _created_for_others(other, ids):
            return None
        if other.happened_before(exchange) and other.step is not None and other.step.key is Key.PRIMARY:
            for observation in observations_in(other):
                if not _is_elsewhere(observation, exchange):
                    shown |= {observation.id, observation.text("thread_id")}
                elif observation.is_misplaced and other.path.items() <= exchange.path.items():
                    misplaced.add(observation.id)
    return ObjectRead(exchange, not ids <= shown) if ids <= shown | misplaced else None


def _created_for_others(creation: Exchange, ids: set[str]) -> bool:
    """Whether a request with another key created one of these objects, which its sender need not be shown."""
    operation = OPERATIONS.get(creation.operation or "")
    if operation is None or not operation.creates or creation.step is None or creation.step.key is Key.PRIMARY:
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
            yield Suspicion("an object that was shown as one of another thread or run was refused where it was shown")
    elif exchange.accepted:
        yield PASSED
    elif exchange.refused:
        yield exchange.finding("an existing object was not shown", "", 200, exchange.status)
    elif is_server_error(exchange) or exchange.has_success_status:
        yield Suspicion(_describe_unusable(exchange))


def _describe_unusable(exchange: Exchange) -> str:
    what = "an error or no JSON" if exchange.has_success_status else f"HTTP status {exchange.status}"
    return f"{exchange.operation} was answered with {what}"


_READS = schema("openai-openapi f85dbe2 openapi.yaml, the 200 answer of each retrieval")


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

    Fix: Answer a list operation with a page, even if the list is empty.
    """
    yield from _check_shown(read)
