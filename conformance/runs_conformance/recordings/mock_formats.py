"""JSON files of proxies, API clients and mock servers that hold whole exchanges."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urljoin

from runs_conformance.recordings.entry import (
    MalformedEntryError,
    RecordedEntry,
    decode_base64,
    encode_json,
    holds_variables,
    parse_body,
    parse_headers,
    parse_time,
    require_int,
    require_object,
    require_text,
)

Item = tuple[int, Any]
_UNKNOWN_HOST = "http://recorded.invalid"


def entries(document: Any) -> Iterator[RecordedEntry | tuple[int, str]] | None:
    """The entries of a document in one of these formats, or None if it is in none of them."""
    for recognize, read in _FORMATS:
        if (items := recognize(document)) is not None:
            return _read(items, read)
    return None


def _read(items: list[Any], read: Callable[[Item], RecordedEntry]) -> Iterator[RecordedEntry | tuple[int, str]]:
    for where, item in enumerate(items, 1):
        try:
            yield read((where, require_object(item, "an entry")))
        except MalformedEntryError as error:
            yield where, str(error)


def _list(document: Any, *names: str) -> list[Any] | None:
    """The list at these nested members."""
    for name in names:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document if isinstance(document, list) else None


def _have(items: Any, *names: str) -> list[Any] | None:
    """The items, if the first one has these members."""
    is_known = isinstance(items, list) and items and isinstance(items[0], Mapping) and all(n in items[0] for n in names)
    return items if is_known else None


def _body(value: Any) -> bytes:
    return encode_json(value) if isinstance(value, (Mapping, list)) else parse_body(value)


def _charles(document: Any) -> list[Any] | None:
    return _have(document, "host", "scheme", "request", "response")


def _charles_entry(item: Item) -> RecordedEntry:
    where, session = item
    request, response = (require_object(session.get(name), name) for name in ("request", "response"))
    host = require_text(session.get("host"), "host") + (f":{port}" if (port := session.get("actualPort")) else "")
    query = f"?{session['query']}" if session.get("query") else ""
    times = session.get("times") if isinstance(session.get("times"), Mapping) else {}
    return RecordedEntry(
        sequence_number=where,
        method=require_text(session.get("method"), "method"),
        url=f"{session.get('scheme', 'https')}://{host}{session.get('path', '')}{query}",
        headers=_charles_headers(request),
        content=_charles_body(request),
        status=require_int(response.get("status"), "status"),
        response_headers=_charles_headers(response),
        response_content=_charles_body(response),
        started_at=parse_time(times.get("start")),
    )


def _charles_headers(message: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    header = message.get("header")
    return parse_headers(header.get("headers")) if isinstance(header, Mapping) else ()


def _charles_body(message: Mapping[str, Any]) -> bytes:
    body = message.get("body")
    if not isinstance(body, Mapping):
        return b""
    return decode_base64(body["encoded"]) if body.get("encoded") else parse_body(body.get("text"))


def _network_records(document: Any) -> list[Any] | None:
    return _list(document, "networkCallRecords")


def _network_record(item: Item) -> RecordedEntry:
    where, call = item
    response = dict(require_object(call.get("Response"), "Response"))
    body, status = response.pop("Body", None), response.pop("StatusCode", None)
    return RecordedEntry(
        sequence_number=where,
        method=require_text(call.get("Method"), "Method"),
        url=require_text(call.get("Uri"), "Uri"),
        headers=parse_headers(call.get("Headers")),
        content=_body(call.get("Body")),
        status=require_int(status, "StatusCode"),
        response_headers=parse_headers({n: v for n, v in response.items() if isinstance(v, str)}),
        response_content=_body(body),
    )


def _nock(document: Any) -> list[Any] | None:
    return _have(document, "scope", "method", "path", "status")


def _nock_entry(item: Item) -> RecordedEntry:
    where, call = item
    raw = call.get("rawHeaders")
    flat = isinstance(raw, list) and all(isinstance(each, str) for each in raw)
    pairs = list(zip(raw[::2], raw[1::2], strict=False)) if flat else raw or call.get("headers")
    response = call.get("response")
    pieces = [response] if isinstance(response, str) and call.get("responseIsBinary") is True else response
    is_hex = isinstance(pieces, list) and all(isinstance(each, str) for each in pieces)
    return RecordedEntry(
        sequence_number=where,
        method=require_text(call.get("method"), "method"),
        url=urljoin(require_text(call.get("scope"), "scope"), require_text(call.get("path"), "path")),
        headers=parse_headers(call.get("reqheaders")),
        content=_body(call.get("body")),
        status=require_int(call.get("status"), "status"),
        response_headers=parse_headers(pairs),
        response_content=_from_hex("".join(pieces)) if is_hex else _body(response),
    )


def _from_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise MalformedEntryError("a body is not hexadecimal") from None


def _postman(document: Any) -> list[Any] | None:
    items = _list(document, "item")
    if items is None or not isinstance(document.get("info"), Mapping):
        return None
    return list(_saved_responses(items))


def _saved_responses(items: list[Any], depth: int = 0) -> Iterator[Any]:
    for item in items if depth < 50 else ():
        if isinstance(item, Mapping):
            yield from _saved_responses(_list(item, "item") or [], depth + 1)
            for response in _list(item, "response") or []:
                if isinstance(response, Mapping):
                    yield {"originalRequest": item.get("request"), **response}


def _postman_entry(item: Item) -> RecordedEntry:
    where, response = item
    request = require_object(response.get("originalRequest"), "originalRequest")
    body = request.get("body")
    sent = parse_body(body.get("raw")) if isinstance(body, Mapping) else b""
    has_variables = holds_variables(sent)
    return RecordedEntry(
        sequence_number=where,
        method=require_text(request.get("method"), "method"),
        url=_postman_url(request.get("url")),
        headers=_postman_headers(request.get("header")),
        content=b"" if has_variables else sent,
        status=require_int(response.get("code"), "code"),
        response_headers=_postman_headers(response.get("header")),
        response_content=_body(response.get("body")),
        request_size=len(sent) if has_variables else None,
    )


def _postman_url(url: Any) -> str:
    """The address, with the values of the path variables that have one."""
    raw = require_text(url.get("raw") if isinstance(url, Mapping) else url, "url")
    values = {
        f":{variable.get('key')}": value
        for variable in _list(url, "variable") or []
        if isinstance(variable, Mapping) and isinstance(value := variable.get("value"), str) and value
    }
    path, mark, query = raw.partition("?")
    return "/".join(values.get(segment, segment) for segment in path.split("/")) + mark + query


def _postman_headers(fields: Any) -> tuple[tuple[str, str], ...]:
    named = fields if isinstance(fields, list) else []
    return parse_headers([{"name": f.get("key"), "value": f.get("value")} for f in named if isinstance(f, Mapping)])


def _wiremock(document: Any) -> list[Any] | None:
    for name in ("requests", "mappings"):
        items = _list(document, name)
        if items and isinstance(items[0], Mapping) and {"response", "responseDefinition"} & items[0].keys():
            return items
    is_mapping = isinstance(document, Mapping) and {"request", "response"} <= document.keys()
    return (
        [document]
        if is_mapping and isinstance(document["response"], Mapping) and "status" in document["response"]
        else None
    )


def _wiremock_entry(item: Item) -> RecordedEntry:
    where, served = item
    request = require_object(served.get("request"), "request")
    response = require_object(served.get("response") or served.get("responseDefinition"), "response")
    address = request.get("absoluteUrl") or request.get("url") or request.get("urlPath")
    patterns = request.get("bodyPatterns")
    equal = patterns[0].get("equalToJson") if isinstance(patterns, list) and patterns else None
    sent = request.get("body", equal)
    if response.get("base64Body"):
        content = decode_base64(response["base64Body"])
    else:
        content = _body(response["jsonBody"] if "jsonBody" in response else response.get("body"))
    return RecordedEntry(
        sequence_number=where,
        method=require_text(request.get("method"), "method"),
        url=urljoin(_UNKNOWN_HOST, require_text(address, "url")),
        headers=parse_headers({n: v for n, v in (request.get("headers") or {}).items() if isinstance(v, str)}),
        content=_body(sent),
        status=require_int(response.get("status"), "status"),
        response_headers=parse_headers(response.get("headers")),
        response_content=content,
        started_at=parse_time(request.get("loggedDateString")),
        body_not_saved="bodyFileName" in response,
    )


def _hoverfly(document: Any) -> list[Any] | None:
    return _list(document, "data", "pairs")


def _hoverfly_entry(item: Item) -> RecordedEntry:
    where, pair = item
    request, response = (require_object(pair.get(name), name) for name in ("request", "response"))
    query = request.get("query")
    pairs = [(n, _matched_value(v)) for n, v in query.items()] if isinstance(query, Mapping) else []
    text = f"?{urlencode(pairs)}" if pairs else ""
    scheme, host = _matched_value(request.get("scheme")) or "https", _matched_value(request.get("destination"))
    body = response.get("body")
    headers = request.get("headers")
    named = {n: _matched_value(v) for n, v in headers.items()} if isinstance(headers, Mapping) else {}
    return RecordedEntry(
        sequence_number=where,
        method=_matched_value(request.get("method")),
        url=f"{scheme}://{host}{_matched_value(request.get('path'))}{text}",
        headers=parse_headers(named),
        content=_matched_value(request.get("body")).encode(),
        status=require_int(response.get("status"), "status"),
        response_headers=parse_headers(response.get("headers")),
        response_content=decode_base64(body) if response.get("encodedBody") else parse_body(body),
    )


def _matched_value(value: Any) -> str:
    """The value of a field that Hoverfly stores as a text or as a list of matchers."""
    if isinstance(value, list) and value:
        value = value[0].get("value") if isinstance(value[0], Mapping) else value[0]
    return value if isinstance(value, str) else ""


_FORMATS: tuple[tuple[Callable[[Any], list[Any] | None], Callable[[Item], RecordedEntry]], ...] = (
    (_network_records, _network_record),
    (_hoverfly, _hoverfly_entry),
    (_charles, _charles_entry),
    (_nock, _nock_entry),
    (_postman, _postman_entry),
    (_wiremock, _wiremock_entry),
)
