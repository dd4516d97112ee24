"""The memory that a target's responses may take."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from runs_conformance.client.recorder import NullRecorder
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.memory import MAX_PROGRAM_BYTES, MAX_SHOWN_BYTES, bound_value, response_cost
from runs_conformance.engine.reported_findings import limit_findings
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.json import JSON
from runs_conformance.model.verdict import Finding, Tally


def _exchange(index: int, response: Response) -> Exchange:
    return Exchange(
        id=f"x{index}",
        index=index,
        program="p",
        operation="get_thread",
        request=Request("GET", "/threads/thread_1"),
        response=response,
        completion=Completion.ANSWERED,
        started=index,
        ended=index,
    )


def test_answers_of_a_program_take_bounded_memory() -> None:
    collector = Collector(NullRecorder(), Budget())
    recorded = [
        collector.record(_exchange(number, Response(200, {}, ["x" * 1_000_000], size=1_000_000)))
        for number in range(40)
    ]
    assert recorded[0].response is not None
    assert recorded[0].response.defects == ()
    assert recorded[-1].response is not None
    assert recorded[-1].response.defects == ("too_large",)
    assert sum(response_cost(replace(each).response) for each in recorded) <= MAX_PROGRAM_BYTES + 40 * 4096 * 25
    small = collector.record(_exchange(41, Response(200, {}, {"id": "thread_1"}, size=20)))
    assert small.body == {"id": "thread_1"}
    collector.take("p")
    again = collector.record(_exchange(42, Response(200, {}, ["x" * 1_000_000], size=1_000_000)))
    assert again.response is not None
    assert again.response.defects == ()


def test_findings_keep_the_beginning_of_large_values() -> None:
    tally = Tally()
    tally.add(Finding("m" * 10_000, actual={"items": [{}] * 100_000, "text": "x" * 100_000}, expected="short"))
    [finding] = limit_findings(tally).findings
    assert len(finding.message) < 5_000
    assert finding.expected == "short"
    assert len(json.dumps(finding.actual)) < MAX_SHOWN_BYTES


def test_small_values_are_shown_whole() -> None:
    value = {"a": [1, None, {"b": "c"}]}
    assert bound_value(value) is value


class _CountedObject(dict[str, JSON]):
    visits = 0

    def values(self) -> Any:
        _CountedObject.visits += 1
        return super().values()


def test_only_the_beginning_of_a_large_value_is_measured_to_bound_it() -> None:
    bound_value([_CountedObject(a="b") for _ in range(20_000)])
    assert _CountedObject.visits < 1_000
