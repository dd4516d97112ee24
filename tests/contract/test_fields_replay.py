"""Every row of an independent table of the published document's fields, compared with the schemas.

The table (`fields.json`) was extracted from the published document by machine: one row for each field of each
component, with its type, nullability, limits and so on. Each row is compared with the place in the schemas that stands
for it, both ways: what the document says and the schemas do not, and what the schemas say and the document does not.
Every difference stands below with its reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.event import event_kinds
from runs_conformance.contract.json_type import allowed_types
from runs_conformance.contract.schema import Schema, compile_schema

Row = Mapping[str, Any]

_PROSE = "stated in the prose, not in the schema"
_SENT = "sent by the service, never documented"
_UNSTATED_NULL = "whether null is refused is not stated: allowed here, and marked as uncertain"
_ONE_STORE = "published as a union of two required lists"
_NAMES = ("FunctionObject.name", "ResponseFormatJsonSchema.json_schema.name")
_STORES = "tool_resources.file_search"
_CHUNK = f"{_STORES}.vector_stores[].chunking_strategy<oneOf1>.static.chunk_overlap_tokens"

DIFFERENCES: dict[str, str] = {
    # place and aspect: why. An aspect with + stands in the schemas only, one with - in the document only.
    **{f"{name} +{limit}": _PROSE for name in _NAMES for limit in ("minLength", "maxLength", "pattern")},
    "Metadata +maxProperties": _PROSE,
    "Metadata.propertyNames +maxLength": _PROSE,
    "Metadata{} +maxLength": _PROSE,
    "CreateThreadRequest." + _CHUNK + " +x-atMostHalfOf": _PROSE,
    "CreateAssistantRequest." + _CHUNK + " +x-atMostHalfOf": _PROSE,
    f"CreateThreadRequest.{_STORES} +not": _ONE_STORE,
    f"CreateAssistantRequest.{_STORES} +not": _ONE_STORE,
    "CreateThreadAndRunRequest.model<anyOf1> enum": "which models exist is the target's affair",
    "ParallelToolCalls +null": _UNSTATED_NULL,
    "CreateRunRequest.parallel_tool_calls +null": _UNSTATED_NULL,
    "CreateThreadAndRunRequest.parallel_tool_calls +null": _UNSTATED_NULL,
    "SubmitToolOutputsRunRequest.tool_outputs[].output +null": _UNSTATED_NULL,
    "SubmitToolOutputsRunRequest.tool_outputs[].tool_call_id +required": "its absence was refused; only a should",
    **{
        f"CreateThreadAndRunRequest.{member} +place": "a member of create_run only; named to mark it as uncertain"
        for member in ("reasoning_effort", "additional_instructions", "additional_messages")
    },
    **{
        f"List{of}Response.object enum": "shown by every example, and by all traffic"
        for of in ("Runs", "RunSteps", "Messages", "Assistants")
    },
    "RunObject.tool_resources +place": _SENT,
    "RunObject.reasoning_effort +place": _SENT,
    "AssistantObject.reasoning_effort +place": _SENT,
    "RunStepObject.expires_at +place": _SENT,
    **{
        f"{usage}.{member} +place": _SENT
        for usage in ("RunCompletionUsage", "RunStepCompletionUsage")
        for member in ("prompt_token_details", "completion_tokens_details")
    },
    "RunStepDetailsToolCallsFileSearchRankingOptionsObject.hybrid_search +place": _SENT,
    "RunStepDetailsToolCallsFileSearchResultObject.attributes +place": _SENT,
}

DOCUMENTS: dict[str, tuple[str, ...]] = {
    # component: document, then the way inside it: a member, [] for items, <value> for the branch of that kind
    "CreateRunRequest": ("requests/create_run",),
    "CreateThreadAndRunRequest": ("requests/create_thread_and_run",),
    "ModifyRunRequest": ("requests/modify_run",),
    "SubmitToolOutputsRunRequest": ("requests/submit_tool_outputs",),
    "CreateMessageRequest": ("requests/create_message",),
    "ModifyMessageRequest": ("requests/modify_message",),
    "CreateThreadRequest": ("requests/create_thread",),
    "ModifyThreadRequest": ("requests/modify_thread",),
    "CreateAssistantRequest": ("requests/create_assistant",),
    "ModifyAssistantRequest": ("requests/modify_assistant",),
    "RunObject": ("objects/run",),
    "RunToolCallObject": ("objects/run", "required_action", "submit_tool_outputs", "tool_calls", "[]"),
    "RunStepObject": ("objects/run_step",),
    "RunStepDetailsMessageCreationObject": ("objects/run_step", "step_details", "<message_creation>"),
    "RunStepDetailsToolCallsObject": ("objects/run_step", "step_details", "<tool_calls>"),
    "ThreadObject": ("objects/thread",),
    "MessageObject": ("objects/message",),
    "AssistantObject": ("objects/assistant",),
    "ListRunsResponse": ("objects/run_list",),
    "ListRunStepsResponse": ("objects/run_step_list",),
    "ListMessagesResponse": ("objects/message_list",),
    "ListAssistantsResponse": ("objects/assistant_list",),
    "DeleteThreadResponse": ("objects/thread_deleted",),
    "DeleteMessageResponse": ("objects/message_deleted",),
    "DeleteAssistantResponse": ("objects/assistant_deleted",),
    "ErrorResponse": ("objects/error",),
    "Error": ("shared/error_details",),
    "MessageDeltaObject": ("stream/message_delta",),
    "RunStepDeltaObject": ("stream/run_step_delta",),
    "Metadata": ("shared/metadata",),
    "ReasoningEffort": ("shared/reasoning_effort",),
    "ParallelToolCalls": ("shared/parallel_tool_calls",),
    "TruncationObject": ("shared/truncation_strategy",),
    "AssistantsApiToolChoiceOption": ("shared/tool_choice",),
    "AssistantsNamedToolChoice": ("shared/tool_choice", "<object>"),
    "AssistantsApiResponseFormatOption": ("shared/response_format",),
    "ResponseFormatText": ("shared/response_format", "<text>"),
    "ResponseFormatJsonObject": ("shared/response_format", "<json_object>"),
    "ResponseFormatJsonSchema": ("shared/response_format", "<json_schema>"),
    "ResponseFormatJsonSchemaSchema": ("shared/response_format", "<json_schema>", "json_schema", "schema"),
    "AssistantToolsCode": ("shared/tool", "<code_interpreter>"),
    "AssistantToolsFileSearch": ("shared/tool", "<file_search>"),
    "AssistantToolsFunction": ("shared/tool", "<function>"),
    "AssistantToolsFileSearchTypeOnly": ("shared/attachments", "[]", "tools", "[]", "<file_search>"),
    "FunctionObject": ("shared/function",),
    "FunctionParameters": ("shared/function", "parameters"),
    "FileSearchRankingOptions": ("shared/ranking_options",),
    "FileSearchRanker": ("shared/ranker",),
    "RunCompletionUsage": ("shared/usage",),
    "RunStepCompletionUsage": ("shared/usage",),
    "MessageRequestContentTextObject": ("shared/message_content_request", "<array>", "[]", "<text>"),
    "MessageContentImageFileObject": ("shared/message_content_part", "<image_file>"),
    "MessageContentImageUrlObject": ("shared/message_content_part", "<image_url>"),
    "MessageContentTextObject": ("shared/message_content_part", "<text>"),
    "MessageContentRefusalObject": ("shared/message_content_part", "<refusal>"),
    "MessageContentTextAnnotationsFileCitationObject": ("shared/annotation", "<file_citation>"),
    "MessageContentTextAnnotationsFilePathObject": ("shared/annotation", "<file_path>"),
    "RunStepDetailsToolCallsCodeObject": ("shared/step_tool_call", "<code_interpreter>"),
    "RunStepDetailsToolCallsFileSearchObject": ("shared/step_tool_call", "<file_search>"),
    "RunStepDetailsToolCallsFunctionObject": ("shared/step_tool_call", "<function>"),
}
_OUTPUTS = ("shared/step_tool_call", "<code_interpreter>", "code_interpreter", "outputs", "[]")
_SEARCH = ("shared/step_tool_call", "<file_search>", "file_search")
_PARTS = ("stream/message_delta", "delta", "content", "[]")
_NOTES = (*_PARTS, "<text>", "text", "annotations", "[]")
_DETAILS = ("stream/run_step_delta", "delta", "step_details")
_CALLS = (*_DETAILS, "<tool_calls>", "tool_calls", "[]")
_DELTA_OUTPUTS = (*_CALLS, "<code_interpreter>", "code_interpreter", "outputs", "[]")
DOCUMENTS |= {
    "RunStepDetailsToolCallsCodeOutputLogsObject": (*_OUTPUTS, "<logs>"),
    "RunStepDetailsToolCallsCodeOutputImageObject": (*_OUTPUTS, "<image>"),
    "RunStepDetailsToolCallsFileSearchRankingOptionsObject": (*_SEARCH, "ranking_options"),
    "RunStepDetailsToolCallsFileSearchResultObject": (*_SEARCH, "results", "[]"),
    "MessageDeltaContentImageFileObject": (*_PARTS, "<image_file>"),
    "MessageDeltaContentTextObject": (*_PARTS, "<text>"),
    "MessageDeltaContentRefusalObject": (*_PARTS, "<refusal>"),
    "MessageDeltaContentImageUrlObject": (*_PARTS, "<image_url>"),
    "MessageDeltaContentTextAnnotationsFileCitationObject": (*_NOTES, "<file_citation>"),
    "MessageDeltaContentTextAnnotationsFilePathObject": (*_NOTES, "<file_path>"),
    "RunStepDeltaStepDetailsMessageCreationObject": (*_DETAILS, "<message_creation>"),
    "RunStepDeltaStepDetailsToolCallsObject": (*_DETAILS, "<tool_calls>"),
    "RunStepDeltaStepDetailsToolCallsCodeObject": (*_CALLS, "<code_interpreter>"),
    "RunStepDeltaStepDetailsToolCallsFileSearchObject": (*_CALLS, "<file_search>"),
    "RunStepDeltaStepDetailsToolCallsFunctionObject": (*_CALLS, "<function>"),
    "RunStepDeltaStepDetailsToolCallsCodeOutputLogsObject": (*_DELTA_OUTPUTS, "<logs>"),
    "RunStepDeltaStepDetailsToolCallsCodeOutputImageObject": (*_DELTA_OUTPUTS, "<image>"),
}
EVENT_COMPONENTS = {
    "AssistantStreamEvent",
    "ThreadStreamEvent",
    "RunStreamEvent",
    "RunStepStreamEvent",
    "MessageStreamEvent",
    "ErrorEvent",
    "DoneEvent",
}
KIND_OF = {
    "ThreadObject": "thread",
    "RunObject": "run",
    "RunStepObject": "run_step",
    "RunStepDeltaObject": "run_step_delta",
    "MessageObject": "message",
    "MessageDeltaObject": "message_delta",
    "Error": "error_event",
}
NOT_COPIED = {"AssistantSupportedModels": "which models exist is the target's affair"}

LIMITS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "default", "format")
ONLY_OURS = ("pattern", "maxProperties", "minProperties", "not", "x-atMostHalfOf")


def branches_of(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The branches of a union, each with its discriminator's value, or else its JSON type."""
    member = schema.get("x-discriminator", "")
    for branch in schema["oneOf"]:
        kind = branch.get("properties", {}).get(member, {}).get("const")
        yield kind or branch["type"], branch


