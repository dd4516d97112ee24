"""The steps that programs consist of, complete with the members that each requires."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.contract.operation import OPERATIONS, query_name
from runs_conformance.model.case import REFUSES_REFERENCE, DanglingReference, Ref, Role, Step
from runs_conformance.model.json import ABSENT, JSON
from runs_conformance.model.program import ProgramContext

SETTLED_STATUSES = (*sorted(TERMINAL), "requires_action")
"""The statuses at which polling stops: the run has ended, or waits for tool outputs."""

TERMINAL_STATUSES = tuple(sorted(TERMINAL))

PROMPTS: Mapping[str, str] = {
    "plain": "Say hello in one short sentence.",
    "long": "Count from 1 to 500, one number per line, without stopping. Write every single number, and do not skip, "
    "abbreviate or summarize any, even if you were asked to be brief.",
    "call_one": "What is the weather in Paris? Use the function get_weather.",
    "call_two": "What are the weather and the local time in Paris? Use get_weather and get_time, each once.",
    "call_twice": "Say what you will do, then use get_weather twice: for Paris and, with that answer, for Rome.",
    "code": "Run code to compute 6 * 7.",
    "search": "Search the files for the word harbour.",
    "json": "Answer with a JSON object that has the member answer.",
}
"""The user messages, by purpose. The configuration may replace each; no rule depends on the wording of an answer."""

FILLER = "lorem ipsum dolor sit amet " * 100
"""A text that no model needs to read, which exceeds the smallest limits of tokens."""

SPECIAL_KEYS = {"_id": "of a database", "$set": "an operator", "__proto__": "of an object"}
"""Metadata with keys that have a meaning in databases or programming languages."""

UNKNOWN_CALL_ID = "call_" + "0" * 24
UNKNOWN_FILE_ID = "file-" + "0" * 24
UNKNOWN_VECTOR_STORE_ID = "vs_" + "0" * 24
UNKNOWN_CALL_OUTPUTS = {"tool_outputs": [{"tool_call_id": UNKNOWN_CALL_ID, "output": "not requested"}]}
"""Well-formed tool outputs for a call that does not exist."""


def function_tool(name: str = "get_weather", **more: JSON) -> dict[str, Any]:
    """A function tool with one string parameter."""
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {
        "type": "function",
        "function": {"name": name, "description": "Looks it up.", "parameters": parameters, **more},
    }


def has_builtin_tools(step: Step) -> bool:
    """Whether the body of a step has other tools than functions."""
    return any(tool["type"] != "function" for tool in _tools_in(step))


def with_functions_alone(step: Step) -> Step:
    """The step with functions as its only tools, and without the resources of the others."""
    body = {**step.body} if isinstance(step.body, Mapping) else {}
    body.pop("tool_resources", None)
    functions = [tool for tool in _tools_in(step) if tool["type"] == "function"]
    return replace(step, body={**body, "tools": functions or [function_tool()]})


def _tools_in(step: Step) -> list[Any]:
    return list(step.body.get("tools") or ()) if isinstance(step.body, Mapping) else []


def force_function(name: str = "get_weather") -> dict[str, Any]:
    """The tool choice that forces a call of this function."""
    return {"type": "function", "function": {"name": name}}


CALLABLE_FUNCTIONS = ("get_time", "get_weather", "get_news")
"""The functions of a run that must call one of them."""


CALLER = "caller"
"""The name of the assistant that has these functions, for runs that cannot bring them."""


def caller(context: ProgramContext) -> Step:
    """Create the assistant whose runs call functions."""
    return assistant(context, CALLER, tools=[function_tool(each) for each in CALLABLE_FUNCTIONS])


def forced_call(context: ProgramContext, name: str = "get_weather", **members: Any) -> dict[str, Any]:
    """The members of a run that must call a function, in the form that the target accepts; `members` replace some.

    With `tools=None`, the run uses the functions of its assistant. Where the tools of a run have no effect, the
    assistant is the one that `fragments.prepare_caller` creates.
    """
    tools = [function_tool(each) for each in CALLABLE_FUNCTIONS]
    body: dict[str, Any] = {"tools": tools, "tool_choice": force_function(name), **members}
    if context.request_forms.tools_on == "assistant":
        del body["tools"]
        body["assistant_id"] = Ref(CALLER)
    elif body["tools"] is None:
        del body["tools"]
    if context.request_forms.tool_choice == "words":
        del body["tool_choice"]
    elif context.request_forms.tool_choice == "required" and isinstance(body["tool_choice"], Mapping):
        body["tool_choice"] = "required"
    return body


def unprompted_message(context: ProgramContext) -> str:
    """The user message before a forced call that no message should need; where only words force it, it needs one."""
    return prompt(context, "call_one" if context.request_forms.tool_choice == "words" else "plain")


def prompt(context: ProgramContext, purpose: str = "plain") -> str:
    """The user message for a purpose."""
    return context.prompts.get(purpose, PROMPTS[purpose])


def lengthy_message(context: ProgramContext) -> str:
    """A user message that is answered at length even by a target that only repeats it."""
    return context.prompts.get("long", f"{FILLER}\n\n{PROMPTS['long']}")


def assistant(context: ProgramContext, name: str = "assistant", /, **members: Any) -> Step:
    """Create an assistant, or read the one in use. It has no member whose value is `ABSENT`."""
    in_use = context.use.get("assistant")
    if in_use:
        return Step(operation="get_assistant", name=name, path={"assistant_id": in_use}, role=Role.FIXTURE)
    members = {"model": context.model, "instructions": "You are a test fixture. Answer briefly.", **members}
    body = {name: value for name, value in members.items() if value is not ABSENT}
    return Step(operation="create_assistant", name=name, body=body, role=Role.FIXTURE)


def thread(context: ProgramContext, name: str = "thread", /, *, text: str | None = None, **members: Any) -> Step:
    """Create a thread with one user message, so that a run on it has something to answer.

    If a thread is in use, add the message to that one instead.
    """
    content = prompt(context) if text is None else text
    in_use = context.use.get("thread")
    if in_use:
        appended = None if context.read_only else content
        return Step(
            operation="get_thread", name=name, path={"thread_id": in_use}, role=Role.FIXTURE, append_message=appended
        )
    body: dict[str, Any] = {"messages": [{"role": "user", "content": content}], **members}
    appended = None
    if context.request_forms.thread_messages == "separate":
        del body["messages"]
        appended = content
    return Step(operation="create_thread", name=name, body=body, role=Role.FIXTURE, append_message=appended)


def run_in_use(context: ProgramContext) -> Step:
    """Read the run in use, on the thread in use."""
    path = {"thread_id": context.use["thread"], "run_id": context.use["run"]}
    return Step(operation="get_run", name="run", path=path, role=Role.FIXTURE)


def run(name: str = "run", thread: str | Ref = "thread", assistant: str = "assistant", **members: Any) -> Step:
    """Create a run on a thread; with `stream=True` the response is a stream."""
    body = {"assistant_id": Ref(assistant), **members}
    return on_thread("create_run", thread, body, name=name, stream=members.get("stream") is True)


def at_root(operation: str, body: object = ABSENT, **rest: Any) -> Step:
    """An operation without an existing object: creating an assistant or a thread, listing assistants."""
    return _step(operation, {}, body, **rest)


def on_assistant(operation: str, assistant: str | Ref = "assistant", body: object = ABSENT, **rest: Any) -> Step:
    """An operation on an assistant that an earlier step created."""
    return _step(operation, {"assistant_id": _ref(assistant)}, body, **rest)


def on_thread(operation: str, thread: str | Ref = "thread", body: object = ABSENT, **rest: Any) -> Step:
    """An operation on a thread that an earlier step created."""
    return _step(operation, {"thread_id": _ref(thread)}, body, **rest)


def on_message(
    operation: str, message: str | Ref = "message", thread: str | Ref = "thread", body: object = ABSENT, **rest: Any
) -> Step:
    """An operation on a message that an earlier step created."""
    return _step(operation, {"thread_id": _ref(thread), "message_id": _ref(message)}, body, **rest)


def on_run(
    operation: str, run: str | Ref = "run", thread: str | Ref = "thread", body: object = ABSENT, **rest: Any
) -> Step:
    """An operation on a run that an earlier step created."""
    return _step(operation, {"thread_id": _ref(thread), "run_id": _ref(run)}, body, **rest)


def on_step(step: Ref, run: str | Ref = "run", thread: str | Ref = "thread", **rest: Any) -> Step:
    """Read one step of a run."""
    return _step("get_run_step", {"thread_id": _ref(thread), "run_id": _ref(run), "step_id": step}, ABSENT, **rest)


def poll(
    run: str | Ref = "run", thread: str | Ref = "thread", until: tuple[str, ...] = SETTLED_STATUSES, name: str = ""
) -> Step:
    """Read a run until it has one of these statuses."""
    return on_run("get_run", run, thread, until=until, name=name)


def page(operation: str, *parents: str | Ref, name: str = "", **query: JSON | Ref) -> Step:
    """Read a page of a list. `parents` are the run and thread of steps, or the thread of messages and runs."""
    builders: dict[str, Callable[..., Step]] = {"list_run_steps": on_run, "list_assistants": at_root}
    encoded_query = tuple((query_name(parameter), value) for parameter, value in query.items())
    return builders.get(operation, _on_thread)(operation, *parents, name=name, query=encoded_query)


def message(text: str = "One more thing.", thread: str | Ref = "thread", name: str = "", **members: Any) -> Step:
    """Add a user message to a thread."""
    return on_thread("create_message", thread, {"role": "user", "content": text, **members}, name=name)


def file_id(context: ProgramContext) -> str | None:
    """The id of a file that the target accepts, if there is one."""
    return context.use.get("file") or (UNKNOWN_FILE_ID if context.accepts_any_file_id else None)


def attachments(context: ProgramContext) -> dict[str, Any]:
    """The member of a message that attaches the file that the target accepts; empty if there is none."""
    file = file_id(context)
    tools = [{"type": "file_search"}, {"type": "code_interpreter"}]
    return {"attachments": [{"file_id": file, "tools": tools}]} if file else {}


def dangling_reference(step: Step, kind: DanglingReference) -> Step:
    """Mark a step as referring to an object that does not exist, so that it must be refused."""
    return replace(step, role=Role.NEGATIVE, expectation=REFUSES_REFERENCE, dangling=kind)


def edition_includes(context: ProgramContext, date: str) -> bool:
    """Whether the edition under test includes additions to the contract of this date."""
    return context.edition >= date


_on_thread: Callable[..., Step] = on_thread


def _step(operation: str, path: dict[str, JSON | Ref], body: object, **rest: Any) -> Step:
    role = Role.READ if OPERATIONS[operation].method == "GET" else Role.ACT
    return Step(**{"operation": operation, "path": path, "body": body, "role": role, **rest})


def _ref(name: str | Ref) -> Ref:
    return name if isinstance(name, Ref) else Ref(name)
