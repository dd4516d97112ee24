"""The tool resources of a thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from runs_conformance.evidence.observation import Observation, thread_observations
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, at, contains, is_object
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed
from runs_conformance.model.verdict import Result

_RECORDED = observed("recorded traffic: openai-dotnet SessionRecords 2025-10-30, openllmetry 2026-03-31")


def _threads_with_tool_resources(history: History) -> Iterable[Observation]:
    return (
        observation
        for observation in thread_observations(history)
        if observation.exchange.operation in ("create_thread", "modify_thread")
    )


@rule(units=_threads_with_tool_resources, level=Level.SHOULD, source=_RECORDED, capability="core")
def show_their_tool_resources(thread: Observation) -> Iterator[Result]:
    """A thread shows the files and vector stores that its request assigned to tools.

    A tool without its files finds nothing and reports no error.

    Fix: Store `tool_resources` when a thread is created or modified, and return them.
    """
    requested, shown = at(thread.exchange.request.body, "/tool_resources"), thread.get("tool_resources")
    if is_object(requested) and shown is not ABSENT:
        for name in ("code_interpreter/file_ids", "file_search/vector_store_ids"):
            expected, actual = at(requested, f"/{name}"), at(shown, f"/{name}")
            if expected:
                pointer = f"/tool_resources/{name}"
                yield thread.check(
                    expected is not ABSENT and contains(actual, expected),
                    "the thread's tool resources differ from the request",
                    pointer,
                    expected,
                    actual,
                )
