"""Counterexamples: the smallest case of a finding as JSON, with its request, response and prerequisite steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from runs_conformance.contract.dialect import DEFAULT_FAMILY, dialect_family
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.capabilities import lacks_stream
from runs_conformance.engine.dependencies import prerequisite_steps
from runs_conformance.engine.memory import bound_value
from runs_conformance.engine.run_trace import run_trace
from runs_conformance.evidence.misread_request import misread_requests
from runs_conformance.model.case import Mutation, Role, mutation_to_json, step_to_json
from runs_conformance.model.exchange import Exchange, Request, Response
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent, at, is_array, is_object
from runs_conformance.model.text import excerpt
from runs_conformance.model.verdict import Tally
from runs_conformance.rules import catalogue
from runs_conformance.wire.redaction import is_key_header

_HEADER_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
MAX_TEXT_LENGTH = 2_000
"""Longer texts are truncated in a counterexample; the history keeps them complete."""
MAX_EXAMPLE_BYTES = 256 * 1024
_SHOWS_OTHER_PROGRAMS = "list_assistants"


Group = tuple[str, bool]
"""An operation, and whether a response is not the stream that its request asked for."""

ExamplesByGroup = Mapping[Group, JSON]


def grouped_counterexamples(history: History, tallies: Mapping[str, Tally]) -> dict[str, dict[Group, JSON]]:
    """The smallest counterexamples in the history for each id that it violates, the smallest of all first.

    There is one for each group, because the findings of operations that the target does not offer are discarded later.
    """
    by_id = {exchange.id: exchange for exchange in history}
    examples: dict[str, dict[Group, JSON]] = {}
    for id_, tally in tallies.items():
        smallest: dict[Group, Exchange] = {}
        failing = [(finding, by_id[finding.exchange]) for finding in tally.findings if finding.exchange in by_id]
        for finding, exchange in sorted(failing, key=lambda pair: _preference(id_)(pair[1])):
            smallest.setdefault((finding.operation or "", lacks_stream(exchange)), exchange)
        if smallest:
            examples[id_] = {group: build_counterexample(history, id_, each) for group, each in smallest.items()}
    return examples


def counterexamples(history: History, tallies: Mapping[str, Tally]) -> dict[str, JSON]:
    """The smallest counterexample in the history for each id that it violates."""
    return {id_: next(iter(groups.values())) for id_, groups in grouped_counterexamples(history, tallies).items()}


def _preference(id_: str) -> Callable[[Exchange], tuple[int, int]]:
    """The order in which exchanges are preferred as counterexamples of an id.

    A response to an invalid request, or to an anomalous one that was accepted, says less about a server than one to an
    ordinary request, however long it is, unless the requirement is about the request. Lists of assistants say less,
    too: they also show assistants that invalid requests of other programs created.
    """
    is_about_response = id_.partition(".")[0] not in OPERATIONS
    return lambda exchange: (is_about_response * _distance_from_ordinary_request(exchange), _request_length(exchange))


def _distance_from_ordinary_request(exchange: Exchange) -> int:
    step = exchange.step
    if step is None:
        return _distance_from_ordinary(exchange.operation, {}, exchange.status)
    case: dict[str, JSON] = {"role": step.role.value, "exercises": list(step.exercises), "anomaly": step.anomaly}
    return _distance_from_ordinary(exchange.operation, case, exchange.status)


def _distance_from_ordinary(operation: JSON, case: Mapping[str, JSON], status: JSON | Absent) -> int:
    """2 for an invalid request, 1 for an accepted anomalous one or the list of all assistants, 0 for an ordinary one.

    A refused negative that tests no constraint, such as one on an unknown id, counts as ordinary.
    """
    is_accepted = isinstance(status, int) and status < 400
    if case.get("role") == Role.NEGATIVE.value and (case.get("exercises") or is_accepted):
        return 2
    return int((is_accepted and bool(case.get("anomaly"))) or operation == _SHOWS_OTHER_PROGRAMS)


def _request_length(exchange: Exchange) -> int:
    """The length of a request as a reader sees it."""
    request = exchange.request
    return len(request.path) + len(str(request.query)) + len(str(request.body)) + len(request.text or "")


def merge_examples(id_: str, left: ExamplesByGroup, right: ExamplesByGroup) -> ExamplesByGroup:
    """The smaller counterexample of each group."""
    merged = dict(left)
    for group, example in right.items():
        merged[group] = smaller_counterexample(id_, merged[group], example) if group in merged else example
    return merged


def smallest_counterexample(id_: str, examples: Iterable[JSON]) -> JSON:
    """The smallest of these counterexamples, the first one if equal; null if there are none."""
    smallest: JSON = None
    for example in examples:
        smallest = example if smallest is None else smaller_counterexample(id_, smallest, example)
    return smallest


def smaller_counterexample(id_: str, left: JSON, right: JSON) -> JSON:
    """The counterexample with fewer prerequisite steps, then the shorter request; `left` if equal.

    For a requirement on responses, one with a valid request comes before one with an invalid request.
    """
    is_about_response = id_.partition(".")[0] not in OPERATIONS
    return right if _size(right, is_about_response) < _size(left, is_about_response) else left


def _size(example: JSON, is_about_response: bool) -> tuple[int, int, int]:
    if not is_object(example):
        return (3, 1_000_000, 0)
    before, case = example.get("before"), example.get("case")
    status = at(example, "/answer/http_status")
    distance = _distance_from_ordinary(example.get("operation"), case if is_object(case) else {}, status)
    length = len(str(example.get("request")))
    return (is_about_response * distance, len(before) if is_array(before) else 0, length)


def build_counterexample(history: History, id_: str, exchange: Exchange) -> JSON:
    """Build the counterexample for one exchange, including its prerequisite steps."""
    example: dict[str, JSON] = {
        "program": exchange.program,
        "exchange": exchange.id,
        "operation": exchange.operation,
        "request": _request(exchange.request),
        "answer": _response_to_json(exchange.response)
        if exchange.response is not None
        else {"problem": exchange.problem},
    }
    timeline = run_trace(history, exchange) if id_ in catalogue() else []
    if timeline:
        example["timeline"] = timeline
    step = exchange.step
    if step is None:
        if exchange.dialect != DEFAULT_FAMILY:
            example |= {"base_path": exchange.base_path, "key_header": _key_header(exchange)}
        return example
    example["case"] = truncate_texts(step_to_json(step))
    if exchange.id in misread_requests(history):
        example["after_unread_body"] = True
    if step.mutation is not None:
        example["mutation"] = truncate_texts(mutation_to_json(step.mutation))
        accepted = nearest_accepted(history, id_, exchange)
        if accepted is not None:
            example["neighbour"] = _neighbour(accepted, step.mutation)
    example["before"] = [truncate_texts(step_to_json(needed)) for needed in prerequisite_steps(history, exchange)]
    return example


def _key_header(exchange: Exchange) -> str:
    """The header that carried the key; the one of the dialect, if the recorder left it out."""
    sent = (name for name in exchange.request.headers if is_key_header(name) and _HEADER_NAME.fullmatch(name))
    return next(sent, dialect_family(exchange.dialect).key_header)


def _request(request: Request) -> JSON:
    sent: dict[str, JSON] = {"method": request.method, "path": request.path}
    if request.query:
        sent["query"] = [list(pair) for pair in request.query]
    if not isinstance(request.body, Absent):
        sent["body"] = truncate_texts(request.body)
    elif request.text is not None:
        sent["text"] = truncate_texts(request.text)
    return sent


def _response_to_json(response: Response) -> JSON:
    data: dict[str, JSON] = {"http_status": response.status}
    if not isinstance(response.body, Absent):
        data["body"] = truncate_texts(response.body)
    elif response.text is not None:
        data["text"] = truncate_texts(response.text)
    if response.events is not None:
        data["events"] = [event.name for event in response.events[:50]]
    return data


def nearest_accepted(history: History, id_: str, negative: Exchange) -> Exchange | None:
    """The accepted request closest to a negative one: a valid value in the same place, or a minimal request."""
    accepted = [
        (exchange, exchange.step)
        for exchange in history
        if exchange.accepted and exchange.operation == negative.operation and exchange.step is not None
    ]
    valid = [exchange for exchange, step in accepted if step.role is Role.VALID and id_ in step.exercises]
    candidates = valid or [exchange for exchange, step in accepted if step.role is Role.CONTROL]
    return min(candidates, key=lambda exchange: len(str(exchange.request.body))) if candidates else None


def _neighbour(exchange: Exchange, mutation: Mutation) -> JSON:
    assert exchange.response is not None
    neighbour: dict[str, JSON] = {"exchange": exchange.id, "http_status": exchange.response.status}
    if mutation.place == "query":
        neighbour["query"] = [list(pair) for pair in exchange.request.query]
        return neighbour
    value = at(exchange.request.body, mutation.pointer) if not isinstance(exchange.request.body, Absent) else ABSENT
    if not isinstance(value, Absent):
        neighbour["value"] = truncate_texts(value)
    return neighbour


def truncate_texts(value: JSON, max_length: int = MAX_TEXT_LENGTH) -> JSON:
    """Truncate long texts and arrays in a value, noting their original length, and leave out most of a large one."""
    return _truncate_texts(bound_value(value, MAX_EXAMPLE_BYTES), max_length)


def _truncate_texts(value: JSON, max_length: int) -> JSON:
    if isinstance(value, str):
        return excerpt(value, max_length, keep=80)
    if is_object(value):
        truncated: dict[str, JSON] = {
            str(_truncate_texts(name, max_length)): _truncate_texts(member, max_length)
            for name, member in value.items()
        }
        return truncated
    if is_array(value):
        items = [_truncate_texts(item, max_length) for item in value[:200]]
        return [*items, f"… ({len(value)} items)"] if len(value) > len(items) else items
    return value
