"""The schemas agree with the fields of the published document, except for the differences listed here.

`published_fields.tsv` was extracted from the document by machine. Each field is compared with its place in the schemas,
in both directions: facts of the document that the schemas lack, and constraints of the schemas that the document lacks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.event import event_types
from runs_conformance.contract.json_type import allowed_types
from runs_conformance.contract.schema import Schema, compile_schema
from tests.contract.tables import PublishedField, published_fields

_PROSE = "stated in the prose, not in the schema"
_SENT = "sent by the service, never documented"
_UNSTATED_NULL = "no source states whether null is refused: allowed here, and marked as implementation-defined"
_ONE_STORE = "published as a union of two required lists"
_NAMES = ("FunctionObject.name", "ResponseFormatJsonSchema.json_schema.name")
_STORES = "tool_resources.file_search"
_CHUNK = f"{_STORES}.vector_stores[].chunking_strategy<oneOf1>.static.chunk_overlap_tokens"

DIFFERENCES: dict[str, str] = {
    # place and aspect: reason. An aspect with + is only in the schemas, one with - only in the document.
    **{f"{name} +{limit}": _PROSE for name in _NAMES for limit in ("minLength", "maxLength", "pattern")},
    "Metadata +maxProperties": _PROSE,
    "Metadata.propertyNames +maxLength": _PROSE,
    "Metadata{} +maxLength": _PROSE,
    "CreateThreadRequest." + _CHUNK + " +x-atMostHalfOf": _PROSE,
    "CreateAssistantRequest." + _CHUNK + " +x-atMostHalfOf": _PROSE,
    f"CreateThreadRequest.{_STORES} +not": _ONE_STORE,
    f"CreateAssistantRequest.{_STORES} +not": _ONE_STORE,
    "CreateThreadAndRunRequest.model<anyOf1> enum": "the models depend on the target",
    "ParallelToolCalls +null": _UNSTATED_NULL,
    "CreateRunRequest.parallel_tool_calls +null": _UNSTATED_NULL,
    "CreateThreadAndRunRequest.parallel_tool_calls +null": _UNSTATED_NULL,
    "SubmitToolOutputsRunRequest.tool_outputs[].output +null": _UNSTATED_NULL,
    "SubmitToolOutputsRunRequest.tool_outputs[].tool_call_id +required": "its absence was refused; level should only",
    **{
        f"CreateThreadAndRunRequest.{member} +place": "of create_run only; listed as implementation-defined"
        for member in ("reasoning_effort", "additional_instructions", "additional_messages")
    },
    **{
        f"List{of}Response.object enum": "in every example and in all recorded traffic"
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
    # component: document, then the path in it: a member, [] (items), or <discriminator> (a branch)
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
_ANNOTATIONS = (*_PARTS, "<text>", "text", "annotations", "[]")
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
    "MessageDeltaContentTextAnnotationsFileCitationObject": (*_ANNOTATIONS, "<file_citation>"),
    "MessageDeltaContentTextAnnotationsFilePathObject": (*_ANNOTATIONS, "<file_path>"),
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
OBJECT_KINDS = {
    "ThreadObject": "thread",
    "RunObject": "run",
    "RunStepObject": "run_step",
    "RunStepDeltaObject": "run_step_delta",
    "MessageObject": "message",
    "MessageDeltaObject": "message_delta",
    "Error": "error_event",
}
OMITTED = {"AssistantSupportedModels": "the models depend on the target"}

LIMITS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "default", "format")
SCHEMA_ONLY_KEYWORDS = ("pattern", "maxProperties", "minProperties", "not", "x-atMostHalfOf")


def branches_of(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The branches of a union, each with the value of its discriminator, or its JSON type without one."""
    member = schema.get("x-discriminator", "")
    for branch in schema["oneOf"]:
        name = branch.get("properties", {}).get(member, {}).get("const")
        yield name or branch["type"], branch


def subschema(schema: Schema, step: str) -> Schema | None:
    """The place one step below another; None if there is none."""
    if step == "[]":
        place = schema.get("items")
    elif step.startswith("<"):
        place = next((branch for name, branch in branches_of(schema) if name == step[1:-1]), None)
    else:
        place = schema.get("properties", {}).get(step)
    return dict(place) if place is not None else None


def place_of(component: str) -> Schema:
    """The place in the schemas of a component of the published document."""
    document, *path = DOCUMENTS[component]
    schema: Schema | None = compile_schema(document, component, DEFAULT_EDITION)
    for step in path:
        assert schema is not None
        schema = subschema(schema, step)
    assert schema is not None, component
    return schema


STEP = re.compile(r"\.([^.\[<]+)|(\[\])|<(?:oneOf|anyOf|allOf)\d+>")


FIELDS = published_fields()


def constant_type(component: str) -> str | None:
    """The only value of a component's `type`; None if there are several."""
    field = FIELDS.get(f"{component}.type")
    values = field.keywords.get("enum", []) if field else []
    return values[0] if len(values) == 1 else None


