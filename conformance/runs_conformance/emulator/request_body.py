"""Strict parsing of request bodies: only values that can be encoded as JSON again are accepted."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from starlette.requests import Request

from runs_conformance.contract.operation import Operation
from runs_conformance.contract.schema import compile_schema
from runs_conformance.emulator.api_errors import ApiError, bad_request, invalid_json, missing_parameter
from runs_conformance.model.json import ABSENT

_MAX_DEPTH = 200
MAX_BODY_BYTES = 32 * 1024 * 1024
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_body(operation: Operation, raw: bytes, content_type: str | None) -> Any:
    """The JSON value of a request body; `ABSENT` if the operation has none. Raises ApiError for an invalid body."""
    if operation.body is None:
        return ABSENT
    if not raw.strip():
        if operation.body_required:
            raise _empty_body(operation)
        return ABSENT
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise bad_request(
            f"Unsupported content type: '{kind}'. This API method only accepts 'application/json' requests.",
            None,
            "unsupported_content_type",
        )
    return parse(raw)


async def read_content(request: Request, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """The bytes of a request body. Raises ApiError for a large one, if possible before it is sent."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > max_bytes:
        raise _too_large()
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > max_bytes:
            raise _too_large()
    return bytes(content)


def _too_large() -> ApiError:
    return ApiError(413, "The request body is too large.")


def _empty_body(operation: Operation) -> ApiError:
    required = compile_schema(f"requests/{operation.body}", operation.name).get("required")
    if required:
        return missing_parameter(required[0])
    return invalid_json("it is empty")


def parse(raw: bytes) -> Any:
    """The value of a JSON text. Raises ApiError if it is invalid or cannot be encoded as JSON again."""
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_parse_finite)
    except UnicodeDecodeError:
        raise invalid_json("it is not UTF-8") from None
    except RecursionError:
        raise invalid_json("it is nested too deeply") from None
    except ValueError as error:
        raise invalid_json(str(error)) from None
    if raw.count(b"[") + raw.count(b"{") > _MAX_DEPTH and _depth(value) > _MAX_DEPTH:
        raise invalid_json("it is nested too deeply")
    if b"\\u" in raw and any(_SURROGATE.search(text) for text in _strings(value)):
        raise invalid_json("a string holds half of a surrogate pair")
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _parse_finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number is out of range")
    return value


def _depth(value: Any) -> int:
    deepest, todo = 0, [(value, 1)]
    while todo:
        inner, depth = todo.pop()
        deepest = max(deepest, depth)
        if isinstance(inner, (dict, list)):
            todo += [(member, depth + 1) for member in (inner.values() if isinstance(inner, dict) else inner)]
    return deepest


def _strings(value: Any) -> Iterator[str]:
    todo = [value]
    while todo:
        inner = todo.pop()
        if isinstance(inner, str):
            yield inner
        elif isinstance(inner, dict):
            yield from inner
            todo += inner.values()
        elif isinstance(inner, list):
            todo += inner
