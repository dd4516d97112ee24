"""When an exchange counts as accepted."""

from __future__ import annotations

from typing import Any

import pytest

from runs_conformance.model.exchange import Completion, Event, Exchange, Request, Response


def _stream(*events: tuple[str, Any]) -> Response:
    return Response(200, events=tuple(Event(name, data) for name, data in events))


@pytest.mark.parametrize(
    ("response", "accepted"),
    [
        (Response(200, body={"id": "run_a", "last_error": None}), True),
        (Response(200, body={"id": "run_a", "error": {"message": "x"}}), True),
        (Response(200, body={"error": {"message": "No."}}), False),
        (Response(200, body={"error": "No."}), False),
        (Response(200, body={"error": None, "object": "list"}), True),
        (Response(200, body={"detail": "Not found"}), False),
        (Response(200, body={"message": "No.", "type": "invalid_request_error", "code": None}), False),
        (Response(200, body={"message": "Deleted."}), True),
        (Response(200, body={"message": "Run cancelled.", "status": "cancelled", "code": 200}), True),
        (Response(200, body={"message": "No such run.", "statusCode": 404}), False),
        (Response(200, body={"success": False, "reason": "No."}), False),
        (Response(200, body={"success": True}), True),
        (Response(200, body={"object": "list", "data": [], "message": "No.", "code": 0}), True),
        (Response(200, text="<html>", defects=("not_json",)), False),
        (Response(200, text="event: done\ndata: [DONE]\n\n", defects=("not_json",)), True),
        (_stream(("error", {"message": "No."}), ("done", "[DONE]")), False),
        (_stream(("error", "No.")), False),
        (_stream(("", {"error": {"message": "No."}}), ("", "[DONE]")), False),
        (_stream(("", {"event": "error", "data": {}}), ("", {"event": "done", "data": "[DONE]"})), False),
        (_stream(("thread.run.created", {"id": "run_a"}), ("error", {"message": "No."})), True),
        (_stream(("thread.run.failed", {"id": "run_a", "error": "No."}), ("done", "[DONE]")), True),
        (_stream(("done", "[DONE]")), True),
        (_stream(), True),
        (Response(204), True),
        (Response(404, body={"error": {"message": "No."}}), False),
    ],
)
def test_success_status_is_accepted_unless_the_content_contradicts_it(response: Response, accepted: bool) -> None:
    request = Request("GET", "/threads/thread_a/runs/run_a")
    exchange = Exchange(
        id="x1",
        index=1,
        program="literal",
        operation="get_run",
        request=request,
        response=response,
        completion=Completion.ANSWERED,
        started=1.0,
        ended=2.0,
    )
    assert exchange.accepted is accepted
    assert exchange.has_success_status is (response.status < 300)
    assert not (exchange.refused and response.status < 300)
