"""Which operations a target offers, read from how it answered them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from conformance.contract.operation import CAPABILITIES, OPERATIONS
from conformance.model.case import Key, Role
from conformance.model.exchange import Exchange
from conformance.model.json import at, is_object

CORE = "core"
_METHODS = re.compile(r"\b(GET|POST|DELETE|PUT|PATCH)\b")
_VARIES = re.compile(r"['\"`(]?/?[\w{}.-]*(?:/|_|-|\d)[\w{}./-]*['\"`)]?")


@dataclass(slots=True)
class Reception:
    """How one operation was received: how often it was accepted, was answered as if there were no such route, or
    otherwise; and of the requests that must be accepted, the last that was refused.
    """

    accepted: int = 0
    absent: int = 0
    otherwise: int = 0
    refused_fixture: str = ""
    accepted_fixture: bool = False

    def merge(self, other: Reception) -> Reception:
        """Both together."""
        return Reception(
            self.accepted + other.accepted,
            self.absent + other.absent,
            self.otherwise + other.otherwise,
            self.refused_fixture or other.refused_fixture,
            self.accepted_fixture or other.accepted_fixture,
        )


Surface = Mapping[str, Reception]


def surface(exchanges: Iterable[Exchange], no_route: str | None) -> dict[str, Reception]:
    """How each operation was received in these exchanges; `no_route` is the shape of an answer where there is no
    route.
    """
    seen: dict[str, Reception] = {}
    for exchange in exchanges:
        step = exchange.step
        if exchange.operation is None or exchange.response is None or step is None or step.key is not Key.OWN:
            continue
        reception = seen.setdefault(exchange.operation, Reception())
        if exchange.accepted:
            reception.accepted += 1
        elif _no_route(exchange, no_route):
            reception.absent += 1
        elif step.role is not Role.NEGATIVE:
            reception.otherwise += 1
        if step.role in (Role.FIXTURE, Role.CONTROL):
            reception.accepted_fixture |= exchange.accepted
            if exchange.refused and not reception.refused_fixture:
                reception.refused_fixture = _said(exchange)
    return seen


def folded(many: Iterable[Surface]) -> dict[str, Reception]:
    """The surfaces of several programs as one."""
    whole: dict[str, Reception] = {}
    for one in many:
        for operation, reception in one.items():
            whole[operation] = whole[operation].merge(reception) if operation in whole else reception
    return whole


def not_offered(seen: Surface, declared: Iterable[str] = ()) -> dict[str, str]:
    """The capabilities that the target does not have, and their operations, each with the reason.

    A capability is not offered where every one of its operations that was tried was never accepted, and always answered
    as if there were no such route. The core is never optional, and neither is what the user declares; but a server of
    runs need not have all that is around them, so any neighbour may be missing by itself.
    """
    missing: dict[str, str] = {}
    for name, reception in seen.items():
        operation = OPERATIONS[name]
        if operation.neighbour and operation.capability not in declared and _is_absent(reception):
            missing[name] = f"the target has no {operation.method} {operation.path}"
    for capability in CAPABILITIES:
        tried = [name for name in seen if OPERATIONS[name].capability == capability]
        if capability in (CORE, *declared) or not tried or not all(_is_absent(seen[name]) for name in tried):
            continue
        for name in (capability, *tried):
            method, path = OPERATIONS[tried[0]].method, OPERATIONS[tried[0]].path
            missing[name] = f"the target does not offer {capability}: there is no {method} {path}"
    return missing


def _is_absent(reception: Reception) -> bool:
    return bool(reception.absent) and not reception.accepted and not reception.otherwise


def failed_prerequisite(seen: Surface) -> str | None:
    """What the target refused every time although the programs cannot go on without it; None where there is nothing."""
    for name in ("create_assistant", "create_thread", "create_run"):
        reception = seen.get(name)
        if reception is not None and reception.refused_fixture and not reception.accepted_fixture:
            hint = " (is the model right? --model names another)" if name != "create_thread" else ""
            return f"{name} was refused every time: {reception.refused_fixture}{hint}"
    return None


def shape(exchange: Exchange) -> str | None:
    """What an error answer looks like once ids, paths and numbers are taken out of it."""
    response = exchange.response
    if response is None:
        return None
    message = at(response.body, "/error/message") if is_object(response.body) else None
    if isinstance(message, str):
        return "error: " + _general(message)
    if is_object(response.body):
        return "members: " + ", ".join(sorted(response.body))
    return "text: " + _general((response.text or "")[:200])


def _general(text: str) -> str:
    return _METHODS.sub("…", _VARIES.sub("…", text))


def _no_route(exchange: Exchange, no_route: str | None) -> bool:
    if exchange.status in (405, 501):
        return True
    return exchange.status == 404 and no_route is not None and shape(exchange) == no_route


def _said(exchange: Exchange) -> str:
    body = exchange.body
    message = at(body, "/error/message") if is_object(body) else None
    said = message if isinstance(message, str) else (exchange.response.text or "" if exchange.response else "")
    return f"HTTP {exchange.status} {' '.join(said.split())[:160]}".rstrip()
