"""An operation is not offered if all its responses are those of a missing route."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.engine.capabilities import (
    capabilities_not_offered,
    collect_stats,
    declared_capabilities_not_offered,
    error_signature,
    failed_prerequisite,
    merge_stats,
    operations_not_offered,
    undelivered_streams,
)
from runs_conformance.engine.preflight import UNKNOWN_PATH, signatures_in
from runs_conformance.model.case import DanglingReference, Role, Step
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


NO_ROUTES = frozenset({(404, "members: detail, Not Found"), (404, "members: detail, Thread runs not found")})


def not_offered(*exchanges: Exchange, declared: tuple[str, ...] = ()) -> set[str]:
    return set(capabilities_not_offered(merge_stats(collect_stats([each], NO_ROUTES) for each in exchanges), declared))


def test_capability_without_any_route_is_unsupported() -> None:
    assert not_offered(exchange("cancel_run", 404, NO_ROUTE)) == {"cancel", "cancel_run"}
    assert not_offered(exchange("cancel_run", 405, None)) == {"cancel", "cancel_run"}


def test_missing_object_is_not_a_missing_route() -> None:
    assert not_offered(exchange("cancel_run", 404, NO_RUN)) == set()


def test_one_accepted_request_proves_support() -> None:
    assert not_offered(exchange("cancel_run", 404, NO_ROUTE), exchange("cancel_run", 200, {})) == set()


def test_one_supported_operation_proves_the_capability() -> None:
    assert not_offered(exchange("list_runs", 404, NO_ROUTE), exchange("list_messages", 200, {})) == {"list_runs"}


def test_a_failing_operation_is_not_a_missing_one() -> None:
    missing = exchange("get_run_step", 404, NO_ROUTE)
    assert not_offered(exchange("list_run_steps", 500, None), missing) == {"get_run_step"}
    hanging = replace(exchange("list_run_steps", 200, None), response=None, completion=Completion.UNKNOWN)
    assert not_offered(hanging, missing) == {"get_run_step"}


def test_an_object_that_does_not_exist_says_nothing_about_the_route() -> None:
    sent = exchange("get_run_step", 404, NO_ROUTE)
    step = Step(operation="get_run_step", dangling=DanglingReference.UNKNOWN)
    assert not_offered(replace(sent, step=step)) == set()


def test_an_object_whose_ids_only_a_missing_list_shows_has_no_route_either() -> None:
    step = Step(operation="get_run_step", dangling=DanglingReference.UNKNOWN)
    unknown = replace(exchange("get_run_step", 404, NO_ROUTE), step=step)
    missing = exchange("list_run_steps", 404, NO_ROUTE)
    assert not_offered(unknown, missing) == {"steps", "get_run_step", "list_run_steps"}
    assert not_offered(unknown, exchange("list_run_steps", 500, None)) == set()
    assert not_offered(unknown, exchange("list_run_steps", 200, {})) == set()
    told = replace(exchange("get_run_step", 404, {"error": {"message": "No run step found."}}), step=step)
    assert not_offered(told, missing) == {"list_run_steps"}


def test_single_failures_do_not_hide_a_missing_route() -> None:
    missing = exchange("cancel_run", 404, NO_ROUTE)
    assert not_offered(missing, missing, exchange("cancel_run", 500, None)) == {"cancel", "cancel_run"}


def test_all_operations_of_a_missing_capability_are_missing() -> None:
    answers = [exchange("list_run_steps", 404, NO_ROUTE), exchange("list_runs", 405, None)]
    stats = collect_stats([*answers, exchange("list_messages", 200, {})], NO_ROUTES)
    assert operations_not_offered(stats) == ("list_runs", "list_run_steps", "get_run_step")
    assert operations_not_offered(stats, declared_absent=("steps",)) == ("list_runs",)


def test_prerequisite_operation_may_be_missing_individually() -> None:
    assert not_offered(exchange("create_assistant", 405, None), exchange("create_thread", 200, {})) == {
        "create_assistant"
    }
    assert not_offered(exchange("create_assistant", 405, None), declared=("core",)) == set()


def test_core_is_not_optional() -> None:
    assert not_offered(exchange("get_run", 404, NO_ROUTE)) == set()


def test_declared_capability_is_not_optional() -> None:
    assert not_offered(exchange("cancel_run", 404, NO_ROUTE), declared=("cancel",)) == set()


def test_error_signature_ignores_paths_and_ids() -> None:
    def signature(method: str, path: str) -> str | None:
        text = f"Invalid URL ({method} {path})"
        return error_signature(exchange("get_run", 404, {"error": {"message": text}}))

    assert signature("GET", "/v1/threads/thread_1/nothing") == signature(
        "POST", "/v1/threads/thread_2/runs/run_9/cancel"
    )


def test_prerequisite_that_is_always_refused_is_reported() -> None:
    refused = exchange("create_assistant", 400, {"error": {"message": "The model 'x' does not exist."}}, Role.FIXTURE)
    message = failed_prerequisite(collect_stats([refused], ()))
    assert message is not None
    assert "create_assistant was refused every time: HTTP 400 The model 'x' does not exist." in message
    accepted = exchange("create_assistant", 200, {}, Role.FIXTURE)
    assert failed_prerequisite(collect_stats([refused, accepted], ())) is None


def streaming(status: int, body: Any, id_: str = "x1") -> Exchange:
    step = Step(operation="create_run", body={"stream": True}, stream=True)
    request = Request("POST", "/", body={"stream": True})
    return replace(exchange("create_run", status, body), id=id_, step=step, request=request)


NO_STREAMS = {"error": {"message": "Unsupported parameter: 'stream'.", "type": "invalid_request_error"}}


def test_streaming_is_unsupported_if_a_refusal_mentions_it() -> None:
    stats = collect_stats([streaming(400, NO_STREAMS), streaming(501, NO_STREAMS, "x2")], NO_ROUTES)
    names_not_offered = capabilities_not_offered(stats)
    assert set(names_not_offered) == {"streaming"}
    assert undelivered_streams(stats, names_not_offered) == {"x1", "x2"}
    assert capabilities_not_offered(stats, ["streaming"]) == {}
    assert "streaming is declared as offered" in declared_capabilities_not_offered(stats, ["streaming"])[0].message


def test_streaming_is_supported_if_it_fails_otherwise() -> None:
    upstream = {"error": {"message": "The upstream message no."}}
    for broken in (
        streaming(400, upstream),
        streaming(400, NO_RUN),
        streaming(500, NO_STREAMS),
        streaming(200, {"object": "thread.run"}),
    ):
        stats = collect_stats([broken], NO_ROUTES)
        assert capabilities_not_offered(stats) == {}
        assert undelivered_streams(stats, ()) == set()
    mixed = collect_stats([streaming(400, NO_STREAMS), streaming(200, {})], NO_ROUTES)
    assert capabilities_not_offered(mixed) == {}


def test_capability_declared_absent_is_unsupported() -> None:
    names_not_offered = capabilities_not_offered({}, declared_absent=["cancel", "streaming"])
    assert set(names_not_offered) == {"cancel", "cancel_run", "streaming"}


def test_missing_declared_capability_is_reported_once() -> None:
    stats = collect_stats([exchange("cancel_run", 404, NO_ROUTE), exchange("create_run", 200, {})], NO_ROUTES)
    assert [finding.operation for finding in declared_capabilities_not_offered(stats, ["cancel", "core"])] == [None]
    assert declared_capabilities_not_offered(stats, ["core"]) == []


def test_given_object_replaces_a_prerequisite() -> None:
    stats = collect_stats([exchange("create_assistant", 404, NO_ROUTE, Role.FIXTURE)], NO_ROUTES)
    assert "--use assistant=ID" in (failed_prerequisite(stats) or "")
    assert failed_prerequisite(stats, ["assistant"]) is None
    refused = collect_stats([exchange("create_assistant", 400, NO_RUN, Role.FIXTURE)], NO_ROUTES)
    assert "--model" in (failed_prerequisite(refused) or "")


def test_frameworks_tell_a_missing_object_from_a_missing_route_by_the_text() -> None:
    unknown = {"detail": "Thread thread_abc123 not found"}
    assert not_offered(exchange("cancel_run", 404, unknown)) == set()
    assert not_offered(exchange("cancel_run", 404, NO_ROUTE)) == {"cancel", "cancel_run"}


def probe(path: str, status: int, body: Any) -> Exchange:
    return replace(exchange("", status, body), operation=None, step=None, request=Request("GET", path))


def test_operation_whose_path_is_interpreted_as_a_thread_is_missing() -> None:
    shadowed = {"detail": "Thread runs not found"}
    no_route = signatures_in([probe(UNKNOWN_PATH, 404, NO_ROUTE), probe("/threads/runs", 404, shadowed)])
    stats = collect_stats([exchange("create_thread_and_run", 404, shadowed)], no_route)
    assert capabilities_not_offered(stats)["create_thread_and_run"] == (
        "the target does not offer create_and_run: it has no POST /threads/runs, or the route of "
        "/threads/{thread_id} takes its requests"
    )
    other = collect_stats([exchange("create_thread_and_run", 404, {"detail": "Assistant asst_1 not found"})], no_route)
    assert capabilities_not_offered(other) == {}


def test_missing_thread_is_no_missing_route_unless_it_is_named_runs() -> None:
    missing = {"error": {"message": "No such thread"}}
    assert signatures_in([probe("/threads/runs", 404, missing)]) == frozenset()
    assert signatures_in([probe("/threads/runs", 500, {"detail": "Thread runs not found"})]) == frozenset()
