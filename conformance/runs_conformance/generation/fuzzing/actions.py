"""What may be done next in a walk: each act makes one step out of the story so far, or none where it cannot be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any, TypeAlias

from runs_conformance.contract.operation import query_name
from runs_conformance.generation.boundary.cases import bench
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.generation.fuzzing.walk_state import Story, Thread
from runs_conformance.generation.payloads.payload_generator import Batch
from runs_conformance.generation.payloads.text import text
from runs_conformance.generation.programs.responses import PENDING
from runs_conformance.generation.programs.steps import (
    MADE_UP_CALL,
    MADE_UP_OUTPUTS,
    SETTLED,
    at_root,
    function_tool,
    named,
    on_assistant,
    on_message,
    on_run,
    on_step,
    on_thread,
    page,
    poll,
    prompt,
    since,
)
from runs_conformance.model.case import Key, Ref, Step
from runs_conformance.model.tag import AT_REST, DELETED_ID, REFUSED_SUBMIT

Act: TypeAlias = Callable[[Story, Random], Step | None]

_SETTINGS = ("metadata", "instructions", "additional_instructions", "temperature", "top_p", "parallel_tool_calls")
"""The members of a run that change nothing about the way it takes."""
_MOST_TOOLS = 20
_WITH_A_THREAD = ("metadata", "thread", "temperature", "instructions")


def _new_thread(story: Story, random: Random) -> Step | None:
    return at_root("create_thread", _body(story, random, "create_thread")) if len(story.threads) < 3 else None


def _long_thread(story: Story, random: Random) -> Step | None:
    """A thread with enough messages to turn pages."""
    count = random.randint(5, 9)
    drawn = [dict(_body(story, random, "create_message", 0.3)) for _ in range(count)]
    return at_root(
        "create_thread", {"messages": [{**body, "content": f"Message {n}."} for n, body in enumerate(drawn)]}
    )


def _get_thread(story: Story, random: Random) -> Step | None:
    return _on(story, random, "get_thread")


def _modify_thread(story: Story, random: Random) -> Step | None:
    body = _body(story, random, "modify_thread")
    one = random.choice(list(body)) if body and random.random() < 0.6 else None
    return _on(story, random, "modify_thread", {one: body[one]} if one else body)


def _delete_thread(story: Story, random: Random) -> Step | None:
    return _on(story, random, "delete_thread") if story.steps > 8 else None


def _lost_thread(story: Story, random: Random) -> Step | None:
    gone = [thread for thread in story.threads if thread.gone]
    if not gone:
        return None
    ref = random.choice(gone).ref
    steps = [on_thread("get_thread", ref), page("list_messages", ref, tag=""), page("list_runs", ref, tag="")]
    return replace(random.choice(steps), tag=DELETED_ID)


def _message(story: Story, random: Random) -> Step | None:
    return _on(story, random, "create_message", _body(story, random, "create_message"))


def _get_message(story: Story, random: Random) -> Step | None:
    return _on_message(story, random, "get_message")


def _modify_message(story: Story, random: Random) -> Step | None:
    return _on_message(story, random, "modify_message", _body(story, random, "modify_message"))


def _delete_message(story: Story, random: Random) -> Step | None:
    return _on_message(story, random, "delete_message") if since(story.setting, "2024-05-02") else None


def _on(story: Story, random: Random, operation: str, body: object = ..., **rest: Any) -> Step | None:
    threads = story.standing()
    if not threads:
        return None
    given = {} if body is ... else {"body": body}
    return on_thread(operation, random.choice(threads).ref, **given, **rest)


def _on_message(story: Story, random: Random, operation: str, body: object = ...) -> Step | None:
    found = [(thread, ref) for thread in story.standing() for ref in thread.messages.values()]
    if not found:
        return None
    thread, ref = random.choice(found)
    given = {} if body is ... else {"body": body}
    return on_message(operation, ref, thread.ref, **given)


def _plain_run(story: Story, random: Random) -> Step | None:
    drawn = _body(story, random, "create_run", 0.6)
    return _start(story, random, "plain", **{name: drawn[name] for name in _SETTINGS if name in drawn})


def _long_run(story: Story, random: Random) -> Step | None:
    return _start(story, random, "long")


def _new_assistant(story: Story, random: Random) -> Step | None:
    if len(story.assistants) > 3 or "assistant" in story.setting.given:
        return None
    return at_root("create_assistant", _with_few_tools(_body(story, random, "create_assistant")))


def _delete_assistant(story: Story, random: Random) -> Step | None:
    if len(story.assistants) < 2 or "assistant" in story.setting.given:
        return None
    return on_assistant("delete_assistant", random.choice(story.assistants[1:]))


def _list_assistants(story: Story, random: Random) -> Step | None:
    return page("list_assistants", tag="", **_window(random, story.assistants))


def _limited_run(story: Story, random: Random) -> Step | None:
    limits = {"max_completion_tokens": 256} if random.random() < 0.7 else {"max_prompt_tokens": 256}
    return _start(story, random, "long", **limits)


def _calling_run(story: Story, random: Random) -> Step | None:
    purpose = random.choice(("call_one", "call_one", "call_twice"))
    return _start(story, random, purpose, tools=[function_tool()], tool_choice=named())


def _twice_calling_run(story: Story, random: Random) -> Step | None:
    return _start(story, random, "call_twice", tools=[function_tool()], tool_choice=named())


def _many_calling_run(story: Story, random: Random) -> Step | None:
    if not since(story.setting, "2024-04-29"):
        return None
    tools = [function_tool("get_weather"), function_tool("get_time")]
    return _start(story, random, "call_two", tools=tools, tool_choice="required")


def _using_run(story: Story, random: Random) -> Step | None:
    kind, purpose = random.choice((("code_interpreter", "code"), ("file_search", "search")))
    choice = random.choice(("auto", {"type": kind}))
    return _start(story, random, purpose, tools=[{"type": kind}], tool_choice=choice)


def _rich_run(story: Story, random: Random) -> Step | None:
    body = dict(_body(story, random, "create_run", 0.7))
    return _start(
        story, random, "plain", **{name: body[name] for name in body if name not in ("assistant_id", "stream")}
    )


def _streamed_run(story: Story, random: Random) -> Step | None:
    return _streamed(random.choice((_plain_run, _calling_run, _twice_calling_run, _limited_run))(story, random))


def _thread_and_run(story: Story, random: Random) -> Step | None:
    if not story.assistants:
        return None
    body = dict(_body(story, random, "create_thread_and_run", 0.5))
    rich = random.random() < 0.5
    kept = {name: member for name, member in body.items() if rich or name in _WITH_A_THREAD}
    kept = {name: member for name, member in kept.items() if name not in ("assistant_id", "stream")}
    step = at_root("create_thread_and_run", {"assistant_id": random.choice(story.assistants), **kept})
    return _streamed(step) if random.random() < 0.5 else step


def _start(story: Story, random: Random, purpose: str, **members: Any) -> Step | None:
    """A run on any thread: a busy one must refuse it, an idle one is asked what the run is for."""
    threads = story.standing()
    if not threads or not story.assistants:
        return None
    thread = random.choice(threads)
    body: dict[str, Any] = {"assistant_id": random.choice(story.assistants), **members}
    if purpose != "plain":
        drawn = _body(story, random, "create_run", 0.4)
        body = {**{name: drawn[name] for name in _SETTINGS if name in drawn}, **body}
        if purpose in ("call_two", "call_twice"):
            body.pop("parallel_tool_calls", None)
    body["metadata"] = body.get("metadata") or {"turn": story.name}
    body.setdefault("additional_messages", [{"role": "user", "content": prompt(story.setting, purpose)}])
    return on_thread("create_run", thread.ref, body)


def _streamed(step: Step | None) -> Step | None:
    if step is None or not isinstance(step.body, Mapping):
        return None
    return replace(step, body={**step.body, "stream": True}, stream=True)


def _get_run(story: Story, random: Random) -> Step | None:
    return _upon_run(story, random, "get_run")


def _wait(story: Story, random: Random) -> Step | None:
    runs = list(story.unfinished())
    if not runs:
        return None
    run = random.choice(runs)
    return poll(run.ref, run.thread.ref, SETTLED)


def _modify_run(story: Story, random: Random) -> Step | None:
    return _upon_run(story, random, "modify_run", body=_body(story, random, "modify_run"))


def _cancel(story: Story, random: Random) -> Step | None:
    return _upon_run(story, random, "cancel_run")


def _upon_run(story: Story, random: Random, operation: str, **rest: Any) -> Step | None:
    runs = story.reachable()
    if not runs:
        return None
    run = random.choice([run for run in runs if not run.over] or runs)
    return on_run(operation, run.ref, run.thread.ref, **rest)


def _misplaced_run(story: Story, random: Random) -> Step | None:
    """A run looked for under a thread that is not its own."""
    pairs = [(run, thread) for run in story.reachable() for thread in story.standing() if thread is not run.thread]
    if not pairs:
        return None
    run, thread = random.choice(pairs)
    operation = random.choice(("get_run", "cancel_run", "modify_run", "list_run_steps"))
    body = {"body": {"metadata": {"who": "stranger"}}} if operation == "modify_run" else {}
    return on_run(operation, run.ref, thread.ref, **body)


def _submit(story: Story, random: Random) -> Step | None:
    return _outputs(story, random, lambda outputs: outputs)


def _submit_backwards(story: Story, random: Random) -> Step | None:
    return _outputs(story, random, lambda outputs: outputs[::-1] if len(outputs) > 1 else None)


def _submit_streamed(story: Story, random: Random) -> Step | None:
    return _streamed(_submit(story, random))


def _submit_some(story: Story, random: Random) -> Step | None:
    return _outputs(story, random, lambda outputs: random.choice((outputs[:-1], outputs[1:])), REFUSED_SUBMIT)


def _submit_more(story: Story, random: Random) -> Step | None:
    made_up: dict[str, object] = {"tool_call_id": MADE_UP_CALL, "output": "nobody asked"}
    return _outputs(story, random, lambda outputs: [*outputs, made_up], REFUSED_SUBMIT)


def _submit_made_up(story: Story, random: Random) -> Step | None:
    return _upon_run(story, random, "submit_tool_outputs", body=MADE_UP_OUTPUTS)


def _submit_again(story: Story, random: Random) -> Step | None:
    """What a run took before, once more."""
    runs = [run for run in story.reachable() if run.sent is not None]
    if not runs:
        return None
    run = random.choice(runs)
    assert isinstance(run.sent, Mapping)
    body = {name: member for name, member in run.sent.items() if name != "stream"}
    return on_run("submit_tool_outputs", run.ref, run.thread.ref, body, tag=REFUSED_SUBMIT)


Outputs: TypeAlias = list[dict[str, object]]


def _outputs(story: Story, random: Random, choose: Callable[[Outputs], Outputs | None], tag: str = "") -> Step | None:
    runs = [run for run in story.reachable() if run.waits and run.count]
    if not runs:
        return None
    run = random.choice(runs)
    right: Outputs = [
        {"tool_call_id": Ref(run.waits, f"{PENDING}/{index}/id"), "output": text(random, 1, None)}
        for index in range(run.count)
    ]
    chosen = choose(right)
    if chosen is None:
        return None
    return on_run("submit_tool_outputs", run.ref, run.thread.ref, {"tool_outputs": chosen}, tag=tag)


def _list_messages(story: Story, random: Random) -> Step | None:
    threads = story.standing()
    if not threads:
        return None
    thread = random.choice(threads)
    runs = [run for run in story.reachable() if run.thread is thread]
    if runs and random.random() < 0.25:
        # Which messages are the run's is not known, so no cursor is sure to be among them.
        query = {**_window(random, []), "run_id": random.choice(runs).ref}
    else:
        query = _window(random, list(thread.messages.values()))
    return page("list_messages", thread.ref, tag=_rest(story, thread), **query)


def _list_runs(story: Story, random: Random) -> Step | None:
    threads = story.standing()
    if not threads:
        return None
    thread = random.choice(threads)
    refs = [run.ref for run in story.reachable() if run.thread is thread]
    return page("list_runs", thread.ref, tag=AT_REST, **_window(random, refs))


def _list_steps(story: Story, random: Random) -> Step | None:
    runs = story.reachable()
    if not runs:
        return None
    run = random.choice(runs)
    return page(
        "list_run_steps",
        run.ref,
        run.thread.ref,
        tag=_rest(story, run.thread),
        **_window(random, [*run.steps.values()]),
    )


def _rest(story: Story, thread: Thread) -> str:
    return "" if story.busy(thread) else AT_REST


def _window(random: Random, refs: list[Ref]) -> dict[str, Any]:
    """A window on a list: the whole, or some of it, in any order, from any place."""
    query: dict[str, Any] = {}
    if random.random() < 0.8:
        query["limit"] = random.choice(("1", "2", "2", "3", "20", "100", "100"))
    if random.random() < 0.6:
        query["order"] = random.choice(("asc", "desc"))
    if refs and random.random() < 0.35:
        query[random.choice(("after", "after", "before"))] = random.choice(refs)
    return query


def _next_page(story: Story, random: Random) -> Step | None:
    """The page after the one that was looked at last."""
    last = story.page
    if last is None or not last.count or not last.more:
        return None
    kept = tuple(pair for pair in last.step.query if pair[0] not in (query_name("after"), query_name("before")))
    return replace(last.step, query=(*kept, ("after", Ref(last.step.name, f"/data/{last.count - 1}/id"))))


def _other_window(story: Story, random: Random) -> Step | None:
    """Another window on the list that was looked at last: the whole of it, or its other end."""
    last = story.page
    if last is None:
        return None
    kept = tuple(pair for pair in last.step.query if pair[0] not in ("limit", "order", "after", "before"))
    order = dict(last.step.query).get("order", "desc")
    order = order if random.random() < 0.6 else random.choice(("asc", "desc"))
    limit = random.choice(("100", "100", "2", "2", "1"))
    return replace(last.step, query=(*kept, ("limit", limit), ("order", order)))


def _get_step(story: Story, random: Random) -> Step | None:
    found = [(run, ref) for run in story.reachable() for ref in run.steps.values()]
    if not found:
        return None
    run, ref = random.choice(found)
    return on_step(ref, run.ref, run.thread.ref)


def _get_assistant(story: Story, random: Random) -> Step | None:
    return on_assistant("get_assistant", random.choice(story.assistants)) if story.assistants else None


def _modify_assistant(story: Story, random: Random) -> Step | None:
    if not story.assistants or "assistant" in story.setting.given:
        return None
    body = _body(story, random, "modify_assistant", 0.3)
    return on_assistant("modify_assistant", random.choice(story.assistants), _with_few_tools(body))


def _with_few_tools(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with no more tools than a run may have: one takes all that its assistant has."""
    tools = body.get("tools")
    return {**body, "tools": tools[:_MOST_TOOLS]} if tools else dict(body)


