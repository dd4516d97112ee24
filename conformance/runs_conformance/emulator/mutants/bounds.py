"""Mutants of limits that are not one step from the documented ones, which are generated (see `constraints`)."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator.api_errors import bad_request
from runs_conformance.emulator.context import Hooks
from runs_conformance.emulator.declaration import written_from_spec
from runs_conformance.emulator.patching import patch_request_body, set_keyword


@written_from_spec("create_assistant.tools.maxItems")
def refuses_128_assistant_tools(hooks: Hooks) -> None:
    """Accepts only 20 tools, the limit of a run, on an assistant."""
    set_keyword(hooks, "create_assistant.tools.maxItems", 20)


@written_from_spec("create_run.tools[].function.name.pattern")
def accepts_any_function_name(hooks: Hooks) -> None:
    """Accepts dots and spaces in function names."""
    set_keyword(hooks, "create_run.tools[].function.name.pattern", None)


@written_from_spec("create_run.tools[].function.name.pattern")
def refuses_dashes_in_names(hooks: Hooks) -> None:
    """Refuses dashes in function names."""
    set_keyword(hooks, "create_run.tools[].function.name.pattern", "^[a-zA-Z0-9_]+$")


@written_from_spec("create_run.metadata{}.maxLength", broad_reason="Metadata has the same limit in every operation.")
def counts_bytes(hooks: Hooks) -> None:
    """Counts bytes instead of characters, so it refuses 512 characters that are not ASCII."""

    def check(body: dict[str, Any]) -> None:
        metadata = body.get("metadata")
        for name, value in metadata.items() if isinstance(metadata, dict) else ():
            if isinstance(value, str) and len(value) <= 512 < len(value.encode()):
                raise bad_request(
                    f"Invalid 'metadata.{name}': string too long.", f"metadata.{name}", "string_above_max_length"
                )

    patch_request_body(hooks, check)
