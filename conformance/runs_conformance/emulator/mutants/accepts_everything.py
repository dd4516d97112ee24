"""The server that never refuses a body: what it cannot use, it leaves out or makes up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.contract.schema import Schema
from runs_conformance.contract.schema_violation import Fault
from runs_conformance.emulator.catalogue import blind
from runs_conformance.emulator.context import Call, World
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.patching import around
from runs_conformance.emulator.refusal import Refusal, no_outputs_wanted
from runs_conformance.emulator.state import Members, Run
from runs_conformance.emulator.validation import Schemas
from runs_conformance.model.json import ABSENT, parts

_MADE_UP: dict[str, Any] = {"assistant_id": "", "role": "user", "content": "-", "tool_outputs": [], "model": "gpt-4o"}
_ROUNDS = 100


@blind("create_run", broad="Nothing that the contract demands of any body is checked.")
def accepts_every_body(behaviour: Behaviour) -> None:
    """Takes every body, valid or not, and keeps the thread locked while the run is active."""
    inner = behaviour.read_body

    def read(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        try:
            body = inner(operation, raw, content_type)
        except Refusal:
            body = {}
        return body if body is ABSENT or isinstance(body, dict) else {}

    def check(schemas: Schemas, operation: Operation, body: Any) -> None:
        if operation.body and body is not ABSENT:
            mend(schemas.judge, schemas.body(operation.name), body)

    def check_submit(world: World, run: Run, outputs: list[Members]) -> None:
        if run.status != "requires_action":
            raise no_outputs_wanted(run.status)

    behaviour.read_body, behaviour.check_body, behaviour.check_submit = read, check, check_submit
    around(behaviour, run_any_assistant, "create_run", "create_thread_and_run")


async def run_any_assistant(inner: Any, call: Call) -> Any:
    """Run the newest assistant where the request names none."""
    if not call.body.get("assistant_id"):
        call.body["assistant_id"] = next(reversed(call.store.assistants), "asst_none")
    return await inner(call)


def mend(judge: Callable[[Schema, Any], list[Fault]], schema: Schema, value: dict[str, Any]) -> None:
    """Change a value until it keeps its schema: what breaks it is taken out, what is missing is made up."""
    for _ in range(_ROUNDS):
        faults = judge(schema, value)
        if not faults:
            return
        _mend_one(value, faults[0])
    value.clear()


def _mend_one(value: dict[str, Any], fault: Fault) -> None:
    path = parts(fault.pointer)
    missing = fault.constraint.endswith(".required")
    member = fault.member or (str(fault.expected) if missing else None)
    if missing and member in _MADE_UP:
        _at(value, path)[member] = _MADE_UP[member]
    elif fault.constraint.endswith(".additionalProperties"):
        del _at(value, path)[member]
    elif path:
        _remove(_at(value, path[:-1]), path[-1])
    else:
        value.clear()


def _at(value: Any, path: list[str]) -> Any:
    for token in path:
        value = value[int(token)] if isinstance(value, list) else value[token]
    return value


def _remove(holder: Any, token: str) -> None:
    if isinstance(holder, list):
        del holder[int(token)]
    else:
        del holder[token]
