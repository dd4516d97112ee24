"""The 23 operations of the Runs API: path, parameters, request and response."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache

from runs_conformance.model.source import Source, schema

CAPABILITIES = (
    "core",
    "validation",
    "errors",
    "cancel",
    "tools",
    "steps",
    "listing",
    "messages",
    "metadata",
    "streaming",
    "create_and_run",
    "auth",
    "tenancy",
)
"""The conformance classes, in the order of reports."""

BETA_HEADER = ("OpenAI-Beta", "assistants=v2")

ORGANIZATION_HEADER = "OpenAI-Organization"
"""The header of responses that names the organization of the key; requests may name one in it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `body` and `query` name its schema documents (`requests/...`, `queries/...`); `response_kind` is
    the kind of object in a successful response.

    `creates` is the kind of object that a successful request creates, `acts_on` the kind of the last path id. The
    status of success is always 200 (2,000 recorded responses, none of them 201 or 202).
    """

    name: str
    method: str
    path: str
    response_kind: str
    body: str | None = None
    query: str | None = None
    body_required: bool = True
    creates: str | None = None
    acts_on: str | None = None
    streams: bool = False
    capability: str = "core"
    operation_id: str = ""
    listed_kind: str | None = field(init=False, repr=False)
    """The kind of the listed objects; None unless it is a list operation."""

    def __post_init__(self) -> None:
        is_list = self.response_kind.endswith("_list")
        object.__setattr__(self, "listed_kind", self.response_kind.removesuffix("_list") if is_list else None)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the path parameters, in the order of the path."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))

    @property
    def route(self) -> str:
        """The method and the path with placeholders."""
        return f"{self.method} {self.path}"

    @property
    def source(self) -> Source:
        """Where the operation is defined."""
        return schema(f"openai/openai-openapi f85dbe2 openapi.yaml {self.method} {self.path}")

    @property
    def is_prerequisite(self) -> bool:
        """Whether it does not belong to the Runs API itself, but creates or reads objects that runs need."""
        return "/runs" not in self.path

    def url(self, values: dict[str, str]) -> str:
        """The path with these parameters, unescaped; the client escapes them."""
        return re.sub(r"\{(\w+)\}", lambda match: values[match.group(1)], self.path)


def _op(name: str, method: str, path: str, response_kind: str, operation_id: str, **rest: object) -> Operation:
    return Operation(name, method, path, response_kind, operation_id=operation_id, **rest)  # type: ignore[arg-type]


_A, _T = "/assistants", "/threads"
_M, _R = "/threads/{thread_id}/messages", "/threads/{thread_id}/runs"
_ALL = (
    _op(
        "list_assistants", "GET", _A, "assistant_list", "listAssistants", query="list_assistants", capability="listing"
    ),
    _op("create_assistant", "POST", _A, "assistant", "createAssistant", body="create_assistant", creates="assistant"),
    _op("get_assistant", "GET", _A + "/{assistant_id}", "assistant", "getAssistant", acts_on="assistant"),
    _op(
        "modify_assistant",
        "POST",
        _A + "/{assistant_id}",
        "assistant",
        "modifyAssistant",
        body="modify_assistant",
        acts_on="assistant",
        capability="metadata",
    ),
    _op(
        "delete_assistant",
        "DELETE",
        _A + "/{assistant_id}",
        "assistant_deleted",
        "deleteAssistant",
        acts_on="assistant",
    ),
    _op(
        "create_thread",
        "POST",
        _T,
        "thread",
        "createThread",
        body="create_thread",
        body_required=False,
        creates="thread",
    ),
    _op(
        "create_thread_and_run",
        "POST",
        _T + "/runs",
        "run",
        "createThreadAndRun",
        body="create_thread_and_run",
        creates="run",
        streams=True,
        capability="create_and_run",
    ),
    _op("get_thread", "GET", _T + "/{thread_id}", "thread", "getThread", acts_on="thread"),
    _op(
        "modify_thread",
        "POST",
        _T + "/{thread_id}",
        "thread",
        "modifyThread",
        body="modify_thread",
        acts_on="thread",
        capability="metadata",
    ),
    _op("delete_thread", "DELETE", _T + "/{thread_id}", "thread_deleted", "deleteThread", acts_on="thread"),
    _op(
        "list_messages",
        "GET",
        _M,
        "message_list",
        "listMessages",
        query="list_messages",
        acts_on="thread",
        capability="listing",
    ),
    _op(
        "create_message",
        "POST",
        _M,
        "message",
        "createMessage",
        body="create_message",
        creates="message",
        acts_on="thread",
        capability="messages",
    ),
    _op("get_message", "GET", _M + "/{message_id}", "message", "getMessage", acts_on="message", capability="messages"),
    _op(
        "modify_message",
        "POST",
        _M + "/{message_id}",
        "message",
        "modifyMessage",
        body="modify_message",
        acts_on="message",
        capability="metadata",
    ),
    _op(
        "delete_message",
        "DELETE",
        _M + "/{message_id}",
        "message_deleted",
        "deleteMessage",
        acts_on="message",
        capability="messages",
    ),
    _op("list_runs", "GET", _R, "run_list", "listRuns", query="list_runs", acts_on="thread", capability="listing"),
    _op(
        "create_run",
        "POST",
        _R,
        "run",
        "createRun",
        body="create_run",
        query="create_run",
        creates="run",
        acts_on="thread",
        streams=True,
    ),
    _op("get_run", "GET", _R + "/{run_id}", "run", "getRun", acts_on="run"),
    _op(
        "modify_run",
        "POST",
        _R + "/{run_id}",
        "run",
        "modifyRun",
        body="modify_run",
        acts_on="run",
        capability="metadata",
    ),
    _op("cancel_run", "POST", _R + "/{run_id}/cancel", "run", "cancelRun", acts_on="run", capability="cancel"),
    _op(
        "submit_tool_outputs",
        "POST",
        _R + "/{run_id}/submit_tool_outputs",
        "run",
        "submitToolOuputsToRun",
        body="submit_tool_outputs",
        acts_on="run",
        streams=True,
        capability="tools",
    ),
    _op(
        "list_run_steps",
        "GET",
        _R + "/{run_id}/steps",
        "run_step_list",
        "listRunSteps",
        query="list_run_steps",
        acts_on="run",
        capability="steps",
    ),
    _op(
        "get_run_step",
        "GET",
        _R + "/{run_id}/steps/{step_id}",
        "run_step",
        "getRunStep",
        query="get_run_step",
        acts_on="run_step",
        capability="steps",
    ),
)

OPERATIONS: dict[str, Operation] = {operation.name: operation for operation in _ALL}
"""All operations by name."""


@cache
def _patterns() -> Mapping[tuple[str, int], Sequence[tuple[re.Pattern[str], Operation]]]:
    """The patterns of all operations by method and number of path segments."""
    found: dict[tuple[str, int], list[tuple[re.Pattern[str], Operation]]] = {}
    for op in sorted(_ALL, key=lambda operation: operation.path.count("{")):
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", op.path) + r"/?\Z")
        found.setdefault((op.method, op.path.count("/")), []).append((pattern, op))
    return found


def find_operation(method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    """The operation of a method and a path below the base URL, with its path ids; None if there is none.

    Fixed segments take precedence over ids: `POST /threads/runs` is `create_thread_and_run`, not `modify_thread` of
    the thread `runs`.
    """
    # Clients poll the same paths again and again; long ones, which a peer may have made up, are not remembered.
    found = _match(method, path) if len(path) > _MAX_REMEMBERED else _remembered_match(method, path)
    return None if found is None else (found[0], {**found[1]})


def _match(method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    segments = path.count("/") - path.endswith("/")
    for pattern, operation in _patterns().get((method.upper(), segments), ()):
        if match := pattern.match(path):
            return operation, match.groupdict()
    return None


_MAX_REMEMBERED = 200
_remembered_match = lru_cache(maxsize=2048)(_match)


def query_name(parameter: str) -> str:
    """The name of a query parameter on the wire: `include` is sent as `include[]`."""
    return "include[]" if parameter == "include" else parameter


def response_kind_of(name: str | None) -> str | None:
    """The kind of object in a successful response to an operation; None for an unknown operation."""
    operation = OPERATIONS.get(name or "")
    return operation.response_kind if operation else None


__all__ = [
    "BETA_HEADER",
    "CAPABILITIES",
    "OPERATIONS",
    "Operation",
    "find_operation",
    "query_name",
    "response_kind_of",
]
