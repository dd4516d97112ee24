"""VCR cassettes: Ruby VCR (`http_interactions`), vcrpy and go-vcr (`interactions`), in YAML or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from runs_conformance.model.json import ABSENT
from runs_conformance.recordings.entry import Entry, Malformed, content, header_pairs, members, number, text, unix_time

_LISTS = ("http_interactions", "interactions")


def holds(document: Any) -> bool:
    """Whether a document is a cassette: it has a list of interactions, or is one itself."""
    return _interactions(document) is not None


def entries(document: Any) -> Iterator[Entry | tuple[int, str]]:
    """The entries of a cassette, in its order; a place and a reason for one that cannot be read."""
    for where, interaction in enumerate(_interactions(document) or (), 1):
        try:
            yield _entry(where, members(interaction, "an interaction"))
        except Malformed as error:
            yield where, str(error)


def _interactions(document: Any) -> Sequence[Any] | None:
    if isinstance(document, Mapping):
        for name in _LISTS:
            if isinstance(document.get(name, ABSENT), (list, type(None))):
                return document[name] or []
    if isinstance(document, list) and document and isinstance(document[0], Mapping) and "request" in document[0]:
        return document
    return None


def _entry(where: int, interaction: Mapping[str, Any]) -> Entry:
    request = members(interaction.get("request"), "request")
    response = members(interaction.get("response"), "response")
    return Entry(
        where=where,
        method=text(request.get("method"), "method"),
        url=text(request.get("uri", request.get("url")), "uri"),
        headers=header_pairs(request.get("headers")),
        content=content(request.get("body")),
        status=_status(response),
        answer_headers=header_pairs(response.get("headers")),
        answer=content(response["body"] if "body" in response else response.get("content")),
        recorded=unix_time(interaction.get("recorded_at")),
    )


def _status(response: Mapping[str, Any]) -> int:
    status = response.get("status")
    code = (
        status.get("code") if isinstance(status, Mapping) else response.get("status_code", response.get("code", status))
    )
    return number(code, "status")
