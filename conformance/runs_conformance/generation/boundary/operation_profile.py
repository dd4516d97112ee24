"""The requirements of generating boundary values beyond an operation's schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from runs_conformance.contract.constraint import body_documents
from runs_conformance.contract.schema import Schema, compile_schema
from runs_conformance.generation.boundary.place import Path
from runs_conformance.generation.boundary.sample import (
    ASSISTANT_PLACEHOLDER,
    EMPTY_OBJECT_SCHEMA,
    SAMPLE_TEXT,
    TOOL_CALL_PLACEHOLDER,
    Sampler,
)
from runs_conformance.model.json import JSON, is_array, is_object

_HELLO: Mapping[str, JSON] = {"role": "user", "content": "Say hello in one short sentence."}
_TAGGED: Mapping[str, JSON] = {"metadata": {"topic": SAMPLE_TEXT}}
_FUNCTION: Mapping[str, JSON] = {
    "type": "function",
    "function": {"name": SAMPLE_TEXT, "parameters": dict(EMPTY_OBJECT_SCHEMA)},
}


def _tools_for_choice(choice: JSON) -> Mapping[str, JSON]:
    """The only tool that a tool choice needs, so that a target without the others can accept it."""
    kind = choice.get("type") if is_object(choice) else None
    return {"tools": [{"type": kind} if kind in ("code_interpreter", "file_search") else dict(_FUNCTION)]}


@dataclass(frozen=True, slots=True)
class OperationProfile:
    """One operation with a body. `control` is the smallest body that is certain to be accepted.

    `required_with` maps a member to those that its value cannot safely be sent without. `overrides` replace the samples
    at certain places. `sent_separately` names members whose values share no payload with each other, since they change
    how the response is delivered. `sent_behind_control` names constraints on the items of a list whose invalid item is
    sent behind the list of the control: without the control's items the target could refuse the body for their lack.
    Their nearest violations are sent without these items, too: the target could refuse the others for their number.
    """

    operation: str
    control: Mapping[str, JSON]
    required_with: Mapping[str, Callable[[JSON], Mapping[str, JSON]]] = field(default_factory=dict)
    overrides: Mapping[str, JSON] = field(default_factory=dict)
    sent_separately: tuple[str, ...] = ()
    sent_behind_control: frozenset[str] = frozenset()

    def schema(self, edition: str) -> Schema:
        """The schema of the body in an edition."""
        return compile_schema(body_documents()[self.operation], self.operation, edition)

    def complete_body(self, value: JSON) -> JSON:
        """Add the members that the body's members require."""
        if not is_object(value):
            return value
        body = dict(value)
        for member, required in self.required_with.items():
            if body.get(member) is not None:
                body = {**required(body[member]), **body}
        return body

    def move_behind_control(self, constraint: str, path: Path, body: JSON) -> tuple[Path, JSON]:
        """Put the items of the control before the item of a body that violates a constraint; the new path and body."""
        if constraint not in self.sent_behind_control or not is_object(body):
            return path, body
        member = str(path[0])
        kept, items = self.control[member], body[member]
        if not is_array(kept) or not is_array(items):
            return path, body
        return (member, len(kept), *path[2:]), {**body, member: [*kept, *items]}

    def matches_state(self, body: JSON) -> bool:
        """Whether the target's state allows a valid body: tool outputs must answer all pending calls."""
        if self.operation != "submit_tool_outputs" or not is_object(body):
            return True
        outputs = body.get("tool_outputs")
        calls = [item.get("tool_call_id") for item in outputs if is_object(item)] if is_array(outputs) else []
        return calls == [TOOL_CALL_PLACEHOLDER]


def operation_profiles(sampler: Sampler) -> dict[str, OperationProfile]:
    """Every operation with a body, by name."""
    thread: JSON = {"messages": [dict(_HELLO)]}
    run: Mapping[str, JSON] = {"assistant_id": ASSISTANT_PLACEHOLDER}
    tools = {"tool_choice": _tools_for_choice}
    outputs: JSON = [{"tool_call_id": TOOL_CALL_PLACEHOLDER, "output": SAMPLE_TEXT}]
    profiles = (
        OperationProfile("create_assistant", {"model": sampler.model}),
        OperationProfile("modify_assistant", _TAGGED),
        OperationProfile("create_thread", {"messages": [dict(_HELLO)]}),
        OperationProfile("modify_thread", _TAGGED),
        OperationProfile("create_message", _HELLO),
        OperationProfile("modify_message", _TAGGED),
        OperationProfile("create_run", run, tools, sent_separately=("stream",)),
        OperationProfile(
            "create_thread_and_run",
            {**run, "thread": thread},
            tools,
            overrides={"create_thread_and_run.thread": thread},
            sent_separately=("stream",),
        ),
        OperationProfile("modify_run", _TAGGED),
        OperationProfile(
            "submit_tool_outputs",
            {"tool_outputs": outputs},
            overrides={"submit_tool_outputs.tool_outputs": outputs},
            sent_separately=("stream",),
            sent_behind_control=frozenset(
                f"submit_tool_outputs.tool_outputs[].{name}"
                for name in ("type", "tool_call_id.required", "tool_call_id.type")
            ),
        ),
    )
    return {subject.operation: subject for subject in profiles}
