"""Steps that reproduce a violation are added to its counterexample."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from runs_conformance.app.attach_steps import attach_larger_steps, attach_late_steps, attach_steps, attach_timed_steps
from runs_conformance.engine.budget import Counts
from runs_conformance.engine.counterexample import build_counterexample
from runs_conformance.engine.plan_result import RunResult
from runs_conformance.engine.program_verdicts import HistoryJudge
from runs_conformance.model.case import Ref, Role, Step, step_to_json
from runs_conformance.model.exchange import Completion, Exchange, Request, Response, exchange_to_json
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, at
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed
from runs_conformance.model.verdict import Result
from runs_conformance.rules.metadata import is_shown_in_the_response
from runs_conformance.rules.threads.tool_resources import show_their_tool_resources
from tests.rules.histories import HistoryBuilder, thread

LISTED = Step(operation="list_assistants", name="listed")
READ = Step(operation="get_assistant", path={"assistant_id": Ref("listed", "/data/0/id")})


def _all(history: History) -> Iterable[History]:
    return [history]


@rule(units=_all, level=Level.MUST, source=observed("made up"), capability="core")
def nothing_is_read(history: History) -> Iterator[Result]:
    """No assistant is read."""
    yield from (read.finding("read") for read in history if read.operation == "get_assistant")


def _exchange(index: int, step: Step, body: JSON, **path: str) -> Exchange:
    return Exchange(
        id=f"x{index}",
        index=index,
        program="p",
        operation=step.operation,
        request=Request("GET", "/"),
        response=Response(200, body=body),
        completion=Completion.ANSWERED,
        started=float(index),
        ended=index + 0.5,
        step=step,
        path=path,
    )


def _write(path: Path, exchanges: Iterable[Exchange]) -> Path:
    lines = ({"type": "exchange", **exchange_to_json(each)} for each in exchanges)
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    return path


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ([{"id": "asst_1"}], {"listed": ""}),
        ({"items": [{"id": "asst_1"}]}, {"listed": "/items"}),
        ({"data": [{"id": "asst_1"}]}, None),
    ],
)
def test_places_of_items_are_recorded_unless_they_are_as_documented(body: JSON, places: JSON) -> None:
    read = _exchange(2, READ, {"id": "asst_1"}, assistant_id="asst_1")
    history = History.of([_exchange(1, LISTED, body), read], "p")
    judge = HistoryJudge({nothing_is_read.id: nothing_is_read}, ())
    found = build_counterexample(history, nothing_is_read.id, read)
    result = RunResult({}, {nothing_is_read.id: found}, {}, Counts(), ("p",))
    example = attach_steps(result, [history], judge).counterexamples[nothing_is_read.id]
    assert at(example, "/steps") == [step_to_json(LISTED), step_to_json(READ)]
    assert (at(example, "/items_at") == places) if places else "items_at" not in str(example)


def test_a_counterexample_gets_more_steps_if_there_are_more(tmp_path: Path) -> None:
    other = Step(operation="list_assistants", name="other")
    exchanges = [_exchange(1, other, {}), _exchange(2, LISTED, {}), _exchange(3, READ, {}, assistant_id="asst_1")]
    path = _write(tmp_path / "history.jsonl", exchanges)
    judge = HistoryJudge({nothing_is_read.id: nothing_is_read}, ())
    found = build_counterexample(History.of(exchanges, "p"), nothing_is_read.id, exchanges[-1])
    result = RunResult({}, {nothing_is_read.id: found}, {}, Counts(), ("p",))
    result = attach_steps(result, [History.of(exchanges, "p")], judge)
    larger = attach_larger_steps(result, [nothing_is_read.id], path, judge)
    assert at(larger.counterexamples[nothing_is_read.id], "/steps") == [*map(step_to_json, (other, LISTED, READ))]
    assert attach_larger_steps(larger, [nothing_is_read.id], path, judge).counterexamples == {}


def test_a_counterexample_gets_the_pauses_of_the_test_run(tmp_path: Path) -> None:
    created = Step(operation="create_thread_and_run", name="run", body={"assistant_id": "asst_1"})
    read = Step(operation="get_assistant", path={"assistant_id": Ref("run", "/assistant_id")})
    exchanges = [
        _exchange(1, created, {"id": "run_1", "assistant_id": "asst_1"}),
        _exchange(2, read, {}, assistant_id="asst_1"),
    ]
    path = _write(tmp_path / "history.jsonl", exchanges)
    judge = HistoryJudge({nothing_is_read.id: nothing_is_read}, ())
    found = build_counterexample(History.of(exchanges, "p"), nothing_is_read.id, exchanges[-1])
    result = RunResult({}, {nothing_is_read.id: found}, {}, Counts(), ("p",))
    result = attach_steps(result, [History.of(exchanges, "p")], judge)
    assert at(result.counterexamples[nothing_is_read.id], "/steps/1") == step_to_json(read)
    timed = attach_timed_steps(result, [nothing_is_read.id], path, judge)
    assert at(timed.counterexamples[nothing_is_read.id], "/steps/1") == step_to_json(replace(read, pause=0.5))
    assert not attach_timed_steps(timed, [nothing_is_read.id], path, judge).counterexamples
    late = attach_late_steps(timed, [nothing_is_read.id])
    assert at(late.counterexamples[nothing_is_read.id], "/steps/1") == step_to_json(replace(read, pause=1.1))
    assert not attach_late_steps(late, [nothing_is_read.id]).counterexamples


def test_metadata_that_the_session_added_is_in_the_steps_of_a_finding_on_metadata() -> None:
    builder = HistoryBuilder()
    fixture = Step(operation="create_thread", name="thread", body={"messages": []}, role=Role.FIXTURE)
    sent = {"messages": [], "metadata": {"runs-conformance": "20261130"}}
    created = builder.send("create_thread", thread(), body=sent, step=fixture)
    result = {}
    for rule_ in (is_shown_in_the_response, show_their_tool_resources):
        found = build_counterexample(builder.history(), rule_.id, created)
        judge = HistoryJudge({rule_.id: rule_}, ())
        attached = attach_steps(
            RunResult({}, {rule_.id: found}, {}, Counts(), ("literal",)), [builder.history()], judge
        )
        result[rule_.id] = at(attached.counterexamples[rule_.id], "/steps/0/body")
    assert [*result.values()] == [sent, {"messages": []}]
