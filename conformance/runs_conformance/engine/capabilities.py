"""Which operations and capabilities a target supports, inferred from its responses."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from runs_conformance.contract.operation import CAPABILITIES, OPERATIONS
from runs_conformance.model.case import Key, Role
from runs_conformance.model.error_message import error_message, summarize
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import is_object
from runs_conformance.model.verdict import Finding

CORE = "core"
STREAMING = "streaming"
"""The one capability without an operation of its own: several operations enable it by a body member."""
_OF_STREAMS = re.compile(r"(?<![a-z])(stream(s|ed|ing)?|SSE|server-sent events)(?![a-z])", re.IGNORECASE)
_METHODS = re.compile(r"\b(GET|POST|DELETE|PUT|PATCH)\b")
_VARIES = re.compile(r"['\"`(]?/?[\w{}.-]*(?:/|_|-|\d)[\w{}./-]*['\"`)]?")


@dataclass(slots=True)
class OperationStats:
    """Responses to one operation: accepted, answered as by a missing route, or anything else.

    `fixture_refusal` is the first refusal of a request that must be accepted, `fixture_accepted` whether any such
    request succeeded. `undelivered_streams` holds the ids of exchanges that requested a stream and received none.
    """

    accepted: int = 0
    no_route: int = 0
    other: int = 0
    fixture_refusal: str = ""
    fixture_accepted: bool = False
    undelivered_streams: frozenset[str] = frozenset()

    def merge(self, other: OperationStats) -> OperationStats:
        """Return the sum of both."""
        return OperationStats(
            self.accepted + other.accepted,
            self.no_route + other.no_route,
            self.other + other.other,
            self.fixture_refusal or other.fixture_refusal,
            self.fixture_accepted or other.fixture_accepted,
            self.undelivered_streams | other.undelivered_streams,
        )


StatsByOperation = Mapping[str, OperationStats]


def collect_stats(exchanges: Iterable[Exchange], no_route_signature: str | None) -> dict[str, OperationStats]:
    """Count the responses to each operation and to requests for a stream.

    `no_route_signature` is the error signature of a response for a missing route.
    """
    exchanges = list(exchanges)
    seen: dict[str, OperationStats] = {}
    streaming = _streaming(exchanges)
    if streaming is not None:
        seen[STREAMING] = streaming
    for exchange in exchanges:
        step = exchange.step
        if exchange.operation is None or exchange.response is None or step is None or step.key is not Key.PRIMARY:
            continue
        reception = seen.setdefault(exchange.operation, OperationStats())
        if exchange.accepted:
            reception.accepted += 1
        elif _no_route(exchange, no_route_signature):
            reception.no_route += 1
        elif step.role is not Role.NEGATIVE:
            reception.other += 1
        if step.role in (Role.FIXTURE, Role.CONTROL):
            reception.fixture_accepted |= exchange.accepted
            if exchange.refused and not reception.fixture_refusal:
                reception.fixture_refusal = _said(exchange)
    return seen


def merge_stats(many: Iterable[StatsByOperation]) -> dict[str, OperationStats]:
    """Merge the statistics of several programs."""
    whole: dict[str, OperationStats] = {}
    for one in many:
        for operation, reception in one.items():
            whole[operation] = whole[operation].merge(reception) if operation in whole else reception
    return whole


def _streaming(exchanges: Iterable[Exchange]) -> OperationStats | None:
    """Count the responses to requests for a stream; None if there was no such request."""
    asked = [exchange for exchange in exchanges if _asks_for_a_stream(exchange)]
    if not asked:
        return None
    refused = [exchange for exchange in asked if exchange.refused or exchange.status == 501]
    clearly = sum(1 for exchange in refused if _OF_STREAMS.search(_said(exchange)))
    accepted = sum(1 for exchange in asked if exchange.accepted)
    without = frozenset(exchange.id for exchange in asked if exchange.response and exchange.response.events is None)
    return OperationStats(accepted, clearly, len(asked) - accepted - clearly, undelivered_streams=without)


def _asks_for_a_stream(exchange: Exchange) -> bool:
    """Whether an otherwise valid request asked for a stream and was answered."""
    step, sent = exchange.step, exchange.request.body
    if step is None or step.key is not Key.PRIMARY or step.role is Role.NEGATIVE or exchange.response is None:
        return False
    return is_object(sent) and sent.get("stream") is True


def unsupported_capabilities(
    seen: StatsByOperation, declared: Collection[str] = (), denied: Collection[str] = ()
) -> dict[str, str]:
    """Return the capabilities that the target does not support, and their operations, each with the reason.

    A capability is unsupported if every operation of it that was tried was always answered as by a missing route.
    Streaming is unsupported if no request for a stream succeeded and a refusal mentions streams. The core and the
    `declared` capabilities are never optional. Operations outside the Runs API itself may be missing individually.
    `denied` capabilities count as unsupported.
    """
    missing: dict[str, str] = {}
    operations = {name: reception for name, reception in seen.items() if name in OPERATIONS}
    for name, reception in operations.items():
        operation = OPERATIONS[name]
        if operation.is_prerequisite and operation.capability not in declared and _is_absent(reception):
            missing[name] = f"the target has no {operation.method} {operation.path}"
    for capability in CAPABILITIES:
        tried = [name for name in operations if OPERATIONS[name].capability == capability]
        if capability in (CORE, *declared) or not tried or not all(_is_absent(seen[name]) for name in tried):
            continue
        for name in (capability, *tried):
            method, path = OPERATIONS[tried[0]].method, OPERATIONS[tried[0]].path
            missing[name] = f"the target does not support {capability}: it has no {method} {path}"
    asked = seen.get(STREAMING)
    if asked is not None and asked.no_route and not asked.accepted and STREAMING not in declared:
        missing[STREAMING] = "the target does not support streaming: it refuses stream: true"
    for capability in denied:
        reason = f"declared unsupported: {capability}"
        missing[capability] = reason
        missing |= {name: reason for name, operation in OPERATIONS.items() if operation.capability == capability}
    return missing


def missing_declared_capabilities(seen: StatsByOperation, declared: Collection[str]) -> list[Finding]:
    """Return a finding for each declared capability that the target does not support."""
    found = []
    missing = unsupported_capabilities(seen)
    for name, why in missing.items():
        capability = OPERATIONS[name].capability if name in OPERATIONS else name
        if capability in declared and (name == capability or capability not in missing):
            operation = name if name in OPERATIONS else None
            found.append(Finding(f"{capability} is declared as supported, but {why}", operation=operation))
    return found


def undelivered_streams(seen: StatsByOperation, missing: Collection[str]) -> frozenset[str]:
    """Return the ids of exchanges that requested a stream and received none, if streaming is `missing`."""
    asked = seen.get(STREAMING)
    return asked.undelivered_streams if asked is not None and STREAMING in missing else frozenset()


def _is_absent(reception: OperationStats) -> bool:
    return bool(reception.no_route) and not reception.accepted and not reception.other


def failed_prerequisite(seen: StatsByOperation, given_kinds: Collection[str] = ()) -> str | None:
    """Return the message for a setup operation that the target always refused; None if there is none.

    `given_kinds` are the kinds of objects that the user supplied, which need not be created.
    """
    for name in ("create_assistant", "create_thread", "create_run"):
        reception = seen.get(name) if name.removeprefix("create_") not in given_kinds else None
        if reception is not None and reception.fixture_refusal and not reception.fixture_accepted:
            hint = " (is the model correct? --model selects another)" if name != "create_thread" else ""
            if name != "create_run" and _is_absent(reception):
                hint = f" (--use {name.removeprefix('create_')}=ID supplies an existing one)"
            return f"{name} was refused every time: {reception.fixture_refusal}{hint}"
    return None


def error_signature(exchange: Exchange) -> str | None:
    """Return the form of an error response without its ids, paths and numbers; None if there is no response."""
    response = exchange.response
    if response is None:
        return None
    message = error_message(response.body)
    if message is not None:
        return "error: " + _general(message)
    if is_object(response.body):
        return "members: " + ", ".join(sorted(response.body))
    return "text: " + _general((response.text or "")[:200])


def _general(text: str) -> str:
    return _METHODS.sub("…", _VARIES.sub("…", text))


def _no_route(exchange: Exchange, no_route: str | None) -> bool:
    if exchange.status in (405, 501):
        return True
    return exchange.status == 404 and no_route is not None and error_signature(exchange) == no_route


def _said(exchange: Exchange) -> str:
    message = error_message(exchange.body)
    text = message if message is not None else (exchange.response.text or "" if exchange.response else "")
    return f"HTTP {exchange.status} {summarize(text)}".rstrip()
