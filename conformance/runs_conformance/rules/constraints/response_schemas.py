"""Response constraints: every object in a response is validated against its schema."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from runs_conformance.contract.constraint import constraints, object_documents
from runs_conformance.contract.dialect import UNKNOWN_FAMILY
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.event import event_types, readable_events
from runs_conformance.contract.known_deviation import has_known_deviation
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.schema_violation import SchemaViolation
from runs_conformance.contract.validation import validate_document
from runs_conformance.evidence.accepted_invalid import may_be_invalid
from runs_conformance.evidence.observation import Observation, all_observations
from runs_conformance.evidence.refusal import is_application_error
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent, is_array, is_object, json_pointer, pointer_tokens
from runs_conformance.model.list_body import ITEMS, listed_items
from runs_conformance.model.verdict import Finding, Suspicion, Tally

MAY_BE_ADDED = "the client that wrote the response to a file may have added the null"


@dataclass(frozen=True, slots=True)
class ObjectInResponse:
    """One object in a response: its expected kind, its value and its position."""

    kind: str
    value: JSON
    pointer: str


def tallies(history: History) -> dict[str, Tally]:
    """The tallies of all response constraints that a history exercises, by constraint id.

    A constraint counts as judged once for each value that was validated against it.
    """
    judged: Counter[str] = Counter()
    by_constraint: dict[str, Tally] = {}
    shown = {id(observation.value): observation for observation in all_observations(history)}
    for exchange in history:
        for object_ in objects_in_response(exchange):
            edition = exchange.edition or DEFAULT_EDITION
            examination = validate_document(object_documents()[object_.kind], object_.kind, object_.value, edition)
            judged.update(examination.checked)
            for violation in examination.violations:
                if _is_consequence(violation, object_, exchange, history, shown):
                    continue
                tally = by_constraint.setdefault(violation.constraint, Tally())
                added = _may_be_added_null(violation, exchange)
                tally.add(Suspicion(MAY_BE_ADDED) if added else _finding(violation, object_, exchange))
    return {id_: _with_judged(by_constraint.get(id_) or Tally(), count) for id_, count in judged.items()}


def _may_be_added_null(violation: SchemaViolation, exchange: Exchange) -> bool:
    """Whether a client library may have added a null to a single response, for a member that may be absent."""
    if exchange.dialect != UNKNOWN_FAMILY or violation.actual is not None:
        return False
    member, _, keyword = violation.constraint.rpartition(".")
    required = constraints(exchange.edition or DEFAULT_EDITION).get(f"{member}.required")
    may_be_absent = required is None or bool(required.condition) or has_known_deviation(required.id)
    return may_be_absent and keyword in ("type", "enum")


def _is_consequence(
    violation: SchemaViolation,
    object_: ObjectInResponse,
    exchange: Exchange,
    history: History,
    shown: Mapping[int, Observation],
) -> bool:
    """Whether a value may violate its schema only because an invalid request was accepted, which is one finding.

    Metadata may also exceed its limit because valid ones were merged, as the contract allows. `shown` holds all
    observations by the `id()` of their values.
    """
    items = object_.value.get("data") if is_object(object_.value) else None
    tokens = pointer_tokens(violation.pointer or violation.place)
    value, member = object_.value, tokens[0] if tokens else ""
    if is_array(items) and tokens[:1] == ["data"] and len(tokens) > 1 and tokens[1].isdecimal():
        position = int(tokens[1])
        value, member = items[position] if position < len(items) else None, tokens[2] if len(tokens) > 2 else ""
    if not is_object(value):
        return False
    if violation.constraint.endswith(".required") and member in ("", violation.member):
        return False  # The object itself lacks a member; one that is missing deeper may be missing in the request.
    if member == "metadata" and violation.constraint.endswith(".maxProperties") and _is_merged(value, history):
        return True
    is_list = value is object_.value and object_.kind.endswith("_list")
    if not is_list and _is_of_another_program(value, exchange, history):
        return True
    observation = shown.get(id(value))
    return observation is not None and may_be_invalid(history, observation, member)


def _is_of_another_program(value: Mapping[str, JSON], exchange: Exchange, history: History) -> bool:
    """Whether a list shows an assistant that another program created, perhaps by an invalid request."""
    if exchange.operation != "list_assistants" or exchange.step is None:
        return False
    id_ = value.get("id")
    return not any(
        other.operation == "create_assistant" and other.accepted and other.member("id") == id_ for other in history
    )


def _is_merged(value: Mapping[str, JSON], history: History) -> bool:
    """Whether the metadata of an object were modified, so that they may be those of several requests together."""
    return any(
        exchange.accepted
        and (exchange.operation or "").startswith("modify_")
        and value.get("id") in exchange.path.values()
        and is_object(exchange.request.body)
        and is_object(exchange.request.body.get("metadata"))
        for exchange in history
    )


def _with_judged(tally: Tally, validated: int) -> Tally:
    tally.judged = max(tally.judged, validated)
    return tally


def objects_in_response(exchange: Exchange) -> Iterator[ObjectInResponse]:
    """The objects of one response. The rules on transport and errors judge bodies of any other shape."""
    response = exchange.response
    operation = OPERATIONS.get(exchange.operation or "")
    if response is None or operation is None:
        return
    if response.events is not None:
        types = event_types()
        for event in readable_events(response.events):
            event_type = types.get(event.name)
            if event_type is not None and event_type.payload_kind in object_documents() and is_object(event.data):
                yield ObjectInResponse(event_type.payload_kind, event.data, event.pointer)
        return
    if is_object(response.body):
        if exchange.accepted:
            yield ObjectInResponse(operation.response_kind, response.body, "")
        elif is_application_error(exchange):
            yield ObjectInResponse("error", response.body, "")
    if exchange.accepted and operation.listed_kind:
        yield from _items_outside_the_envelope(operation.listed_kind, response.body)


def _items_outside_the_envelope(kind: str, body: JSON | Absent) -> Iterator[ObjectInResponse]:
    """The items of a list that are not where the schema of a list has them, and are not validated with it."""
    place, items = listed_items(body)
    if place != json_pointer(ITEMS):
        for index, item in enumerate(items):
            if is_object(item):
                yield ObjectInResponse(kind, item, f"{place}/{index}")


def _finding(violation: SchemaViolation, object_: ObjectInResponse, exchange: Exchange) -> Finding:
    return exchange.finding(violation.message, object_.pointer + violation.place, violation.expected, violation.actual)
