"""The search for an approach: tries the forms of requests, one after the other, on the target."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from runs_conformance.contract.lifecycle import ACTIVE, TERMINAL
from runs_conformance.engine.approach_forms import apply_approach, assistant_forms, names_of, run_forms
from runs_conformance.engine.file_ids import keeps_files, steps_with_unknown_files
from runs_conformance.engine.pending_calls import waiting_calls
from runs_conformance.evidence.description import describe_outcome, describe_response
from runs_conformance.generation.adaptation import adapt_step
from runs_conformance.generation.programs.fragments import Fragment
from runs_conformance.generation.programs.responses import has_id, pending_call_count, status
from runs_conformance.generation.programs.steps import (
    SETTLED_STATUSES,
    assistant,
    at_root,
    caller,
    forced_call,
    message,
    on_run,
    page,
    poll,
    prompt,
    run,
    thread,
)
from runs_conformance.model.approach import TOOL_CHOICES, TOOL_PLACES, Approach
from runs_conformance.model.case import Instruction, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import at, is_array, is_object
from runs_conformance.model.list_body import ITEMS, listed_ids
from runs_conformance.model.program import ProgramContext, StepGenerator

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

_NO_ROUTE = (404, 405, 501)


SILENT_RUNS = 3
"""Runs without a call after which it is no chance that they called no function, although runs of another form do."""


@dataclass(slots=True)
class ApproachSearch:
    """A search in progress: the best approach so far, and whether a run has shown that the model answers.

    `stuck_runs` counts the runs that kept a status for too long, `unread_runs` those whose status no response showed.
    `forcing_exchanges` are the creations of runs that must call a function, by tool choice and the place of the tools.
    `silent_runs` counts those runs that completed without a call.
    """

    context: ProgramContext
    list_models: Callable[[], Sequence[str]]
    approach: Approach = field(default_factory=Approach)
    model_responds: bool | None = None
    stuck_runs: int = 0
    unread_runs: int = 0
    forcing_exchanges: dict[tuple[str, str], Exchange] = field(default_factory=dict)
    silent_runs: Counter[tuple[str, str]] = field(default_factory=Counter)
    waits_without_calls: bool = False

    def result(self) -> ProgramContext:
        """The context with what was found."""
        return apply_approach(self.context, self.approach)

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
        default = self.approach
        for model in [each for each in self.list_models() if each != context.model][:MAX_MODELS]:
            self.approach = replace(
                Approach(), model=model, notes=(f"the model {context.model} does not answer; {model} is used",)
            )
            self.model_responds = None
            yield from self._try_all_forms()
            if self._found_model():
                return
        self.approach = default

    def _try_all_forms(self) -> StepGenerator:
        if not (yield from self._find_assistant()):
            return
        if not (yield from self._find_thread()):
            return
        if (yield from self._calls_function()):
            self.approach = replace(self.approach, call_attempts=CALL_ATTEMPTS)
            return
        if (yield from self._find_run_form()):
            yield from self._find_forcing()

    def _try_unknown_files(self) -> StepGenerator:
        """Create what may refer to files with invented ids of files, until the target refuses or drops them."""
        for step in steps_with_unknown_files(self.result()):
            exchange: Exchange = yield from self._send(step)
            if not keeps_files(step, exchange):
                return
        self._note("any id of a file or vector store is accepted", accepts_any_file_id=True)

    def _note(self, text: str, **changes: Any) -> None:
        self.approach = replace(self.approach, notes=(*self.approach.notes, text), **changes)

    def _send(self, step: Step, approach: Approach | None = None) -> Generator[Instruction, Any, Exchange]:
        exchange: Exchange = yield adapt_step(step, apply_approach(self.context, approach or self.approach))
        return exchange

    def _find_assistant(self) -> Fragment:
        context = self.result()
        first: Exchange = yield from self._send(assistant(context))
        if has_id(first) or context.use.get("assistant"):
            return True
        if first.status in _NO_ROUTE:
            return (yield from self._find_listed_assistant(first))
        smallest = at_root("create_assistant", {"model": context.model}, name="assistant", role=Role.CONTROL)
        for members in ({}, *assistant_forms(context)):
            trial = replace(self.approach, assistant_members=members)
            step = assistant(context) if members else smallest
            created: Exchange = yield from self._send(step, trial)
            if has_id(created):
                self._note(
                    f"assistants are created with {names_of(members) or 'a model alone'}: "
                    f"the usual form was answered with {describe_response(first)}",
                    assistant_members=members,
                )
                return True
        self.model_responds = False
        return (yield from self._find_listed_assistant(first))

    def _find_listed_assistant(self, refusal: Exchange) -> Fragment:
        listed: Exchange = yield page("list_assistants", name="listed")
        id_ = next(iter(listed_ids(listed.body)), None) if listed.accepted else None
        if id_ is None:
            self.approach = replace(self.approach, starts_runs=False, calls_functions=False)
            return False
        self._note(
            f"the listed assistant {id_} is used: creating one was answered with {describe_response(refusal)}",
            assistant=id_,
        )
        used: Exchange = yield assistant(self.result())
        return has_id(used)

    def _find_thread(self) -> Fragment:
        first: Exchange | None = None
        dropping: Approach | None = None
        for place, content in itertools.product(("inline", "separate"), ("text", "parts")):
            if place == "inline" and dropping is not None:
                continue
            trial = replace(self.approach, thread_messages=place, message_content=content)
            created = yield from self._new_thread(trial)
            if not created.accepted:
                first = first or created
                continue
            if (place == "inline" or dropping is not None) and (yield from self._lists_no_message()):
                dropping = dropping or trial
                continue
            if dropping is not None:
                reason = "no list shows those given with them"
            elif first is not None:
                reason = f"the usual form was answered with {describe_response(first)}"
            else:
                return True
            self._note(
                f"threads get their messages {'with them' if place == 'inline' else 'in a second request'}, as "
                f"{content}: {reason}",
                thread_messages=place,
                message_content=content,
            )
            return True
        if dropping is not None:
            # No list shows any message, so that the simplest form is as good as the others.
            self.approach = dropping
            return True
        self.approach = replace(self.approach, starts_runs=False, calls_functions=False)
        return False

    def _lists_no_message(self) -> Fragment:
        """Whether the list of the new thread's messages is empty; a list that cannot be read shows nothing."""
        listed: Exchange = yield page("list_messages")
        items = at(listed.body, f"/{ITEMS}") if listed.accepted and is_object(listed.body) else None
        return is_array(items) and not items

    def _new_thread(
        self, approach: Approach | None = None, purpose: str = "call_one"
    ) -> Generator[Instruction, Any, Exchange]:
        """Create a thread with a message; returns the response to the first request that was not accepted."""
        trial = approach or self.approach
        context = apply_approach(self.context, trial)
        text = prompt(context, purpose)
        step = replace(thread(context, text=text), append_message=None)
        created: Exchange = yield from self._send(step, trial)
        if has_id(created) and trial.thread_messages == "separate":
            return (yield from self._send(message(text, role="user"), trial))
        return created

    def _calls_function(self, approach: Approach | None = None) -> Fragment:
        """Create a run that must call a function; returns whether it waits for the output, and cancels it then."""
        trial = approach or self.approach
        created: Exchange = yield from self._send(run(**forced_call(apply_approach(self.context, trial))), trial)
        self.forcing_exchanges.setdefault((trial.tool_choice, trial.tools_on), created)
        if not has_id(created):
            return False
        exchange: Exchange = yield poll(until=SETTLED_STATUSES)
        self._learn_from(exchange)
        if status(exchange) in TERMINAL:
            self.silent_runs[trial.tool_choice, trial.tools_on] += status(exchange) == "completed"
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
        if self.approach.calls_in != "steps":
            text = "runs wait for tool outputs without required_action; their calls are read from their steps"
            self._note(text, calls_in="steps")
        return True

    @property
    def _learns_from_runs(self) -> bool:
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
            thread_created = yield from self._new_thread(purpose="plain")
            if not thread_created.accepted:
                return False
            trial = replace(self.approach, run_members=members)
            step = run() if members else replace(run(), role=Role.CONTROL)
            created: Exchange = yield from self._send(step, trial)
            if has_id(created):
                if members and first is not None:
                    self._note(
                        f"runs are created with {names_of(members)}: without, the response was "
                        f"{describe_response(first)}",
                        run_members=members,
                    )
                exchange: Exchange = yield poll(until=SETTLED_STATUSES)
                self._learn_from(exchange)
                if status(exchange) not in TERMINAL:
                    yield on_run("cancel_run")
                return self.model_responds is not False and self._learns_from_runs
            first = first or created
        self.model_responds = False
        self.approach = replace(self.approach, starts_runs=False, calls_functions=False)
        return False

    def _find_forcing(self) -> Fragment:
        """Find out how a run is made to call a function; returns whether one did. A model may need a second chance."""
        forms = tuple(itertools.product(TOOL_CHOICES, TOOL_PLACES))
        was_tried = not self.approach.run_members
        for choice, place in (*forms[was_tried:], *forms):
            trial = replace(self.approach, tool_choice=choice, tools_on=place)
            prepared = yield from self._prepare(trial)
            if prepared and self._learns_from_runs and (yield from self._calls_function(trial)):
                note = f"runs call functions by tool_choice {choice}" if choice != "words" else ""
                self._note(
                    f"{note or 'runs call functions when their prompt asks for it'}, with the tools of the {place}",
                    tool_choice=choice,
                    tools_on=place,
                    call_attempts=CALL_ATTEMPTS,
                )
                yield from self._check_reliability()
                yield from self._repeat_silent_form()
                return True
        if self._learns_from_runs:
            reason = "no run could be made to call a function"
            if self.waits_without_calls:
                reason = "runs wait for tool outputs, but do not show their calls in required_action"
            self._note(reason, calls_functions=False)
        self._keep_an_accepted_form()
        return False

    def _keep_an_accepted_form(self) -> None:
        """Force calls in a form that is accepted, even if no call follows: programs may need no more than the run."""
        usual = self.forcing_exchanges.get((self.approach.tool_choice, self.approach.tools_on))
        accepted = [form for form, exchange in self.forcing_exchanges.items() if has_id(exchange)]
        if usual is not None and not has_id(usual) and accepted:
            choice, place = accepted[0]
            self._note(
                f"runs with tools get tool_choice {choice}: the usual form was answered with "
                f"{describe_response(usual)}",
                tool_choice=choice,
                tools_on=place,
            )

    def _check_reliability(self) -> StepGenerator:
        """Try the form that called a function again: a model may call functions at random."""
        if not ((yield from self._prepare(self.approach)) and (yield from self._calls_function(self.approach))):
            self._note("but not every run does")

    def _repeat_silent_form(self) -> StepGenerator:
        """Repeat the form with the same tool choice and the other tools, if a run completed in it without a call.

        Such a run may be chance. No program tries that form again, so only further ones can show that the target
        ignores those tools.
        """
        for place in TOOL_PLACES:
            form = self.approach.tool_choice, place
            while place != self.approach.tools_on and 0 < (silent := self.silent_runs[form]) < SILENT_RUNS:
                trial = replace(self.approach, tools_on=place)
                if not (yield from self._prepare(trial)):
                    break
                yield from self._calls_function(trial)
                if self.silent_runs[form] == silent:
                    break

    def _prepare(self, trial: Approach) -> Fragment:
        """Create the assistant, if it needs tools, and the thread of a run."""
        if trial.tools_on == "assistant":
            if self.result().use.get("assistant"):
                return False
            tooled: Exchange = yield from self._send(caller(apply_approach(self.context, trial)), trial)
            if not has_id(tooled):
                return False
        created = yield from self._new_thread(trial)
        return created.accepted
