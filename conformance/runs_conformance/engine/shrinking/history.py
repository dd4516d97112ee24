"""The part of a history that shows a violation by itself, so that little has to be sent to show it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from runs_conformance.client.prepared_request import answer
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.counterexample import nearest_accepted, references
from runs_conformance.engine.reproduction import Turn, turns
from runs_conformance.engine.run_plan import Judging
from runs_conformance.model.case import Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent, at

MOST_TRIES = 40
"""So often is a history judged without one look more, to see whether that is needed."""


def excerpt(history: History, id_: str, shows: Exchange, judging: Judging) -> list[Exchange]:
    """The exchanges of a history that violate an id without the others; all of them where less does not.

    Whatever changed what the rest is about stays. Only what is judged can be told offline: whether it shows again is
    known when it is played.
    """
    tried = _Trial(history, id_, judging.only(id_))
    every = turns(history)
    for chosen in _guesses(history, id_, shows, every):
        if tried.shows(chosen):
            return _exchanges(tried.without_looks(chosen, shows))
    return list(history)


class _Trial:
    """Judges parts of a history by one id."""

    def __init__(self, history: History, id_: str, judging: Judging) -> None:
        self.history = history
        self.id = id_
        self.judging = judging

    def shows(self, chosen: Sequence[Turn]) -> bool:
        """Whether the id is violated where only this was played."""
        _, tallies = self.judging.tallies(self.history.program, _exchanges(chosen))
        tally = tallies.get(self.id)
        return tally is not None and bool(tally.findings)

    def without_looks(self, chosen: Sequence[Turn], shows: Exchange) -> list[Turn]:
        """What is left where every read is dropped that nothing refers to and that the violation does not need."""
        kept = list(chosen)
        for turn in reversed(list(chosen)[-MOST_TRIES:]):
            if turn.changes or turn.step.until or turn.step.pause or shows in turn.exchanges:
                continue
            others = [other for other in kept if other is not turn]
            if not _refers_to(turn, others) and self.shows(others):
                kept = others
        return kept


def _exchanges(chosen: Sequence[Turn]) -> list[Exchange]:
    return sorted((exchange for turn in chosen for exchange in turn.exchanges), key=lambda exchange: exchange.index)


def _refers_to(turn: Turn, others: Sequence[Turn]) -> bool:
    name = turn.step.name
    return bool(name) and any(ref.step == name for other in others for ref in references(other.step))


def _guesses(history: History, id_: str, shows: Exchange, every: Sequence[Turn]) -> Iterator[list[Turn]]:
    """Parts of a history, the smaller first: what the violation refers to with what makes it mean something, all that
    is about the same objects, the shortest beginning, everything.

    What else a thread went through is left out first, but for lists, which show all of it.
    """
    step = shows.step
    wanted = [shows]
    if step is not None and step.role in (Role.NEGATIVE, Role.VALID, Role.CONTROL):
        wanted += _measures(history, id_, shows)
    lists = OPERATIONS[shows.operation].lists if shows.operation in OPERATIONS else None
    if lists is None:
        yield _closed(wanted, every, shows.index, ("thread_id", "assistant_id"))
    yield _closed(wanted, every, shows.index)
    yield _closed(wanted, every, None)
    about = set(_about(shows))
    related = [turn.first for turn in every if about & set(_about(turn.last))]
    yield _closed([*wanted, *(one for one in related if one.index <= shows.index)], every, shows.index)
    yield _closed([*wanted, *related], every, None)
    place = next((number for number, turn in enumerate(every) if shows in turn.exchanges), 0)
    for end in range(place + 1, min(place + 8, len(every))):
        yield list(every[:end])
    yield list(every)


def _measures(history: History, id_: str, shows: Exchange) -> list[Exchange]:
    """The accepted requests that a refusal is measured by: the smallest one, and one with a legal value there."""
    controls = [
        exchange
        for exchange in history
        if exchange.operation == shows.operation
        and exchange.accepted
        and exchange.step is not None
        and exchange.step.role is Role.CONTROL
    ]
    legal = nearest_accepted(history, id_, shows)
    return [*controls[:1], *([legal] if legal is not None else [])]


def _closed(
    wanted: Sequence[Exchange], every: Sequence[Turn], last: int | None, passing_over: Sequence[str] = ()
) -> list[Turn]:
    """These exchanges with all they refer to, and all that changed what they are about, up to an index.

    What was done to objects of the kinds that are passed over is left out, but for what made them.
    """
    of = {exchange.id: turn for turn in every for exchange in turn.exchanges}
    position = {id(turn): number for number, turn in enumerate(every)}
    before = _named_before(every)
    kept: dict[int, Turn] = {}
    todo = [of[exchange.id] for exchange in wanted if exchange.id in of]
    about: set[str] = set()
    while todo:
        turn = todo.pop()
        if id(turn) in kept:
            continue
        kept[id(turn)] = turn
        todo += [before[id(turn)][ref.step] for ref in references(turn.step) if ref.step in before[id(turn)]]
        new = set(_about(turn.last, passing_over)) - about
        about |= new
        if new:
            todo += [other for other in every if _matters(other, new) and (last is None or other.first.index <= last)]
    return sorted(kept.values(), key=lambda turn: position[id(turn)])


def _about(exchange: Exchange, passing_over: Sequence[str] = ()) -> Iterator[str]:
    """The ids of what an exchange acts on, and of what it made."""
    yield from (value for name, value in exchange.path.items() if name not in passing_over)
    operation = OPERATIONS.get(exchange.operation or "")
    if operation is not None and f"{operation.creates}_id" not in passing_over:
        yield from _made(exchange)
    if "thread_id" not in passing_over:
        yield from _text(answer(exchange), "/thread_id")


def _matters(turn: Turn, about: set[str]) -> bool:
    """Whether a turn may have changed one of these objects, or waited for it."""
    return (turn.changes or bool(turn.step.until)) and bool(about & {*turn.last.path.values(), *_made(turn.last)})


def _made(exchange: Exchange) -> Iterator[str]:
    return _text(answer(exchange), "/id")


def _text(value: JSON | Absent, pointer: str) -> Iterator[str]:
    found = at(value, pointer)
    if isinstance(found, str):
        yield found


def _named_before(every: Sequence[Turn]) -> Mapping[int, Mapping[str, Turn]]:
    """For each turn, what each name meant when it was played."""
    found: dict[int, dict[str, Turn]] = {}
    names: dict[str, Turn] = {}
    for turn in every:
        found[id(turn)] = dict(names)
        if turn.step.name:
            names[turn.step.name] = turn
    return found
