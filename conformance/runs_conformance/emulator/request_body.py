"""Reading the body of a request: JSON by the letter, so that whatever is taken can be answered again."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.contract.schema import compiled
from runs_conformance.emulator.refusal import Refusal, bad, missing, not_json
from runs_conformance.model.json import ABSENT

_DEEPEST = 200
_LARGEST = 32 * 1024 * 1024
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_body(operation: Operation, raw: bytes, content_type: str | None) -> Any:
    """The JSON of a request body, or `ABSENT` where an operation may do without."""
    if operation.body is None:
        return ABSENT
    if len(raw) > _LARGEST:
        raise Refusal(413, "The request body is too large.")
    if not raw.strip():
        if operation.body_required:
            return _nothing(operation)
        return ABSENT
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise bad(
            f"Unsupported content type: '{kind}'. This API method only accepts 'application/json' requests.",
            None,
            "unsupported_content_type",
        )
    return parse(raw)


def _nothing(operation: Operation) -> Any:
    required = compiled(f"requests/{operation.body}", operation.name).get("required")
    if required:
        raise missing(required[0])
    raise not_json("it is empty")


def parse(raw: bytes) -> Any:
    """The value of a JSON text; whatever cannot be answered in JSON again is refused."""
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite)
    except UnicodeDecodeError:
        raise not_json("it is not UTF-8") from None
    except RecursionError:
        raise not_json("it is nested too deeply") from None
    except ValueError as error:
        raise not_json(str(error)) from None
    if raw.count(b"[") + raw.count(b"{") > _DEEPEST and _depth(value) > _DEEPEST:
        raise not_json("it is nested too deeply")
    if b"\\u" in raw and any(_SURROGATE.search(text) for text in _strings(value)):
        raise not_json("a string holds half of a surrogate pair")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _finite(text: str) -> float:
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
