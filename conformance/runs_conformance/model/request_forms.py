"""The forms of the requests that every test depends on, as a target accepts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from runs_conformance.model.json import JSON, is_array, is_object

TOOL_PLACES = ("run", "assistant")
TOOL_CHOICES = ("named", "required", "words")
"""How a run is made to call a function: by the name in `tool_choice`, by `required`, or by its prompt alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestForms:
    """The forms in which a target accepts prerequisites. The default is the smallest form that the contract allows.

    `assistant_members` and `run_members` are optional members that the creations of assistants and runs need.
    `thread_messages` says whether the first message comes with the thread (`inline`) or in a request of its own
    (`separate`), `message_content` whether its content is a `text` or an array of `parts`. `tools_on` and `tool_choice`
    say how a run is made to call a function, `calls_in` whether the waiting `run` shows its calls or only its `steps`
    do. `assistant` is the id of a listed assistant, if none can be created; `model` is the model used in place of the
    default one. `calls_functions` and `starts_runs` are False if no form was found. `call_attempts` is how many runs
    may be created until one calls a function: more if one has called a function. `accepts_any_file_id` says that the
    target accepted invented ids of a file and of a vector store, and did not drop them. `notes` explain each difference
    from the smallest form in a sentence.
    """

    assistant_members: Mapping[str, JSON] = field(default_factory=dict)
    run_members: Mapping[str, JSON] = field(default_factory=dict)
    thread_messages: str = "inline"
    message_content: str = "text"
    tools_on: str = "run"
    tool_choice: str = "named"
    calls_in: str = "run"
    assistant: str | None = None
    model: str | None = None
    starts_runs: bool = True
    calls_functions: bool = True
    call_attempts: int = 2
    accepts_any_file_id: bool = False
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, JSON]:
        """The request forms as JSON."""
        return {
            "assistant_members": dict(self.assistant_members),
            "run_members": dict(self.run_members),
            "thread_messages": self.thread_messages,
            "message_content": self.message_content,
            "tools_on": self.tools_on,
            "tool_choice": self.tool_choice,
            "calls_in": self.calls_in,
            "assistant": self.assistant,
            "model": self.model,
            "starts_runs": self.starts_runs,
            "calls_functions": self.calls_functions,
            "call_attempts": self.call_attempts,
            "accepts_any_file_id": self.accepts_any_file_id,
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, data: JSON) -> RequestForms:
        """Parse request forms; members that are missing or of a wrong type get their defaults."""
        if not is_object(data):
            return cls()
        default = cls()

        def text(name: str) -> str:
            value = data.get(name)
            return value if isinstance(value, str) else str(getattr(default, name))

        def text_or_none(name: str) -> str | None:
            value = data.get(name)
            return value if isinstance(value, str) else None

        def members(name: str) -> Mapping[str, JSON]:
            value = data.get(name)
            return value if is_object(value) else {}

        notes, attempts = data.get("notes"), data.get("call_attempts")
        return cls(
            assistant_members=members("assistant_members"),
            run_members=members("run_members"),
            thread_messages=text("thread_messages"),
            message_content=text("message_content"),
            tools_on=text("tools_on"),
            tool_choice=text("tool_choice"),
            calls_in=text("calls_in"),
            assistant=text_or_none("assistant"),
            model=text_or_none("model"),
            starts_runs=data.get("starts_runs") is not False,
            calls_functions=data.get("calls_functions") is not False,
            call_attempts=attempts if isinstance(attempts, int) and attempts > 0 else default.call_attempts,
            accepts_any_file_id=data.get("accepts_any_file_id") is True,
            notes=tuple(each for each in notes if isinstance(each, str)) if is_array(notes) else (),
        )
