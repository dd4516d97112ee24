"""Which operations a target offers, read from how it answered them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from runs_conformance.contract.operation import CAPABILITIES, OPERATIONS
from runs_conformance.model.case import Key, Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import at, is_object
from runs_conformance.model.verdict import Finding

CORE = "core"
STREAMING = "streaming"
"""The capability that no operation is for: several are asked for it by a member of their bodies."""
_OF_STREAMS = re.compile(r"(?<![a-z])(stream(s|ed|ing)?|SSE|server-sent events)(?![a-z])", re.IGNORECASE)
_METHODS = re.compile(r"\b(GET|POST|DELETE|PUT|PATCH)\b")
_VARIES = re.compile(r"['\"`(]?/?[\w{}.-]*(?:/|_|-|\d)[\w{}./-]*['\"`)]?")


@dataclass(slots=True)
class Reception:
    """How one operation was received: how often it was accepted, was answered as if there were no such route, or
    otherwise; and of the requests that must be accepted, the last that was refused. `exchanges` are the ids of those
    that asked for a stream and got none.
    """

    accepted: int = 0
    absent: int = 0
    otherwise: int = 0
    refused_fixture: str = ""
    accepted_fixture: bool = False
    exchanges: frozenset[str] = frozenset()

    def merge(self, other: Reception) -> Reception:
        """Both together."""
        return Reception(
            self.accepted + other.accepted,
            self.absent + other.absent,
            self.otherwise + other.otherwise,
            self.refused_fixture or other.refused_fixture,
            self.accepted_fixture or other.accepted_fixture,
            self.exchanges | other.exchanges,
        )


Surface = Mapping[str, Reception]


def surface(exchanges: Iterable[Exchange], no_route: str | None) -> dict[str, Reception]:
    """How each operation was received in these exchanges, and how the wish for a stream; `no_route` is the shape of an
    answer where there is no route.
    """
    exchanges = list(exchanges)
    seen: dict[str, Reception] = {}
    streaming = _streaming(exchanges)
    if streaming is not None:
        seen[STREAMING] = streaming
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


def _streaming(exchanges: Iterable[Exchange]) -> Reception | None:
    """How the wish for a stream was received; None where nobody asked for one."""
    asked = [exchange for exchange in exchanges if _asks_for_a_stream(exchange)]
    if not asked:
        return None
    refused = [exchange for exchange in asked if exchange.refused or exchange.status == 501]
    clearly = sum(1 for exchange in refused if _OF_STREAMS.search(_said(exchange)))
    accepted = sum(1 for exchange in asked if exchange.accepted)
    without = frozenset(exchange.id for exchange in asked if exchange.response and exchange.response.events is None)
    return Reception(accepted, clearly, len(asked) - accepted - clearly, exchanges=without)


def _asks_for_a_stream(exchange: Exchange) -> bool:
    """Whether a request that nothing else is said against asks for a stream, and was answered."""
    step, sent = exchange.step, exchange.request.body
    if step is None or step.key is not Key.OWN or step.role is Role.NEGATIVE or exchange.response is None:
        return False
    return is_object(sent) and sent.get("stream") is True


def not_offered(seen: Surface, declared: Collection[str] = (), denied: Collection[str] = ()) -> dict[str, str]:
    """The capabilities that the target does not have, and their operations, each with the reason.

    A capability is not offered where every one of its operations that was tried was never accepted, and always answered
    as if there were no such route; streaming, where nobody who asked for a stream got one and it was said why. The core
    is never optional, and neither is what the user declares; but a server of runs need not have all that is around
    them, so any neighbour may be missing by itself. What the user denies is not offered.
    """
    missing: dict[str, str] = {}
    operations = {name: reception for name, reception in seen.items() if name in OPERATIONS}
    for name, reception in operations.items():
        operation = OPERATIONS[name]
        if operation.neighbour and operation.capability not in declared and _is_absent(reception):
            missing[name] = f"the target has no {operation.method} {operation.path}"
    for capability in CAPABILITIES:
        tried = [name for name in operations if OPERATIONS[name].capability == capability]
        if capability in (CORE, *declared) or not tried or not all(_is_absent(seen[name]) for name in tried):
            continue
        for name in (capability, *tried):
            method, path = OPERATIONS[tried[0]].method, OPERATIONS[tried[0]].path
            missing[name] = f"the target does not offer {capability}: there is no {method} {path}"
    asked = seen.get(STREAMING)
    if asked is not None and asked.absent and not asked.accepted and STREAMING not in declared:
        missing[STREAMING] = "the target does not offer streaming: it refuses stream: true"
    for capability in denied:
        reason = f"declared not to be offered: {capability}"
        missing[capability] = reason
        missing |= {name: reason for name, operation in OPERATIONS.items() if operation.capability == capability}
    return missing


def broken_promises(seen: Surface, declared: Collection[str]) -> list[Finding]:
    """What the target was declared to offer and does not."""
    found = []
    missing = not_offered(seen)
    for name, why in missing.items():
        capability = OPERATIONS[name].capability if name in OPERATIONS else name
        if capability in declared and (name == capability or capability not in missing):
            operation = name if name in OPERATIONS else None
            found.append(Finding(f"declared to offer {capability}, but {why}", operation=operation))
    return found


def fruitless(seen: Surface, missing: Collection[str]) -> frozenset[str]:
    """The ids of the exchanges that asked for a stream and got none, where streams are not offered."""
    asked = seen.get(STREAMING)
    return asked.exchanges if asked is not None and STREAMING in missing else frozenset()


def _is_absent(reception: Reception) -> bool:
    return bool(reception.absent) and not reception.accepted and not reception.otherwise


def failed_prerequisite(seen: Surface, given: Collection[str] = ()) -> str | None:
    """What the target refused every time although the programs cannot go on without it; None where there is nothing.

    What was given, an assistant or a thread, need not be created.
    """
    for name in ("create_assistant", "create_thread", "create_run"):
        reception = seen.get(name) if name.removeprefix("create_") not in given else None
        if reception is not None and reception.refused_fixture and not reception.accepted_fixture:
            hint = " (is the model right? --model names another)" if name != "create_thread" else ""
            if name != "create_run" and _is_absent(reception):
                hint = f" (--use {name.removeprefix('create_')}=ID names one to work with)"
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
