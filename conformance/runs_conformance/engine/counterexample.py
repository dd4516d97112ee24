"""The smallest case that shows a finding, as data: what was sent, what came back, and what leads up to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.run_trace import passage
from runs_conformance.model.case import Ref, Role, Step, mutation_to_json, step_to_json
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent, at, is_array, is_object
from runs_conformance.model.verdict import Tally
from runs_conformance.rules import catalogue

LONGEST_TEXT = 2_000
"""Longer texts are cut in a counterexample; the history has them whole."""


def counterexamples(history: History, tallies: Mapping[str, Tally]) -> dict[str, JSON]:
    """For each id that the history breaks, its smallest counterexample in that history."""
    exchanges = {exchange.id: exchange for exchange in history}
    found: dict[str, JSON] = {}
    for id_, tally in tallies.items():
        shown = [exchanges[finding.exchange] for finding in tally.findings if finding.exchange in exchanges]
        if shown:
            found[id_] = counterexample(history, id_, min(shown, key=_weight))
    return found


def _weight(exchange: Exchange) -> int:
    """How much there is to read of a request."""
    request = exchange.request
    return len(request.path) + len(str(request.query)) + len(str(request.body)) + len(request.text or "")


def smaller(left: JSON, right: JSON) -> JSON:
    """The counterexample with less to send before it shows; the left one where they are equal."""
    return right if _size(right) < _size(left) else left


def _size(example: JSON) -> tuple[int, int]:
    if not is_object(example):
        return (1_000_000, 0)
    before = example.get("before")
    return (len(before) if is_array(before) else 0, len(str(example.get("request"))))


def counterexample(history: History, id_: str, exchange: Exchange) -> JSON:
    """The counterexample that one exchange is, with all that leads up to it."""
    request, response = exchange.request, exchange.response
    sent: dict[str, JSON] = {"method": request.method, "path": request.path}
    if request.query:
        sent["query"] = [list(pair) for pair in request.query]
    if not isinstance(request.body, Absent):
        sent["body"] = shortened(request.body)
    elif request.text is not None:
        sent["text"] = shortened(request.text)
    made: dict[str, JSON] = {
        "program": exchange.program,
        "exchange": exchange.id,
        "operation": exchange.operation,
        "request": sent,
        "answer": _answer(exchange) if response is not None else {"problem": exchange.problem},
    }
    life = passage(history, exchange) if id_ in catalogue() else []
    if life:
        made["timeline"] = life
    step = exchange.step
    if step is None:
        return made
    made["case"] = shortened(step_to_json(step))
    if step.mutation is not None:
        made["mutation"] = shortened(mutation_to_json(step.mutation))
        neighbour = nearest_accepted(history, id_, exchange)
        if neighbour is not None:
            made["neighbour"] = _neighbour(neighbour, step)
    made["before"] = [shortened(step_to_json(needed)) for needed in leading_to(history, exchange)]
    return made


def _answer(exchange: Exchange) -> JSON:
    response = exchange.response
    assert response is not None
    answer: dict[str, JSON] = {"http_status": response.status}
    if not isinstance(response.body, Absent):
        answer["body"] = shortened(response.body)
    elif response.text is not None:
        answer["text"] = shortened(response.text)
    if response.events is not None:
        answer["events"] = [event.name for event in response.events[:50]]
    return answer


def nearest_accepted(history: History, id_: str, negative: Exchange) -> Exchange | None:
    """The accepted request most like a refused-to-be one: a legal value at the same place, else the minimal request."""
    accepted = [
        (exchange, exchange.step)
        for exchange in history
        if exchange.accepted and exchange.operation == negative.operation and exchange.step is not None
    ]
    legal = [exchange for exchange, step in accepted if step.role is Role.VALID and id_ in step.exercises]
    found = legal or [exchange for exchange, step in accepted if step.role is Role.CONTROL]
    return min(found, key=lambda exchange: len(str(exchange.request.body))) if found else None


def _neighbour(exchange: Exchange, negative: Step) -> JSON:
    mutation = negative.mutation
    assert mutation is not None
    assert exchange.response is not None
    shown: dict[str, JSON] = {"exchange": exchange.id, "http_status": exchange.response.status}
    if mutation.place == "query":
        shown["query"] = [list(pair) for pair in exchange.request.query]
        return shown
    value = at(exchange.request.body, mutation.pointer) if not isinstance(exchange.request.body, Absent) else ABSENT
    if not isinstance(value, Absent):
        shown["value"] = shortened(value)
    return shown


def leading_to(history: History, exchange: Exchange) -> list[Step]:
    """The earlier steps without which a step cannot be sent again, in order.

    Those that it refers to, and those they refer to; what was done and accepted in between on the same thread or run;
    and the looks that waited for a status.
    """
    if exchange.step is None:
        return []
    before: dict[str, Exchange] = {}
    earlier: list[Exchange] = []
    for other in history:
        if other.index >= exchange.index or other.step is None:
            continue
        if not (earlier and other.step.until and earlier[-1].step == other.step):
            earlier.append(other)
        if other.step.name:
            before[other.step.name] = other
    needed = _referred(exchange.step, before)
    for other in earlier:
        step = other.step
        if step is None or not other.accepted or step.role is Role.NEGATIVE:
            continue
        changes = OPERATIONS[step.operation].method != "GET" or step.until
        if changes and needed and _same_objects(other, exchange):
            needed |= {other.id} | _referred(step, before)
    chosen = {other.id: other for other in (*earlier, *before.values()) if other.id in needed}
    return [other.step for other in sorted(chosen.values(), key=lambda o: o.index) if other.step is not None]


def _referred(step: Step, before: Mapping[str, Exchange]) -> set[str]:
    found: set[str] = set()
    todo = [ref.step for ref in references(step)]
    while todo:
        other = before.get(todo.pop())
        if other is None or other.id in found or other.step is None:
            continue
        found.add(other.id)
        todo += [ref.step for ref in references(other.step)]
    return found


def _same_objects(earlier: Exchange, last: Exchange) -> bool:
    """Whether an earlier exchange acts on the thread or run that the last one acts on."""
    theirs = {earlier.path[name] for name in ("thread_id", "run_id") if name in earlier.path}
    return any(last.path.get(name) in theirs for name in ("thread_id", "run_id"))


def references(step: Step) -> Iterator[Ref]:
    """Every reference that a step holds."""
    for value in (*step.path.values(), *(value for _, value in step.query), step.body):
        yield from _references(value)


def _references(value: object) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _references(member)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _references(item)


def shortened(value: JSON, longest: int = LONGEST_TEXT) -> JSON:
    """A value whose long texts are cut, with a note of how long they were."""
    if isinstance(value, str):
        return value if len(value) <= longest else f"{value[:80]}… ({len(value)} characters)"
    if is_object(value):
        shown: dict[str, JSON] = {
            str(shortened(name, longest)): shortened(member, longest) for name, member in value.items()
        }
        return shown
    if is_array(value):
        items = [shortened(item, longest) for item in value[:200]]
        return [*items, f"… ({len(value)} items)"] if len(value) > len(items) else items
    return value
