"""Helpers that replace hooks; they keep mutants and variants short.

Each function wraps a hook with a `change` callable. `change` either mutates its argument or returns a replacement, as
the function documents.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

from runs_conformance.contract.operation import OPERATIONS, Operation
from runs_conformance.emulator.context import Events, Hooks, RequestContext, ServerState
from runs_conformance.emulator.list_pages import ListPage
from runs_conformance.emulator.request_validation import Schemas
from runs_conformance.emulator.state import Members, Run

HandlerWrapper: TypeAlias = Callable[[Callable[[RequestContext], Awaitable[Any]], RequestContext], Awaitable[Any]]


def patch_object(hooks: Hooks, kind: str, change: Callable[[Members, Any, str], object]) -> None:
    """Have `change` mutate serialized objects of a kind; its arguments are the JSON object, the stored object and the
    channel, `json` or `stream`.
    """
    inner = getattr(hooks, f"{kind}_object")

    def outer(server: ServerState, subject: Any, *rest: Any) -> Members:
        members = dict(inner(server, subject, *rest))
        change(members, subject, rest[0] if rest else "json")
        return members

    setattr(hooks, f"{kind}_object", outer)


def remove_members(hooks: Hooks, kind: str, *names: str) -> None:
    """Remove members from serialized objects of a kind."""
    patch_object(hooks, kind, lambda members, *_: [members.pop(name, None) for name in names])


def patch_events(hooks: Hooks, change: Callable[[ServerState, Run, str, Any], Events]) -> None:
    """Have `change` return the events to send in place of each event."""
    inner = hooks.expand_event

    def outer(server: ServerState, run: Run, name: str, data: Any) -> Events:
        return [event for original in inner(server, run, name, data) for event in change(server, run, *original)]

    hooks.expand_event = outer


def wrap_handlers(hooks: Hooks, wrapper: HandlerWrapper, *operations: str) -> None:
    """Wrap the handlers of some operations; the arguments of `wrapper` are the handler and the request."""
    for operation in operations:
        hooks.handlers[operation] = partial(wrapper, hooks.handlers[operation])


def patch_response(hooks: Hooks, change: Callable[[RequestContext, Any], Any], *operations: str) -> None:
    """Have `change` return the JSON response of some operations, or of all if none is named."""
    inner = hooks.response_body

    def outer(request: RequestContext, response: Any) -> Any:
        response = inner(request, response)
        return change(request, response) if not operations or request.operation.name in operations else response

    hooks.response_body = outer


def patch_query(hooks: Hooks, change: Callable[[dict[str, Any]], object], *operations: str) -> None:
    """Have `change` mutate the validated queries of some lists, or of all if none is named."""
    inner = hooks.read_query

    def read(schemas: Schemas, operation: Operation, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
        query = inner(schemas, operation, pairs)
        if operation.name in operations if operations else operation.listed_kind:
            change(query)
        return query

    hooks.read_query = read


def patch_page(hooks: Hooks, change: Callable[[ListPage[Any], Sequence[Any], dict[str, Any]], ListPage[Any]]) -> None:
    """Have `change` return the pages of lists; its arguments are the page, all sorted items and the query."""
    inner = hooks.paginate
    hooks.paginate = lambda items, query: change(inner(items, query), items, query)


def patch_request_body(hooks: Hooks, change: Callable[[Any], object], *operations: str) -> None:
    """Have `change` mutate the bodies of some operations, or of all if none is named, before they are validated."""
    inner = hooks.validate_body

    def outer(schemas: Schemas, operation: Operation, body: Any) -> None:
        if isinstance(body, dict) and (not operations or operation.name in operations):
            change(body)
        inner(schemas, operation, body)

    hooks.validate_body = outer


def patch_request_member(hooks: Hooks, member: str, change: Callable[[Any], Any], *operations: str) -> None:
    """Have `change` return the value of a body member of some operations before it is validated."""

    def apply(body: dict[str, Any]) -> None:
        if member in body:
            body[member] = change(body[member])

    patch_request_body(hooks, apply, *operations)


def set_keyword(hooks: Hooks, constraint: str, value: Any) -> None:
    """Set the keyword of the request schemas that a constraint id names; None removes it.

    A `required` constraint can only be removed. Raises ValueError if the schemas have no such constraint.
    """
    node_id, _, keyword = constraint.rpartition(".")
    parent_id, _, member = node_id.rpartition(".")
    is_present = False
    for node in schema_nodes(hooks, constraint.partition(".")[0]):
        if keyword == "required" and node.get("x-at") == parent_id and member in node.get("required", ()):
            node["required"] = [name for name in node["required"] if name != member]
            is_present = True
        elif node.get("x-at") == node_id and keyword in node:
            is_present = True
            if value is None:
                del node[keyword]
            else:
                node[keyword] = value
    if not is_present:
        raise ValueError(f"the request schemas have no {constraint}")


def schema_nodes(hooks: Hooks, operation: str) -> Iterator[dict[str, Any]]:
    """The schemas at every place of an operation's body and query."""
    schemas = OPERATIONS[operation]
    todo: list[Any] = [hooks.schemas.body(operation)] if schemas.body else []
    todo += [hooks.schemas.query(operation)] if schemas.query else []
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            if "x-at" in node:
                yield node
            todo += [value for key, value in node.items() if not key.startswith("x-")]
        elif isinstance(node, list):
            todo += [item for item in node if isinstance(item, (dict, list))]


def visit_objects(value: Any, change: Callable[[dict[str, Any]], object]) -> None:
    """Call `change` on every JSON object in a value, inner objects first."""
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for member in list(inner):
        visit_objects(member, change)
    if isinstance(value, dict):
        change(value)
