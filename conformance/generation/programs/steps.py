"""The steps that programs are made of, with what every one of them needs."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.contract.lifecycle import TERMINAL
from conformance.model.case import Ref, Role, Step
from conformance.model.json import ABSENT, JSON
from conformance.model.program import Setting

SETTLED = (*sorted(TERMINAL), "requires_action")
"""Where polling stops: the run is over, or waits for tool outputs."""

OVER = tuple(sorted(TERMINAL))

PROMPTS: Mapping[str, str] = {
    "plain": "Say hello in one short sentence.",
    "long": "Count from 1 to 500, one number per line, without stopping.",
    "call_one": "What is the weather in Paris? Use the function get_weather.",
    "call_two": "What are the weather and the local time in Paris? Use get_weather and get_time, each once.",
}
"""The user messages, by purpose. A setting may replace each of them; nothing depends on the words of an answer."""


def function_tool(name: str = "get_weather", **more: JSON) -> dict[str, JSON]:
    """A function tool with one string parameter."""
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    return {
        "type": "function",
        "function": {"name": name, "description": "Looks it up.", "parameters": parameters, **more},
    }


def named(name: str = "get_weather") -> dict[str, JSON]:
    """The tool choice that forces this function."""
    return {"type": "function", "function": {"name": name}}


def prompt(setting: Setting, purpose: str = "plain") -> str:
    """The user message for a purpose."""
    return setting.prompts.get(purpose, PROMPTS[purpose])


def assistant(setting: Setting, name: str = "assistant", **members: JSON) -> Step:
    """Create an assistant; or, where the setting gives one to use, look at that."""
    given = setting.given.get("assistant")
    if given:
        return Step(operation="get_assistant", name=name, path={"assistant_id": given}, role=Role.FIXTURE)
    body = {"model": setting.model, "instructions": "You are a test fixture. Answer briefly.", **members}
    return Step(operation="create_assistant", name=name, body=body, role=Role.FIXTURE)


def thread(setting: Setting, name: str = "thread", *, text: str | None = None, **members: object) -> Step:
    """Create a thread with one user message, so that a run on it has something to answer."""
    message = {"role": "user", "content": prompt(setting) if text is None else text}
    return Step(operation="create_thread", name=name, body={"messages": [message], **members}, role=Role.FIXTURE)


def run(
    name: str = "run", thread: str = "thread", assistant: str = "assistant", *, stream: bool = False, **members: object
) -> Step:
    """Create a run on a thread."""
    body: dict[str, object] = {"assistant_id": Ref(assistant), **members}
    if stream:
        body["stream"] = True
    return Step(operation="create_run", name=name, path={"thread_id": Ref(thread)}, body=body, stream=stream)


def on_run(
    operation: str, run: str = "run", thread: str | Ref = "thread", body: object = ABSENT, **rest: object
) -> Step:
    """An operation upon a run that an earlier step created."""
    thread_id = thread if isinstance(thread, Ref) else Ref(thread)
    return Step(operation=operation, path={"thread_id": thread_id, "run_id": Ref(run)}, body=body, **rest)  # type: ignore[arg-type]


def poll(run: str = "run", thread: str | Ref = "thread", until: tuple[str, ...] = SETTLED, name: str = "") -> Step:
    """Look at a run until it has one of these statuses."""
    return on_run("get_run", run, thread, role=Role.LOOK, until=until, name=name)


def look(operation: str, name: str = "", query: Mapping[str, JSON | Ref] | None = None, **path: JSON | Ref) -> Step:
    """A read. Query parameters are given by their wire names."""
    return Step(operation=operation, name=name, path=path, query=tuple((query or {}).items()), role=Role.LOOK)
