"""Requests of one tenant that name objects of another, and whether an accepted one gives access to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.evidence.creation import creations, key_of
from runs_conformance.evidence.observation import Observation, observations_in
from runs_conformance.evidence.working_operation import operation_works
from runs_conformance.model.case import Key
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import at

TENANTS = (Key.PRIMARY, Key.SECOND)


class Access(StrEnum):
    """The access of an accepted request to another tenant's objects."""

    GIVEN = "given"
    NOTHING = "nothing"
    OTHER_OBJECT = "other object"


@dataclass(frozen=True, eq=False)
class ForeignRequest:
    """A request that names objects of another tenant. `foreign` are their ids by the name of the parameter or member.

    `owners` are the tenants that created the objects of the history, by id. `works` says whether the operation was
    accepted in another request, `is_read_later` whether the owner read the named object after the response.
    """

    exchange: Exchange
    foreign: Mapping[str, str]
    owners: Mapping[str, Key]
    works: bool
    is_read_later: bool = False

    @property
    def access(self) -> Access:
        """The access that the request got, if it was accepted.

        A target that looks objects up among the tenant's own finds nothing: its list is empty, or nothing is deleted,
        whatever the response says. One that ignores the ids shows other objects than were requested.
        """
        operation, shown = OPERATIONS[self.exchange.operation or ""], list(observations_in(self.exchange))
        if operation.listed_kind and not shown:
            return Access.NOTHING
        if operation.method == "DELETE" and (at(self.exchange.body, "/deleted") is False or self.is_read_later):
            return Access.NOTHING
        if operation.method == "GET" and self.exchange.body in (None, {}):
            return Access.NOTHING
        return Access.OTHER_OBJECT if shown and all(map(self._shows_other, shown)) else Access.GIVEN

    def _shows_other(self, observation: Observation) -> bool:
        """Whether an object is not the requested one, nor in the requested thread or run, nor another tenant's.

        The id of an object says most clearly which one it is.
        """
        operation = OPERATIONS[self.exchange.operation or ""]
        shows_requested = not operation.creates and not operation.listed_kind
        requested = self.foreign.get(operation.parameters[-1]) if shows_requested and operation.parameters else None
        shown = (
            {observation.id: requested}
            if requested is not None
            else {observation.text(name): id_ for name, id_ in self.foreign.items()}
        )
        is_foreign = self._is_foreign(observation.id) or any(map(self._is_foreign, shown))
        return not is_foreign and all(id_ and id_ != other for id_, other in shown.items())

    def _is_foreign(self, id_: object) -> bool:
        key = key_of(self.exchange)
        return isinstance(id_, str) and self.owners.get(id_, key) is not key


@lru_cache(maxsize=16)
def foreign_requests(history: History) -> tuple[ForeignRequest, ...]:
    """Every request with one tenant's key that names an object of another."""
    return tuple(_foreign_requests(history))


def _foreign_requests(history: History) -> Iterator[ForeignRequest]:
    owners = {creation.id: creation.key for creation in creations(history) if creation.key in TENANTS}
    for exchange in history:
        key, assistant = key_of(exchange), at(exchange.request.body, "/assistant_id")
        named = {**exchange.path, **({"assistant_id": assistant} if isinstance(assistant, str) else {})}
        foreign = {name: id_ for name, id_ in named.items() if owners.get(id_, key) is not key}
        if exchange.operation and key in TENANTS and foreign:
            works = operation_works(history, exchange)
            yield ForeignRequest(exchange, foreign, owners, works, _is_read_later(history, exchange, owners))


def _is_read_later(history: History, exchange: Exchange, owners: Mapping[str, Key]) -> bool:
    """Whether the owner could still read the object that a path names last, until its own deletion of it.

    The last read counts, since a cache may show a deleted object for a while.
    """
    parameters = OPERATIONS[exchange.operation or ""].parameters
    id_ = exchange.path.get(parameters[-1], "") if parameters else ""
    is_readable = False
    for other in history:
        names_object = key_of(other) is owners.get(id_) and list(other.path.values())[-1:] == [id_]
        if not names_object or not exchange.happened_before(other):
            continue
        if other.request.method == "DELETE":
            break
        if other.request.method == "GET" and (other.accepted or other.refused):
            is_readable = other.accepted
    return is_readable
