"""A step becomes a request once the references in it are resolved."""

from __future__ import annotations

import json

import pytest

from runs_conformance.client.prepared_request import UnresolvedReference, encode_json, prepare
from runs_conformance.errors import InternalError
from runs_conformance.model.case import Ref, Step
from runs_conformance.model.exchange import Completion, Event, Exchange, Request, Response
from runs_conformance.model.json import JSON


def exchange(body: JSON = None, operation: str = "create_thread", **response: object) -> Exchange:
    return Exchange(
        id="x000001", index=1, program="p", operation=operation, request=Request("POST", "/threads"),
        response=Response(200, {}, body, **response),  # type: ignore[arg-type]
        completion=Completion.ANSWERED, started=0, ended=1,
    )  # fmt: skip


ANSWERS = {"thread": exchange({"id": "thread_1", "list": [{"n": 5}]})}


def test_references_are_resolved_everywhere() -> None:
    step = Step(
        operation="create_run",
        path={"thread_id": Ref("thread")},
        query=(
            ("include[]", "x"),
            ("limit", 5),
            ("after", Ref("thread")),
            ("yes", True),
            ("n", Ref("thread", "/list/0/n")),
        ),
        body={"assistant_id": Ref("thread"), "deep": [{"a": Ref("thread", "/list/0")}]},
    )
    bound = prepare(step, ANSWERS)
    assert (bound.method, bound.path, bound.ids) == ("POST", "/threads/thread_1/runs", {"thread_id": "thread_1"})
    assert bound.query == (("include[]", "x"), ("limit", "5"), ("after", "thread_1"), ("yes", "true"), ("n", "5"))
    assert bound.body == {"assistant_id": "thread_1", "deep": [{"a": {"n": 5}}]}
    assert bound.content == b'{"assistant_id":"thread_1","deep":[{"a":{"n":5}}]}'


def test_ids_are_encoded_only_in_the_path() -> None:
    bound = prepare(Step(operation="get_thread", path={"thread_id": "a/b\n"}), {})
    assert (bound.path, bound.ids) == ("/threads/a%2Fb%0A", {"thread_id": "a/b\n"})
    assert bound.content is None


def test_raw_body_is_unchanged() -> None:
    assert prepare(Step(operation="create_thread", body={"a": 1}, raw=b'{"a": \xff'), {}).content == b'{"a": \xff'


def test_null_body_is_sent() -> None:
    assert prepare(Step(operation="create_thread", body=None), {}).content == b"null"


@pytest.mark.parametrize("body", [{"data": [{"id": "step_1"}]}, [{"id": "step_1"}], {"items": [{"id": "step_1"}]}])
def test_items_of_a_list_are_found_in_any_shape(body: JSON) -> None:
    step = Step(operation="get_run_step", path={"thread_id": "t", "run_id": "r", "step_id": Ref("steps", "/data/0/id")})
    assert (prepare(step, {"steps": exchange(body, "list_run_steps")}).ids or {})["step_id"] == "step_1"


def test_only_lists_are_read_as_lists() -> None:
    with pytest.raises(UnresolvedReference):
        prepare(Step(operation="get_thread", path={"thread_id": Ref("thread", "/data/0/n")}), ANSWERS)


def test_missing_response_is_an_unresolved_reference() -> None:
    for ref, words in ((Ref("run"), "not sent"), (Ref("thread", "/nope"), "HTTP 200")):
        with pytest.raises(UnresolvedReference, match=words) as raised:
            prepare(Step(operation="get_thread", path={"thread_id": ref}), ANSWERS)
        assert (raised.value.step, raised.value.pointer) == (ref.step, ref.pointer)


def test_reference_into_a_stream_uses_its_last_run() -> None:
    events = (
        Event("thread.created", {"id": "thread_1", "object": "thread"}),
        Event("thread.run.created", {"id": "run_1", "object": "thread.run", "status": "queued"}),
        Event("thread.run.step.created", {"id": "step_1", "object": "thread.run.step"}),
        Event("thread.run.completed", {"id": "run_1", "object": "thread.run", "status": "completed"}),
        Event("done", "[DONE]"),
    )
    streamed = exchange(operation="create_thread_and_run", events=events)
    step = Step(operation="get_thread", path={"thread_id": Ref("run", "/status")})
    assert prepare(step, {"run": streamed}).path == "/threads/completed"


def test_reference_into_a_stream_reads_events_that_are_named_in_their_data() -> None:
    run = {"id": "run_1", "object": "thread.run", "status": "completed"}
    wrapped = Event("message", {"event": "thread.run.completed", "data": run})
    streamed = exchange(operation="create_run", events=(wrapped, Event("message", "[DONE]")))
    step = Step(operation="get_thread", path={"thread_id": Ref("run", "/id")})
    assert prepare(step, {"run": streamed}).path == "/threads/run_1"


@pytest.mark.parametrize(
    ("body", "content"),
    [
        ({"a": "é"}, '{"a":"é"}'.encode()),
        ({"a": "\ud800"}, b'{"a":"\\ud800"}'),
        ([1, 1.0, True, None], b"[1,1.0,true,null]"),
    ],
)
def test_body_is_compact_utf8_if_possible(body: JSON, content: bytes) -> None:
    assert encode_json(body) == content
    assert json.loads(content) == body


def test_escaped_body_is_ascii() -> None:
    step = Step(operation="create_thread", body={"metadata": {"a": "é🙂"}}, escaped=True)
    assert prepare(step, {}).content == b'{"metadata":{"a":"\\u00e9\\ud83d\\ude42"}}'


def test_step_without_path_ids_is_an_internal_error() -> None:
    with pytest.raises(InternalError, match="run_id"):
        prepare(Step(operation="get_run", path={"thread_id": "t"}), {})
    with pytest.raises(InternalError, match="no_such"):
        prepare(Step(operation="no_such"), {})
