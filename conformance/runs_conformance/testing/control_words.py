"""The words of a scenario: acts of a run and faults of requests, each with the JSON Schema of its arguments.

The methods of `ScriptableEmulator`, the control routes and scenario files share them. A document is
`{word: arguments}`. A word whose arguments are all optional may stand alone; a single value is the first argument.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

from runs_conformance.config import require_known
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.errors import UsageError
from runs_conformance.testing.named_errors import NAMED_ERRORS

Document: TypeAlias = dict[str, Any]

FAILURE_CODES = ("server_error", "rate_limit_exceeded", "invalid_prompt")
INCOMPLETE_REASONS = ("max_completion_tokens", "max_prompt_tokens")
HOLDABLE_STATUSES = ("queued", "in_progress", "cancelling")
MAX_SECONDS = 1e9
MAX_COUNT = 10**9

_TEXT: Document = {"type": "string"}
_SECONDS: Document = {"type": "number", "minimum": 0, "maximum": MAX_SECONDS}
_COUNT: Document = {"type": "integer", "minimum": 0, "maximum": MAX_COUNT}
_USAGE: Document = {
    "type": "object",
    "properties": {"prompt_tokens": _COUNT, "completion_tokens": _COUNT},
    "required": ["prompt_tokens", "completion_tokens"],
}
_ARGUMENTS: Document = {"type": ["object", "string"]}
_CALL: Document = {
    "type": "object",
    "properties": {"function": _TEXT, "arguments": _ARGUMENTS},
    "required": ["function"],
}
_ANNOTATION: Document = {
    "type": "object",
    "properties": {
        "type": {"type": "string", "enum": ["file_citation", "file_path"]},
        "text": _TEXT,
        "file_id": _TEXT,
    },
    "required": ["text", "file_id"],
}
_SEARCH_RESULT: Document = {
    "type": "object",
    "properties": {
        "file_id": _TEXT,
        "file_name": _TEXT,
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "text": _TEXT,
    },
    "required": ["file_id", "file_name"],
}
_WHERE: Document = {
    "times": {"type": ["integer", "null"], "minimum": 1, "maximum": MAX_COUNT},
    "operation": {"type": ["string", "null"], "enum": [*OPERATIONS, None]},
    "skip": _COUNT,
}
_AFTER: Document = {"after": _COUNT, "event": {"type": ["string", "null"]}}


def _word(description: str, required: tuple[str, ...] = (), /, **properties: Document) -> Document:
    return {"description": description, "type": "object", "properties": properties, "required": list(required)}


ACTS: Mapping[str, Document] = {
    "say": _word(
        "Answer with this text.",
        ("text",),
        text=_TEXT,
        usage=_USAGE,
        annotations={"type": "array", "items": _ANNOTATION},
    ),
    "call": _word(
        "Call functions and wait for their outputs. Later acts of the same turn follow the outputs.",
        ("function",),
        function=_TEXT,
        arguments=_ARGUMENTS,
        more={"type": "array", "items": _CALL},
        usage=_USAGE,
    ),
    "run_code": _word("Run this code with the code interpreter.", ("code",), code=_TEXT, logs=_TEXT, usage=_USAGE),
    "search_files": _word(
        "Search files, with these results.",
        ("results",),
        results={"type": "array", "items": _SEARCH_RESULT},
        usage=_USAGE,
    ),
    "fail": _word("End the run failed.", (), code={"type": "string", "enum": [*FAILURE_CODES]}, message=_TEXT),
    "cut_off": _word(
        "End the run incomplete after this text.",
        (),
        text=_TEXT,
        reason={"type": "string", "enum": [*INCOMPLETE_REASONS]},
    ),
    "hang": _word("Stay in progress until the run is cancelled or expires.", ()),
    "hold": _word(
        "Keep the run in a status, for a number of seconds or until it expires.",
        ("status",),
        status={"type": "string", "enum": [*HOLDABLE_STATUSES]},
        seconds={**_SECONDS, "type": ["number", "null"]},
    ),
}
"""The acts of a run."""

FAULTS: Mapping[str, Document] = {
    "refuse": _word(
        "Respond with this HTTP status, or with this error of the service; `after_doing` performs the request first.",
        (),
        times=_WHERE["times"],
        http_status={"type": "integer", "minimum": 400, "maximum": 599},
        retry_after={**_SECONDS, "type": ["number", "null"]},
        error={"type": ["string", "null"], "enum": [*NAMED_ERRORS, None]},
        body={"type": ["string", "object", "null"]},
        content_type={"type": ["string", "null"]},
        after_doing={"type": "boolean"},
        operation=_WHERE["operation"],
        skip=_WHERE["skip"],
    ),
    "limit_rate": _word(
        "Allow this number of requests per minute for each API key, and state it in headers. Lasts until a reset.",
        ("requests_per_minute",),
        requests_per_minute={"type": "integer", "minimum": 1, "maximum": 10_000},
        operation=_WHERE["operation"],
    ),
    "delay": _word("Delay the response.", ("seconds",), seconds=_SECONDS, **_WHERE),
    "break_answer": _word(
        "Drop the connection after this number of events, of one name if `event` is given.", (), **_AFTER, **_WHERE
    ),
    "pause_answer": _word(
        "Send nothing for this number of seconds, or forever, after this number of events.",
        (),
        **_AFTER,
        seconds={**_SECONDS, "type": ["number", "null"]},
        **_WHERE,
    ),
    "send_error_event": _word(
        "End the stream with an error event after this number of events.",
        (),
        **_AFTER,
        message=_TEXT,
        code={"type": ["string", "null"]},
        **_WHERE,
    ),
}
"""The faults of requests."""


def parse_word(value: Any, words: Mapping[str, Document], description: str) -> tuple[str, Document]:
    """The word and the arguments of a document. Raises UsageError with one line that says what is wrong."""
    if isinstance(value, str):
        value = {value: {}}
    if not isinstance(value, dict) or len(value) != 1:
        raise UsageError(f"{description} must be an object with one member, such as {{{next(iter(words))!r}: ...}}")
    ((word, arguments),) = value.items()
    schema = words[require_known(str(word), words, description)]
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        if not schema["properties"]:
            raise UsageError(f"{word!r} takes no arguments")
        arguments = {next(iter(schema["properties"])): arguments}
    return word, read_value(arguments, schema, word)


_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


def read_value(value: Any, schema: Mapping[str, Any], where: str) -> Any:
    """The value, checked against one of the schemas of this module; integers may be written as `1.0`.

    Raises UsageError with one line that says what is wrong.
    """
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "integer" in kinds and isinstance(value, float) and value.is_integer():
        value = int(value)
    if not any(_has_type(value, kind) for kind in kinds):
        raise UsageError(f"{where} must be of type {' or '.join(kinds)}")
    if "enum" in schema and value not in schema["enum"]:
        require_known(str(value), [str(one) for one in schema["enum"] if one is not None], where)
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
        if not low <= value <= high:
            raise UsageError(f"{where} must be from {low:g} to {high:g}")
    if isinstance(value, dict) and "properties" in schema:
        for name in schema.get("required", ()):
            if name not in value:
                raise UsageError(f"{where} lacks {name!r}")
        for name in value:
            require_known(str(name), schema["properties"], f"argument of {where}")
        return {
            name: read_value(member, schema["properties"][name], f"{where}.{name}") for name, member in value.items()
        }
    if isinstance(value, list) and "items" in schema:
        return [read_value(item, schema["items"], f"{where}[{index}]") for index, item in enumerate(value)]
    return value


def _has_type(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])
