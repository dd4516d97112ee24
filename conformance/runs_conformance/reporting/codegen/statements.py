"""The moves of a case as Python statements."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runs_conformance.model.case import Concurrent, Move, Ref, Step
from runs_conformance.model.json import is_object
from runs_conformance.reporting.codegen.client_call import CallWriter, ClientCall
from runs_conformance.reporting.codegen.literal import INDENT, Variable, literal

_USED_NAMES = (
    "client httpx json openai os poll_until read_response read_stream run_from_stream send sent status sys text time"
    " value_at warnings"
)
_RESERVED = frozenset(_USED_NAMES.split(" "))
"""Names that the generated files use themselves."""


def steps_of(moves: Sequence[Move]) -> list[Step]:
    """Every step of these moves, in order."""
    return [step for move in moves for step in (move.steps if isinstance(move, Concurrent) else (move,))]


@dataclass(slots=True)
class StatementWriter:
    """Writes moves as Python statements. The response of `failing_step` is kept in `status` and `text`.

    With `awaits_status`, the failing step is repeated until it shows the status that it waits for.
    """

    moves: Sequence[Move]
    failing_step: Step
    writer: CallWriter
    awaits_status: bool = False

    def lines(self) -> list[str]:
        """The statements of all moves. Afterwards `status` and `text` hold the response of the failing step."""
        lines: list[str] = []
        for move in self.moves:
            lines += self._concurrent(move.steps) if isinstance(move, Concurrent) else self._step_lines(move)
        return "\n".join(lines).split("\n")

    def _step_lines(self, step: Step) -> Iterator[str]:
        if step.pause:
            yield f"time.sleep({literal(step.pause, {})})"
        is_failing = step is self.failing_step
        # An error response that no later step refers to must not raise.
        is_unreferenced = not (step.until or self._is_referred_to(step))
        call = self.writer.call(step, raw=(is_failing or is_unreferenced) and not step.stream)
        if call.reason:
            yield f"# Sent by httpx: {call.reason}."
        if is_failing:
            if step.until and self.awaits_status:
                yield _poll(step, self.writer.call(step))
            yield from self._failing_statement(step, call)
        elif step.stream and is_unreferenced:
            yield _status_and_text(step, call)
        elif step.until:
            yield from self._assign(step, _poll(step, call), call)
        elif step.stream:
            text = f"{_read_stream(step, call)}[1]" if call.uses_client else f"{call.source}.text"
            yield from self._assign(step, f"run_from_stream({text})", call)
        elif is_unreferenced:
            yield _status_and_text(step, call) if call.uses_client else call.source
        else:
            yield from self._assign(step, _json_value(call), call)

    def _failing_statement(self, step: Step, call: ClientCall) -> Iterator[str]:
        """The failing step, which keeps its HTTP status and text."""
        yield f"status, text = {_status_and_text(step, call)}"
        if self._is_referred_to(step):
            yield from self._assign(step, _parse(step, "text"), None)

    def _concurrent(self, steps: Sequence[Step]) -> Iterator[str]:
        """Concurrent steps; the result of each is its HTTP status and text."""
        yield "with ThreadPoolExecutor() as pool:"
        yield f"{INDENT}sent = ["
        for step in steps:
            call = self.writer.call(step, depth=2, raw=not step.stream)
            yield f"{INDENT * 2}pool.submit(lambda: {_status_and_text(step, call)}),"
        yield f"{INDENT}]"
        for number, step in enumerate(steps):
            if step is self.failing_step:
                yield f"status, text = sent[{number}].result()"
            if self._is_referred_to(step):
                yield from self._assign(step, _parse(step, f"sent[{number}].result()[1]"), None)

    def _assign(self, step: Step, value: str, call: ClientCall | None) -> Iterator[str]:
        """The value, assigned to a variable if a later step refers to it."""
        if not self._is_referred_to(step):
            yield value
            return
        name = _variable_name(step.name)
        is_object = call is not None and call.uses_client and not step.stream
        self.writer.variables[step.name] = Variable(name, is_object, self.writer.items.get(step.name))
        yield f"{name} = {value}"

    def _is_referred_to(self, step: Step) -> bool:
        return bool(step.name) and any(step.name in _referenced_steps(other) for other in steps_of(self.moves))


def _json_value(call: ClientCall) -> str:
    return call.source if call.uses_client else f"{call.source}.json()"


def _poll(step: Step, call: ClientCall) -> str:
    return f"poll_until(lambda: {_json_value(call)}, {literal(list(step.until), {})})"


def _status_and_text(step: Step, call: ClientCall) -> str:
    """The source of the HTTP status and text of a step's response."""
    if step.stream and call.uses_client:
        return f"read_response(lambda: {_read_stream(step, call)})"
    return f"read_response(lambda: {call.source})"


def _read_stream(step: Step, call: ClientCall) -> str:
    """The source of the HTTP status and events of a stream, as far as the step reads it."""
    leave_at = f", {literal(step.leave_at_event, {})}" if step.leave_at_event else ""
    return f"read_stream({call.source}{leave_at})"


def _parse(step: Step, text: str) -> str:
    return f"run_from_stream({text})" if step.stream else f"json.loads({text})"


def _variable_name(name: str) -> str:
    identifier = re.sub(r"[^A-Za-z0-9_]", "_", name)
    is_reserved = identifier in _RESERVED or hasattr(builtins, identifier) or identifier.startswith("__")
    is_usable = identifier.isidentifier() and not keyword.iskeyword(identifier) and not is_reserved
    return identifier if is_usable else f"the_{identifier}"


def _referenced_steps(value: object) -> Iterator[str]:
    if isinstance(value, Step):
        for part in (*value.path.values(), *(pair[1] for pair in value.query), value.body):
            yield from _referenced_steps(part)
    elif isinstance(value, Ref):
        yield value.step
    elif is_object(value):
        for member in value.values():
            yield from _referenced_steps(member)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _referenced_steps(item)
