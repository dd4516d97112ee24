"""The server that never refuses a body: what it cannot use, it leaves out or makes up."""

from __future__ import annotations

from typing import Any

from conformance.contract.examination import Fault, examine_schema
from conformance.contract.operation import Operation
from conformance.emulator.behaviour import Behaviour
from conformance.emulator.catalogue import blind
from conformance.emulator.refusal import Refusal
from conformance.emulator.spoiling import around
from conformance.emulator.validation import Schemas
from conformance.emulator.world import Call
from conformance.model.json import ABSENT, parts

_MADE_UP: dict[str, Any] = {"assistant_id": "", "role": "user", "content": "-", "tool_outputs": [], "model": "gpt-4o"}
_ROUNDS = 100


@blind("validation")
def accepts_every_body(behaviour: Behaviour) -> None:
    """Takes every body, valid or not, and keeps the thread locked while the run is active."""
    behaviour.read_body = _Reading(behaviour).read
    behaviour.check_body = repair
    around(behaviour, _run_any_assistant, "create_run", "create_thread_and_run")


class _Reading:
    """Reads a body as an empty object where it is none."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._inner = behaviour.read_body

    def read(self, operation: Operation, raw: bytes, content_type: str | None) -> Any:
        try:
            body = self._inner(operation, raw, content_type)
        except Refusal:
            body = {}
        return body if body is ABSENT or isinstance(body, dict) else {}


async def _run_any_assistant(inner: Any, call: Call) -> Any:
    if not call.body.get("assistant_id"):
        call.body["assistant_id"] = next(reversed(call.store.assistants), "asst_none")
    return await inner(call)


def repair(schemas: Schemas, operation: Operation, body: Any) -> None:
    """Change a body until it keeps its schema: what breaks it is taken out, what is missing is made up."""
    if operation.body is None or body is ABSENT:
        return
    schema = schemas.body(operation.name)
    for _ in range(_ROUNDS):
        faults = examine_schema(schema, body).faults
        if not faults:
            return
        _mend(body, faults[0])
    body.clear()


def _mend(body: dict[str, Any], fault: Fault) -> None:
    path = parts(fault.pointer)
    missing = fault.constraint.endswith(".required")
    member = fault.member or (str(fault.expected) if missing else None)
    if missing and member in _MADE_UP:
        _at(body, path)[member] = _MADE_UP[member]
    elif fault.constraint.endswith(".additionalProperties"):
        del _at(body, path)[member]
    elif path:
        _remove(_at(body, path[:-1]), path[-1])
    else:
        body.clear()


def _at(value: Any, path: list[str]) -> Any:
    for token in path:
        value = value[int(token)] if isinstance(value, list) else value[token]
    return value


def _remove(holder: Any, token: str) -> None:
    if isinstance(holder, list):
        del holder[int(token)]
    else:
        del holder[token]
