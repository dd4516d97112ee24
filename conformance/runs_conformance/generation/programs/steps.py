"""The steps that programs are made of, with what every one of them needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.contract.operation import OPERATIONS, query_name
from runs_conformance.model.case import REFUSES_REFERENCE, Ref, Role, Step
from runs_conformance.model.json import ABSENT, JSON
from runs_conformance.model.program import Setting
from runs_conformance.model.tag import AT_REST, SAYING

SETTLED = (*sorted(TERMINAL), "requires_action")
"""Where polling stops: the run is over, or waits for tool outputs."""

OVER = tuple(sorted(TERMINAL))

PROMPTS: Mapping[str, str] = {
    "plain": "Say hello in one short sentence.",
    "long": "Count from 1 to 500, one number per line, without stopping.",
    "call_one": "What is the weather in Paris? Use the function get_weather.",
    "call_two": "What are the weather and the local time in Paris? Use get_weather and get_time, each once.",
    "call_twice": "Say what you will do, then use get_weather twice: for Paris and, with that answer, for Rome.",
    "code": "Run code to compute 6 * 7.",
    "search": "Search the files for the word harbour.",
    "json": "Answer with a JSON object that has the member answer.",
}
"""The user messages, by purpose. A setting may replace each of them; nothing depends on the words of an answer."""

MADE_UP_CALL = "call_" + "0" * 24
MADE_UP_FILE = "file-" + "0" * 24
MADE_UP_OUTPUTS = {"tool_outputs": [{"tool_call_id": MADE_UP_CALL, "output": "nobody asked"}]}
"""Tool outputs in the right form, for a call that nobody made."""


def function_tool(name: str = "get_weather", **more: JSON) -> dict[str, Any]:
    """A function tool with one string parameter."""
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {
        "type": "function",
        "function": {"name": name, "description": "Looks it up.", "parameters": parameters, **more},
    }


def named(name: str = "get_weather") -> dict[str, Any]:
    """The tool choice that forces this function."""
    return {"type": "function", "function": {"name": name}}


def prompt(setting: Setting, purpose: str = "plain") -> str:
    """The user message for a purpose."""
    return setting.prompts.get(purpose, PROMPTS[purpose])


def assistant(setting: Setting, name: str = "assistant", /, **members: Any) -> Step:
    """Create an assistant; or, where the setting gives one to use, look at that."""
    given = setting.given.get("assistant")
    if given:
        return Step(operation="get_assistant", name=name, path={"assistant_id": given}, role=Role.FIXTURE)
    body = {"model": setting.model, "instructions": "You are a test fixture. Answer briefly.", **members}
    return Step(operation="create_assistant", name=name, body=body, role=Role.FIXTURE)


def thread(setting: Setting, name: str = "thread", /, *, text: str | None = None, **members: Any) -> Step:
    """Create a thread with one user message, so that a run on it has something to answer; or, where the setting gives
    one to use, say that there.
    """
    said = prompt(setting) if text is None else text
    given = setting.given.get("thread")
    if given:
        tag = "" if setting.read_only else SAYING + said
        return Step(operation="get_thread", name=name, path={"thread_id": given}, role=Role.FIXTURE, tag=tag)
    message = {"role": "user", "content": said}
    return Step(operation="create_thread", name=name, body={"messages": [message], **members}, role=Role.FIXTURE)


def given_run(setting: Setting) -> Step:
    """Look at the run that the setting gives, on the thread that it gives."""
    path = {"thread_id": setting.given["thread"], "run_id": setting.given["run"]}
    return Step(operation="get_run", name="run", path=path, role=Role.FIXTURE)


def run(name: str = "run", thread: str = "thread", assistant: str = "assistant", **members: Any) -> Step:
    """Create a run on a thread; with `stream=True` its answer is a stream."""
    body = {"assistant_id": Ref(assistant), **members}
    return on_thread("create_run", thread, body, name=name, stream=members.get("stream") is True)


def at_root(operation: str, body: object = ABSENT, **rest: Any) -> Step:
    """An operation upon nothing that exists: creating an assistant or a thread, listing assistants."""
    return _upon(operation, {}, body, **rest)


def on_assistant(operation: str, assistant: str | Ref = "assistant", body: object = ABSENT, **rest: Any) -> Step:
    """An operation upon an assistant that an earlier step created."""
    return _upon(operation, {"assistant_id": _ref(assistant)}, body, **rest)


def on_thread(operation: str, thread: str | Ref = "thread", body: object = ABSENT, **rest: Any) -> Step:
    """An operation upon a thread that an earlier step created."""
    return _upon(operation, {"thread_id": _ref(thread)}, body, **rest)


def on_message(
    operation: str, message: str | Ref = "message", thread: str | Ref = "thread", body: object = ABSENT, **rest: Any
) -> Step:
    """An operation upon a message that an earlier step created."""
    return _upon(operation, {"thread_id": _ref(thread), "message_id": _ref(message)}, body, **rest)


def on_run(
    operation: str, run: str | Ref = "run", thread: str | Ref = "thread", body: object = ABSENT, **rest: Any
) -> Step:
    """An operation upon a run that an earlier step created."""
    return _upon(operation, {"thread_id": _ref(thread), "run_id": _ref(run)}, body, **rest)


def on_step(step: Ref, run: str | Ref = "run", thread: str | Ref = "thread", **rest: Any) -> Step:
    """A look at one step of a run."""
    return _upon("get_run_step", {"thread_id": _ref(thread), "run_id": _ref(run), "step_id": step}, ABSENT, **rest)


def poll(
    run: str | Ref = "run", thread: str | Ref = "thread", until: tuple[str, ...] = SETTLED, name: str = ""
) -> Step:
    """Look at a run until it has one of these statuses."""
    return on_run("get_run", run, thread, until=until, name=name)


def page(operation: str, *of: str | Ref, name: str = "", tag: str = AT_REST, **query: JSON | Ref) -> Step:
    """A page of a list, `of` being what it lists: run and thread for steps, a thread for messages and runs.

    Unless another tag is given it says that nothing changes the list while it is read.
    """
    places: dict[str, Callable[..., Step]] = {"list_run_steps": on_run, "list_assistants": at_root}
    wire = tuple((query_name(parameter), value) for parameter, value in query.items())
    return places.get(operation, _on_thread)(operation, *of, name=name, tag=tag, query=wire)


def message(text: str = "One more thing.", thread: str | Ref = "thread", name: str = "", **members: Any) -> Step:
    """Add a user message to a thread."""
    return on_thread("create_message", thread, {"role": "user", "content": text, **members}, name=name)


def file_id(setting: Setting) -> str | None:
    """The id of a file that the target will take, if there is one."""
    return setting.given.get("file") or (MADE_UP_FILE if setting.accepts_any_file_id else None)


def vain(step: Step, tag: str) -> Step:
    """The step as one that refers to what is not there, and so is refused; the tag says in which way it is not."""
    return replace(step, role=Role.NEGATIVE, expectation=REFUSES_REFERENCE, tag=tag)


def since(setting: Setting, edition: str) -> bool:
    """Whether what entered the contract at a date belongs to the edition that is played."""
    return setting.edition >= edition


_on_thread: Callable[..., Step] = on_thread


def _upon(operation: str, path: dict[str, JSON | Ref], body: object, **rest: Any) -> Step:
    role = Role.LOOK if OPERATIONS[operation].method == "GET" else Role.ACT
    return Step(**{"operation": operation, "path": path, "body": body, "role": role, **rest})


def _ref(of: str | Ref) -> Ref:
    return of if isinstance(of, Ref) else Ref(of)
