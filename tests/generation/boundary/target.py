"""An in-memory target for boundary programs: it validates bodies by the schemas, unless a test overrides it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from runs_conformance.contract.constraint import body_documents, query_documents
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.validation import validate_document
from runs_conformance.model.case import Ref, Step, Unmet
from runs_conformance.model.exchange import Completion, Event, Exchange, Request, Response
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT, at
from runs_conformance.model.program import Program, ProgramContext

CONTEXT = ProgramContext(edition="2026-08-14", accepts_any_file_id=True)
Answer = tuple[int, Any]
Override = Callable[[Step, Any], Answer | None]


class InMemoryTarget:
    """Answers steps like a correct server whose runs stay active until they are cancelled.

    `override` may answer first; if it returns None, the response is correct except that the constraint `ignoring` is
    not enforced.
    """

    def __init__(self, override: Override = lambda step, body: None, ignoring: str = "") -> None:
        self.override = override
        self.ignoring = ignoring
        self.exchanges: list[Exchange] = []
        self.answers: dict[str, Any] = {}
        self.busy: dict[str, str] = {}
        self.runs: dict[str, dict[str, Any]] = {}
        self.serial = 0

    def execute(self, program: Program, context: ProgramContext = CONTEXT) -> History:
        moves = program.generate(context)
        try:
            move = next(moves)
            while True:
                assert isinstance(move, (Step, Unmet))
                move = moves.send(None if isinstance(move, Unmet) else self.send(move))
        except StopIteration:
            return History.of(self.exchanges, program.id)

    def send(self, step: Step) -> Exchange:
        body = self._resolve(step.body)
        path = {name: str(self._resolve(value)) for name, value in step.path.items()}
        status, answer = self.override(step, body) or self._answer(step, body, path)
        number = len(self.exchanges)
        events = None
        if status == 200 and step.stream:
            events = (
                Event("thread.run.completed", {**answer, "status": "completed"}, float(number)),
                Event("done", "[DONE]"),
            )
            self.busy.pop(path.get("thread_id", ""), None)
        exchange = Exchange(
            id=f"x{number}",
            index=number,
            program="boundary",
            operation=step.operation,
            request=Request(OPERATIONS[step.operation].method, OPERATIONS[step.operation].url(path), body=body),
            response=Response(status, body=ABSENT if events else answer, events=events),
            completion=Completion.ANSWERED,
            started=number + 0.1,
            ended=number + 0.9,
            step=step,
            path=path,
            edition=CONTEXT.edition,
        )
        self.exchanges.append(exchange)
        if step.name:
            self.answers[step.name] = answer
        return exchange

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, Ref):
            found = at(self.answers[value.step], value.pointer)
            assert found is not ABSENT, f"{value} cannot be resolved"
            return found
        if isinstance(value, Mapping):
            return {name: self._resolve(member) for name, member in value.items()}
        return [self._resolve(item) for item in value] if isinstance(value, (list, tuple)) else value

    def _answer(self, step: Step, body: Any, path: Mapping[str, str]) -> Answer:
        if self._must_refuse(step, body):
            return 400, {"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": None}}
        thread = path.get("thread_id", "")
        match step.operation:
            case "create_run" | "create_message" if thread in self.busy:
                busy = f"Thread {thread} already has an active run {self.busy[thread]}."
                return 400, {"error": {"message": busy, "type": "invalid_request_error", "param": None, "code": None}}
            case "create_run" | "create_thread_and_run":
                return 200, self._run(thread or self._id("thread"), body)
            case "get_run" | "cancel_run" | "modify_run" | "submit_tool_outputs":
                return self._on_run(step, path["run_id"])
            case "list_run_steps":
                return 200, {"object": "list", "data": [{"id": "step_1"}]}
        return 200, {"id": self._id(step.operation)}

    def _must_refuse(self, step: Step, body: Any) -> bool:
        if step.raw is not None or step.headers:
            return True
        document = body_documents().get(step.operation)
        if document and body is not ABSENT and self._is_invalid(document, step.operation, body):
            return True
        query_document = query_documents().get(step.operation)
        if not query_document or not step.query:
            return False
        query: dict[str, Any] = {}
        for name, value in step.query:
            if name == "include[]":
                query["include"] = [value]
            else:
                text = str(value)
                query[name] = int(text) if text.lstrip("-").isdecimal() else text
        return self._is_invalid(query_document, step.operation, query)

    def _is_invalid(self, document: str, operation: str, value: Any) -> bool:
        return any(
            violation.constraint != self.ignoring
            for violation in validate_document(document, operation, value).violations
        )

    def _run(self, thread: str, body: Any) -> dict[str, Any]:
        run: dict[str, Any] = {"id": self._id("run"), "object": "thread.run", "thread_id": thread, "status": "queued"}
        if isinstance(body, dict) and isinstance(body.get("tool_choice"), dict):
            calls = [{"id": self._id("call"), "type": "function"}]
            run |= {"status": "requires_action", "required_action": {"submit_tool_outputs": {"tool_calls": calls}}}
        self.runs[run["id"]] = run
        self.busy[thread] = run["id"]
        return run

    def _on_run(self, step: Step, id_: str) -> Answer:
        run = self.runs[id_]
        if step.operation == "cancel_run":
            run["status"] = "cancelled"
        elif step.operation == "submit_tool_outputs" or run["status"] in ("queued", "in_progress"):
            run["status"] = "completed"
        if run["status"] in ("cancelled", "completed"):
            self.busy.pop(run["thread_id"], None)
        return 200, dict(run)

    def _id(self, document: str) -> str:
        self.serial += 1
        return f"{document}_{self.serial}"
