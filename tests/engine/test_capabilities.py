from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.engine.capabilities import (
    collect_stats,
    error_signature,
    failed_prerequisite,
    merge_stats,
    missing_declared_capabilities,
    undelivered_streams,
    unsupported_capabilities,
)
from runs_conformance.model.case import Role, Step
from runs_conformance.model.exchange import Completion, Exchange, Request, Response

NO_ROUTE = {"detail": "Not Found"}
NO_RUN = {"error": {"message": "No run found with id 'run_abc123'.", "type": "invalid_request_error"}}


def exchange(operation: str, status: int, body: Any, role: Role = Role.ACT) -> Exchange:
    return Exchange(
        id="x1",
        index=1,
        program="p",
        operation=operation,
        request=Request("GET", "/"),
        response=Response(status, body=body),
        completion=Completion.ANSWERED,
        started=0,
        ended=1,
        step=Step(operation=operation, role=role),
    )


NOWHERE = error_signature(exchange("get_run", 404, NO_ROUTE))


def missing(*exchanges: Exchange, declared: tuple[str, ...] = ()) -> set[str]:
    return set(unsupported_capabilities(merge_stats(collect_stats([each], NOWHERE) for each in exchanges), declared))


def test_a_capability_without_any_route_is_not_offered() -> None:
    assert missing(exchange("cancel_run", 404, NO_ROUTE)) == {"cancel", "cancel_run"}
    assert missing(exchange("cancel_run", 405, None)) == {"cancel", "cancel_run"}


def test_an_object_that_is_missing_is_not_an_operation_that_is_missing() -> None:
    assert missing(exchange("cancel_run", 404, NO_RUN)) == set()


def test_one_acceptance_is_enough() -> None:
    assert missing(exchange("cancel_run", 404, NO_ROUTE), exchange("cancel_run", 200, {})) == set()


def test_one_operation_of_a_capability_is_enough() -> None:
    assert missing(exchange("list_runs", 404, NO_ROUTE), exchange("list_messages", 200, {})) == set()


def test_a_neighbour_may_be_missing_by_itself() -> None:
    assert missing(exchange("create_assistant", 405, None), exchange("create_thread", 200, {})) == {"create_assistant"}
    assert missing(exchange("create_assistant", 405, None), declared=("core",)) == set()


def test_the_core_is_not_optional() -> None:
    assert missing(exchange("get_run", 404, NO_ROUTE)) == set()


def test_what_is_declared_is_not_optional() -> None:
    assert missing(exchange("cancel_run", 404, NO_ROUTE), declared=("cancel",)) == set()


def test_answers_are_alike_whatever_the_path_and_the_ids() -> None:
    def said(method: str, path: str) -> str | None:
        text = f"Invalid URL ({method} {path})"
        return error_signature(exchange("get_run", 404, {"error": {"message": text}}))

    assert said("GET", "/v1/threads/thread_1/nothing") == said("POST", "/v1/threads/thread_2/runs/run_9/cancel")


def test_a_prerequisite_that_is_always_refused_is_named() -> None:
    refused = exchange("create_assistant", 400, {"error": {"message": "The model 'x' does not exist."}}, Role.FIXTURE)
    said = failed_prerequisite(collect_stats([refused], None))
    assert said is not None
    assert "create_assistant was refused every time: HTTP 400 The model 'x' does not exist." in said
    accepted = exchange("create_assistant", 200, {}, Role.FIXTURE)
    assert failed_prerequisite(collect_stats([refused, accepted], None)) is None


def streaming(status: int, body: Any, id_: str = "x1") -> Exchange:
    step = Step(operation="create_run", body={"stream": True}, stream=True)
    request = Request("POST", "/", body={"stream": True})
    return replace(exchange("create_run", status, body), id=id_, step=step, request=request)


NO_STREAMS = {"error": {"message": "Unsupported parameter: 'stream'.", "type": "invalid_request_error"}}


def test_streams_that_are_refused_with_a_word_about_them_are_not_offered() -> None:
    seen = collect_stats([streaming(400, NO_STREAMS), streaming(501, NO_STREAMS, "x2")], NOWHERE)
    lacking = unsupported_capabilities(seen)
    assert set(lacking) == {"streaming"}
    assert undelivered_streams(seen, lacking) == {"x1", "x2"}
    assert unsupported_capabilities(seen, ["streaming"]) == {}
    assert "declared to offer streaming" in missing_declared_capabilities(seen, ["streaming"])[0].message


def test_streams_that_fail_otherwise_are_offered_and_broken() -> None:
    upstream = {"error": {"message": "The upstream said no."}}
    for broken in (
        streaming(400, upstream),
        streaming(400, NO_RUN),
        streaming(500, NO_STREAMS),
        streaming(200, {"object": "thread.run"}),
    ):
        seen = collect_stats([broken], NOWHERE)
        assert unsupported_capabilities(seen) == {}
        assert undelivered_streams(seen, ()) == set()
    both = collect_stats([streaming(400, NO_STREAMS), streaming(200, {})], NOWHERE)
    assert unsupported_capabilities(both) == {}


def test_what_is_denied_is_not_offered_whatever_was_seen() -> None:
    lacking = unsupported_capabilities({}, denied=["cancel", "streaming"])
    assert set(lacking) == {"cancel", "cancel_run", "streaming"}


def test_a_promise_is_broken_once() -> None:
    seen = collect_stats([exchange("cancel_run", 404, NO_ROUTE), exchange("create_run", 200, {})], NOWHERE)
    assert [finding.operation for finding in missing_declared_capabilities(seen, ["cancel", "core"])] == [None]
    assert missing_declared_capabilities(seen, ["core"]) == []


def test_what_cannot_be_made_may_be_given() -> None:
    seen = collect_stats([exchange("create_assistant", 404, NO_ROUTE, Role.FIXTURE)], NOWHERE)
    assert "--use assistant=ID" in (failed_prerequisite(seen) or "")
    assert failed_prerequisite(seen, ["assistant"]) is None
    refused = collect_stats([exchange("create_assistant", 400, NO_RUN, Role.FIXTURE)], NOWHERE)
    assert "--model" in (failed_prerequisite(refused) or "")
