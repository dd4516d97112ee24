"""Which operations and capabilities a target supports, inferred from its responses."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from runs_conformance.contract.operation import CAPABILITIES, OPERATIONS, Operation
from runs_conformance.evidence.server_failure import is_server_error
from runs_conformance.model.case import Key, Role
from runs_conformance.model.error_message import error_message, summarize
from runs_conformance.model.exchange import Completion, Exchange
from runs_conformance.model.json import is_object
from runs_conformance.model.verdict import Finding

CORE = "core"
STREAMING = "streaming"
"""The one capability without an operation of its own: several operations enable it by a body member."""
_MENTIONS_STREAM = re.compile(r"(?<![a-z])(stream(s|ed|ing)?|SSE|server-sent events)(?![a-z])", re.IGNORECASE)
_TEXT_MEMBERS = ("detail", "error", "message", "title")
_METHODS = re.compile(r"\b(GET|POST|DELETE|PUT|PATCH)\b")
# Matches only from the start of a word and gives nothing back, so that a long word costs linear time.
_VARIABLE_PART = re.compile(r"['\"`(]?(?<![\w{}./-])(?:[^\W\d_]|[{}.])*+[\d_/-][\w{}./-]*+['\"`)]?")
_MAX_GENERALIZED = 2_000
_NAMES_RUNS = re.compile(r"\bruns\b")

Signature = tuple[int, str]
"""The HTTP status and the form of a response for a missing route."""


@dataclass(slots=True)
class OperationStats:
    """Responses to one operation: accepted, like those of a missing route, failed, or anything else.

    `unknown_ids` counts requests with a nonexistent id that got a response like that of a missing route.
    `failed` counts server errors and requests without a response: they show neither that the operation exists nor that
    it does not. `fixture_refusal` is the first refusal of a request that must be accepted, `fixture_accepted` whether
    any such request succeeded. `is_shadowed` says that another route took a request. `undelivered_streams` holds the
    ids of exchanges that requested a stream and received none.
    """

    accepted: int = 0
    no_route: int = 0
    unknown_ids: int = 0
    failed: int = 0
    other: int = 0
    fixture_refusal: str = ""
    fixture_accepted: bool = False
    is_shadowed: bool = False
    undelivered_streams: frozenset[str] = frozenset()

    def merge(self, other: OperationStats) -> OperationStats:
        """The sum of both."""
        return OperationStats(
            self.accepted + other.accepted,
            self.no_route + other.no_route,
            self.unknown_ids + other.unknown_ids,
            self.failed + other.failed,
            self.other + other.other,
            self.fixture_refusal or other.fixture_refusal,
            self.fixture_accepted or other.fixture_accepted,
            self.is_shadowed or other.is_shadowed,
            self.undelivered_streams | other.undelivered_streams,
        )


StatsByOperation = Mapping[str, OperationStats]


def collect_stats(exchanges: Iterable[Exchange], no_route: Collection[Signature]) -> dict[str, OperationStats]:
    """Count the responses to each operation and to requests for a stream.

    `no_route` holds the signatures of responses for a missing route.
    """
    exchanges = list(exchanges)
    collected: dict[str, OperationStats] = {}
    streaming = _streaming_stats(exchanges)
    if streaming is not None:
        collected[STREAMING] = streaming
    for exchange in exchanges:
        step = exchange.step
        if exchange.operation is None or step is None or step.key is not Key.PRIMARY:
            continue
        if exchange.response is None and exchange.completion is not Completion.UNKNOWN:
            continue
        stats = collected.setdefault(exchange.operation, OperationStats())
        if exchange.accepted:
            stats.accepted += 1
        elif step.dangling is not None and exchange.status == 404:
            # Some frameworks respond for a missing object as they do for a missing route.
            stats.unknown_ids += is_missing_route(exchange, no_route)
        elif is_missing_route(exchange, no_route):
            stats.no_route += 1
            stats.is_shadowed |= names_a_thread(error_signature(exchange))
        elif exchange.response is None or is_server_error(exchange):
            stats.failed += 1
        elif step.role is not Role.NEGATIVE:
            stats.other += 1
        if step.role in (Role.FIXTURE, Role.CONTROL):
            stats.fixture_accepted |= exchange.accepted
            if exchange.refused and not stats.fixture_refusal:
                stats.fixture_refusal = _describe_refusal(exchange)
    return collected


def operations_without_route(exchanges: Iterable[Exchange], no_route: Collection[Signature]) -> frozenset[str]:
    """The operations of which a valid request got a response like that of a missing route."""
    return frozenset(
        exchange.operation
        for exchange in exchanges
        if exchange.operation is not None
        and (step := exchange.step) is not None
        and step.key is Key.PRIMARY
        and step.role is not Role.NEGATIVE
        and step.dangling is None
        and is_missing_route(exchange, no_route)
    )


def merge_stats(many: Iterable[StatsByOperation]) -> dict[str, OperationStats]:
    """Merge the statistics of several programs."""
    merged: dict[str, OperationStats] = {}
    for stats_by_operation in many:
        for operation, stats in stats_by_operation.items():
            merged[operation] = merged[operation].merge(stats) if operation in merged else stats
    return merged


def _streaming_stats(exchanges: Iterable[Exchange]) -> OperationStats | None:
    """Count the responses to requests for a stream; None if there was no such request."""
    requests = [exchange for exchange in exchanges if _requests_stream(exchange)]
    if not requests:
        return None
    refused = [exchange for exchange in requests if exchange.refused or exchange.status == 501]
    refused_streams = sum(1 for exchange in refused if _MENTIONS_STREAM.search(_describe_refusal(exchange)))
    accepted = sum(1 for exchange in requests if exchange.accepted)
    undelivered = frozenset(exchange.id for exchange in requests if lacks_stream(exchange))
    other = len(requests) - accepted - refused_streams
    return OperationStats(accepted, refused_streams, other=other, undelivered_streams=undelivered)


def lacks_stream(exchange: Exchange) -> bool:
    """Whether an otherwise valid request asked for a stream and got another response."""
    return _requests_stream(exchange) and exchange.response is not None and exchange.response.events is None


def _requests_stream(exchange: Exchange) -> bool:
    """Whether an otherwise valid request asked for a stream and got a response."""
    step, body = exchange.step, exchange.request.body
    if step is None or step.key is not Key.PRIMARY or step.role is Role.NEGATIVE or exchange.response is None:
        return False
    return is_object(body) and body.get("stream") is True


def capabilities_not_offered(
    stats_by_operation: StatsByOperation, declared: Collection[str] = (), declared_absent: Collection[str] = ()
) -> dict[str, str]:
    """The capabilities that the target does not offer, and their operations, each with the reason.

    A capability is not offered if every operation of it that was tried always got the responses of a missing route.
    Streaming is not offered if no request for a stream succeeded and a refusal mentions streams. The core and the
    `declared` capabilities are never optional. Any other operation may be absent individually, and so may operations
    of the core that are outside the Runs API itself. `declared_absent` capabilities count as not offered.
    """
    not_offered: dict[str, str] = {}
    operations = {name: stats for name, stats in stats_by_operation.items() if name in OPERATIONS}
    for name, stats in operations.items():
        operation = OPERATIONS[name]
        is_optional = operation.is_prerequisite or operation.capability != CORE
        is_missing = _has_no_route(stats) or (
            _was_tried_with_unknown_ids_only(stats)
            and (operation.is_prerequisite or _lacks_known_ids(operation, stats_by_operation))
        )
        if is_optional and operation.capability not in declared and is_missing:
            not_offered[name] = _describe_missing(operation, stats)
    for capability in CAPABILITIES:
        tried = [name for name in operations if OPERATIONS[name].capability == capability]
        absent = [name for name in tried if _has_no_route(operations[name])]
        if capability in (CORE, *declared) or not absent or not all(n in not_offered for n in {*tried} - {*absent}):
            continue
        first = _describe_missing(OPERATIONS[absent[0]], operations[absent[0]]).removeprefix("the target has ")
        for name in (capability, *tried):
            not_offered[name] = f"the target does not offer {capability}: it has {first}"
    streaming = stats_by_operation.get(STREAMING)
    if streaming is not None and streaming.no_route and not streaming.accepted and STREAMING not in declared:
        not_offered[STREAMING] = "the target does not offer streaming: it refuses stream: true"
    return not_offered | absent_capabilities(declared_absent)


def operations_not_offered(
    stats_by_operation: StatsByOperation, declared_absent: Collection[str] = ()
) -> tuple[str, ...]:
    """The operations that have no route or belong to a capability that is not offered.

    Operations of `declared_absent` capabilities are left out: the user knows of them.
    """
    not_offered = capabilities_not_offered(stats_by_operation)
    return tuple(
        name
        for name, operation in OPERATIONS.items()
        if operation.capability not in declared_absent
        and (
            operation.capability in not_offered
            or name in not_offered
            or _has_no_route(stats_by_operation.get(name, OperationStats()))
        )
    )


def shadowed_operations(stats_by_operation: StatsByOperation) -> tuple[str, ...]:
    """The operations whose requests the route of another operation seems to take."""
    return tuple(name for name in OPERATIONS if name in stats_by_operation and stats_by_operation[name].is_shadowed)


def absent_capabilities(declared_absent: Collection[str]) -> dict[str, str]:
    """The capabilities that the user declared absent, and their operations, each with the reason."""
    reasons: dict[str, str] = {}
    for capability in declared_absent:
        names = (capability, *(name for name, op in OPERATIONS.items() if op.capability == capability))
        reasons |= dict.fromkeys(names, f"declared not offered: --no-capability {capability}")
    return reasons


def declared_capabilities_not_offered(stats_by_operation: StatsByOperation, declared: Collection[str]) -> list[Finding]:
    """A finding for each declared capability that the target does not offer."""
    findings = []
    not_offered = capabilities_not_offered(stats_by_operation)
    for name, reason in not_offered.items():
        capability = OPERATIONS[name].capability if name in OPERATIONS else name
        if capability in declared and (name == capability or capability not in not_offered):
            operation = name if name in OPERATIONS else None
            findings.append(Finding(f"{capability} is declared as offered, but {reason}", operation=operation))
    return findings


def undelivered_streams(stats_by_operation: StatsByOperation, not_offered: Collection[str]) -> frozenset[str]:
    """The ids of exchanges that requested a stream and received none, if streaming is among `not_offered`."""
    streaming = stats_by_operation.get(STREAMING)
    return streaming.undelivered_streams if streaming is not None and STREAMING in not_offered else frozenset()


def _has_no_route(stats: OperationStats) -> bool:
    return stats.no_route > stats.failed and not stats.accepted and not stats.other


def failed_prerequisite(stats_by_operation: StatsByOperation, given_kinds: Collection[str] = ()) -> str | None:
    """The message for a setup operation that the target always refused; None if there is none.

    `given_kinds` are the kinds of objects that the user supplied, which need not be created.
    """
    for name in ("create_assistant", "create_thread", "create_run"):
        stats = stats_by_operation.get(name) if name.removeprefix("create_") not in given_kinds else None
        if stats is not None and stats.fixture_refusal and not stats.fixture_accepted:
            hint = " (is the model correct? --model selects another)" if name != "create_thread" else ""
            if name != "create_run" and _has_no_route(stats):
                hint = f" (--use {name.removeprefix('create_')}=ID supplies an existing one)"
            return f"{name} was refused every time: {stats.fixture_refusal}{hint}"
    return None


def error_signature(exchange: Exchange) -> str | None:
    """The form of an error response without its ids, paths and numbers; None if there is no response."""
    response = exchange.response
    if response is None:
        return None
    message = error_message(response.body)
    if message is not None:
        return "error: " + _generalize(message)
    if is_object(response.body):
        # FastAPI and others distinguish a missing route from a missing object only by the text.
        texts = [text for name in _TEXT_MEMBERS if isinstance(text := response.body.get(name), str)]
        return "members: " + ", ".join((*sorted(response.body), *map(_generalize, texts)))
    return "text: " + _generalize((response.text or "")[:200])


def _generalize(text: str) -> str:
    return _METHODS.sub("…", _VARIABLE_PART.sub("…", text[:_MAX_GENERALIZED]))


def is_missing_route(exchange: Exchange, no_route: Collection[Signature]) -> bool:
    """Whether a target responded as it does for a route that it does not have."""
    return exchange.status in (405, 501) or signature(exchange) in no_route


def signature(exchange: Exchange) -> Signature | None:
    """The HTTP status and the form of an error response; None if there is no response."""
    form = error_signature(exchange)
    return (exchange.status, form) if exchange.status is not None and form is not None else None


def names_a_thread(form: str | None) -> bool:
    """Whether a response for the path /threads/runs has a form that treats the last word as the id of a thread."""
    return form is not None and _NAMES_RUNS.search(form) is not None


def _was_tried_with_unknown_ids_only(stats: OperationStats) -> bool:
    """Whether nothing shows that the operation exists: it may be missing, or refuse these ids in the same way."""
    return stats.unknown_ids > 0 and not (stats.no_route or stats.accepted or stats.failed or stats.other)


def _lacks_known_ids(operation: Operation, stats_by_operation: StatsByOperation) -> bool:
    """Whether only a list that the target does not offer could show the ids that an operation needs."""
    if any(each.creates == operation.acts_on for each in OPERATIONS.values()):
        return False
    lists = (name for name, each in OPERATIONS.items() if each.listed_kind == operation.acts_on)
    return all(_has_no_route(stats_by_operation.get(name, OperationStats())) for name in lists)


def _describe_missing(operation: Operation, stats: OperationStats) -> str:
    shadow = ", or the route of /threads/{thread_id} takes its requests" if stats.is_shadowed else ""
    return f"the target has no {operation.route}{shadow}"


def _describe_refusal(exchange: Exchange) -> str:
    message = error_message(exchange.body)
    text = message if message is not None else (exchange.response.text or "" if exchange.response else "")
    return f"HTTP {exchange.status} {summarize(text)}".rstrip()
