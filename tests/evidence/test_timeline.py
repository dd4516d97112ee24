"""The statuses of a run are certain between observations without an action."""

from runs_conformance.evidence.run_timeline import (
    RunTimeline,
    find_run,
    lifetime,
    maximum_age,
    minimum_age,
    run_observations,
    runs,
    runs_of_thread,
)
from runs_conformance.model.exchange import Completion, Event, Exchange, Request, Response
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON
from tests.rules.histories import HistoryBuilder, run


def _observe(
    index: int, status: str, *, started: float | None = None, ended: float | None = None, **more: JSON
) -> Exchange:
    return _exchange(index, "get_run", {"id": "run_1", "thread_id": "t", "status": status, **more}, 200, started, ended)


def _action(index: int, operation: str, http_status: int = 200, **times: float) -> Exchange:
    return _exchange(index, operation, {}, http_status, times.get("started"), times.get("ended"))


def _exchange(
    index: int, operation: str, body: JSON, http_status: int, started: float | None, ended: float | None
) -> Exchange:
    return Exchange(
        id=f"x{index}",
        index=index,
        program="p",
        operation=operation,
        request=Request("GET" if operation == "get_run" else "POST", "/threads/t/runs/run_1"),
        response=Response(http_status, body=body),
        completion=Completion.ANSWERED,
        started=float(index) if started is None else started,
        ended=index + 0.5 if ended is None else ended,
        path={"thread_id": "t", "run_id": "run_1"},
    )


def _timeline(*exchanges: Exchange) -> RunTimeline:
    (timeline,) = runs(History.of(exchanges))
    return timeline


def test_overlapping_observations_are_not_paired() -> None:
    timeline = _timeline(
        _observe(0, "queued"), _observe(1, "completed", ended=3.0), _observe(2, "in_progress", started=1.5, ended=2.0)
    )
    assert [(a.status, b.status) for a, b in timeline.pairs()] == [("queued", "completed"), ("queued", "in_progress")]


def test_equal_status_before_and_after_without_action_held_throughout() -> None:
    message = _action(1, "create_message")
    assert _timeline(_observe(0, "requires_action"), message, _observe(2, "requires_action")).had_status_throughout(
        message, frozenset({"requires_action"})
    )
    assert not _timeline(_observe(0, "requires_action"), message, _observe(2, "expired")).had_status_throughout(
        message, frozenset({"requires_action"})
    )


def test_action_makes_a_status_uncertain_unless_refused() -> None:
    message = _action(2, "create_message")
    waiting = frozenset({"requires_action"})
    before, after = _observe(0, "requires_action"), _observe(3, "requires_action")
    assert not _timeline(before, _action(1, "submit_tool_outputs"), message, after).had_status_throughout(
        message, waiting
    )
    assert _timeline(before, _action(1, "submit_tool_outputs", 400), message, after).had_status_throughout(
        message, waiting
    )


def test_terminal_status_stays_certain() -> None:
    cancel = _action(1, "cancel_run", 400)
    assert _timeline(_observe(0, "completed"), cancel).had_ended_before(cancel)
    assert not _timeline(_observe(0, "in_progress"), cancel, _observe(2, "completed")).had_ended_before(cancel)


def test_run_that_is_active_afterwards_was_active_throughout() -> None:
    message = _action(1, "create_message")
    assert _timeline(_observe(0, "queued"), message, _observe(2, "in_progress")).was_active_throughout(message)
    assert not _timeline(_observe(0, "queued"), message, _observe(2, "completed")).was_active_throughout(message)


def test_events_of_one_stream_are_ordered() -> None:
    queued: JSON = {"id": "run_1", "thread_id": "t", "status": "queued"}
    later: JSON = {"id": "run_1", "thread_id": "t", "status": "in_progress"}
    stream = Exchange(
        id="x0",
        index=0,
        program="p",
        operation="create_run",
        request=Request("POST", "/threads/t/runs", body={"assistant_id": "a", "stream": True}),
        response=Response(
            200, events=(Event("thread.run.queued", queued, 0.1), Event("thread.run.in_progress", later, 0.1))
        ),
        completion=Completion.ANSWERED,
        started=0.0,
        ended=1.0,
        path={"thread_id": "t"},
    )
    timeline = _timeline(stream)
    assert [(a.status, b.status) for a, b in timeline.pairs()] == [("queued", "in_progress")]
    assert timeline.creation is stream
    assert timeline.creation_body == {"assistant_id": "a", "stream": True}


def _statuses(*statuses: str) -> HistoryBuilder:
    builder = HistoryBuilder()
    builder.see_statuses(*statuses)
    return builder


def test_observations_beside_an_exchange() -> None:
    builder = _statuses("queued")
    message = builder.refuse("create_message")
    builder.get_run(run("in_progress"))
    (timeline,) = runs(builder.history())
    before, after = timeline.latest_before(message), timeline.earliest_after(message)
    assert before is not None
    assert before.status == "queued"
    assert after is timeline.last
    assert timeline.latest_before(builder.exchanges[0]) is None
    assert timeline.earliest_after(builder.exchanges[-1]) is None


def test_run_that_is_reopened_after_its_end() -> None:
    (timeline,) = runs(_statuses("queued", "completed", "in_progress", "completed").history())
    assert [timeline.reopened_after_end(each) for each in timeline.observations] == [False, False, True, False]


def test_what_a_reopened_run_shows_is_a_consequence() -> None:
    history = _statuses("queued", "completed", "in_progress").history()
    assert [each.is_consequence for each in run_observations(history)] == [False, False, True]


def test_actions_between_an_observation_and_an_exchange() -> None:
    builder = _statuses("queued")
    builder.refuse("cancel_run")
    first = builder.refuse("create_message")
    builder.send("cancel_run", run("cancelling"))
    second = builder.refuse("create_message")
    (timeline,) = runs(builder.history())
    assert not timeline.has_action_between(timeline.observations[0], first)
    assert timeline.has_action_between(timeline.observations[0], second)
    assert len(timeline.actions("cancel_run")) == 2


def test_age_of_a_run() -> None:
    builder = _statuses("queued")
    builder.wait(10)
    builder.get_run(run("in_progress"))
    (timeline,) = runs(builder.history())
    assert minimum_age(timeline, timeline.last) == 11.0
    assert maximum_age(timeline, timeline.last) == 14.0
    assert lifetime(timeline) == 600.0


def test_age_and_lifetime_are_unknown_without_creation_and_expiry() -> None:
    builder = HistoryBuilder()
    builder.get_run(run("completed"))
    (timeline,) = runs(builder.history())
    assert maximum_age(timeline, timeline.last) is None
    assert lifetime(timeline) is None


def test_runs_of_a_thread() -> None:
    history = _statuses("queued").history()
    assert find_run(history, "run_a") is not None
    assert find_run(history, "run_b") is None
    assert len(list(runs_of_thread(history, "thread_a"))) == 1
    assert list(runs_of_thread(history, "thread_b")) == []
