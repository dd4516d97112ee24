"""Literal histories, built one exchange at a time, and objects as a correct server shows them.

    builder = HistoryBuilder()
    builder.create_run(run("queued"))
    builder.get_run(run("completed"))
    history = builder.history()

`run`, `step`, `message`, `thread` and `assistant` are complete objects as the real service answered them; keyword
arguments change members, and `ABSENT` leaves one out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.case import Step
from runs_conformance.model.exchange import Completion, Event, Exchange, Request, Response
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT

T0 = 1_761_826_000
"""The time at which everything here was created, by the target's clock."""

THREAD, RUN, ASSISTANT, MESSAGE, STEP, CALL = "thread_a", "run_a", "asst_a", "msg_a", "step_a", "call_a"
EDITION = "2026-08-14"

Object = dict[str, Any]


def _changed(value: Object, changes: Mapping[str, Any]) -> Object:
    return {name: member for name, member in {**value, **changes}.items() if member is not ABSENT}


def usage(prompt: int = 7, completion: int = 5) -> Object:
    """The token usage of a run or step."""
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def call(id_: str = CALL, name: str = "get_weather", arguments: str = "{}", **function: Any) -> Object:
    """A function call, as `required_action` shows it; with `output` as a step does."""
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments, **function}}


def action(*calls: Object) -> Object:
    """The `required_action` of a run that waits for tool outputs."""
    return {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": list(calls or (call(),))}}


def function_tool(name: str = "get_weather") -> Object:
    """A function tool as a response shows it."""
    parameters = {"type": "object", "properties": {}}
    return {"type": "function", "function": {"name": name, "parameters": parameters, "strict": False}}


def run(status: str = "queued", id_: str = RUN, **changes: Any) -> Object:
    """A run in a status, with all members that the status sets."""
    ended, started = status in TERMINAL, status != "queued"
    value: Object = {
        "id": id_,
        "object": "thread.run",
        "created_at": T0,
        "assistant_id": ASSISTANT,
        "thread_id": THREAD,
        "status": status,
        "started_at": T0 if started else None,
        "expires_at": None if ended else T0 + 600,
        "cancelled_at": T0 + 2 if status == "cancelled" else None,
        "failed_at": T0 + 2 if status == "failed" else None,
        "completed_at": T0 + 2 if status in ("completed", "incomplete") else None,
        "required_action": action() if status == "requires_action" else None,
        "last_error": {"code": "server_error", "message": "Sorry."} if status == "failed" else None,
        "model": "gpt-4o",
        "instructions": "Answer briefly.",
        "tools": [],
        "tool_resources": {},
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "reasoning_effort": None,
        "max_completion_tokens": None,
        "max_prompt_tokens": None,
        "truncation_strategy": {"type": "auto", "last_messages": None},
        "incomplete_details": {"reason": "max_completion_tokens"} if status == "incomplete" else None,
        "usage": usage() if ended else None,
        "response_format": "auto",
        "tool_choice": "auto",
        "parallel_tool_calls": True,
    }
    return _changed(value, changes)


def step(status: str = "completed", id_: str = STEP, *, calls: Sequence[Object] = (), **changes: Any) -> Object:
    """A run step: of tool calls if `calls` are given, of one message otherwise."""
    details: Object = {"type": "message_creation", "message_creation": {"message_id": MESSAGE}}
    if calls:
        details = {"type": "tool_calls", "tool_calls": [_in_step(each) for each in calls]}
    value: Object = {
        "id": id_,
        "object": "thread.run.step",
        "created_at": T0 + 1,
        "run_id": RUN,
        "assistant_id": ASSISTANT,
        "thread_id": THREAD,
        "type": details["type"],
        "status": status,
        "cancelled_at": T0 + 2 if status == "cancelled" else None,
        "completed_at": T0 + 2 if status == "completed" else None,
        "expires_at": T0 + 600 if status == "in_progress" else None,
        "failed_at": T0 + 2 if status == "failed" else None,
        "last_error": {"code": "server_error", "message": "Sorry."} if status == "failed" else None,
        "step_details": details,
        "usage": None if status == "in_progress" else usage(),
    }
    return _changed(value, changes)


def _in_step(each: Object) -> Object:
    return {**each, "function": {"output": None, **each["function"]}} if "function" in each else each


def text(value: str, *annotations: Object) -> list[Object]:
    """The content of a message with one text part."""
    return [{"type": "text", "text": {"value": value, "annotations": list(annotations)}}]


def message(role: str = "assistant", text_value: str = "Hello.", id_: str = MESSAGE, **changes: Any) -> Object:
    """A message as a JSON response shows it: written by a run if the role is `assistant`, by a caller otherwise."""
    answer = role == "assistant"
    value: Object = {
        "id": id_,
        "object": "thread.message",
        "created_at": T0 + 1 if answer else T0,
        "assistant_id": ASSISTANT if answer else None,
        "thread_id": THREAD,
        "run_id": RUN if answer else None,
        "role": role,
        "content": text(text_value),
        "attachments": [],
        "metadata": {},
    }
    return _changed(value, changes)


def streamed_message(
    status: str = "completed", text_value: str = "Hello.", id_: str = MESSAGE, **changes: Any
) -> Object:
    """A message as an event shows it, with the members that describe its progress."""
    more: Object = {
        "status": status,
        "incomplete_details": {"reason": "max_tokens"} if status == "incomplete" else None,
        "incomplete_at": T0 + 2 if status == "incomplete" else None,
        "completed_at": T0 + 2 if status == "completed" else None,
    }
    if status == "in_progress":
        more["content"] = []
    return message("assistant", text_value, id_, **{**more, **changes})


def thread(id_: str = THREAD, **changes: Any) -> Object:
    """A thread."""
    value: Object = {"id": id_, "object": "thread", "created_at": T0, "metadata": {}, "tool_resources": {}}
    return _changed(value, changes)


def assistant(id_: str = ASSISTANT, **changes: Any) -> Object:
    """An assistant."""
    value: Object = {
        "id": id_,
        "object": "assistant",
        "created_at": T0,
        "name": None,
        "description": None,
        "model": "gpt-4o",
        "instructions": "Answer briefly.",
        "tools": [],
        "top_p": 1.0,
        "temperature": 1.0,
        "reasoning_effort": None,
        "tool_resources": {},
        "metadata": {},
        "response_format": "auto",
    }
    return _changed(value, changes)


def page(*items: Object, has_more: bool = False, **changes: Any) -> Object:
    """A page of a list."""
    ids = [item["id"] for item in items]
    value: Object = {
        "object": "list",
        "data": list(items),
        "first_id": ids[0] if ids else None,
        "last_id": ids[-1] if ids else None,
        "has_more": has_more,
    }
    return _changed(value, changes)


def error(text: str = "No.", param: str | None = None, code: str | None = None) -> Object:
    """The body of a refusal."""
    return {"error": {"message": text, "type": "invalid_request_error", "param": param, "code": code}}


def deleted(id_: str, kind: str = "thread.message") -> Object:
    """The response to a deletion; `kind` is `thread`, `thread.message` or `assistant`."""
    return {"id": id_, "object": f"{kind}.deleted", "deleted": True}


_IDS = {"thread_id": THREAD, "run_id": RUN, "assistant_id": ASSISTANT, "message_id": MESSAGE, "step_id": STEP}


class HistoryBuilder:
    """Builds a history: each call adds one exchange and returns it.

    Each exchange takes one second, with one second between two of them; `at` places one elsewhere.
    """

    def __init__(self, dialect: str = "openai", edition: str = EDITION) -> None:
        self.exchanges: list[Exchange] = []
        self.clock = 100.0
        self.dialect, self.edition = dialect, edition

    def send(
        self,
        operation: str,
        answer: Any = ABSENT,
        status: int = 200,
        *,
        body: Any = ABSENT,
        query: Mapping[str, Any] | None = None,
        events: Iterable[tuple[str, Any]] | None = None,
        completion: Completion = Completion.ANSWERED,
        headers: Mapping[str, str] | None = None,
        answered: Mapping[str, str] | None = None,
        defects: tuple[str, ...] = (),
        step: Step | None = None,
        at: float | None = None,
        took: float = 1.0,
        sent: float | None = None,
        **ids: str,
    ) -> Exchange:
        """Add one exchange. `ids` are those of the path, by default the constants above; `status` is the HTTP status.

        `events` make the answer a stream, with the events evenly spread over `took` seconds. The exchange starts `at`,
        and its request leaves when it was `sent`, if that is later.
        """
        contract = OPERATIONS[operation]
        path = {name: ids.get(name, _IDS[name]) for name in contract.parameters}
        started = self.clock if at is None else at
        stream = None if events is None else list(events)
        response = Response(
            status=status,
            headers={"content-type": "application/json" if stream is None else "text/event-stream", **(answered or {})},
            body=answer,
            events=None
            if stream is None
            else tuple(
                Event(name, data, started + took * (index + 1) / (len(stream) + 1))
                for index, (name, data) in enumerate(stream)
            ),
            defects=defects,
        )
        exchange = Exchange(
            id=f"x{len(self.exchanges)}",
            index=len(self.exchanges),
            program="literal",
            operation=operation,
            request=Request(
                method=contract.method,
                path=contract.url(path),
                query=tuple((name, str(value)) for name, value in (query or {}).items()),
                headers=dict(headers or {}),
                body=body,
            ),
            response=None if completion is Completion.NOT_CONNECTED else response,
            completion=completion,
            started=started,
            ended=started + took,
            sent=sent,
            wall=T0 + started - 100.0,
            step=step,
            path=path,
            edition=self.edition,
            dialect=self.dialect,
        )
        self.exchanges.append(exchange)
        if at is None:
            self.clock = started + took + 1.0
        return exchange

    def refuse(self, operation: str, status: int = 400, text: str = "No.", **rest: Any) -> Exchange:
        """Add an exchange that the target refuses."""
        return self.send(operation, error(text), status, **rest)

    def stream(self, operation: str, *events: tuple[str, Any], **rest: Any) -> Exchange:
        """Add an exchange that is answered with a stream of (name, data); `done` is appended."""
        body = {"stream": True, **rest.pop("body", {"assistant_id": ASSISTANT})}
        return self.send(operation, events=[*events, ("done", "[DONE]")], body=body, **rest)

    def lose_answer(self, operation: str, **rest: Any) -> Exchange:
        """Add an exchange whose response was lost, so that its effect is unknown."""
        return self.send(operation, ABSENT, 504, completion=Completion.UNKNOWN, **rest)

    def wait(self, seconds: float) -> None:
        """Advance the clock."""
        self.clock += seconds

    def create_run(self, answer: Object | None = None, **rest: Any) -> Exchange:
        """Add the creation of a run."""
        return self.send("create_run", answer or run(), body=rest.pop("body", {"assistant_id": ASSISTANT}), **rest)

    def get_run(self, answer: Object, **rest: Any) -> Exchange:
        """Add a read of a run."""
        return self.send("get_run", answer, **{"run_id": answer.get("id", RUN), **rest})

    def see_statuses(self, *statuses: str) -> None:
        """Create a run and read it until all statuses are shown, the first of them in the response that creates it."""
        for index, status in enumerate(statuses):
            self.get_run(run(status)) if index else self.create_run(run(status))

    def history(self, strict: bool = False) -> History:
        """The history built so far."""
        return History.of(self.exchanges, "literal", strict)
