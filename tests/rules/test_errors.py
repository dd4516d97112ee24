from __future__ import annotations

from typing import Any

from runs_conformance.model.case import Step
from runs_conformance.model.history import History
from runs_conformance.model.tag import probe
from runs_conformance.rules import errors
from tests.rules.examples import breaks, holds, legal, undecided
from tests.rules.histories import Told, error, run, thread


def answered(status: int, body: Any, dialect: str = "openai", **rest: Any) -> History:
    tell = Told(dialect)
    tell.send("get_run", body, status, **rest)
    return tell.history()


@holds(
    errors.message_is_a_text,
    errors.type_param_and_code_are_present,
    errors.type_is_invalid_request_error,
    errors.content_type_is_json,
    errors.no_error_shows_the_server_from_inside,
)
def test_error_of_the_service() -> History:
    return answered(404, error("No run found with id 'run_a'."))


@breaks(errors.message_is_a_text, at="/error/message")
def test_detail_of_a_framework() -> History:
    return answered(422, {"detail": [{"loc": ["body"], "msg": "Field required"}]})


@breaks(errors.message_is_a_text)
def test_error_as_a_text() -> History:
    return answered(400, {"error": "No."})


@breaks(errors.type_param_and_code_are_present, at="/error")
def test_members_left_out_where_null() -> History:
    return answered(400, {"error": {"message": "No.", "type": "invalid_request_error"}})


AZURE = {"error": {"code": "404", "message": "Resource not found"}}


@holds(errors.message_is_a_text)
def test_gateway_of_azure() -> History:
    return answered(404, AZURE, "azure")


@undecided(errors.type_param_and_code_are_present)
def test_gateway_of_azure_leaves_members_out() -> History:
    return answered(404, AZURE, "azure")


@legal
def test_proxy_that_refuses_a_large_body() -> History:
    return answered(413, {})


@legal
def test_gateway_that_limits_the_rate_in_words_of_its_own() -> History:
    return answered(429, {"message": "slow down"})


@legal
def test_router_that_knows_no_such_path() -> History:
    return answered(404, {}, thread_id="thread_\r\nX: 1", answered={"content-type": "text/plain"})


@breaks(errors.type_is_invalid_request_error)
def test_type_made_up() -> History:
    told = error()
    told["error"]["type"] = "not_found_error"
    return answered(404, told)


@breaks(errors.content_type_is_json)
def test_error_under_another_content_type() -> History:
    return answered(404, error(), answered={"content-type": "text/html"})


@breaks(errors.no_error_shows_the_server_from_inside)
def test_traceback() -> History:
    return answered(500, error('Traceback (most recent call last):\n  File "/app/main.py", line 5, in run'))


@holds(errors.success_is_200)
def test_200() -> History:
    return answered(200, run())


@breaks(errors.success_is_200)
def test_201() -> History:
    return answered(201, run())


def broken(*statuses: int, tag: str = "") -> History:
    tell = Told()
    tell.send("create_thread", thread())
    for status in statuses:
        tell.send("get_run", error(), status, step=Step(operation="get_run", tag=tag))
    tell.send("get_thread", thread())
    return tell.history()


@holds(errors.requests_do_not_break_the_server)
def test_no_server_error() -> History:
    return broken(404, 200)


@breaks(errors.requests_do_not_break_the_server, times=2)
def test_server_error_that_repeats() -> History:
    return broken(500, 404, 500)


def test_server_error_that_came_once_decides_nothing() -> None:
    once = broken(500)
    rule = errors.requests_do_not_break_the_server
    told = [result for unit in rule.over(once) for result in rule.judge(unit) if "get_run" in repr(unit.operation)]
    assert [type(result).__name__ for result in told] == ["Undecided"]


@legal
def test_busy_for_a_moment() -> History:
    tell = Told()
    tell.send("create_thread", thread())
    for _ in range(3):
        tell.send("get_run", error(), 503, answered={"retry-after": "1"})
    tell.send("get_thread", thread())
    return tell.history()


@legal
def test_probes_are_judged_elsewhere() -> History:
    return broken(500, tag=probe("nul"))
