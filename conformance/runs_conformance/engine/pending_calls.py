"""Finds the pending calls of runs in their steps, on targets whose waiting runs do not show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runs_conformance.generation.programs.responses import PENDING_CALLS, pending_call_count, response_object, status
from runs_conformance.model.case import Concurrent, Move, Ref, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON, at, is_array, is_blank, is_object
from runs_conformance.model.list_body import listed_items
from runs_conformance.model.request_forms import RequestForms


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call that waits for its output, and its place in a list of steps whose items are in `data`."""

    place: str
    value: JSON


def waiting_calls(steps: Exchange) -> tuple[RecordedCall, ...]:
    """The calls without an output in the newest step that waits for some; of a list in default order.

    A step in progress precedes one that claims to have ended.
    """
    found: dict[bool, tuple[RecordedCall, ...]] = {}
    for index, step in enumerate(listed_items(steps.body)[1] if steps.accepted else ()):
        calls = at(step, "/step_details/tool_calls")
        waiting = tuple(
            RecordedCall(f"/data/{index}/step_details/tool_calls/{number}", call)
            for number, call in enumerate(calls if is_array(calls) else ())
            if isinstance(at(call, "/id"), str) and is_object(at(call, "/function"))
            if is_blank(at(call, "/function/output"))
        )
        if waiting:
            found.setdefault(at(step, "/status") == "in_progress", waiting)
    return found.get(True, found.get(False, ()))


@dataclass(slots=True)
class PendingCalls:
    """The pending calls that a program has read from steps, by the name of the response that lacks them.

    Programs see them where they belong, and what they submit refers to the list of steps. The recorded responses stay
    as they are.
    """

    request_forms: RequestForms
    _calls: dict[str, tuple[RecordedCall, ...]] = field(default_factory=dict)

    def lookup(self, step: Step, exchange: Exchange) -> Step | None:
        """The step that lists the steps of the run in a response; None unless the run waits without showing calls."""
        if self.request_forms.calls_in != "steps" or not step.name:
            return None
        self._calls.pop(step.name, None)
        run = response_object(exchange)
        if status(exchange) != "requires_action" or pending_call_count(exchange) or "thread_id" not in run:
            return None
        path = {"thread_id": Ref(step.name, "/thread_id"), "run_id": Ref(step.name), **step.path}
        return Step(operation="list_run_steps", name=_list_name(step.name), path=path, role=Role.READ)

    def add(self, step: Step, exchange: Exchange, steps: Exchange) -> Exchange:
        """Keep the calls that the list of steps shows; returns the response to the step with them."""
        calls = self._calls[step.name] = waiting_calls(steps)
        return _with_calls(exchange, [call.value for call in calls]) if calls else exchange

    def redirect(self, move: Move) -> Move:
        """Let the references to pending calls point into the list of steps that shows them."""
        if not self._calls:
            return move
        if isinstance(move, Concurrent):
            return Concurrent(tuple(replace(step, body=self._redirect(step.body)) for step in move.steps))
        return replace(move, body=self._redirect(move.body))

    def _redirect(self, value: object) -> object:
        if isinstance(value, Ref):
            calls, prefix = self._calls.get(value.step, ()), f"{PENDING_CALLS}/"
            index, _, rest = value.pointer.removeprefix(prefix).partition("/")
            if value.pointer.startswith(prefix) and index.isdecimal() and int(index) < len(calls):
                return Ref(_list_name(value.step), f"{calls[int(index)].place}/{rest}")
            return value
        if isinstance(value, Mapping):
            return {name: self._redirect(member) for name, member in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._redirect(item) for item in value]
        return value


def _list_name(name: str) -> str:
    return f"{name}_calls"


def _with_calls(exchange: Exchange, calls: list[JSON]) -> Exchange:
    """The exchange whose run shows these calls."""
    response = exchange.response
    assert response is not None
    action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}
    run: Mapping[str, Any] = {**response_object(exchange), "required_action": action}
    if response.events is None:
        return replace(exchange, response=replace(response, body=run))
    shown = response_object(exchange)
    events = tuple(replace(each, data=run) if each.data is shown else each for each in response.events)
    return replace(exchange, response=replace(response, events=events))