def find_place(path: str) -> Schema | None:
    """The place in the schemas of a field's path; None if the schemas have none."""
    component = FIELDS[path].component if path in FIELDS else re.split(r"[.\[<]", path)[0]
    schema: Schema | None = place_of(component)
    for match in STEP.finditer(path, len(component)):
        if schema is None:
            return None
        if match[1] or match[2]:
            schema = subschema(schema, match[1] or "[]")
        elif "oneOf" in schema and not match[0].startswith("<allOf"):
            prefix = path[: match.end()]
            field = FIELDS[prefix]
            schema = subschema(schema, f"<{constant_type(field.reference or prefix) or field.type or 'object'}>")
    return schema


def is_nullable(field: PublishedField) -> bool:
    """Whether a field, its reference, or one of its alternatives may be null."""
    if field.nullable or (field.reference and FIELDS[field.reference].nullable):
        return True
    alternatives = (FIELDS.get(f"{field.path}<allOf{index}>") for index in range(2))
    return any(each.nullable for each in alternatives if each)


def differences() -> Iterator[str]:
    """Every difference, as `place aspect`."""
    for field in FIELDS.values():
        if field.component not in EVENT_COMPONENTS and field.component not in OMITTED:
            yield from differences_of(field)


def differences_of(field: PublishedField) -> Iterator[str]:
    """The differences between a field and its place."""
    path = field.path
    is_alternative = path.endswith(">")
    if (is_alternative and not (field.reference or field.type)) or field.reference in OMITTED:
        return  # a notation for null, or for a choice between two required lists
    place = find_place(path)
    if place is None:
        yield f"{path} -place"
        return
    if field.required is not None:
        parent, _, member = path.rpartition(".")
        if field.required != (member in (find_place(parent) or {}).get("required", ())):
            yield f"{path} {'-' if field.required else '+'}required"
    types = set(allowed_types(place))
    if not is_alternative and not path.endswith("[]") and is_nullable(field) != ("null" in types):
        yield f"{path} {'-' if is_nullable(field) else '+'}null"
    if field.type and types and types - {"null"} != {field.type}:
        yield f"{path} type {sorted(types)}"
    alternative = FIELDS.get(f"{path}<allOf0>")
    reference = field.reference or (alternative.reference if alternative else None)
    if reference:
        if not has_same_surface(place, place_of(reference)):
            yield f"{path} is not {reference}"
        return
    if field.keywords.get("enum") != choices(place):
        yield f"{path} enum"
    for limit in LIMITS:
        if field.keywords.get(limit) != place.get(limit):
            yield f"{path} {'+' if limit not in field.keywords else '-' if limit not in place else ''}{limit}"
    yield from schema_only_constraints(field, place)


def schema_only_constraints(field: PublishedField, place: Schema) -> Iterator[str]:
    """The constraints and members of a place that the document lacks."""
    path = field.path
    yield from (f"{path} +{keyword}" for keyword in SCHEMA_ONLY_KEYWORDS if keyword in place)
    if field.closed != (place.get("additionalProperties") is False):
        yield f"{path} additionalProperties"
    for member in place.get("properties", ()):
        if f"{path}.{member}" not in FIELDS:
            yield f"{path}.{member} +place"
    for key, below in (("propertyNames", f"{path}.propertyNames"), ("additionalProperties", f"{path}{{}}")):
        if isinstance(place.get(key), Mapping):
            yield from (f"{below} +{keyword}" for keyword in (*LIMITS, *SCHEMA_ONLY_KEYWORDS) if keyword in place[key])


def choices(schema: Schema) -> list[Any] | None:
    """The values of a `const` or `enum` without null; None if a place has neither."""
    if "const" in schema:
        return [schema["const"]]
    return [value for value in schema["enum"] if value is not None] if "enum" in schema else None


def has_same_surface(left: Schema, right: Schema) -> bool:
    """Whether two places have the same types (apart from null), members, choices and branches."""

    def surface(schema: Schema) -> tuple[Any, ...]:
        return (
            set(allowed_types(schema)) - {"null"},
            set(schema.get("properties", ())),
            choices(schema),
            [name for name, _ in branches_of(schema) if name != "null"] if "oneOf" in schema else [],
        )

    return surface(left) == surface(right)


def test_every_component_has_a_place() -> None:
    assert {field.component for field in FIELDS.values()} == set(DOCUMENTS) | EVENT_COMPONENTS | OMITTED.keys()


def test_the_schemas_agree_with_the_document() -> None:
    found = set(differences())
    added = sorted(found - DIFFERENCES.keys())
    assert not added, "correct the schemas, or add each to DIFFERENCES with the reason"
    assert sorted(DIFFERENCES.keys() - found) == [], "these no longer differ: remove them from DIFFERENCES"


def test_the_events_are_those_of_the_document() -> None:
    documented = {}
    for path, field in FIELDS.items():
        if path.endswith(".event") and "enum" in field.keywords:
            data = FIELDS.get(f"{path.removesuffix('.event')}.data")
            name = field.keywords["enum"][0]
            documented[name] = OBJECT_KINDS.get((data.reference or "") if data else "", "done")
    assert {name: each.payload_kind for name, each in event_types().items()} == documented
