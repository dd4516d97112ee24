"""What happened so far in a walk: which objects there are, and what is known of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from runs_conformance.contract.lifecycle import ACTIVE, TERMINAL
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.generation.programs.responses import calls, items, made, shown, status
from runs_conformance.model.case import Key, Ref, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Setting

_MOST_REFERENCES = 12


@dataclass(slots=True)
class Thread:
    """A thread, with its messages as far as they can be referred to."""

    ref: Ref
    messages: dict[str, Ref] = field(default_factory=dict)
    gone: bool = False


@dataclass(slots=True)
class Run:
    """A run. `waits` names the answer that shows what it waits for, and `count` is how many outputs that is;
    `sent` is what it last took.
    """

    id: str
    ref: Ref
    thread: Thread
    status: str = ""
    waits: str = ""
    count: int = 0
    sent: object = None
    steps: dict[str, Ref] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.status in TERMINAL


@dataclass(frozen=True, slots=True)
class Shown:
    """The page of a list that was looked at last."""

    step: Step
    count: int
    more: bool


@dataclass(slots=True)
class Story:
    """The story of one walk. `done` counts its acts; `last` is the act before."""

    setting: Setting
    threads: list[Thread] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    assistants: list[Ref] = field(default_factory=list)
    page: Shown | None = None
    done: Counter[str] = field(default_factory=Counter)
    last: str = ""
    steps: int = 0
    accepted_runs: int = 0

    @property
    def name(self) -> str:
        """The name for the next step."""
        return f"s{self.steps + 1}"

    def standing(self) -> list[Thread]:
        """The threads that were not deleted."""
        return [thread for thread in self.threads if not thread.gone]

    def reachable(self) -> list[Run]:
        """The runs of threads that were not deleted."""
        return [run for run in self.runs.values() if not run.thread.gone]

    def busy(self, thread: Thread) -> bool:
        """Whether a run may still be active on a thread."""
        return any(run.thread is thread and not run.over for run in self.runs.values())

    def tell(self, act: str, step: Step, exchange: Exchange) -> None:
        """Go on with a step and what came of it."""
        self.steps += 1
        self.done[act] += 1
        self.last = act
        self.page = None
        if not exchange.accepted or step.key is not Key.OWN:
            return
        match step.operation:
            case "create_assistant" | "get_assistant" if made(exchange) and not self.assistants:
                self.assistants.append(Ref(step.name))
            case "create_assistant" if made(exchange):
                self.assistants.append(Ref(step.name))
            case "delete_assistant":
                self.assistants = [ref for ref in self.assistants if ref != step.path.get("assistant_id")]
            case "create_thread" if made(exchange):
                self.threads.append(Thread(Ref(step.name)))
            case "create_run" | "create_thread_and_run":
                self._tell_of_a_start(step, exchange)
            case "create_message" if made(exchange):
                self._note_message(step, str(exchange.member("id")), Ref(step.name))
            case "submit_tool_outputs":
                self._taken(step, exchange)
            case "delete_thread":
                self._mark_gone(step)
            case "delete_message":
                self._forget_message(step, exchange)
            case name if OPERATIONS[name].lists:
                self._tell_of_a_page(step, exchange)
        self._tell_of_a_run(step, exchange)

    def _tell_of_a_start(self, step: Step, exchange: Exchange) -> None:
        run = shown(exchange)
        if not isinstance(run.get("id"), str):
            return
        self.accepted_runs += 1
        if step.operation == "create_thread_and_run":
            if not isinstance(run.get("thread_id"), str):
                return
            self.threads.append(Thread(Ref(step.name, "/thread_id")))
            thread = self.threads[-1]
        else:
            found = self._thread_of(step)
            if found is None:
                return
            thread = found
        self.runs[str(run["id"])] = Run(str(run["id"]), Ref(step.name), thread)

    def _tell_of_a_run(self, step: Step, exchange: Exchange) -> None:
        """Take note of the status of a run that an answer shows."""
        run = self.runs.get(str(shown(exchange).get("id")))
        if run is None or not status(exchange):
            return
        run.status = status(exchange)
        waiting = run.status == "requires_action"
        run.waits, run.count = (step.name, calls(exchange)) if waiting else ("", 0)

    def _taken(self, step: Step, exchange: Exchange) -> None:
        run = self.runs.get(str(shown(exchange).get("id")))
        if run is not None:
            run.sent = step.body

    def _tell_of_a_page(self, step: Step, exchange: Exchange) -> None:
        count = items(exchange)
        self.page = Shown(step, count, exchange.member("has_more") is True)
        thread = self._thread_of(step)
        for index, id_ in enumerate(_ids(exchange)[: min(count, 4)]):
            ref = Ref(step.name, f"/data/{index}/id")
            if step.operation == "list_messages" and thread is not None:
                if len(thread.messages) < _MOST_REFERENCES:
                    thread.messages.setdefault(id_, ref)
            elif step.operation == "list_run_steps":
                run = next((run for run in self.runs.values() if run.ref == step.path.get("run_id")), None)
                if run is not None:
                    run.steps.setdefault(id_, ref)

    def _thread_of(self, step: Step) -> Thread | None:
        return next((thread for thread in self.threads if thread.ref == step.path.get("thread_id")), None)

    def _note_message(self, step: Step, id_: str, ref: Ref) -> None:
        thread = self._thread_of(step)
        if thread is not None:
            thread.messages[id_] = ref

    def _forget_message(self, step: Step, exchange: Exchange) -> None:
        thread = self._thread_of(step)
        if thread is not None:
            thread.messages.pop(exchange.path.get("message_id", ""), None)

    def _mark_gone(self, step: Step) -> None:
        thread = self._thread_of(step)
        if thread is not None:
            thread.gone = True

    def unfinished(self) -> Iterator[Run]:
        """The runs that may still be active."""
        return (run for run in self.reachable() if run.status in ACTIVE or not run.status)


def _ids(exchange: Exchange) -> list[str]:
    data = exchange.member("data")
    found = [item.get("id") for item in data if isinstance(item, Mapping)] if isinstance(data, list) else []
    return [str(id_) for id_ in found]
