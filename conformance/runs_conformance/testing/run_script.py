"""Scripts that decide what runs do next, instead of the fake model."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from runs_conformance.emulator.context import Hooks
from runs_conformance.emulator.fake_model import ModelInput
from runs_conformance.emulator.model_actions import FinishCancelling, ModelAction, Wait
from runs_conformance.emulator.run_machine import schedule
from runs_conformance.emulator.state import Run
from runs_conformance.testing.key_session import ALL_KEYS, current_key
from runs_conformance.testing.scripted_acts import Act, AwaitOutputsThen, FailRun, HoldCancelling, plan_turn

_REST, _HELD = "script_rest", "script_held"


@dataclass(slots=True)
class RunScript:
    """Queues of turns for the next runs, by API key. When they are empty, the fake model decides."""

    turns: defaultdict[str, deque[tuple[Act, ...]]] = field(default_factory=lambda: defaultdict(deque))
    _rest: tuple[Act, ...] = ()

    def add(self, turns: Sequence[tuple[Act, ...]], key: str = ALL_KEYS) -> None:
        """Queue turns for the runs of a key."""
        self.turns[key].extend(turns)

    def clear(self, key: str | None = None) -> None:
        """Discard the turns of a key, or all."""
        if key is None:
            self.turns.clear()
        else:
            self.turns.pop(key, None)

    def pending(self, key: str | None = None) -> list[tuple[Act, ...]]:
        """The turns that no run has used, of a key or all."""
        return [turn for name, queue in list(self.turns.items()) if key in (None, name) for turn in list(queue)]

    def install(self, hooks: Hooks) -> None:
        """Let this script decide what the runs of an emulator do."""
        plan_by_model, perform_action, cancel_run, submit = hooks.plan, hooks.perform, hooks.cancel, hooks.submit

        def plan(model_input: ModelInput) -> list[ModelAction]:
            turn, self._rest = self._rest or self._next_turn(), ()
            return plan_turn(turn, model_input) if turn else plan_by_model(model_input)

        def perform(server: Any, thread: Any, run: Run, action: ModelAction, at: float) -> None:
            if isinstance(action, FailRun):
                run.failure = {"code": action.code, "message": action.message}
            elif isinstance(action, AwaitOutputsThen):
                run.notes[_REST] = action.rest
            elif isinstance(action, HoldCancelling):
                run.notes[_HELD] = action
            perform_action(server, thread, run, action, at)

        def cancel(server: Any, thread: Any, run: Run, now: float) -> None:
            cancel_run(server, thread, run, now)
            held = run.notes.get(_HELD)
            if held is not None:
                later: list[ModelAction] = [] if held.hold_s is None else [Wait(held.hold_s), FinishCancelling(pause=0)]
                schedule(server, run, later, now)

        def submit_outputs(server: Any, thread: Any, run: Run, outputs: list[dict[str, Any]], now: float) -> None:
            self._rest = run.notes.pop(_REST, ())
            try:
                submit(server, thread, run, outputs, now)
            finally:
                self._rest = ()

        hooks.plan, hooks.perform, hooks.cancel, hooks.submit = plan, perform, cancel, submit_outputs

    def _next_turn(self) -> tuple[Act, ...]:
        for key in (current_key.get(), ALL_KEYS):
            queue = self.turns.get(key)
            if queue:
                turn = queue.popleft()
                if not queue:
                    del self.turns[key]
                return turn
        return ()
