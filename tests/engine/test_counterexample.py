"""The prerequisites of a counterexample, without other objects of the same name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.engine.counterexample import build_counterexample, counterexamples, smaller_counterexample
from runs_conformance.engine.dependencies import prerequisite_steps
from runs_conformance.model.case import DanglingReference, Ref, Role, Step
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, at
from runs_conformance.model.verdict import Finding, Tally

THREAD = Step(operation="create_thread", name="thread", role=Role.FIXTURE)
ASSISTANT = Step(operation="create_assistant", name="assistant", role=Role.FIXTURE, body={"model": "gpt-4o"})
MESSAGE = Step(operation="create_message", path={"thread_id": Ref("thread")}, body={"role": "user", "content": "Hi."})
CANCEL = Step(operation="cancel_run", path={"thread_id": Ref("thread"), "run_id": Ref("run")}, role=Role.CLEANUP)


def _run(limit: int, role: Role = Role.NEGATIVE) -> Step:
    body = {"assistant_id": Ref("assistant"), "max_prompt_tokens": limit}
    return Step(operation="create_run", name="run", path={"thread_id": Ref("thread")}, body=body, role=role)


def _history(*entries: tuple[Step, str, dict[str, str], int]) -> History:
    return History.of(
        Exchange(
            id=f"x{index}",
            index=index,
            program="p",
            operation=step.operation,
            request=Request("POST", "/", body={}),
            response=Response(http_status, body=_answer(id_)),
            completion=Completion.ANSWERED,
            started=float(index),
            ended=index + 0.5,
            step=step,
            path=path,
        )
        for index, (step, id_, path, http_status) in enumerate(entries)
    )


def _answer(id_: str) -> JSON:
    return {"id": id_}


def test_earlier_thread_of_the_same_name_is_no_prerequisite() -> None:
    first, second = {"thread_id": "thread_1"}, {"thread_id": "thread_2"}
    negative = _run(255)
    history = _history(
        (ASSISTANT, "asst_1", {}, 200),
        (THREAD, "thread_1", {}, 200),
        (_run(256, Role.CONTROL), "run_1", first, 200),
        (CANCEL, "run_1", {**first, "run_id": "run_1"}, 200),
        (THREAD, "thread_2", {}, 200),
        (_run(0), "", second, 400),
        (negative, "run_2", second, 200),
    )
    assert prerequisite_steps(history, history.exchanges[-1]) == [ASSISTANT, THREAD]


def test_successful_change_of_the_same_thread_is_a_prerequisite() -> None:
    here = {"thread_id": "thread_1"}
    read = Step(operation="list_messages", path={"thread_id": Ref("thread")}, role=Role.READ)
    history = _history(
        (THREAD, "thread_1", {}, 200),
        (MESSAGE, "msg_1", here, 200),
        (MESSAGE, "", here, 400),
        (read, "", here, 200),
    )
    assert prerequisite_steps(history, history.exchanges[-1]) == [THREAD, MESSAGE]


@pytest.mark.parametrize("rule", ["settings.model_is_as_asked", "run.model.type"])
def test_response_to_a_valid_request_is_shown_however_long_it_is(rule: str) -> None:
    constraint = "create_run.model.type"
    invalid = replace(_run(1), exercises=(constraint,))
    history = _history((_run(300_000, Role.CONTROL), "run_1", {}, 200), (invalid, "run_2", {}, 200))
    tally = Tally(2, [Finding("it is wrong", exchange) for exchange in ("x1", "x0")])
    first, second = (counterexamples(history, {id_: tally})[id_] for id_ in (rule, constraint))
    assert at(first, "/exchange") == "x0"
    assert at(second, "/exchange") == "x1"
    examples = [build_counterexample(history, rule, exchange) for exchange in reversed(history.exchanges)]
    assert smaller_counterexample(rule, *examples) is examples[1]
    assert smaller_counterexample(constraint, *examples) is examples[0]


@pytest.mark.parametrize(
    "unusual",
    [
        Step(operation="get_thread", path={"thread_id": " "}, role=Role.NEGATIVE, anomaly="space_as_id"),
        Step(operation="get_thread", path={"thread_id": "0"}, role=Role.NEGATIVE, dangling=DanglingReference.MALFORMED),
        Step(operation="get_thread", path={"thread_id": "0"}, role=Role.READ, anomaly="long_query"),
    ],
    ids=["odd id", "malformed id", "odd query"],
)
def test_response_to_an_ordinary_request_is_shown_before_one_to_an_unusual_one(unusual: Step) -> None:
    path = {"thread_id": "thread_1"}
    ordinary = Step(operation="get_thread", path={"thread_id": Ref("thread")}, role=Role.READ)
    history = _history((unusual, "thread_1", {"thread_id": "0"}, 200), (ordinary, "thread_1", path, 200))
    tally = Tally(2, [Finding("it is wrong", exchange) for exchange in ("x0", "x1")])
    assert at(counterexamples(history, {"metadata.is_kept": tally})["metadata.is_kept"], "/exchange") == "x1"
    examples = [build_counterexample(history, "metadata.is_kept", exchange) for exchange in history.exchanges]
    assert smaller_counterexample("metadata.is_kept", *examples) is examples[1]


def test_list_of_all_assistants_is_shown_only_without_another_response() -> None:
    listing = Step(operation="list_assistants", role=Role.READ)
    history = _history((ASSISTANT, "asst_1", {}, 200), (listing, "asst_1", {}, 200))
    findings = [Finding("it is wrong", exchange) for exchange in ("x1", "x0")]
    for shown, expected in ((findings, "x0"), (findings[:1], "x1")):
        examples = counterexamples(history, {"assistant.name.type": Tally(2, shown)})
        assert at(examples["assistant.name.type"], "/exchange") == expected
