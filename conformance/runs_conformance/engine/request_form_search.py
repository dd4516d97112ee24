"""The search for all request forms: tries one after the other on the target."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from runs_conformance.contract.lifecycle import ACTIVE, TERMINAL
from runs_conformance.engine.file_ids import accepts_files, steps_with_unknown_files
from runs_conformance.engine.forms_to_try import apply_forms, names_of, run_forms
from runs_conformance.engine.pending_calls import waiting_calls
from runs_conformance.engine.prerequisite_search import PrerequisiteSearch
from runs_conformance.evidence.description import describe_outcome, describe_response
from runs_conformance.generation.programs.fragments import Fragment
from runs_conformance.generation.programs.responses import has_id, pending_call_count, status
from runs_conformance.generation.programs.steps import (
    SETTLED_STATUSES,
    caller,
    forced_call,
    on_run,
    page,
    poll,
    run,
)
from runs_conformance.model.case import Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext, StepGenerator
from runs_conformance.model.request_forms import TOOL_CHOICES, TOOL_PLACES, RequestForms

MAX_WAIT = 15.0
"""Seconds that the search waits for a run."""

MAX_MODELS = 4
"""Number of listed models to try."""

CALL_ATTEMPTS = 20
"""Number of runs that a program may create to get one function call, if a run has called a function.

