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
    accepted in another request.
    """

    exchange: Exchange
    foreign: Mapping[str, str]
    owners: Mapping[str, Key]
    works: bool

    @property
    def access(self) -> Access:
        """The access that the request got, if it was accepted.

        A target that looks objects up among the tenant's own finds nothing: its list is empty, or nothing is deleted.
        One that ignores the ids shows other objects than were requested.
        """
        operation, shown = OPERATIONS[self.exchange.operation or ""], list(observations_in(self.exchange))
        if operation.listed_kind and not shown:
            return Access.NOTHING
        if operation.method == "DELETE" and at(self.exchange.body, "/deleted") is False:
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
            yield ForeignRequest(exchange, foreign, owners, operation_works(history, exchange))
