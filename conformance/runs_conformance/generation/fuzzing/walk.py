"""Random walks: programs that draw each step from the state left by the steps before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from runs_conformance.generation.fuzzing.actions import ACTIONS, RUN_STARTING_ACTIONS
from runs_conformance.generation.fuzzing.walk_profile import NOVELTY_DECAYS, WalkProfile, action_weight
from runs_conformance.generation.fuzzing.walk_state import WalkRun, WalkState
from runs_conformance.generation.programs.fragments import longest_page
from runs_conformance.generation.programs.responses import PENDING_CALLS, has_id
from runs_conformance.generation.programs.steps import (
    SETTLED_STATUSES,
    TERMINAL_STATUSES,
    assistant,
    on_run,
    page,
    poll,
)
from runs_conformance.model.case import Ref, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext, StepGenerator

MAX_STEPS = 12
_CANCEL_PROBABILITY, _CANCEL_PENDING_PROBABILITY = 0.4, 0.15
"""Shares of the runs still active at the end, in general and with pending tool calls, that are cancelled."""
_MAX_ROUNDS = 3


def walk_program(
    profile: WalkProfile, number: int, max_steps: int = MAX_STEPS
) -> Callable[[ProgramContext], StepGenerator]:
    """The program of one walk of at most `max_steps` steps; at the end, all active runs are completed or cancelled."""

    def steps(context: ProgramContext) -> StepGenerator:
        state = WalkState(context)
        first = assistant(context)
        response: Exchange = yield first
        if not has_id(response):
            return
        state.record("assistant", first, response)
        novelty_decay = Random(f"{context.seed}/{number}").choice(NOVELTY_DECAYS)
        for turn in range(max_steps):
            # Each step has its own random generator, so that its draws do not depend on the steps before it.
            choice = next_step(state, profile, Random(f"{context.seed}/{number}/{turn}"), novelty_decay)
            if choice is None:
                break
            action, step = choice
            state.record(action, step, (yield step))
        yield from end_all_runs(state, Random(f"{context.seed}/{number}/end"))

    return steps


def end_all_runs(state: WalkState, random: Random) -> StepGenerator:
    """Complete or cancel every active run, then read all objects again."""
    for run in list(state.unfinished_runs()):
        if random.random() < (_CANCEL_PENDING_PROBABILITY if run.pending_in else _CANCEL_PROBABILITY):
            yield on_run("cancel_run", run.ref, run.thread.ref)
        else:
            yield from _complete_run(state, run)
        yield poll(run.ref, run.thread.ref, TERMINAL_STATUSES)
    for run in state.reachable_runs():
        yield on_run("get_run", run.ref, run.thread.ref)
        yield page("list_run_steps", run.ref, run.thread.ref)
    for thread in state.existing_threads():
        yield from longest_page("list_messages", thread.ref, order="asc")


def _complete_run(state: WalkState, run: WalkRun) -> StepGenerator:
    """Submit tool outputs until a run ends; after `_MAX_ROUNDS` rounds, cancel it."""
    for _ in range(_MAX_ROUNDS):
        if not run.pending_in:
            wait = replace(poll(run.ref, run.thread.ref, SETTLED_STATUSES), name=state.next_step_name)
            state.record("wait_for_run", wait, (yield wait))
        if not run.pending_in:
            return
        outputs = [
            {"tool_call_id": Ref(run.pending_in, f"{PENDING_CALLS}/{index}/id"), "output": "18 degrees"}
            for index in range(run.pending_count)
        ]
        step = on_run(
            "submit_tool_outputs", run.ref, run.thread.ref, {"tool_outputs": outputs}, name=state.next_step_name
        )
        state.record("submit_outputs", step, (yield step))
    yield on_run("cancel_run", run.ref, run.thread.ref)


def next_step(
    state: WalkState, profile: WalkProfile, random: Random, novelty_decay: float = NOVELTY_DECAYS[0]
) -> tuple[str, Step] | None:
    """The next action and its step, drawn from the actions that the state allows; None if it allows none."""
    opening = state.steps - 1
    if opening < len(profile.opening):
        step = _build_step(state, profile, profile.opening[opening], random)
        if step is not None:
            return profile.opening[opening], step
    weights = {
        action: action_weight(profile, action, state.action_counts[action], novelty_decay) for action in profile.weights
    }
    while weights:
        action = random.choices(list(weights), list(weights.values()))[0]
        step = _build_step(state, profile, action, random)
        if step is not None:
            return action, step
        del weights[action]
    return None


def _build_step(state: WalkState, profile: WalkProfile, action: str, random: Random) -> Step | None:
    """The step of an action. Once the profile's runs are used up, runs are started only on locked threads."""
    if action in RUN_STARTING_ACTIONS and state.accepted_runs >= profile.runs:
        busy = [thread for thread in state.existing_threads() if state.is_busy(thread)]
        if action == "create_thread_and_run" or not busy:
            return None
        state = replace(state, threads=busy)
    step = ACTIONS[action](state, random)
    if step is None:
        return None
    role = step.role if step.role is not Role.FIXTURE else Role.ACT
    return replace(step, name=state.next_step_name, role=role)
