"""Exports of Insomnia that hold responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runs_conformance.errors import UsageError
from runs_conformance.recordings.entry import (
    MalformedEntryError,
    RecordedEntry,
    decode_base64,
    holds_variables,
    parse_body,
    parse_headers,
    parse_time,
    require_int,
    require_object,
    require_text,
)

_REMEDY = "it holds no responses; export as HAR instead (Export data, then HTTP Archive)"


def is_export(document: Any) -> bool:
    """Whether a document is an export of Insomnia: JSON up to version 4, YAML from version 5."""
    if not isinstance(document, Mapping):
        return False
    return "__export_format" in document or "insomnia" in str(document.get("type", ""))


def entries(document: Mapping[str, Any]) -> Iterator[RecordedEntry | tuple[int, str]]:
    """The saved responses, each with its request. Raises UsageError if there are none."""
    resources = document.get("resources")
    by_id = {
        resource["_id"]: resource
        for resource in (resources if isinstance(resources, list) else [])
        if isinstance(resource, Mapping) and isinstance(resource.get("_id"), str)
    }
    responses = [resource for resource in by_id.values() if resource.get("_type") == "response"]
    if not responses:
        raise UsageError(f"an Insomnia export: {_REMEDY}")
    return _read(responses, by_id)


def _read(
    responses: list[Mapping[str, Any]], by_id: Mapping[str, Mapping[str, Any]]
) -> Iterator[RecordedEntry | tuple[int, str]]:
    for where, response in enumerate(responses, 1):
        try:
            yield _entry(where, response, require_object(by_id.get(str(response.get("parentId"))), "the request"))
        except MalformedEntryError as error:
            yield where, str(error)


def _entry(where: int, response: Mapping[str, Any], request: Mapping[str, Any]) -> RecordedEntry:
    sent, body = request.get("body"), response.get("body")
    content = parse_body(sent.get("text")) if isinstance(sent, Mapping) else b""
    has_variables = holds_variables(content)
    created = response.get("created")
    is_base64 = response.get("encoding") == "base64"
    return RecordedEntry(
        sequence_number=where,
        method=require_text(request.get("method"), "method"),
        url=require_text(response.get("url") or request.get("url"), "url"),
        headers=parse_headers(request.get("headers")),
        content=b"" if has_variables else content,
        status=require_int(response.get("statusCode"), "statusCode"),
        response_headers=parse_headers(response.get("headers")),
        response_content=decode_base64(body) if is_base64 and body else parse_body(body),
        started_at=parse_time(created / 1000) if isinstance(created, (int, float)) else None,
        request_size=len(content) if has_variables else None,
        body_not_saved=body is None,
    )