def _stranger(story: Story, random: Random) -> Step | None:
    """A look, or an attempt, with the key of another tenant."""
    if not story.setting.second_key:
        return None
    act = random.choice((_get_thread, _get_run, _get_message, _list_messages, _modify_run, _cancel, _message))
    step = act(story, random)
    return None if step is None else replace(step, key=Key.SECOND, tag="")


ACTS: Mapping[str, Act] = {
    "new_thread": _new_thread,
    "long_thread": _long_thread,
    "get_thread": _get_thread,
    "modify_thread": _modify_thread,
    "delete_thread": _delete_thread,
    "lost_thread": _lost_thread,
    "message": _message,
    "get_message": _get_message,
    "modify_message": _modify_message,
    "delete_message": _delete_message,
    "plain_run": _plain_run,
    "long_run": _long_run,
    "limited_run": _limited_run,
    "calling_run": _calling_run,
    "twice_calling_run": _twice_calling_run,
    "many_calling_run": _many_calling_run,
    "using_run": _using_run,
    "rich_run": _rich_run,
    "streamed_run": _streamed_run,
    "thread_and_run": _thread_and_run,
    "get_run": _get_run,
    "wait": _wait,
    "modify_run": _modify_run,
    "cancel": _cancel,
    "misplaced_run": _misplaced_run,
    "submit": _submit,
    "submit_backwards": _submit_backwards,
    "submit_streamed": _submit_streamed,
    "submit_some": _submit_some,
    "submit_more": _submit_more,
    "submit_made_up": _submit_made_up,
    "submit_again": _submit_again,
    "list_messages": _list_messages,
    "list_runs": _list_runs,
    "list_steps": _list_steps,
    "next_page": _next_page,
    "other_window": _other_window,
    "get_step": _get_step,
    "new_assistant": _new_assistant,
    "delete_assistant": _delete_assistant,
    "list_assistants": _list_assistants,
    "get_assistant": _get_assistant,
    "modify_assistant": _modify_assistant,
    "stranger": _stranger,
}
"""Every act by its name."""

STARTS = frozenset(ACTS) & {
    "plain_run",
    "long_run",
    "limited_run",
    "calling_run",
    "twice_calling_run",
    "many_calling_run",
    "using_run",
    "rich_run",
    "streamed_run",
    "thread_and_run",
}
"""The acts that start a run."""


def _body(story: Story, random: Random, operation: str, density: float | None = None) -> Mapping[str, Any]:
    setting = story.setting
    made = bench(operation, setting.edition, Sampler(setting.model, setting.accepts_any_file_id))
    return Batch(made, random).legal(density).body
