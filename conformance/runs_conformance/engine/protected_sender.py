"""Protects the objects supplied by the user, and lets programs use them in place of their own.

Also adds a thread's first message in a request of its own, if the target does not accept it with the thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, MutableMapping, Sequence
from dataclasses import dataclass, field, replace

from runs_conformance.client.prepared_request import prepare
from runs_conformance.contract.lifecycle import ACTIVE
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.program_runner import Sender
from runs_conformance.engine.token_usage import runs_in
from runs_conformance.engine.unsent import unsent_exchange
from runs_conformance.generation.adaptation import adapt_step
from runs_conformance.model.case import Ref, Role, Step
from runs_conformance.model.exchange import Completion, Exchange, Response
from runs_conformance.model.program import ProgramContext

_CHANGING_PREFIXES = ("delete_", "modify_", "cancel_")
_NO_ROUTE_STATUSES = (404, 405, 501)
_REASON = "it would change an object supplied by the user"
_MAX_POLLS, _POLL_SECONDS = 60, 0.5


def protect_given_objects(sender: Sender, context: ProgramContext) -> Sender:
    """Wrap the sender if the user supplied objects or allows only reading."""
    if not context.use and not context.read_only and context.request_forms.thread_messages == "inline":
        return sender
    return ProtectedSender(sender, frozenset(context.use.values()), context)


@dataclass(slots=True)
class ProtectedSender:
    """Sends a step unless it would change a protected object; the exchange of an unsent step says so.

    A protected object replaces the one that a program would create, even if the server has no operation to get it.
    """

    sender: Sender
    protected_ids: Collection[str]
    context: ProgramContext | None = None
    sleep: Callable[[float], None] = time.sleep
    _active: dict[str, str] = field(default_factory=dict)

    def send(self, step: Step, program: str, exchanges_by_step: MutableMapping[str, Exchange]) -> Exchange:
        """Send a step unless it would change a protected object."""
        if self._is_forbidden(step, exchanges_by_step):
            return unsent_exchange(step, program, _REASON)
        thread = step.path.get("thread_id")
        if step.append_message is not None and isinstance(thread, str):
            self._wait_until_idle(thread, program)
        exchange = self.sender.send(step, program, exchanges_by_step)
        self._track_active_runs(exchange)
        if step.role is Role.FIXTURE and not exchange.accepted and exchange.status in _NO_ROUTE_STATUSES:
            exchange = self._substitute_response(step, exchange)
            if step.name:
                exchanges_by_step[step.name] = exchange
        if step.append_message is not None:
            self._append_message(step, step.append_message, exchange, program)
        return exchange

    def send_concurrently(
        self, steps: Sequence[Step], program: str, exchanges_by_step: MutableMapping[str, Exchange]
    ) -> tuple[Exchange, ...]:
        """Send steps at the same moment, unless one of them would change a protected object."""
        if any(self._is_forbidden(step, exchanges_by_step) for step in steps):
            return tuple(unsent_exchange(step, program, _REASON) for step in steps)
        exchanges = self.sender.send_concurrently(steps, program, exchanges_by_step)
        for exchange in exchanges:
            self._track_active_runs(exchange)
        return exchanges

    def _append_message(self, step: Step, text: str, exchange: Exchange, program: str) -> None:
        """Add a user message to the thread that a step read or created."""
        path = step.path
        if not path:
            id_ = exchange.member("id") if exchange.accepted else None
            if not isinstance(id_, str):
                return
            path = {"thread_id": id_}
        body = {"role": "user", "content": text}
        message = Step(operation="create_message", path=path, body=body, role=Role.FIXTURE)
        self.sender.send(adapt_step(message, self.context) if self.context else message, program, {})

    def _is_forbidden(self, step: Step, exchanges_by_step: MutableMapping[str, Exchange]) -> bool:
        if self.context is not None and self.context.read_only and OPERATIONS[step.operation].method != "GET":
            return True
        if not step.operation.startswith(_CHANGING_PREFIXES):
            return False
        ids = prepare(step, exchanges_by_step).ids or {}
        return ids.get(OPERATIONS[step.operation].parameters[-1]) in self.protected_ids

    def _substitute_response(self, step: Step, exchange: Exchange) -> Exchange:
        """A successful response for a protected object if the server has no operation to get it."""
        id_ = list(step.path.values())[-1] if step.path else None
        if isinstance(id_, Ref) or id_ not in self.protected_ids:
            return exchange
        return replace(exchange, response=Response(200, body={"id": str(id_)}), completion=Completion.ANSWERED)

    def _track_active_runs(self, exchange: Exchange) -> None:
        """Track the active runs on protected threads, which several programs share."""
        for run in runs_in(exchange):
            id_, thread = str(run["id"]), run.get("thread_id")
            if thread in self.protected_ids and run.get("status") in ACTIVE:
                self._active[id_] = str(thread)
            else:
                self._active.pop(id_, None)

    def _wait_until_idle(self, thread: str, program: str) -> None:
        """Wait until the runs of earlier programs on the thread have ended."""
        for id_ in [run for run, of in self._active.items() if of == thread]:
            poll = Step(operation="get_run", path={"thread_id": thread, "run_id": id_}, role=Role.READ)
            for _ in range(_MAX_POLLS):
                exchange = self.sender.send(poll, program, {})
                self._track_active_runs(exchange)
                if id_ not in self._active or exchange.refused:
                    break
                self.sleep(_POLL_SECONDS)
            self._active.pop(id_, None)
