"""Actions of a random walk on runs: creating, reading, modifying, cancelling them, and submitting tool outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any, TypeAlias

from runs_conformance.generation.fuzzing.random_body import random_body
from runs_conformance.generation.fuzzing.walk_state import WalkState
from runs_conformance.generation.payloads.text import random_text
from runs_conformance.generation.programs.responses import PENDING_CALLS
from runs_conformance.generation.programs.steps import (
    SETTLED_STATUSES,
    UNKNOWN_CALL_ID,
    UNKNOWN_CALL_OUTPUTS,
    at_root,
    edition_includes,
    forced_call,
    function_tool,
    on_run,
    on_step,
    on_thread,
    poll,
    prompt,
)
from runs_conformance.model.case import Ref, Step

_PLAIN_RUN_MEMBERS = (
    "metadata",
    "instructions",
    "additional_instructions",
    "temperature",
    "top_p",
    "parallel_tool_calls",
)
"""Members of a run that do not influence its course."""


_PLAIN_THREAD_AND_RUN_MEMBERS = ("metadata", "thread", "temperature", "instructions")


def create_plain_run(state: WalkState, random: Random) -> Step | None:
    """Create a run that writes one message."""
    body = random_body(state, random, "create_run", 0.6)
    return _start_run(state, random, "plain", **{name: body[name] for name in _PLAIN_RUN_MEMBERS if name in body})


def create_long_run(state: WalkState, random: Random) -> Step | None:
    """Create a run that takes long."""
    return _start_run(state, random, "long")


def create_limited_run(state: WalkState, random: Random) -> Step | None:
    """Create a run with a token limit that is too low for its response."""
    limits = {"max_completion_tokens": 256} if random.random() < 0.7 else {"max_prompt_tokens": 256}
    return _start_run(state, random, "long", **limits)


def create_calling_run(state: WalkState, random: Random) -> Step | None:
    """Create a run that calls a function once or twice."""
    purpose = random.choice(("call_one", "call_one", "call_twice"))
    return _start_run(state, random, purpose, **forced_call(state.context, tools=[function_tool()]))


def create_twice_calling_run(state: WalkState, random: Random) -> Step | None:
    """Create a run that calls a function twice, in two rounds."""
    return _start_run(state, random, "call_twice", **forced_call(state.context, tools=[function_tool()]))


def create_parallel_calling_run(state: WalkState, random: Random) -> Step | None:
    """Create a run that calls two functions at once."""
    if not edition_includes(state.context, "2024-04-29"):
        return None
    tools = [function_tool("get_weather"), function_tool("get_time")]
    return _start_run(state, random, "call_two", **forced_call(state.context, tools=tools, tool_choice="required"))


def create_tool_using_run(state: WalkState, random: Random) -> Step | None:
    """Create a run that uses the code interpreter or file search."""
    tool, purpose = random.choice((("code_interpreter", "code"), ("file_search", "search")))
    choice = random.choice(("auto", {"type": tool}))
    return _start_run(state, random, purpose, tools=[{"type": tool}], tool_choice=choice)


def create_rich_run(state: WalkState, random: Random) -> Step | None:
    """Create a run with many random members."""
    body = dict(random_body(state, random, "create_run", 0.7))
    return _start_run(
        state, random, "plain", **{name: body[name] for name in body if name not in ("assistant_id", "stream")}
    )


def create_streamed_run(state: WalkState, random: Random) -> Step | None:
    """Create a run as a stream."""
    return _as_stream(
        random.choice((create_plain_run, create_calling_run, create_twice_calling_run, create_limited_run))(
            state, random
        )
    )


def create_thread_and_run(state: WalkState, random: Random) -> Step | None:
    """Create a thread and a run in one request, half of them as streams."""
    if not state.assistants:
        return None
    body = dict(random_body(state, random, "create_thread_and_run", 0.5))
    rich = random.random() < 0.5
    body = {name: member for name, member in body.items() if rich or name in _PLAIN_THREAD_AND_RUN_MEMBERS}
    body = {name: member for name, member in body.items() if name not in ("assistant_id", "stream")}
    step = at_root("create_thread_and_run", {"assistant_id": random.choice(state.assistants), **body})
    return _as_stream(step) if random.random() < 0.5 else step


def _start_run(state: WalkState, random: Random, purpose: str, **members: Any) -> Step | None:
    """Create a run on some thread, which a server must refuse if the thread is locked."""
    threads = state.existing_threads()
    if not threads or not state.assistants:
        return None
    thread = random.choice(threads)
    # A walk has no assistant with tools of its own.
    body: dict[str, Any] = {**members, "assistant_id": random.choice(state.assistants)}
    if purpose != "plain":
        extra = random_body(state, random, "create_run", 0.4)
        body = {**{name: extra[name] for name in _PLAIN_RUN_MEMBERS if name in extra}, **body}
        if purpose in ("call_two", "call_twice"):
            body.pop("parallel_tool_calls", None)
    body["metadata"] = body.get("metadata") or {"turn": state.next_step_name}
    body.setdefault("additional_messages", [{"role": "user", "content": prompt(state.context, purpose)}])
    return on_thread("create_run", thread.ref, body)


def _as_stream(step: Step | None) -> Step | None:
    if step is None or not isinstance(step.body, Mapping):
        return None
    return replace(step, body={**step.body, "stream": True}, stream=True)


def get_run(state: WalkState, random: Random) -> Step | None:
    """Read a run."""
    return _on_some_run(state, random, "get_run")


def wait_for_run(state: WalkState, random: Random) -> Step | None:
    """Poll an unfinished run until it has ended or requires action."""
    runs = list(state.unfinished_runs())
    if not runs:
        return None
    run = random.choice(runs)
    return poll(run.ref, run.thread.ref, SETTLED_STATUSES)


def modify_run(state: WalkState, random: Random) -> Step | None:
    """Modify a run."""
    return _on_some_run(state, random, "modify_run", body=random_body(state, random, "modify_run"))


def cancel_run(state: WalkState, random: Random) -> Step | None:
    """Cancel a run."""
    return _on_some_run(state, random, "cancel_run")


def use_run_of_other_thread(state: WalkState, random: Random) -> Step | None:
    """Request a run under another thread than its own."""
    pairs = [
        (run, thread)
        for run in state.reachable_runs()
        for thread in state.existing_threads()
        if thread is not run.thread
    ]
    if not pairs:
        return None
    run, thread = random.choice(pairs)
    operation = random.choice(("get_run", "cancel_run", "modify_run", "list_run_steps"))
    body = {"body": {"metadata": {"who": "stranger"}}} if operation == "modify_run" else {}
    return on_run(operation, run.ref, thread.ref, **body)


def _on_some_run(state: WalkState, random: Random, operation: str, **rest: Any) -> Step | None:
    runs = state.reachable_runs()
    if not runs:
        return None
    run = random.choice([run for run in runs if not run.has_ended] or runs)
    return on_run(operation, run.ref, run.thread.ref, **rest)


def get_step(state: WalkState, random: Random) -> Step | None:
    """Read a run step."""
    steps = [(run, ref) for run in state.reachable_runs() for ref in run.steps.values()]
    if not steps:
        return None
    run, ref = random.choice(steps)
    return on_step(ref, run.ref, run.thread.ref)


Outputs: TypeAlias = list[dict[str, object]]


def submit_outputs(state: WalkState, random: Random) -> Step | None:
    """Submit the outputs of all pending tool calls."""
    return _submit_chosen_outputs(state, random, lambda outputs: outputs)


def submit_reversed(state: WalkState, random: Random) -> Step | None:
    """Submit the outputs of several pending tool calls in reverse order."""
    return _submit_chosen_outputs(state, random, lambda outputs: outputs[::-1] if len(outputs) > 1 else None)


def submit_streamed(state: WalkState, random: Random) -> Step | None:
    """Submit the outputs of all pending tool calls, and stream the response."""
    return _as_stream(submit_outputs(state, random))


def submit_incomplete(state: WalkState, random: Random) -> Step | None:
    """Submit the outputs of all pending tool calls but one."""
    return _submit_chosen_outputs(state, random, lambda outputs: random.choice((outputs[:-1], outputs[1:])))


def submit_extra(state: WalkState, random: Random) -> Step | None:
    """Submit the outputs of all pending tool calls and of an unknown one."""
    unknown: dict[str, object] = {"tool_call_id": UNKNOWN_CALL_ID, "output": "not requested"}
    return _submit_chosen_outputs(state, random, lambda outputs: [*outputs, unknown])


def submit_unknown(state: WalkState, random: Random) -> Step | None:
    """Submit an output for an unknown tool call."""
    return _on_some_run(state, random, "submit_tool_outputs", body=UNKNOWN_CALL_OUTPUTS)


def submit_again(state: WalkState, random: Random) -> Step | None:
    """Submit the last accepted outputs of a run again."""
    runs = [run for run in state.reachable_runs() if run.last_submission is not None]
    if not runs:
        return None
    run = random.choice(runs)
    assert isinstance(run.last_submission, Mapping)
    body = {name: member for name, member in run.last_submission.items() if name != "stream"}
    return on_run("submit_tool_outputs", run.ref, run.thread.ref, body)


def _submit_chosen_outputs(
    state: WalkState, random: Random, choose: Callable[[Outputs], Outputs | None]
) -> Step | None:
    runs = [run for run in state.reachable_runs() if run.pending_in and run.pending_count]
    if not runs:
        return None
    run = random.choice(runs)
    outputs: Outputs = [
        {"tool_call_id": Ref(run.pending_in, f"{PENDING_CALLS}/{index}/id"), "output": random_text(random, 1, None)}
        for index in range(run.pending_count)
    ]
    chosen = choose(outputs)
    if chosen is None:
        return None
    return on_run("submit_tool_outputs", run.ref, run.thread.ref, {"tool_outputs": chosen})
