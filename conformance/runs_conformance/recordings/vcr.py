"""VCR cassettes: Ruby VCR and vcr for R (`http_interactions`), vcrpy and go-vcr (`interactions`), in YAML or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runs_conformance.model.json import ABSENT
from runs_conformance.recordings.entry import (
    HeaderList,
    MalformedEntryError,
    RecordedEntry,
    encode_json,
    parse_body,
    parse_headers,
    parse_time,
    require_int,
    require_object,
    require_text,
)
from runs_conformance.recordings.yaml_text import JSON_MEMBER

_LISTS = ("http_interactions", "interactions")
_ABOUT_BYTES = frozenset({"content-length", "content-encoding", "transfer-encoding"})


def is_cassette(document: Any) -> bool:
    """Whether a document is a cassette: it contains a list of interactions, or is one."""
    return _interactions(document) is not None


def entries(document: Any) -> Iterator[RecordedEntry | tuple[int, str]]:
    """The entries of a cassette in file order; position and reason for each that cannot be read."""
    for where, interaction in enumerate(_interactions(document) or (), 1):
        try:
            yield _entry(where, require_object(interaction, "an interaction"))
        except MalformedEntryError as error:
            yield where, str(error)


def _interactions(document: Any) -> Sequence[Any] | None:
    if isinstance(document, Mapping):
        for name in _LISTS:
            if isinstance(document.get(name, ABSENT), (list, type(None))):
                return document[name] or []
    if isinstance(document, list) and document and isinstance(document[0], Mapping) and "request" in document[0]:
        return document
    return None


def _entry(where: int, interaction: Mapping[str, Any]) -> RecordedEntry:
    request = require_object(interaction.get("request"), "request")
    response = require_object(interaction.get("response"), "response")
    body = response["body"] if "body" in response else response.get("content")
    is_in_file = isinstance(body, Mapping) and body.get("file") is True  # vcr for R keeps large bodies apart.
    return RecordedEntry(
        sequence_number=where,
        method=require_text(request.get("method"), "method"),
        url=require_text(request.get("uri", request.get("url")), "uri"),
        headers=_headers(request),
        content=_body(request, request.get("body")),
        status=_status(response),
        response_headers=_headers(response),
        response_content=b"" if is_in_file else _body(response, body),
        started_at=parse_time(interaction.get("recorded_at")),
        body_not_saved=is_in_file,
    )


def _is_parsed(message: Mapping[str, Any]) -> bool:
    """Whether the serializer stored the body as data instead of text, and only so."""
    return JSON_MEMBER in message and message.get("body") is None


def _headers(message: Mapping[str, Any]) -> HeaderList:
    """The headers; those about the bytes of a body that was stored as data do not describe what is read here."""
    headers = parse_headers(message.get("headers"))
    if not _is_parsed(message):
        return headers
    return tuple((name, value) for name, value in headers if name.lower() not in _ABOUT_BYTES)


def _body(message: Mapping[str, Any], body: Any) -> bytes:
    if not _is_parsed(message):
        return parse_body(body)
    # A request without a body is stored as null.
    return b"" if message[JSON_MEMBER] is None else encode_json(message[JSON_MEMBER])


def _status(response: Mapping[str, Any]) -> int:
    status = response.get("status")
    if isinstance(status, Mapping):
        return require_int(status.get("code", status.get("status_code")), "status")
    return require_int(response.get("status_code", response.get("code", status)), "status")
