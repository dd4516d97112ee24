"""Minimal subhistories."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

from runs_conformance.engine.program_verdicts import HistoryJudge
from runs_conformance.engine.shrinking.subhistory import minimal_subhistory
from runs_conformance.model.case import REFUSES_BODY, Key, Mutation, Ref, Role, Step
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.history import History
from runs_conformance.model.rule import rule
from runs_conformance.model.source import Level, observed
from runs_conformance.model.verdict import PASSED, Result
from runs_conformance.rules import errors, robustness
from runs_conformance.rules.constraints import requests
from tests.rules.histories import HistoryBuilder, error, thread

LIMIT = "create_run.max_prompt_tokens.minimum"
REQUESTS = HistoryJudge({}, (("constraints of requests", requests.tallies),))


def _all(history: History) -> Iterable[History]:
    return [history]


@rule(units=_all, level=Level.MUST, source=observed("made up"), capability="core")
def created_threads_exist(history: History) -> Iterator[Result]:
    """A created thread exists until it is deleted."""
    creations = [exchange for exchange in history if exchange.operation == "create_thread"]
    for read in history:
        if read.operation in ("get_thread", "list_runs") and creations:
            yield PASSED if read.accepted else read.finding("forgotten")


INTRUSION = Step(operation="create_thread", key=Key.NONE, role=Role.NEGATIVE)


class _HistoryBuilder:
    """Builds a history step by step."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def step(self, step: Step, answer: str = "", http_status: int = 200, **path: str) -> Exchange:
        index = len(self.exchanges) + 1
        body = {"id": answer, "object": "thread.run", "status": "completed", "thread_id": path.get("thread_id")}
        exchange = Exchange(
            id=f"x{index}",
            index=index,
            program="p",
            operation=step.operation,
            request=Request("POST", "/", body=step.body),  # type: ignore[arg-type]
            response=Response(http_status, body=body),
            completion=Completion.ANSWERED,
            started=float(index),
            ended=index + 0.5,
            step=step,
            path=path,
        )
        self.exchanges.append(exchange)
        return exchange

    @property
    def history(self) -> History:
        return History.of(self.exchanges, "p")


def created(kind: str, name: str) -> Step:
    return Step(operation=f"create_{kind}", name=name, body={}, role=Role.FIXTURE)


def run(role: Role, tokens: int | None = None, **rest: object) -> Step:
    body = {"assistant_id": Ref("assistant"), **({} if tokens is None else {"max_prompt_tokens": tokens})}
    return Step(
        operation="create_run",
        name="run",
        path={"thread_id": Ref("thread")},
        body=body,
        role=role,
        **rest,  # type: ignore[arg-type]
    )


def on(operation: str, thread: str, **rest: object) -> Step:
    return Step(operation=operation, path={"thread_id": Ref(thread)}, **rest)  # type: ignore[arg-type]


def test_negative_keeps_only_its_controls_and_references() -> None:
    builder = _HistoryBuilder()
    builder.step(created("assistant", "assistant"), "asst_a")
    builder.step(created("thread", "thread"), "thread_a")
    builder.step(run(Role.CONTROL), "run_a", thread_id="thread_a")
    builder.step(run(Role.VALID, 257, exercises=("create_run.max_prompt_tokens.type",)), "run_b", thread_id="thread_a")
    builder.step(run(Role.VALID, 256, exercises=(LIMIT,)), "run_c", thread_id="thread_a")
    builder.step(created("thread", "thread"), "thread_b")
    mutation = Mutation("/max_prompt_tokens", "minimum", 256, 255)
    negative = run(Role.NEGATIVE, 255, exercises=(LIMIT,), mutation=mutation, expectation=REFUSES_BODY)
    failing = builder.step(negative, "run_d", thread_id="thread_b")
    builder.step(created("thread", "thread"), "thread_c")
    part = minimal_subhistory(builder.history, LIMIT, failing, REQUESTS)
    assert [exchange.id for exchange in part] == ["x1", "x2", "x3", "x5", "x6", "x7"]


