"""Created objects, each with the request and the key that created it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.observation import observations_in
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History

_MIN_DISTINCTIVE_DIGITS = 6

SHARED_ID = "several objects have the same id"
"""Why a rule on one object is inconclusive if its id does not tell which one is meant."""


@dataclass(frozen=True, eq=False)
class Creation:
    """One object that an accepted request created.

    `thread` is the id of its thread, if it has one. `created_at` is the target's Unix time, None if not shown.
    """

    kind: str
    id: str
    exchange: Exchange
    thread: str | None
    created_at: float | None

    @property
    def key(self) -> Key:
        """The key that created the object."""
        return key_of(self.exchange)


def key_of(exchange: Exchange) -> Key:
    """The key that a request was sent with. Traffic of other clients counts as sent with the primary key."""
    return exchange.step.key if exchange.step else Key.PRIMARY


def uses_key_of_creator(history: History, exchange: Exchange) -> bool:
    """Whether a request was sent with the key that created the objects in its path.

    Objects whose creation was not recorded belong to the primary key.
    """
    known = _creators(history)
    keys = {key for name, id_ in exchange.path.items() for key in known.get((name, id_), ())}
    return (keys or {Key.PRIMARY}) == {key_of(exchange)}


@lru_cache(maxsize=16)
def _creators(history: History) -> dict[tuple[str, str], set[Key]]:
    """By the path parameter and the id of each created object, the keys of the requests that created it."""
    found: dict[tuple[str, str], set[Key]] = {}
    for each in creations(history):
        found.setdefault((f"{each.kind}_id", each.id), set()).add(each.key)
    return found


def distinctive_ids(history: History) -> frozenset[str]:
    """The ids of created objects that identify one in a text: not shared by objects, and no mere word or number."""
    counts = Counter(creation.id for creation in creations(history))
    return frozenset(id_ for id_, count in counts.items() if count == 1 and not id_.isalpha() and not _is_short(id_))


def _is_short(id_: str) -> bool:
    return id_.isdecimal() and len(id_) < _MIN_DISTINCTIVE_DIGITS


@lru_cache(maxsize=16)
def creations(history: History) -> tuple[Creation, ...]:
    """Every object created in a history, in order. `create_thread_and_run` creates both a thread and a run.

    If the run names a thread that was created before, only the run is new; another rule reports that.
    """
    created: list[Creation] = []
    threads: set[str] = set()
    for exchange in history:
        kind = OPERATIONS[exchange.operation].creates if exchange.operation else None
        observation = next((s for s in observations_in(exchange) if s.kind == kind and s.id), None)
        if kind is None or observation is None:
            continue
        thread = exchange.path.get("thread_id") or observation.text("thread_id") or None
        if exchange.operation == "create_thread_and_run" and thread and thread not in threads:
            created.append(Creation("thread", thread, exchange, None, None))
            threads.add(thread)
        if kind == "thread":
            threads.add(observation.id)
        created.append(Creation(kind, observation.id, exchange, thread, observation.time("created_at")))
    return tuple(created)


@lru_cache(maxsize=16)
def shared_ids(history: History) -> frozenset[tuple[str, str]]:
    """The kind and id of each id that several created objects of one kind share; another rule reports it."""
    counts = Counter((creation.kind, creation.id) for creation in creations(history))
    return frozenset(key for key, count in counts.items() if count > 1)


def names_wrong_thread(history: History, exchange: Exchange) -> bool:
    """Whether a request looks for a run or message under a thread in which it was never created."""
    path, threads = exchange.path, _threads(history)
    created_in = (threads.get((name, path[name])) for name in ("run_id", "message_id") if name in path)
    return any(those is not None and path.get("thread_id") not in those for those in created_in)


@lru_cache(maxsize=16)
def _threads(history: History) -> dict[tuple[str, str], set[str]]:
    """By the path parameter and the id of each created object, the threads in which an object with this id was created.

    These are several if objects share an id.
    """
    found: dict[tuple[str, str], set[str]] = {}
    for each in creations(history):
        if each.thread:
            found.setdefault((f"{each.kind}_id", each.id), set()).add(each.thread)
    return found
