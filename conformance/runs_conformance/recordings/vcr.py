"""VCR cassettes: Ruby VCR and vcr for R (`http_interactions`), vcrpy and go-vcr (`interactions`), in YAML or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runs_conformance.model.json import ABSENT
from runs_conformance.recordings.entry import (
    MalformedEntryError,
    RecordedEntry,
    parse_body,
    parse_headers,
    parse_time,
    require_int,
    require_object,
    require_text,
)

_LISTS = ("http_interactions", "interactions")


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
        headers=parse_headers(request.get("headers")),
        content=parse_body(request.get("body")),
        status=_status(response),
        response_headers=parse_headers(response.get("headers")),
        response_content=b"" if is_in_file else parse_body(body),
        started_at=parse_time(interaction.get("recorded_at")),
        body_not_saved=is_in_file,
    )


def _status(response: Mapping[str, Any]) -> int:
    status = response.get("status")
    if isinstance(status, Mapping):
        return require_int(status.get("code", status.get("status_code")), "status")
    return require_int(response.get("status_code", response.get("code", status)), "status")
