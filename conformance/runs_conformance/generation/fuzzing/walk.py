"""Walks: programs whose every step is drawn from what happened before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from hypothesis import strategies as st

from runs_conformance.generation.fuzzing.actions import ACTS, STARTS
from runs_conformance.generation.fuzzing.walk_profile import FADINGS, Theme, weight
from runs_conformance.generation.fuzzing.walk_state import Run, Story
from runs_conformance.generation.programs.responses import PENDING, made
from runs_conformance.generation.programs.steps import OVER, SETTLED, assistant, on_run, page, poll
from runs_conformance.model.case import Ref, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Play, Setting

MOST_STEPS = 12
_CANCELLED, _CANCELLED_WAITING = 0.4, 0.15
"""So many of the runs that are still active in the end are cancelled; the others go on to their own end."""
_ROUNDS = 3


def walking(theme: Theme, number: int, most: int = MOST_STEPS) -> Callable[[Setting], Play]:
    """The play of one walk: so many steps on a theme, and what still runs in the end cancelled."""

    def play(setting: Setting) -> Play:
        story = Story(setting)
        first = assistant(setting)
        answer: Exchange = yield first
        if not made(answer):
            return
        story.tell("assistant", first, answer)
        fading = Random(f"{setting.seed}/{number}").choice(FADINGS)
        for turn in range(most):
            # A generator for each step: however one step went, the dice of the next are the same.
            drawn = next_step(story, theme, Random(f"{setting.seed}/{number}/{turn}"), fading)
            if drawn is None:
                break
            act, step = drawn
            story.tell(act, step, (yield step))
        yield from _to_the_end(story, Random(f"{setting.seed}/{number}/end"))

    return play


def _to_the_end(story: Story, random: Random) -> Play:
    """Everything that was started is ended, one way or another, and looked at once more."""
    for run in list(story.unfinished()):
        if random.random() < (_CANCELLED_WAITING if run.waits else _CANCELLED):
            yield on_run("cancel_run", run.ref, run.thread.ref)
        else:
            yield from _carried_on(story, run)
        yield poll(run.ref, run.thread.ref, OVER)
    for run in story.reachable():
        yield on_run("get_run", run.ref, run.thread.ref)
        yield page("list_run_steps", run.ref, run.thread.ref)
    for thread in story.standing():
        yield page("list_messages", thread.ref, order="asc", limit="100")


def _carried_on(story: Story, run: Run) -> Play:
    """A run is given what it waits for until it is over; one that waits without end is cancelled."""
    for _ in range(_ROUNDS):
        if not run.waits:
            look = replace(poll(run.ref, run.thread.ref, SETTLED), name=story.name)
            story.tell("wait", look, (yield look))
        if not run.waits:
            return
        outputs = [
            {"tool_call_id": Ref(run.waits, f"{PENDING}/{index}/id"), "output": "18 degrees"}
            for index in range(run.count)
        ]
        step = on_run("submit_tool_outputs", run.ref, run.thread.ref, {"tool_outputs": outputs}, name=story.name)
        story.tell("submit", step, (yield step))
    yield on_run("cancel_run", run.ref, run.thread.ref)


def next_step(story: Story, theme: Theme, random: Random, fading: float = FADINGS[0]) -> tuple[str, Step] | None:
    """The act and the step that come next, drawn from what the story makes possible; None where it makes nothing."""
    opening = story.steps - 1
    if opening < len(theme.opening):
        step = _made(story, theme, theme.opening[opening], random)
        if step is not None:
            return theme.opening[opening], step
    weights = {act: weight(theme, act, story.done[act], fading) for act in theme.weights}
    while weights:
        act = random.choices(list(weights), list(weights.values()))[0]
        step = _made(story, theme, act, random)
        if step is not None:
            return act, step
        del weights[act]
    return None


def following(story: Story, theme: Theme) -> st.SearchStrategy[tuple[str, Step] | None]:
    """The strategy for what comes next after a story, as Hypothesis has them."""
    return st.randoms(use_true_random=True).map(lambda random: next_step(story, theme, random))


def _made(story: Story, theme: Theme, act: str, random: Random) -> Step | None:
    """An act's step. Runs that are sure to be accepted are started only as many as the theme allows."""
    if act in STARTS and story.accepted_runs >= theme.runs:
        busy = [thread for thread in story.standing() if story.busy(thread)]
        if act == "thread_and_run" or not busy:
            return None
        story = replace(story, threads=busy)
    step = ACTS[act](story, random)
    if step is None:
        return None
    looks = step.role if step.role is not Role.FIXTURE else Role.ACT
    return replace(step, name=story.name, role=looks)