def test_server_error_keeps_its_repetition_and_a_later_accepted_request() -> None:
    builder = _HistoryBuilder()
    builder.step(created("assistant", "assistant"), "asst_a")
    builder.step(created("thread", "thread"), "thread_a")
    builder.step(run(Role.CONTROL), "run_a", thread_id="thread_a")
    for tokens in range(20):
        builder.step(run(Role.VALID, 300 + tokens), f"run_{tokens}", thread_id="thread_a")
    mutation = Mutation("/max_prompt_tokens", "minimum", 256, 255)
    negative = run(Role.NEGATIVE, 255, exercises=(LIMIT,), mutation=mutation, expectation=REFUSES_BODY)
    for _ in range(2):
        failing = builder.step(negative, http_status=500, thread_id="thread_a")
    valid = run(Role.VALID, 256, exercises=(LIMIT,))
    builder.step(valid, "run_v", thread_id="thread_a")
    part = minimal_subhistory(builder.history, LIMIT, failing, REQUESTS)
    assert [exchange.id for exchange in part] == ["x1", "x2", "x3", "x24", "x25", "x26"]


def test_request_whose_unread_body_was_read_as_the_failing_one_is_kept() -> None:
    builder = HistoryBuilder()
    left, other = {"metadata": {"a": "b"}}, {"metadata": {"b": "a"}}
    for body in (left, other, left, other):
        builder.refuse("create_thread", 401, body=body, step=INTRUSION)
    text = f"{json.dumps(left)}POST /threads"
    builder.send("create_thread", error(f"Bad request: {text}"), 501, body={}, step=INTRUSION)
    history = builder.history()
    broken = errors.requests_do_not_break_the_server
    part = minimal_subhistory(history, broken.id, [*history][-1], HistoryJudge({broken.id: broken}))
    assert [exchange.id for exchange in part] == ["x2", "x4"]


def test_probe_that_breaks_the_server_keeps_its_repetition_and_the_requests_around_it() -> None:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), step=Step(operation="create_thread", name="thread"))
    probe = on("create_message", "thread", role=Role.NEGATIVE, anomaly="malformed_json", probe=True)
    for text in ("{", "[", "'"):
        for _ in range(2):
            sent = builder.send("create_message", error("It broke."), 500, step=probe)
            builder.exchanges[-1] = replace(sent, request=replace(sent.request, text=text))
            builder.send("get_thread", thread(), step=on("get_thread", "thread"))
    history = builder.history()
    broken = robustness.odd_requests_do_not_break_the_server
    failing = next(each for each in history if each.request.text == "[")
    part = minimal_subhistory(history, broken.id, failing, HistoryJudge({broken.id: broken}))
    assert [each.operation for each in part] == ["create_thread", "create_message", "create_message", "get_thread"]
    assert {each.request.text for each in part if each.operation == "create_message"} == {"["}


@pytest.mark.parametrize(
    ("read", "expected"),
    [("get_thread", ["x2", "x6"]), ("list_runs", ["x2", "x4", "x6"])],
)
def test_other_changes_of_the_thread_are_kept_only_for_lists(read: str, expected: list[str]) -> None:
    builder = _HistoryBuilder()
    builder.step(created("thread", "other"), "thread_b")
    builder.step(created("thread", "thread"), "thread_a")
    builder.step(on("list_messages", "thread", role=Role.READ), thread_id="thread_a")
    builder.step(on("modify_thread", "thread", body={}), "thread_a", thread_id="thread_a")
    builder.step(on("modify_thread", "other", body={}), "thread_b", thread_id="thread_b")
    failing = builder.step(on(read, "thread", role=Role.READ), http_status=404, thread_id="thread_a")
    part = minimal_subhistory(
        builder.history,
        created_threads_exist.id,
        failing,
        HistoryJudge({created_threads_exist.id: created_threads_exist}),
    )
    assert [exchange.id for exchange in part] == expected


@rule(units=_all, level=Level.MUST, source=observed("made up"), capability="core")
def runs_complete(history: History) -> Iterator[Result]:
    """A run that is created or read completes."""
    for exchange in history:
        if exchange.operation in ("create_run", "get_run"):
            yield PASSED if exchange.accepted else exchange.finding("it does not")


def part_that_fails(history: History, failing: Exchange, larger_than: int = 0) -> list[str]:
    judge = HistoryJudge({runs_complete.id: runs_complete})
    return [each.id for each in minimal_subhistory(history, runs_complete.id, failing, judge, larger_than)]