def inside(schema: Schema, step: str) -> Schema | None:
    """The place one step inside another, if there is one."""
    if step == "[]":
        found = schema.get("items")
    elif step.startswith("<"):
        found = next((branch for kind, branch in branches_of(schema) if kind == step[1:-1]), None)
    else:
        found = schema.get("properties", {}).get(step)
    return dict(found) if found is not None else None


def place_of(component: str) -> Schema:
    """The place that stands for a component of the published document."""
    document, *way = DOCUMENTS[component]
    schema: Schema | None = compile_schema(document, component, DEFAULT_EDITION)
    for step in way:
        assert schema is not None
        schema = inside(schema, step)
    assert schema is not None, component
    return schema


STEP = re.compile(r"\.([^.\[<]+)|(\[\])|<(?:oneOf|anyOf|allOf)\d+>")


class Table:
    """The table's rows, and the places they stand for."""

    def __init__(self, schemas: Mapping[str, list[Row]]) -> None:
        self.schemas = schemas
        self.rows = {row["path"]: row for rows in schemas.values() for row in rows}

    def constant(self, component: str) -> str | None:
        """The one value of a component's `type`, if it has just one."""
        kinds = self.rows.get(f"{component}.type", {}).get("enum", [])
        return kinds[0] if len(kinds) == 1 else None

    def find(self, path: str) -> Schema | None:
        """The place that a row's path leads to; `None` where the schemas have none."""
        component = re.split(r"[.\[<]", path)[0]
        schema: Schema | None = place_of(component)
        walked = component
        for match in STEP.finditer(path, len(component)):
            walked = path[: match.end()]
            if schema is None:
                return None
            if match[1] or match[2]:
                schema = inside(schema, match[1] or "[]")
            elif "oneOf" in schema and not match[0].startswith("<allOf"):
                row = self.rows[walked]
                kind = self.constant(row.get("ref", walked)) or row.get("type", "object")
                schema = inside(schema, f"<{kind}>")
        return schema

    def nullable(self, row: Row) -> bool:
        """Whether a row, or what it refers to, or one of its alternatives, may be null."""
        if row.get("nullable") or (row.get("ref") and self.rows[row["ref"]].get("nullable")):
            return True
        return any(self.rows.get(f"{row['path']}<allOf{i}>", {}).get("nullable") for i in range(2))

    def differences(self) -> Iterator[str]:
        """Every difference, as `place, aspect`."""
        for component, rows in self.schemas.items():
            if component not in EVENT_COMPONENTS and component not in NOT_COPIED:
                for row in rows:
                    yield from self._at(row)

    def _at(self, row: Row) -> Iterator[str]:
        path = row["path"]
        is_alternative = path.endswith(">")
        if (is_alternative and not row.keys() & {"ref", "type"}) or row.get("ref") in NOT_COPIED:
            return  # how the document writes nullability, or a choice between two required lists
        ours = self.find(path)
        if ours is None:
            yield f"{path} -place"
            return
        if row.get("required") is not None:
            parent, _, member = path.rpartition(".")
            if row["required"] != (member in (self.find(parent) or {}).get("required", ())):
                yield f"{path} {'-' if row['required'] else '+'}required"
        types = set(allowed_types(ours))
        if not is_alternative and not path.endswith("[]") and self.nullable(row) != ("null" in types):
            yield f"{path} {'-' if self.nullable(row) else '+'}null"
        if "type" in row and types and types - {"null"} != {row["type"]}:
            yield f"{path} type {sorted(types)}"
        refers = row.get("ref") or self.rows.get(f"{path}<allOf0>", {}).get("ref")
        if refers:
            if not alike(ours, place_of(refers)):
                yield f"{path} is not {refers}"
            return
        if row.get("enum") != choices(ours):
            yield f"{path} enum"
        for limit in LIMITS:
            if row.get(limit) != ours.get(limit):
                yield f"{path} {'+' if limit not in row else '-' if limit not in ours else ''}{limit}"
        yield from self._only_ours(row, ours)

    def _only_ours(self, row: Row, ours: Schema) -> Iterator[str]:
        path = row["path"]
        yield from (f"{path} +{keyword}" for keyword in ONLY_OURS if keyword in ours)
        if (row.get("additionalProperties") is False) != (ours.get("additionalProperties") is False):
            yield f"{path} additionalProperties"
        for member in ours.get("properties", ()):
            if f"{path}.{member}" not in self.rows:
                yield f"{path}.{member} +place"
        for key, below in (("propertyNames", f"{path}.propertyNames"), ("additionalProperties", f"{path}{{}}")):
            if isinstance(ours.get(key), Mapping):
                yield from (f"{below} +{keyword}" for keyword in (*LIMITS, *ONLY_OURS) if keyword in ours[key])


