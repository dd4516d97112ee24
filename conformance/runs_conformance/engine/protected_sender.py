"""Keeps what the user gave to work with as it is, and works with it as if the programs had made it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, MutableMapping, Sequence
from dataclasses import dataclass, field, replace

from runs_conformance.client.prepared_request import bind
from runs_conformance.contract.lifecycle import ACTIVE
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine.budget import runs_in
from runs_conformance.engine.program_runner import Sender
from runs_conformance.model.case import Ref, Role, Step
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.program import Setting
from runs_conformance.model.tag import SAYING

_CHANGES = ("delete_", "modify_", "cancel_")
_NO_SUCH_ROUTE = (404, 405, 501)
_LOOKS, _PAUSE = 60, 0.5


def guarded(sender: Sender, setting: Setting) -> Sender:
    """The sender, guarded where the user gave ids or allows nothing but reading."""
    if not setting.given and not setting.read_only:
        return sender
    return Guard(sender, frozenset(setting.given.values()), setting.read_only)


@dataclass(slots=True)
class Guard:
    """Sends what does not harm what the user gave; what would is not sent, and its exchange says so.

    An object that was given stands in for one that a program would have made: a server need not even show it.
    """

    sender: Sender
    given: Collection[str]
    read_only: bool = False
    sleep: Callable[[float], None] = time.sleep
    _active: dict[str, str] = field(default_factory=dict)

    def send(self, step: Step, program: str, answers: MutableMapping[str, Exchange]) -> Exchange:
        """Send one step, unless it would change what was given."""
        if self._harms(step, answers):
            return _unsent(step, program)
        thread = step.path.get("thread_id")
        if step.tag.startswith(SAYING) and isinstance(thread, str):
            self._settle(thread, program)
        exchange = self.sender.send(step, program, answers)
        self._note(exchange)
        if step.role is Role.FIXTURE and not exchange.accepted and exchange.status in _NO_SUCH_ROUTE:
            exchange = self._standing_in(step, exchange)
            if step.name:
                answers[step.name] = exchange
        if step.tag.startswith(SAYING):
            body = {"role": "user", "content": step.tag.removeprefix(SAYING)}
            said = Step(operation="create_message", path=step.path, body=body, role=Role.FIXTURE)
            self.sender.send(said, program, {})
        return exchange

    def together(
        self, steps: Sequence[Step], program: str, answers: MutableMapping[str, Exchange]
    ) -> tuple[Exchange, ...]:
        """Send steps at the same moment, unless one of them would change what was given."""
        if any(self._harms(step, answers) for step in steps):
            return tuple(_unsent(step, program) for step in steps)
        exchanges = self.sender.together(steps, program, answers)
        for exchange in exchanges:
            self._note(exchange)
        return exchanges

    def _harms(self, step: Step, answers: MutableMapping[str, Exchange]) -> bool:
        if self.read_only and OPERATIONS[step.operation].method != "GET":
            return True
        if not step.operation.startswith(_CHANGES):
            return False
        ids = bind(step, answers).ids or {}
        return ids.get(OPERATIONS[step.operation].parameters[-1]) in self.given

    def _standing_in(self, step: Step, exchange: Exchange) -> Exchange:
        """The answer of a server that shows what was given, where this one has no way to show it."""
        id_ = list(step.path.values())[-1] if step.path else None
        if isinstance(id_, Ref) or id_ not in self.given:
            return exchange
        return replace(exchange, response=Response(200, body={"id": str(id_)}), completion=Completion.ANSWERED)

    def _note(self, exchange: Exchange) -> None:
        """Remember the runs that are active on threads which several programs share."""
        for run in runs_in(exchange):
            id_, thread = str(run["id"]), run.get("thread_id")
            if thread in self.given and run.get("status") in ACTIVE:
                self._active[id_] = str(thread)
            else:
                self._active.pop(id_, None)

    def _settle(self, thread: str, program: str) -> None:
        """Wait until the runs of earlier programs leave the thread."""
        for id_ in [run for run, of in self._active.items() if of == thread]:
            look = Step(operation="get_run", path={"thread_id": thread, "run_id": id_}, role=Role.LOOK)
            for _ in range(_LOOKS):
                exchange = self.sender.send(look, program, {})
                self._note(exchange)
                if id_ not in self._active or exchange.refused:
                    break
                self.sleep(_PAUSE)
            self._active.pop(id_, None)


def _unsent(step: Step, program: str) -> Exchange:
    """What a program gets in place of an answer to what is not sent; it is no evidence and recorded nowhere."""
    return Exchange(
        id="",
        index=0,
        program=program,
        operation=step.operation,
        request=Request(OPERATIONS[step.operation].method, ""),
        response=None,
        completion=Completion.REFUSED,
        started=0.0,
        ended=0.0,
        step=step,
        problem="not sent: it would change what the user gave",
    )
