"""Mutants of stored assistants."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator.context import Hooks, RequestContext
from runs_conformance.emulator.declaration import mutant
from runs_conformance.emulator.patching import patch_response, wrap_handlers


@mutant("run-identity-never-changes")
def forgets_descriptions(hooks: Hooks) -> None:
    """Shows the description of an assistant on creation, but does not store it."""

    async def handle(inner: Any, request: RequestContext) -> Any:
        return {**await inner(request), "description": None}

    wrap_handlers(hooks, handle, "get_assistant")


def _without(hooks: Hooks, operation: str, *names: str) -> None:
    """Have an operation ignore members of its body."""

    async def drop_members(inner: Any, request: RequestContext) -> Any:
        if isinstance(request.body, dict):
            for name in names:
                request.body.pop(name, None)
        return await inner(request)

    wrap_handlers(hooks, drop_members, operation)


@mutant("assistants")
def has_no_descriptions(hooks: Hooks) -> None:
    """Ignores the description when it creates an assistant."""
    _without(hooks, "create_assistant", "description")


@mutant("assistants", level="should")
def has_one_temperature_for_all(hooks: Hooks) -> None:
    """Ignores temperature and top_p when it creates an assistant."""
    _without(hooks, "create_assistant", "temperature", "top_p")


@mutant("assistants", level="should")
def reads_null_as_0(hooks: Hooks) -> None:
    """Gives an assistant that is created with a temperature or top_p of null a value of 0."""

    async def replace_nulls(inner: Any, request: RequestContext) -> Any:
        if isinstance(request.body, dict):
            for name in ("temperature", "top_p"):
                if name in request.body and request.body[name] is None:
                    request.body[name] = 0
        return await inner(request)

    wrap_handlers(hooks, replace_nulls, "create_assistant")


@mutant("modify")
def keeps_names_for_ever(hooks: Hooks) -> None:
    """Modifying an assistant does not change its name."""
    _without(hooks, "modify_assistant", "name")


@mutant("run-identity-never-changes")
def lists_no_files(hooks: Hooks) -> None:
    """A list shows assistants without the files and vector stores of their tools."""

    def remove_files(request: RequestContext, body: Any) -> Any:
        return {**body, "data": [{**item, "tool_resources": {}} for item in body["data"]]}

    patch_response(hooks, remove_files, "list_assistants")
