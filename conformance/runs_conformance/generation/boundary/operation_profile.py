"""What must be known of an operation to send it boundary values, beyond what its schema says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runs_conformance.contract.constraint import request_bodies
from runs_conformance.contract.schema import Schema, compiled
from runs_conformance.generation.boundary.sample import ANY_OBJECT, ASSISTANT, TEXT, TOOL_CALL, Sampler
from runs_conformance.model.json import JSON, is_array, is_object

_HELLO: Mapping[str, JSON] = {"role": "user", "content": "Say hello in one short sentence."}
_TAGGED: Mapping[str, JSON] = {"metadata": {"topic": TEXT}}
_EVERY_TOOL: list[JSON] = [
    {"type": "function", "function": {"name": TEXT, "parameters": dict(ANY_OBJECT)}},
    {"type": "code_interpreter"},
    {"type": "file_search"},
]


@dataclass(frozen=True, slots=True)
class Subject:
    """One operation with a body. `control` is the smallest body that is sure to be accepted.

    `companions` are the members that a member cannot safely go without. `seeds` are what a sample is at a certain
    place. `alone` names members whose legal values share no payload with others: they change how the answer comes.
    """

    operation: str
    control: Mapping[str, JSON]
    companions: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    seeds: Mapping[str, JSON] = field(default_factory=dict)
    alone: tuple[str, ...] = ()

    def schema(self, edition: str) -> Schema:
        """The schema of the body in an edition."""
        return compiled(request_bodies()[self.operation], self.operation, edition)

    def whole(self, value: JSON) -> JSON:
        """A body with the companions that its members need."""
        if not is_object(value):
            return value
        body = dict(value)
        for member, others in self.companions.items():
            if body.get(member) is not None:
                body = {**others, **body}
        return body

    def fits(self, body: JSON) -> bool:
        """Whether the state that the request meets allows a body that the schema allows: outputs answer all calls."""
        if self.operation != "submit_tool_outputs" or not is_object(body):
            return True
        outputs = body.get("tool_outputs")
        calls = [item.get("tool_call_id") for item in outputs if is_object(item)] if is_array(outputs) else []
        return calls == [TOOL_CALL]


def subjects(sampler: Sampler) -> dict[str, Subject]:
    """Every operation with a body, by name."""
    thread: JSON = {"messages": [dict(_HELLO)]}
    run: Mapping[str, JSON] = {"assistant_id": ASSISTANT}
    tools: Mapping[str, Mapping[str, JSON]] = {"tool_choice": {"tools": _EVERY_TOOL}}
    outputs: JSON = [{"tool_call_id": TOOL_CALL, "output": TEXT}]
    found = (
        Subject("create_assistant", {"model": sampler.model}),
        Subject("modify_assistant", _TAGGED),
        Subject("create_thread", {"messages": [dict(_HELLO)]}),
        Subject("modify_thread", _TAGGED),
        Subject("create_message", _HELLO),
        Subject("modify_message", _TAGGED),
        Subject("create_run", run, tools, alone=("stream",)),
        Subject(
            "create_thread_and_run",
            {**run, "thread": thread},
            tools,
            seeds={"create_thread_and_run.thread": thread},
            alone=("stream",),
        ),
        Subject("modify_run", _TAGGED),
        Subject(
            "submit_tool_outputs",
            {"tool_outputs": outputs},
            seeds={"submit_tool_outputs.tool_outputs": outputs},
            alone=("stream",),
        ),
    )
    return {subject.operation: subject for subject in found}
