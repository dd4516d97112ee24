"""What is certain of a run at the moment of an exchange, and what is not."""

from runs_conformance.evidence.timeline import RunTimeline, runs
from runs_conformance.model.exchange import Completion, Event, Exchange, Request, Response
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON


def _seen(
    index: int, status: str, *, started: float | None = None, ended: float | None = None, **more: JSON
) -> Exchange:
    return _exchange(index, "get_run", {"id": "run_1", "thread_id": "t", "status": status, **more}, 200, started, ended)


def _act(index: int, operation: str, http_status: int = 200, **times: float) -> Exchange:
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


def _line(*exchanges: Exchange) -> RunTimeline:
    (line,) = runs(History.of(exchanges))
    return line


def test_overlapping_looks_have_no_order() -> None:
    line = _line(_seen(0, "queued"), _seen(1, "completed", ended=3.0), _seen(2, "in_progress", started=1.5, ended=2.0))
    assert [(a.status, b.status) for a, b in line.pairs()] == [("queued", "completed"), ("queued", "in_progress")]


def test_a_status_seen_on_both_sides_with_no_act_between_held_throughout() -> None:
    message = _act(1, "create_message")
    assert _line(_seen(0, "requires_action"), message, _seen(2, "requires_action")).had_status_throughout(
        message, frozenset({"requires_action"})
    )
    assert not _line(_seen(0, "requires_action"), message, _seen(2, "expired")).had_status_throughout(
        message, frozenset({"requires_action"})
    )


def test_an_act_between_makes_a_status_uncertain_unless_it_was_refused() -> None:
    message = _act(2, "create_message")
    waiting = frozenset({"requires_action"})
    looks = _seen(0, "requires_action"), _seen(3, "requires_action")
    assert not _line(looks[0], _act(1, "submit_tool_outputs"), message, looks[1]).had_status_throughout(
        message, waiting
    )
    assert _line(looks[0], _act(1, "submit_tool_outputs", 400), message, looks[1]).had_status_throughout(
        message, waiting
    )


def test_a_terminal_status_is_certain_from_then_on() -> None:
    cancel = _act(1, "cancel_run", 400)
    assert _line(_seen(0, "completed"), cancel).had_ended_before(cancel)
    assert not _line(_seen(0, "in_progress"), cancel, _seen(2, "completed")).had_ended_before(cancel)


def test_a_run_seen_active_afterwards_was_active_all_along() -> None:
    message = _act(1, "create_message")
    assert _line(_seen(0, "queued"), message, _seen(2, "in_progress")).was_active_throughout(message)
    assert not _line(_seen(0, "queued"), message, _seen(2, "completed")).was_active_throughout(message)


def test_events_of_one_stream_have_the_order_of_the_stream() -> None:
    run: JSON = {"id": "run_1", "thread_id": "t", "status": "queued"}
    later: JSON = {"id": "run_1", "thread_id": "t", "status": "in_progress"}
    stream = Exchange(
        id="x0",
        index=0,
        program="p",
        operation="create_run",
        request=Request("POST", "/threads/t/runs", body={"assistant_id": "a", "stream": True}),
        response=Response(
            200, events=(Event("thread.run.queued", run, 0.1), Event("thread.run.in_progress", later, 0.1))
        ),
        completion=Completion.ANSWERED,
        started=0.0,
        ended=1.0,
        path={"thread_id": "t"},
    )
    line = _line(stream)
    assert [(a.status, b.status) for a, b in line.pairs()] == [("queued", "in_progress")]
    assert line.creation is stream
    assert line.creation_body == {"assistant_id": "a", "stream": True}