def choices(schema: Schema) -> list[Any] | None:
    """The values that a place allows by name, `null` left out."""
    if "const" in schema:
        return [schema["const"]]
    return [value for value in schema["enum"] if value is not None] if "enum" in schema else None


def alike(left: Schema, right: Schema) -> bool:
    """Whether two places have the same shape on their surface: types but for null, members, choices, branches."""

    def surface(schema: Schema) -> tuple[Any, ...]:
        return (
            set(allowed_types(schema)) - {"null"},
            set(schema.get("properties", ())),
            choices(schema),
            [kind for kind, _ in branches_of(schema) if kind != "null"] if "oneOf" in schema else [],
        )

    return surface(left) == surface(right)


@pytest.fixture(scope="module")
def table(contract_tables: Path) -> Table:
    return Table(json.loads((contract_tables / "fields.json").read_text(encoding="utf-8"))["schemas"])


def test_every_component_has_its_place(table: Table) -> None:
    assert set(table.schemas) == set(DOCUMENTS) | EVENT_COMPONENTS | NOT_COPIED.keys()


def test_the_schemas_say_what_the_document_says_but_for_the_listed_places(table: Table) -> None:
    assert sorted(table.differences()) == sorted(DIFFERENCES)


def test_the_events_are_those_of_the_document(table: Table) -> None:
    documented = {}
    for path, row in table.rows.items():
        if path.endswith(".event") and row.get("enum"):
            data = table.rows.get(f"{path.removesuffix('.event')}.data", {})
            documented[row["enum"][0]] = KIND_OF.get(data.get("ref", ""), "done")
    assert {name: kind.kind for name, kind in event_kinds().items()} == documented
