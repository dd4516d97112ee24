"""The tool resources of a thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runs_conformance.contract.validation import is_valid
from runs_conformance.evidence.creation import creations
from runs_conformance.evidence.observation import JSON_CHANNEL, Observation, thread_observations
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.request_expectation import is_interpretable
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, JSON, Absent, at, is_array, is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed
from runs_conformance.model.verdict import Result

_RECORDED = observed("recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31")


@dataclass(frozen=True, eq=False)
class _AssignedResources:
    """The tool resources in a request, and the first response that shows its thread."""

    requested: JSON
    thread: Observation


def _assigned_resources(history: History) -> Iterable[_AssignedResources]:
    """The resources that valid requests gave to a thread.

    The response to `create_thread_and_run` shows the run; a stream may show the thread otherwise than a read.
    """
    for thread in thread_observations(history):
        exchange = thread.exchange
        if exchange.operation in ("create_thread", "modify_thread") and _is_valid_request(exchange):
            yield from _pair_with_request(exchange, "/tool_resources", thread)
    for creation in creations(history):
        exchange = creation.exchange
        is_nested = creation.kind == "thread" and exchange.operation == "create_thread_and_run"
        if is_nested and _is_valid_request(exchange):
            first = _first_read(history, creation.id, exchange)
            yield from _pair_with_request(exchange, "/thread/tool_resources", first) if first is not None else ()


def _pair_with_request(exchange: Exchange, pointer: str, thread: Observation) -> Iterator[_AssignedResources]:
    requested = at(exchange.request.body, pointer)
    if is_object(requested) and thread.get("tool_resources") is not ABSENT:
        yield _AssignedResources(requested, thread)


def _is_valid_request(exchange: Exchange) -> bool:
    """Whether a request is valid: how a server reads resources that exclude each other is open."""
    operation, body = exchange.operation or "", exchange.request.body
    if not is_object(body) or not is_interpretable(exchange):
        return False
    return is_valid(f"requests/{operation}", operation, exchange.edition)(body)


def _first_read(history: History, thread_id: str, creation: Exchange) -> Observation | None:
    """The first read of a thread after its creation; None if the thread may have been modified before."""
    reads = (
        each
        for each in thread_observations(history)
        if each.id == thread_id and each.channel == JSON_CHANNEL and creation.happened_before(each.exchange)
    )
    first = min(reads, key=lambda each: each.latest, default=None)
    modifications = (each for each in history.select("modify_thread") if each.path.get("thread_id") == thread_id)
    if first is None or any(may_have_taken_effect(each) and each.started <= first.latest for each in modifications):
        return None
    return first


@rule(units=_assigned_resources, level=Level.SHOULD, source=_RECORDED, capability="core")
def show_their_tool_resources(assigned: _AssignedResources) -> Iterator[Result]:
    """A thread shows the files and vector stores that its request assigned to tools.

    A tool without its files finds nothing and reports no error. A thread that is created together with a run is
    compared when it is read.

    Fix: Store `tool_resources` when a thread is created, alone or with a run, or modified, and return them.
    """
    for name in ("code_interpreter/file_ids", "file_search/vector_store_ids"):
        pointer = f"/tool_resources/{name}"
        expected, actual = at(assigned.requested, f"/{name}"), assigned.thread.get(pointer)
        if is_array(expected) and expected:
            yield assigned.thread.check(
                _has_all(actual, expected),
                "the thread's tool resources differ from the request",
                pointer,
                expected,
                actual,
            )


def _has_all(actual: JSON | Absent, expected: JSON) -> bool:
    """Whether all ids are shown. A message with attachments may have added others."""
    return is_array(actual) and is_array(expected) and all(id_ in actual for id_ in expected)
