"""The five documents that the contract was first derived from, and the fields that each lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from runs_conformance.contract.constraint import constraints

_RUN_REQUEST = (
    "model",
    "instructions",
    "additional_instructions",
    "additional_messages",
    "tools",
    "metadata",
    "temperature",
    "top_p",
    "stream",
    "max_prompt_tokens",
    "max_completion_tokens",
    "truncation_strategy",
    "tool_choice",
    "response_format",
)
_RUN_OBJECT = (
    "id",
    "object",
    "created_at",
    "status",
    "required_action",
    "last_error",
    "expires_at",
    "started_at",
    "cancelled_at",
    "failed_at",
    "completed_at",
    "incomplete_details",
    "usage",
    "temperature",
    "top_p",
    "max_prompt_tokens",
    "max_completion_tokens",
    "truncation_strategy",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "metadata",
)
_PAGE = ("object", "data", "first_id", "last_id", "has_more")


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """One document: its title, its edition, and the fields that it lists, by operation or kind of object."""

    name: str
    title: str
    edition: str
    fields: Mapping[str, tuple[str, ...]]

    def places(self) -> Iterator[str]:
        """Every field, as the prefix of constraint ids."""
        for subject, names in self.fields.items():
            yield from (f"{subject}.{name}" for name in names)


SOURCE_DOCUMENTS = (
    SourceDocument(
        "000",
        "LangChain.js API docs, RunCreateParamsStreaming of openai-node",
        "2025-08-07",
        {"create_run": ("assistant_id", "include", *_RUN_REQUEST, "parallel_tool_calls", "reasoning_effort")},
    ),
    SourceDocument(
        "001",
        "Portkey docs, Create Run",
        "2024-06-06",
        {"create_run": (*_RUN_REQUEST, "parallel_tool_calls"), "run": _RUN_OBJECT},
    ),
    SourceDocument(
        "002",
        "SIM Workflow, POST /threads/runs",
        "2025-02-10",
        {
            "create_thread_and_run": (
                "assistant_id",
                *(name for name in _RUN_REQUEST if not name.startswith("additional_")),
                "parallel_tool_calls",
                "thread",
                "thread.messages",
                "thread.messages[].role",
                "thread.messages[].content",
                "thread.messages[].attachments",
                "thread.messages[].attachments[].file_id",
                "thread.messages[].attachments[].tools",
                "thread.messages[].metadata",
                "thread.metadata",
                "thread.tool_resources.code_interpreter.file_ids",
                "thread.tool_resources.file_search.vector_store_ids",
                "thread.tool_resources.file_search.vector_stores",
                "thread.tool_resources.file_search.vector_stores[].file_ids",
                "thread.tool_resources.file_search.vector_stores[].chunking_strategy",
                "thread.tool_resources.file_search.vector_stores[].metadata",
                "tool_resources.code_interpreter.file_ids",
                "tool_resources.file_search.vector_store_ids",
            )
        },
    ),
    SourceDocument(
        "003",
        "Kong developer portal, OpenAI API 2.3.0: runs, delete message",
        "2025-02-10",
        {
            "create_run": ("assistant_id", "include", *_RUN_REQUEST, "reasoning_effort"),
            "modify_run": ("metadata",),
            "list_runs": ("limit", "order", "after", "before"),
            "run_list": _PAGE,
            "run": (*_RUN_OBJECT, "thread_id", "assistant_id", "model", "instructions", "tools"),
            "message_deleted": ("id", "object", "deleted"),
        },
    ),
    SourceDocument(
        "004",
        "deno.land/x docs, RunCreateParamsBase of openai-node 4.66.1",
        "2024-08-28",
        {"create_run": ("assistant_id", "include", *_RUN_REQUEST, "parallel_tool_calls")},
    ),
)


def constraints_on(place: str, edition: str) -> list[str]:
    """The constraints of an edition on a field and everything in it."""
    separators = (".", "[", "{")
    return [id_ for id_ in constraints(edition) if id_.startswith(place) and id_[len(place) :][:1] in separators]
