"""The state of a random walk: the objects that exist, and the last known facts about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from runs_conformance.contract.lifecycle import ACTIVE, TERMINAL
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.generation.programs.responses import (
    has_id,
    item_count,
    pending_call_count,
    response_object,
    status,
)
from runs_conformance.model.case import Key, Ref, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.list_body import listed_ids
from runs_conformance.model.program import ProgramContext

_MOST_REFERENCES = 12


@dataclass(slots=True)
class WalkThread:
    """A thread, with references to its known messages by id."""

    ref: Ref
    messages: dict[str, Ref] = field(default_factory=dict)
    is_deleted: bool = False


@dataclass(slots=True)
class WalkRun:
    """A run. `pending_in` is the name of the step whose response lists its `pending_count` pending tool calls; empty
    unless it requires action. `last_submission` is the last accepted body with tool outputs.
    """

    id: str
    ref: Ref
    thread: WalkThread
    status: str = ""
    pending_in: str = ""
    pending_count: int = 0
    last_submission: object = None
    steps: dict[str, Ref] = field(default_factory=dict)

    @property
    def has_ended(self) -> bool:
        """Whether its last known status is terminal."""
        return self.status in TERMINAL


@dataclass(frozen=True, slots=True)
class ListedPage:
    """The last page of a list: the step, the number of its objects, and `has_more`."""

    step: Step
    count: int
    has_more: bool


@dataclass(slots=True)
class WalkState:
    """The state of one walk."""

    context: ProgramContext
    threads: list[WalkThread] = field(default_factory=list)
    runs: dict[str, WalkRun] = field(default_factory=dict)
    assistants: list[Ref] = field(default_factory=list)
    last_page: ListedPage | None = None
    action_counts: Counter[str] = field(default_factory=Counter)
    last_action: str = ""
    steps: int = 0
    accepted_runs: int = 0

    @property
    def next_step_name(self) -> str:
        """The name for the next step."""
        return f"s{self.steps + 1}"

    def existing_threads(self) -> list[WalkThread]:
        """The threads that were not deleted."""
        return [thread for thread in self.threads if not thread.is_deleted]

    def reachable_runs(self) -> list[WalkRun]:
        """The runs of threads that were not deleted."""
        return [run for run in self.runs.values() if not run.thread.is_deleted]

    def is_busy(self, thread: WalkThread) -> bool:
        """Whether a run may still be active on a thread."""
        return any(run.thread is thread and not run.has_ended for run in self.runs.values())

    def record(self, action: str, step: Step, exchange: Exchange) -> None:
        """Update the state with a step of an action and its exchange."""
        self.steps += 1
        self.action_counts[action] += 1
        self.last_action = action
        self.last_page = None
        if not exchange.accepted or step.key is not Key.PRIMARY:
            return
        match step.operation:
            case "create_assistant" | "get_assistant" if has_id(exchange) and not self.assistants:
                self.assistants.append(Ref(step.name))
            case "create_assistant" if has_id(exchange):
                self.assistants.append(Ref(step.name))
            case "delete_assistant":
                self.assistants = [ref for ref in self.assistants if ref != step.path.get("assistant_id")]
            case "create_thread" if has_id(exchange):
                self.threads.append(WalkThread(Ref(step.name)))
            case "create_run" | "create_thread_and_run":
                self._record_run_creation(step, exchange)
            case "create_message" if has_id(exchange):
                self._record_message(step, str(exchange.member("id")), Ref(step.name))
            case "submit_tool_outputs":
                self._record_submission(step, exchange)
            case "delete_thread":
                self._record_thread_deletion(step)
            case "delete_message":
                self._forget_message(step, exchange)
            case name if OPERATIONS[name].listed_kind:
                self._record_page(step, exchange)
        self._record_run_status(step, exchange)

    def _record_run_creation(self, step: Step, exchange: Exchange) -> None:
        run = response_object(exchange)
        if not isinstance(run.get("id"), str):
            return
        self.accepted_runs += 1
        if step.operation == "create_thread_and_run":
            if not isinstance(run.get("thread_id"), str):
                return
            self.threads.append(WalkThread(Ref(step.name, "/thread_id")))
            thread = self.threads[-1]
        else:
            existing = self._thread_of(step)
            if existing is None:
                return
            thread = existing
        self.runs[str(run["id"])] = WalkRun(str(run["id"]), Ref(step.name), thread)

    def _record_run_status(self, step: Step, exchange: Exchange) -> None:
        """Record the status of a run in a response."""
        run = self.runs.get(str(response_object(exchange).get("id")))
        if run is None or not status(exchange):
            return
        run.status = status(exchange)
        requires_action = run.status == "requires_action"
        run.pending_in, run.pending_count = (step.name, pending_call_count(exchange)) if requires_action else ("", 0)

    def _record_submission(self, step: Step, exchange: Exchange) -> None:
        run = self.runs.get(str(response_object(exchange).get("id")))
        if run is not None:
            run.last_submission = step.body

    def _record_page(self, step: Step, exchange: Exchange) -> None:
        count = item_count(exchange)
        self.last_page = ListedPage(step, count, exchange.member("has_more") is True)
        thread = self._thread_of(step)
        for index, id_ in enumerate(listed_ids(exchange.body)[: min(count, 4)]):
            ref = Ref(step.name, f"/data/{index}/id")
            if step.operation == "list_messages" and thread is not None:
                if len(thread.messages) < _MOST_REFERENCES:
                    thread.messages.setdefault(id_, ref)
            elif step.operation == "list_run_steps":
                run = next((run for run in self.runs.values() if run.ref == step.path.get("run_id")), None)
                if run is not None:
                    run.steps.setdefault(id_, ref)

    def _thread_of(self, step: Step) -> WalkThread | None:
        return next((thread for thread in self.threads if thread.ref == step.path.get("thread_id")), None)

    def _record_message(self, step: Step, id_: str, ref: Ref) -> None:
        thread = self._thread_of(step)
        if thread is not None:
            thread.messages[id_] = ref

    def _forget_message(self, step: Step, exchange: Exchange) -> None:
        thread = self._thread_of(step)
        if thread is not None:
            thread.messages.pop(exchange.path.get("message_id", ""), None)

    def _record_thread_deletion(self, step: Step) -> None:
        thread = self._thread_of(step)
        if thread is not None:
            thread.is_deleted = True

    def unfinished_runs(self) -> Iterator[WalkRun]:
        """The runs that may still be active."""
        return (run for run in self.reachable_runs() if run.status in ACTIVE or not run.status)