def message(text: str) -> Step:
    return on("create_message", "thread", body={"role": "user", "content": text})


READ_RUN = Step(operation="get_run", path={"thread_id": Ref("thread"), "run_id": Ref("run")}, role=Role.READ)
CANCEL = Step(operation="cancel_run", path={"thread_id": Ref("thread"), "run_id": Ref("run")})


def test_messages_that_a_run_responds_to_are_kept() -> None:
    builder = _HistoryBuilder()
    builder.step(created("assistant", "assistant"), "asst_a")
    builder.step(created("thread", "other"), "thread_b")
    builder.step(created("thread", "thread"), "thread_a")
    builder.step(message("long"), "msg_a", thread_id="thread_a")
    builder.step(message("refused"), http_status=400, thread_id="thread_a")
    builder.step(message("elsewhere"), "msg_b", thread_id="thread_b")
    builder.step(run(Role.ACT), "run_a", thread_id="thread_a")
    builder.step(message("late"), "msg_c", thread_id="thread_a")
    failing = builder.step(READ_RUN, http_status=500, thread_id="thread_a", run_id="run_a")
    assert part_that_fails(builder.history, failing) == ["x1", "x3", "x4", "x7", "x9"]


def test_a_response_that_only_shows_a_new_run_depends_on_no_message() -> None:
    builder = _HistoryBuilder()
    builder.step(created("assistant", "assistant"), "asst_a")
    builder.step(created("thread", "thread"), "thread_a")
    builder.step(message("long"), "msg_a", thread_id="thread_a")
    failing = builder.step(run(Role.ACT), http_status=500, thread_id="thread_a")
    assert part_that_fails(builder.history, failing) == ["x1", "x2", "x4"]


def test_what_overlaps_with_the_failing_request_on_the_same_run_is_kept() -> None:
    builder = _HistoryBuilder()
    builder.step(created("assistant", "assistant"), "asst_a")
    builder.step(created("thread", "thread"), "thread_a")
    builder.step(run(Role.ACT), "run_a", thread_id="thread_a")
    failing = builder.step(READ_RUN, http_status=500, thread_id="thread_a", run_id="run_a")
    for started in (failing.ended - 0.1, failing.ended + 0.1):
        builder.step(CANCEL, "run_a", thread_id="thread_a", run_id="run_a")
        builder.exchanges[-1] = replace(builder.exchanges[-1], started=started, ended=started + 0.05)
    assert part_that_fails(builder.history, failing) == ["x1", "x2", "x3", "x4", "x5"]


def test_a_larger_part_has_more_steps_and_still_fails() -> None:
    builder = _HistoryBuilder()
    builder.step(created("assistant", "assistant"), "asst_a")
    builder.step(created("thread", "thread"), "thread_a")
    builder.step(on("modify_thread", "thread", body={}), "thread_a", thread_id="thread_a")
    builder.step(created("thread", "other"), "thread_b")
    builder.step(run(Role.ACT), "run_a", thread_id="thread_a")
    failing = builder.step(READ_RUN, http_status=500, thread_id="thread_a", run_id="run_a")
    builder.step(CANCEL, "run_a", thread_id="thread_a", run_id="run_a")
    sizes = (4, 5, 6, 7)
    assert [part_that_fails(builder.history, failing, larger_than) for larger_than in (0, *sizes)] == [
        ["x1", "x2", "x5", "x6"],
        ["x1", "x2", "x3", "x5", "x6"],
        ["x1", "x2", "x3", "x5", "x6", "x7"],
        ["x1", "x2", "x3", "x4", "x5", "x6", "x7"],
        ["x1", "x2", "x3", "x4", "x5", "x6", "x7"],
    ]


def test_whole_history_is_kept_if_no_part_fails() -> None:
    builder = _HistoryBuilder()
    failing = builder.step(created("thread", "thread"), "thread_a")
    builder.step(created("thread", "other"), "thread_b")
    part = minimal_subhistory(
        builder.history,
        created_threads_exist.id,
        failing,
        HistoryJudge({created_threads_exist.id: created_threads_exist}),
    )
    assert [exchange.id for exchange in part] == ["x1", "x2"]
