"""Errors have the documented form: the rules on this, on literal histories."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runs_conformance.model.case import REFUSES_BODY, Either, Role, Step
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.rules import errors
from tests.rules.examples import fails, findings, inconclusive, passes, permitted
from tests.rules.histories import THREAD, HistoryBuilder, error, message, page, run, thread

AZURE = {"error": {"code": "404", "message": "Resource not found"}}


def answered(status: int, body: Any, dialect: str = "openai", **rest: Any) -> History:
    builder = HistoryBuilder(dialect)
    builder.send("get_run", body, status, **rest)
    return builder.history()


@passes(
    errors.message_is_a_text,
    errors.type_param_and_code_are_present,
    errors.type_is_invalid_request_error,
    errors.content_type_is_json,
    errors.errors_reveal_no_internals,
)
def test_error_of_the_service() -> History:
    return answered(404, error("No run found with id 'run_a'."))


@inconclusive(errors.message_is_a_text)
def test_error_without_envelope_has_no_place_for_a_message() -> History:
    return answered(422, {"detail": [{"loc": ["body"], "msg": "Field required"}]})


@fails(errors.message_is_a_text, at="/error/message")
def test_page_of_a_framework() -> History:
    return answered(422, ABSENT)


@fails(errors.message_is_a_text, at="/error/message")
def test_error_as_a_text() -> History:
    return answered(400, {"error": "No."})


@fails(errors.type_param_and_code_are_present, at="/error")
def test_null_members_are_omitted() -> History:
    return answered(400, {"error": {"message": "No.", "type": "invalid_request_error"}})


@passes(errors.missing_values_are_null)
def test_error_that_names_a_parameter_and_no_code() -> History:
    return answered(400, error("No.", param="limit"))


@fails(errors.missing_values_are_null, times=2)
def test_none_in_words() -> History:
    return answered(404, error("No.", param="None", code="500"))


@inconclusive(errors.missing_values_are_null)
def test_gateway_of_azure_sends_its_status_as_code() -> History:
    return answered(404, {"error": {**AZURE["error"], "type": "x", "param": None}}, "azure")


@passes(errors.message_is_a_text)
def test_gateway_of_azure() -> History:
    return answered(404, AZURE, "azure")


@inconclusive(errors.type_param_and_code_are_present)
def test_gateway_of_azure_leaves_members_out() -> History:
    return answered(404, AZURE, "azure")


@permitted
def test_proxy_that_refuses_a_large_body() -> History:
    return answered(413, {})


@permitted
def test_gateway_that_limits_the_rate_in_words_of_its_own() -> History:
    return answered(429, {"message": "slow down"})


@permitted
def test_router_that_knows_no_such_path() -> History:
    return answered(404, {}, thread_id="thread_\r\nX: 1", answered={"content-type": "text/plain"})


@fails(errors.type_is_invalid_request_error)
def test_type_made_up() -> History:
    body = error()
    body["error"]["type"] = "not_found_error"
    return answered(404, body)


@fails(errors.content_type_is_json)
def test_error_under_another_content_type() -> History:
    return answered(404, error(), answered={"content-type": "text/html"})


@fails(errors.errors_reveal_no_internals)
def test_traceback() -> History:
    return answered(500, error('Traceback (most recent call last):\n  File "/app/main.py", line 5, in run'))


EXCEPTIONS = (
    "arun_thread() missing 1 required positional argument: 'assistant_id'",
    "GetLLMProvider Exception - 'bool' object has no attribute 'split'",
    "create() got an unexpected keyword argument 'foo'",
    "'NoneType' object is not subscriptable",
    "f() takes from 1 to 2 positional arguments but 3 were given",
    "Cannot read properties of undefined (reading 'id')",
    "runtime error: invalid memory address or nil pointer dereference",
)


@pytest.mark.parametrize("text", EXCEPTIONS)
def test_text_of_an_exception(text: str) -> None:
    found = findings(errors.errors_reveal_no_internals, answered(500, error(text)))
    assert [finding.message for finding in found] == ["the error contains the text of an exception"]


@pytest.mark.parametrize(
    "text",
    [
        "Missing required parameter: 'assistant_id'.",
        "Invalid 'tools': object expected, but got an array with 2 items.",
        "Invalid 'tool_choice': 'get_weather' is not a function of the run.",
        "The server had an error while processing your request. Sorry about that!",
    ],
)
def test_text_that_is_no_exception(text: str) -> None:
    assert not findings(errors.errors_reveal_no_internals, answered(400, error(text)))


@passes(errors.success_is_200)
def test_200() -> History:
    return answered(200, run())


@fails(errors.success_is_200)
def test_201() -> History:
    return answered(201, run())


def answered_with(*statuses: int, probe: str = "") -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    for status in statuses:
        builder.send("get_run", error(), status, step=Step(operation="get_run", anomaly=probe, probe=bool(probe)))
    builder.send("get_thread", thread())
    return builder.history()


@passes(errors.requests_do_not_break_the_server)
def test_no_server_error() -> History:
    return answered_with(404, 200)


@fails(errors.requests_do_not_break_the_server, times=2)
def test_server_error_that_repeats() -> History:
    return answered_with(500, 404, 500)


def failing_lists(*, status: int = 500, served_between: bool = False, thread_id: str = THREAD) -> History:
    """A message with a lone surrogate on a thread, another one on `thread_id`, and lists of its messages that fail."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    step = Step(operation="create_message")
    builder.send("create_message", message(), step=replace(step, anomaly="nul", probe=True), thread_id=thread_id)
    answer = message() if status == 200 else error()
    surrogate = replace(step, anomaly="lone_surrogate", probe=True)
    builder.send("create_message", answer, status, step=surrogate, thread_id=thread_id)
    listing = Step(operation="list_messages", role=Role.READ)
    if served_between:
        builder.send("list_messages", page(message()), step=listing)
    for _ in range(2):
        builder.send("list_messages", error(), 500, step=listing)
    builder.send("get_thread", thread())
    return builder.history()


