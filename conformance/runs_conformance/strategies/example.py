"""One example of the state machine: performs actions in whatever state the application is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import cast

from runs_conformance.client.prepared_request import UnresolvedReference
from runs_conformance.generation.boundary.cases import bind_placeholders, negative_step, payload_factory
from runs_conformance.generation.boundary.payload_factory import Payload
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.generation.fuzzing.actions import ACTIONS
from runs_conformance.generation.fuzzing.walk import end_all_runs
from runs_conformance.generation.fuzzing.walk_state import WalkState, WalkThread
from runs_conformance.generation.payloads.payload_generator import PayloadGenerator
from runs_conformance.generation.programs.steps import TERMINAL_STATUSES, assistant, on_run, poll, thread
from runs_conformance.model.case import Accept, Ref, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON
from runs_conformance.strategies.tested_application import Conversation

_SUBMISSION = ("wait_for_run", "create_calling_run")
_FALLBACKS: Mapping[str, tuple[str, ...]] = {
    "submit_outputs": _SUBMISSION,
    "submit_streamed": _SUBMISSION,
    "submit_incomplete": _SUBMISSION,
    "submit_extra": _SUBMISSION,
    "submit_reversed": ("wait_for_run", "create_parallel_calling_run"),
    "submit_again": ("submit_outputs", *_SUBMISSION),
    "submit_unknown": ("create_plain_run",),
    "get_run": ("create_plain_run",),
    "wait_for_run": ("create_plain_run",),
    "modify_run": ("create_plain_run",),
    "cancel_run": ("create_long_run",),
    "use_run_of_other_thread": ("create_thread",),
    "list_steps": ("create_plain_run",),
    "get_step": ("list_steps", "create_plain_run"),
    "get_message": ("create_message",),
    "modify_message": ("create_message",),
    "delete_message": ("create_message",),
    "read_next_page": ("list_messages",),
    "read_other_page": ("list_messages",),
    "read_deleted_thread": ("delete_thread",),
    "delete_assistant": ("create_assistant",),
    "use_second_key": ("get_thread",),
}
"""The actions to perform instead if the state does not allow one: the first of these that is possible.

Hypothesis needs the draws of an example to depend on nothing but the draws before them, while the state of a server
also depends on time. So no action has a precondition, and each leads to a state that allows it.
"""
_LAST_RESORTS = ("create_thread", "get_thread", "get_assistant")

INVALID_BODY_OPERATIONS = (
    "create_thread",
    "create_message",
    "create_run",
    "create_assistant",
    "modify_thread",
    "modify_message",
    "modify_run",
    "modify_assistant",
)
"""The operations to which invalid bodies are sent."""


@dataclass(slots=True)
class Example:
    """The state of one example. `situations` are the distinct situations that requests met."""

    conversation: Conversation
    state: WalkState
    situations: set[tuple[str, ...]] = field(default_factory=set)

    def begin(self) -> Exchange:
        """Create the assistant that all examples need, and a thread. Returns the exchange of the assistant."""
        created = self._send("assistant", assistant(self.state.context))
        self._send_all("create_thread", [replace(thread(self.state.context), name=self.state.next_step_name)])
        return created

    def perform(self, action: str, seed: int) -> list[Exchange]:
        """Perform an action or, if the state does not allow it, one that leads to such a state."""
        random = Random(seed)
        for name in (action, *_FALLBACKS.get(action, ()), *_LAST_RESORTS):
            step = ACTIONS[name](self.state, random)
            if step is not None:
                role = step.role if step.role is not Role.FIXTURE else Role.ACT
                return self._send_all(name, [replace(step, name=self.state.next_step_name, role=role)])
        return []

    def send_invalid_body(self, operation: str, seed: int) -> list[Exchange]:
        """Send a valid body and, if it is accepted, the same with one invalid place; before, the smallest body."""
        path = self._path_for(operation)
        if path is None:
            return self.perform("create_message", seed)
        random, context = Random(seed), self.state.context
        factory = payload_factory(operation, context.edition, Sampler(context.model))
        generator = PayloadGenerator(factory, random, valid_count=random.randrange(3))
        payload = generator.valid()
        negative = generator.negative(payload)
        smallest = factory.build_payload(factory.profile.control, (), "")
        template = Step(operation=operation, path=path)
        steps = [self._valid_step(template, smallest, Role.CONTROL), self._valid_step(template, payload, Role.VALID)]
        exchanges: list[Exchange] = []
        for step in steps:
            exchanges += self._send_all(operation, [replace(step, name=self.state.next_step_name)])
            if not exchanges or not exchanges[-1].accepted:
                return exchanges
            exchanges += self._cancel_started_run(step, exchanges[-1])
        return exchanges if negative is None else exchanges + self._send_all("", [negative_step(template, negative)])

    def finish(self) -> None:
        """Complete or cancel every run, and read all objects again."""
        moves = end_all_runs(self.state, Random(0))
        try:
            step = next(moves)
            while True:
                step = moves.send(self._send("", cast("Step", step)))
        except (StopIteration, UnresolvedReference):
            return

    def _send_all(self, action: str, steps: list[Step]) -> list[Exchange]:
        try:
            return [self._send(action, step) for step in steps]
        except UnresolvedReference:
            # An earlier response lacks an id, which is judged where it was expected.
            return []

    def _send(self, action: str, step: Step) -> Exchange:
        statuses = sorted({run.status for run in self.state.reachable_runs()})
        exchange = self.conversation.send(step)
        if action:
            self.state.record(action, step, exchange)
        self.situations.add((step.operation, str(step.stream), str(exchange.status), *statuses))
        return exchange

    def _valid_step(self, template: Step, payload: Payload, role: Role) -> Step:
        body = _with_assistant(bind_placeholders(payload.body), self.state.assistants[0])
        return replace(
            template,
            body=body,
            role=role,
            expectation=Accept(),
            exercises=tuple(sorted(payload.exercises)),
            packed=role is Role.VALID,
        )

    def _cancel_started_run(self, step: Step, exchange: Exchange) -> list[Exchange]:
        """Cancel the run that a step has started, and wait for its end, since it locks the thread."""
        run = self.state.runs.get(str(exchange.member("id")))
        if step.operation != "create_run" or run is None:
            return []
        steps = [on_run("cancel_run", run.ref, run.thread.ref), poll(run.ref, run.thread.ref, TERMINAL_STATUSES)]
        return self._send_all("cancel_run", [replace(each, name="") for each in steps])

    def _path_for(self, operation: str) -> dict[str, JSON | Ref] | None:
        """The path of an operation on an object on which no run is active; None if there is no such object."""
        if operation == "modify_assistant":
            return {"assistant_id": self.state.assistants[0]}
        if operation in ("create_thread", "create_assistant"):
            return {}
        idle = [each for each in self.state.existing_threads() if not self.state.is_busy(each)]
        if operation in ("modify_message", "modify_run"):
            return next(filter(None, (self._object_path(operation, each) for each in idle)), None)
        return {"thread_id": idle[0].ref} if idle else None

    def _object_path(self, operation: str, parent: WalkThread) -> dict[str, JSON | Ref] | None:
        if operation == "modify_message":
            message = next(iter(parent.messages.values()), None)
            return None if message is None else {"thread_id": parent.ref, "message_id": message}
        run = next((run for run in self.state.reachable_runs() if run.thread is parent), None)
        return None if run is None else {"thread_id": parent.ref, "run_id": run.ref}


def _with_assistant(body: object, ref: Ref) -> object:
    if isinstance(body, Mapping) and isinstance(body.get("assistant_id"), Ref):
        return {**body, "assistant_id": ref}
    return body
