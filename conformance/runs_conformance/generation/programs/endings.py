"""Programs in which a run does not complete: it reaches a token limit, fails or expires."""

from __future__ import annotations

from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import (
    Fragment,
    cancel_and_wait,
    give_up,
    prepare_caller,
    read_everything,
    require,
    start_waiting_run,
    submit,
)
from runs_conformance.generation.programs.responses import has_id, pending_call_count, response_object
from runs_conformance.generation.programs.steps import (
    FILLER,
    TERMINAL_STATUSES,
    assistant,
    forced_call,
    message,
    on_run,
    on_thread,
    page,
    poll,
    prompt,
    run,
    thread,
)
from runs_conformance.model.case import Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext, StepGenerator
from runs_conformance.model.rule import FAILING_MODEL


@program("lifecycle", "core", runs=2, requests=51)
def incomplete(context: ProgramContext) -> StepGenerator:
    """A run exceeds the smallest limit of completion tokens, and the next one the smallest limit of prompt tokens.

    The first is modified with its thread while it is in progress, ends incomplete and leaves the thread free. The
    second, which is limited in both, ends incomplete or with a truncated prompt.
    """
    if not (yield from require(assistant(context), thread(context, text=prompt(context, "long")))):
        return
    if not (yield from _run_with_limit("run", "max_completion_tokens")):
        return
    yield poll(until=("in_progress",))
    changes = {"metadata": {"while": "running"}}
    yield on_run("modify_run", body=changes)
    yield on_thread("modify_thread", body=changes)
    yield poll(until=TERMINAL_STATUSES)
    yield on_thread("get_thread")
    yield from read_everything()
    yield message("Read this and say hello: " + 2 * FILLER)
    yield on_run("cancel_run")
    yield on_run("get_run")
    # A target that ignores the limit of the prompt, and answers at length, still meets the other one.
    if not (yield from _run_with_limit("next", "max_prompt_tokens", max_completion_tokens=256)):
        return
    yield poll("next", until=TERMINAL_STATUSES)
    yield page("list_run_steps", "next")
    yield page("list_messages")
    yield on_run("cancel_run", "next")
    yield on_run("get_run", "next")


def _run_with_limit(name: str, limit: str, **members: Any) -> Fragment:
    """Start a run with the smallest limit of tokens, or with a slightly greater one if that is refused."""
    smallest: dict[str, Any] = {**members, limit: 256}
    greater: dict[str, Any] = {**members, limit: 264}
    created: Exchange = yield run(name, **smallest)
    return has_id(created) or (yield from require(run(name, **greater)))


@program(
    "lifecycle",
    "core",
    runs=2,
    requests=40,
    needs="failing_model",
    needs_text=FAILING_MODEL,
)
def failed(context: ProgramContext) -> StepGenerator:
    """A run of a failing model must call a function first and is polled to its end, and another is streamed.

    Both end failed with an error, whether or not the first calls, and the thread is free again. If it is still locked,
    the second gets another thread.
    """
    if not (yield from require(assistant(context), thread(context, text=prompt(context, "call_one")))):
        return
    if not (yield from prepare_caller(context)):
        return
    called: Exchange = yield run(model=context.failing_model, **forced_call(context))
    if not has_id(called) and not (yield from require(run(model=context.failing_model))):
        return
    waiting: Exchange = yield poll(name="waiting")
    if pending_call_count(waiting):
        yield submit(count=pending_call_count(waiting))
        yield poll(until=TERMINAL_STATUSES)
    yield from read_everything()
    yield on_run("cancel_run")
    yield on_run("get_run")
    yield message("And again.")
    if (yield from _create_run_after_the_end(context, run("streamed", stream=True, model=context.failing_model))):
        yield on_run("get_run", "streamed")
        yield from read_everything("streamed")


@program("lifecycle", "core", runs=2, requests=80)
def expired(context: ProgramContext) -> StepGenerator:
    """A run waits for tool outputs that never come, until it expires; then its thread takes a message and a run.

    A submission without outputs, which is refused, does not change that.
    It is cancelled instead if the target states a later expiry than the test run can wait for.
    """
    if not (yield from require(assistant(context), thread(context, text=prompt(context, "call_one")))):
        return
    if not (yield from start_waiting_run(context, needs_calls=False)):
        return
    response: Exchange = yield on_run("get_run", name="waiting")
    lifetime = _lifetime(response)
    if lifetime is None or lifetime > context.expiry_timeout:
        yield from cancel_and_wait()
        return
    yield on_run("submit_tool_outputs", body={"tool_outputs": []})
    yield poll(until=TERMINAL_STATUSES)
    yield from read_everything()
    yield submit()
    yield submit(stream=True)
    yield on_run("cancel_run")
    yield on_run("get_run")
    yield message("After the end.")
    if (yield from _create_run_after_the_end(context, run("next", stream=True, tool_choice="none"))):
        yield from read_everything("next")
    yield page("list_messages", order="asc")


def _create_run_after_the_end(context: ProgramContext, step: Step) -> Fragment:
    """Create another run on the thread of a run that has ended; returns whether it was created.

    If it is refused, the thread may still be locked, and the run is created on a new thread.
    """
    response: Exchange = yield step
    if response.refused:
        return (yield from require(thread(context), step))
    return has_id(response) or (yield from give_up("a successful response that shows an id"))


def _lifetime(exchange: Exchange) -> float | None:
    """Seconds from a run's creation to its expiry by the target's own timestamps; None if it gives none."""
    stamps = [response_object(exchange).get(name) for name in ("created_at", "expires_at")]
    created, expires = (
        float(stamp) if isinstance(stamp, (int, float)) and not isinstance(stamp, bool) else None for stamp in stamps
    )
    return None if created is None or expires is None else expires - created