REPEATED = "HTTP 500 was returned repeatedly"


@pytest.mark.parametrize(
    ("history", "message"),
    [
        (failing_lists(), f"{REPEATED} after a body with a lone surrogate was sent"),
        (failing_lists(status=200), f"{REPEATED} after a body with a lone surrogate was sent"),
        (failing_lists(status=400), f"{REPEATED} after a body with a NUL character was sent"),
        (failing_lists(served_between=True), REPEATED),
        (failing_lists(thread_id="thread_other"), REPEATED),
    ],
)
def test_server_error_on_a_valid_request_names_a_malformed_one_before_it(history: History, message: str) -> None:
    found = findings(errors.requests_do_not_break_the_server, history)
    assert {each.message for each in found} == {message}
    assert [(each.operation, each.expected) for each in found] == 2 * [("list_messages", "HTTP 200")]


@pytest.mark.parametrize("role", [Role.NEGATIVE, Role.VALID])
def test_server_error_on_a_request_that_may_be_refused_expects_no_success(role: Role) -> None:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    step = Step(
        operation="create_thread", role=role, expectation=REFUSES_BODY if role is Role.NEGATIVE else Either("?")
    )
    for _ in range(2):
        builder.send("create_thread", error(), 500, step=step)
    builder.send("get_thread", thread())
    found = findings(errors.requests_do_not_break_the_server, builder.history())
    assert [(each.message, each.expected) for each in found] == 2 * [(REPEATED, ABSENT)]


def test_list_of_assistants_fails_after_a_malformed_assistant() -> None:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    step = Step(
        operation="create_assistant", raw=b"{", role=Role.NEGATIVE, expectation=REFUSES_BODY, anomaly="malformed_json"
    )
    builder.send("create_assistant", error(), 500, step=step)
    for _ in range(2):
        builder.send("list_assistants", error(), 500, step=Step(operation="list_assistants"))
    builder.send("get_thread", thread())
    found = findings(errors.requests_do_not_break_the_server, builder.history())
    assert {each.message for each in found} == {f"{REPEATED} after a body that is not JSON was sent"}


def test_single_server_error_is_inconclusive() -> None:
    history = answered_with(500)
    rule = errors.requests_do_not_break_the_server
    results = [
        result for unit in rule.units(history) for result in rule.judge(unit) if "get_run" in repr(unit.operation)
    ]
    assert [type(result).__name__ for result in results] == ["Suspicion"]


def with_page(status: int, text: str, *, times: int = 2, accepted: bool = True) -> History:
    """Modifications of a thread that get a page for people, and perhaps one that is accepted."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    for _ in range(times):
        builder.send("modify_thread", ABSENT, status, body={"metadata": {"who": "stranger"}})
        exchange = builder.exchanges[-1]
        assert exchange.response is not None
        builder.exchanges[-1] = replace(exchange, response=replace(exchange.response, text=text))
    if accepted:
        builder.send("modify_thread", thread(), body={})
    builder.send("get_thread", thread())
    return builder.history()


MISREAD = """<p>Bad request syntax ('{"metadata":{"who":"stranger"}}POST /v1/threads/thread_a HTTP/1.1')</p>"""


@fails(errors.requests_do_not_break_the_server, times=1)
def test_unread_body_is_read_as_the_next_request() -> History:
    return with_page(400, MISREAD)


@fails(errors.message_is_a_text, times=1)
def test_page_for_an_unread_body_is_no_error_of_the_request() -> History:
    return with_page(400, MISREAD)


@fails(errors.requests_do_not_break_the_server, times=2)
def test_method_that_is_unknown_at_times() -> History:
    return with_page(501, "<html>Unsupported method</html>")


@permitted
def test_operation_that_is_not_implemented() -> History:
    return with_page(501, "<html>Unsupported method</html>", accepted=False)


@permitted
def test_feature_that_is_not_implemented() -> History:
    return with_page(501, "Not supported.")


@permitted
def test_busy_for_a_moment() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    for _ in range(3):
        builder.send("get_run", error(), 503, answered={"retry-after": "1"})
    builder.send("get_thread", thread())
    return builder.history()


@permitted
def test_probes_are_judged_elsewhere() -> History:
    return answered_with(500, probe="nul")