A model that calls functions at random, in one of three runs, calls none in twenty only once in 3,000 times, so that
repeated test runs agree.
"""

MAX_STUCK_RUNS = 2
"""Runs that neither end nor wait for outputs, or cannot be followed, after which no further form is tried."""

MIN_RUNS_WITHOUT_CALL = 3
"""Runs without a call after which it is no chance that they called no function, although runs of another form do."""


_WAYS_TO_FORCE = {
    "named": "tool_choice names it",
    "required": "tool_choice is required",
    "words": "its prompt asks for it",
}


@dataclass(slots=True)
class RequestFormSearch(PrerequisiteSearch):
    """The search for all request forms: of the assistant and the thread, then of runs and function calls.

    `stuck_runs` counts runs that kept a status for too long, `unread_runs` runs whose status no response showed.
    `forcing_exchanges` are the creations of runs that must call a function, by tool choice and the place of the tools;
    `runs_without_call` counts how many of these runs completed without a call.
    """

    list_models: Callable[[], Sequence[str]] = field(kw_only=True)
    stuck_runs: int = 0
    unread_runs: int = 0
    forcing_exchanges: dict[tuple[str, str], Exchange] = field(default_factory=dict)
    runs_without_call: Counter[tuple[str, str]] = field(default_factory=Counter)
    waits_without_calls: bool = False

    def steps(self, context: ProgramContext) -> StepGenerator:
        """Find the forms that the target accepts, and whether it accepts ids of files that it does not have."""
        yield from self._find_forms(context)
        if not context.accepts_any_file_id and context.use.keys().isdisjoint(("file", "vector_store")):
            yield from self._try_unknown_files()

    def _find_forms(self, context: ProgramContext) -> StepGenerator:
        """Try the forms; for each model that is listed, if the given one does not answer."""
        yield from self._try_all_forms()
        if self.model_responds is not False or context.use.get("assistant"):
            return
        default = self.request_forms
        for model in [each for each in self.list_models() if each != context.model][:MAX_MODELS]:
            self.request_forms = replace(
                RequestForms(), model=model, notes=(f"the model {context.model} does not answer; {model} is used",)
            )
            self.model_responds = None
            yield from self._try_all_forms()
            if self._found_model():
                return
        self.request_forms = default

    def _try_all_forms(self) -> StepGenerator:
        if not (yield from self._find_assistant()):
            return
        if not (yield from self._find_thread()):
            return
        if (yield from self._try_function_call()):
            self.request_forms = replace(self.request_forms, call_attempts=CALL_ATTEMPTS)
            return
        if (yield from self._find_run_form()):
            yield from self._find_forcing()

    def _try_unknown_files(self) -> StepGenerator:
        """Create objects with invented file ids, until the target refuses or drops one."""
        for step in steps_with_unknown_files(self.result()):
            exchange: Exchange = yield from self._send(step)
            if not accepts_files(step, exchange):
                return
        self._note("any id of a file or vector store is accepted", accepts_any_file_id=True)

    def _try_function_call(self, forms: RequestForms | None = None) -> Fragment:
        """Create a run that must call a function; returns whether it waits for the output, and cancels it then."""
        trial = forms or self.request_forms
        created: Exchange = yield from self._send(run(**forced_call(apply_forms(self.context, trial))), trial)
        self.forcing_exchanges.setdefault((trial.tool_choice, trial.tools_on), created)
        if not has_id(created):
            return False
        exchange: Exchange = yield poll(until=SETTLED_STATUSES)
        self._learn_from(exchange)
        if status(exchange) in TERMINAL:
            self.runs_without_call[trial.tool_choice, trial.tools_on] += status(exchange) == "completed"
            return False
        is_waiting = status(exchange) == "requires_action"
        shows_calls = is_waiting and (pending_call_count(exchange) > 0 or (yield from self._shows_calls_in_steps()))
        yield on_run("cancel_run")
        self.waits_without_calls |= is_waiting and not shows_calls
        return shows_calls

    def _shows_calls_in_steps(self) -> Fragment:
        """Look for the calls of a waiting run in its steps; returns whether they are there."""
        steps: Exchange = yield page("list_run_steps", "run", "thread")
        if not waiting_calls(steps):
            return False
        if self.request_forms.calls_in != "steps":
            text = "runs wait for tool outputs without required_action; their calls are read from their steps"
            self._note(text, calls_in="steps")
        return True

    @property
    def _can_learn_from_runs(self) -> bool:
        """Whether further runs may show something."""
        return max(self.stuck_runs, self.unread_runs) < MAX_STUCK_RUNS

    def _found_model(self) -> bool:
        return self.model_responds is True

    def _learn_from(self, exchange: Exchange) -> None:
        """Learn from a run whether its model answers."""
        if status(exchange) in ("requires_action", "completed", "incomplete"):
            self.model_responds = True
        elif status(exchange) in ACTIVE:
            self.stuck_runs += 1
            if self.stuck_runs == MAX_STUCK_RUNS:
                seconds = min(self.context.run_timeout, MAX_WAIT)
                self._note(f"runs stay {status(exchange)} for {seconds:g} seconds", calls_functions=False)
        elif status(exchange) not in TERMINAL:
            self.unread_runs += 1
            if self.unread_runs == MAX_STUCK_RUNS:
                self._note(f"runs cannot be followed: {describe_outcome(exchange)}", calls_functions=False)
        elif status(exchange) == "failed" and self.model_responds is None:
            self.model_responds = False

    def _find_run_form(self) -> Fragment:
        """Find the form of a plain run, the smallest first; returns whether one was accepted."""
        first: Exchange | None = None
        for members in ({}, *run_forms(self.result())):
            thread_created = yield from self._create_thread(purpose="plain")
            if not thread_created.accepted:
                return False
            trial = replace(self.request_forms, run_members=members)
            step = run() if members else replace(run(), role=Role.CONTROL)
            created: Exchange = yield from self._send(step, trial)
            if has_id(created):
                if members and first is not None:
                    self._note(
                        f"runs are created with {names_of(members)}; the smallest form got {describe_response(first)}",
                        run_members=members,
                    )
                exchange: Exchange = yield poll(until=SETTLED_STATUSES)
                self._learn_from(exchange)
                if status(exchange) not in TERMINAL:
                    yield on_run("cancel_run")
                return self.model_responds is not False and self._can_learn_from_runs
            first = first or created
        self.model_responds = False
        self.request_forms = replace(self.request_forms, starts_runs=False, calls_functions=False)
        return False

    def _find_forcing(self) -> Fragment:
        """Find out how a run is made to call a function; returns whether one did. A model may need a second chance."""
        forms = tuple(itertools.product(TOOL_CHOICES, TOOL_PLACES))
        was_tried = not self.request_forms.run_members
        for choice, place in (*forms[was_tried:], *forms):
            trial = replace(self.request_forms, tool_choice=choice, tools_on=place)
            prepared = yield from self._prepare(trial)
            if prepared and self._can_learn_from_runs and (yield from self._try_function_call(trial)):
                self._note(
                    f"to make a run call a function, {_WAYS_TO_FORCE[choice]}, and the {place} has the tools",
                    tool_choice=choice,
                    tools_on=place,
                    call_attempts=CALL_ATTEMPTS,
                )
                yield from self._check_reliability()
                yield from self._repeat_form_without_call()
                return True
        if self._can_learn_from_runs:
            reason = "no run could be made to call a function"
            if self.waits_without_calls:
                reason = "runs wait for tool outputs, but do not show their calls in required_action"
            self._note(reason, calls_functions=False)
        self._keep_an_accepted_form()
        return False

    def _keep_an_accepted_form(self) -> None:
        """Force calls in a form that is accepted, even if no call follows: programs may need no more than the run."""
        usual = self.forcing_exchanges.get((self.request_forms.tool_choice, self.request_forms.tools_on))
        accepted = [form for form, exchange in self.forcing_exchanges.items() if has_id(exchange)]
        if usual is not None and not has_id(usual) and accepted:
            choice, place = accepted[0]
            self._note(
                f"for runs with tools, {_WAYS_TO_FORCE[choice]}, and the {place} has the tools; "
                f"the smallest form got {describe_response(usual)}",
                tool_choice=choice,
                tools_on=place,
            )

    def _check_reliability(self) -> StepGenerator:
        """Try the form that called a function again: a model may call functions at random."""
        if not (
            (yield from self._prepare(self.request_forms)) and (yield from self._try_function_call(self.request_forms))
        ):
            self._note("some runs do not call a function in this form")

    def _repeat_form_without_call(self) -> StepGenerator:
        """Repeat the form with the same tool choice and the other tools, if a run completed in it without a call.

        One such run may be chance. No program uses this form, so only more of these runs can show that the target
        ignores the tools at that place.
        """
        for place in TOOL_PLACES:
            if place == self.request_forms.tools_on:
                continue
            form = self.request_forms.tool_choice, place
            while 0 < (count := self.runs_without_call[form]) < MIN_RUNS_WITHOUT_CALL:
                trial = replace(self.request_forms, tools_on=place)
                if not (yield from self._prepare(trial)):
                    break
                yield from self._try_function_call(trial)
                if self.runs_without_call[form] == count:
                    break

    def _prepare(self, trial: RequestForms) -> Fragment:
        """Create the assistant, if it needs tools, and the thread of a run."""
        if trial.tools_on == "assistant":
            if self.result().use.get("assistant"):
                return False
            tooled: Exchange = yield from self._send(caller(apply_forms(self.context, trial)), trial)
            if not has_id(tooled):
                return False
        created = yield from self._create_thread(trial)
        return created.accepted
