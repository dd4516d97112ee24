"""Neighbours of the Runs API that frameworks call: models, files and vector stores, kept in memory.

They are minimal and no part of the contract. The oldest objects are deleted beyond a number, or an amount of content.
"""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from runs_conformance.emulator import vector_stores
from runs_conformance.emulator.api_errors import ApiError, bad_request, invalid_json, missing_parameter
from runs_conformance.emulator.context import ServerState
from runs_conformance.emulator.request_body import MAX_BODY_BYTES, parse, read_content
from runs_conformance.emulator.state import Members, Store

_MODELS = ("gpt-4o", "gpt-4o-mini", "gpt-4-turbo", "o3-mini")
_MAX_OBJECTS, _MAX_BYTES = 1000, 64 * 1024 * 1024
_MULTIPART = 1024 * 1024
"""Bytes that the parts of an upload may take besides the file."""
_MAX_HEAD = 8192
_ROUTE = re.compile(
    r"/(models|files|vector_stores)(?:/([^/]+))?(?:/(content|files|file_batches)(?:/[^/]+(?:/(?:files|cancel))?)?)?"
)


def is_neighbour(path: str) -> bool:
    """Whether a path below the base is one of the neighbours'."""
    return _ROUTE.fullmatch(path) is not None


async def handle_neighbour(server: ServerState, tenant: str, request: Request, path: str) -> Members | Response:
    """The response to a request for a neighbour. Raises ApiError."""
    match = _ROUTE.fullmatch(path)
    if match is None:
        raise _unknown_url(request, path)
    kind, id_, below = match.groups()
    max_bytes = _MAX_BYTES + _MULTIPART if path == "/files" else MAX_BODY_BYTES
    content = await read_content(request, max_bytes) if request.method == "POST" else b""
    store = server.hooks.store_for_tenant(server, tenant)
    objects: dict[str, Any] = {"files": store.files, "vector_stores": store.vector_stores}.get(kind, {})
    match request.method, kind, id_, below:
        case "GET", "models", None, None:
            return _list([_model(name) for name in _MODELS])
        case "GET", "models", str(), None:
            return _model(id_)
        case "POST", "files", None, None:
            return _add_file(server, objects, request.headers.get("content-type", ""), content)
        case "POST", "vector_stores", None, None:
            return vector_stores.add_vector_store(server, store, _parse_object(content))
        case "GET", _, None, None:
            purposes = request.query_params.getlist("purpose")
            found_objects = [found["object"] for found in objects.values()]
            return _page(request, [one for one in found_objects if not purposes or one.get("purpose") in purposes])
    found = objects.get(id_ or "")
    if found is None:
        raise _missing(kind, str(id_))
    if kind == "vector_stores" and below is not None:
        return _handle_below_vector_store(server, store, found, request, path, content)
    match request.method, below:
        case "GET", None:
            return dict(found["object"])
        case "DELETE", None:
            del objects[str(id_)]
            return {"id": id_, "object": f"{found['object']['object']}.deleted", "deleted": True}
        case "POST", None if kind == "vector_stores":
            return vector_stores.modify_vector_store(found, _parse_object(content))
        case "GET", "content" if kind == "files":
            return Response(found["content"], media_type="application/octet-stream")
    raise _unknown_url(request, path)


def _handle_below_vector_store(
    server: ServerState, store: Store, found: dict[str, Any], request: Request, path: str, content: bytes
) -> Members:
    match request.method, path.strip("/").split("/")[2:]:
        case "GET", ["files"]:
            return _page(request, list(found["files"].values()))
        case "POST", ["files"]:
            return vector_stores.attach_file(server, store, found, _parse_object(content))
        case "GET", ["files", id_] if id_ in found["files"]:
            return dict(found["files"][id_])
        case "DELETE", ["files", id_] if id_ in found["files"]:
            return vector_stores.detach_file(found, id_)
        case "POST", ["file_batches"]:
            return vector_stores.add_batch(server, store, found, _parse_object(content))
        case "GET", ["file_batches", id_] if id_ in found["batches"]:
            return dict(found["batches"][id_]["object"])
        case "POST", ["file_batches", id_, "cancel"] if id_ in found["batches"]:
            # Batches are complete at once, so there is nothing left to cancel.
            return dict(found["batches"][id_]["object"])
        case "GET", ["file_batches", id_, "files"] if id_ in found["batches"]:
            attached = [one for one in found["batches"][id_]["file_ids"] if one in found["files"]]
            return _page(request, [found["files"][one] for one in attached])
        case _, [("files" | "file_batches") as kind, id_, *_] if id_ not in {**found["files"], **found["batches"]}:
            raise _missing(kind, id_)
    raise _unknown_url(request, path)


_NOUNS = {"files": "file", "file_batches": "file batch", "models": "model", "vector_stores": "vector store"}


def _missing(kind: str, id_: str) -> ApiError:
    return ApiError(404, f"No such {_NOUNS[kind]} object: {id_}", "id")


def _unknown_url(request: Request, path: str) -> ApiError:
    return ApiError(404, f"Invalid URL ({request.method} /v1{path})")


def _list(data: list[Members]) -> Members:
    ids = [item["id"] for item in data]
    return {
        "object": "list",
        "data": data,
        "first_id": ids[0] if ids else None,
        "last_id": ids[-1] if ids else None,
        "has_more": False,
    }


def _model(name: str) -> Members:
    return {"id": name, "object": "model", "created": 1_715_367_049, "owned_by": "system"}


def _page(request: Request, objects: list[Members]) -> Members:
    """The page of objects in order of creation that a query asks for. Raises ApiError for an unusable query."""
    query = request.query_params
    limit, order = query.get("limit", str(_MAX_OBJECTS)), query.get("order", "desc")
    if not re.fullmatch("0*[1-9][0-9]{0,4}", limit):
        raise bad_request("Invalid 'limit': expected an integer from 1 to 99999.", "limit", "invalid_value")
    if order not in ("asc", "desc"):
        raise bad_request("Invalid 'order': expected one of 'asc' and 'desc'.", "order", "invalid_value")
    ordered = objects if order == "asc" else objects[::-1]
    places = {one["id"]: index for index, one in enumerate(ordered)}
    for name in ("after", "before"):
        if name in query and query[name] not in places:
            text = f"Invalid '{name}': no object with id '{query[name]}' is in this list."
            raise bad_request(text, name, "invalid_value")
    start = places[query["after"]] + 1 if "after" in query else 0
    end = places[query["before"]] if "before" in query else len(ordered)
    if "before" in query and "after" not in query:
        start = max(start, end - int(limit))
        return {**_list(ordered[start:end]), "has_more": start > 0}
    return {**_list(ordered[start:end][: int(limit)]), "has_more": end - start > int(limit)}


def _parse_object(raw: bytes) -> Members:
    value = parse(raw) if raw else {}
    if not isinstance(value, dict):
        raise invalid_json("an object is expected")
    return value


def _add_file(server: ServerState, files: dict[str, Any], content_type: str, raw: bytes) -> Members:
    parts = _parse_multipart(content_type, raw)
    if "file" not in parts:
        raise missing_parameter("file")
    name, content = parts["file"]
    file: Members = {
        "id": server.hooks.new_id(server, "file"),
        "object": "file",
        "bytes": len(content),
        "created_at": int(server.clock.now()),
        "filename": name or "file",
        "purpose": parts.get("purpose", ("", b"assistants"))[1].decode("utf-8", "replace"),
        "status": "processed",
        "status_details": None,
    }
    if len(content) > _MAX_BYTES:
        raise ApiError(413, f"The file is larger than {_MAX_BYTES // 2**20} MB.")
    files[file["id"]] = {"object": file, "seq": server.seq(), "content": content}
    while len(files) > _MAX_OBJECTS:
        del files[next(iter(files))]
    _limit_content(server, file["id"])
    return file


def _limit_content(server: ServerState, newest: str) -> None:
    """Delete the oldest files, whatever their tenant, until the content of all is small enough; not the newest."""
    held = [(store, id_, file) for store in server.stores.values() for id_, file in store.files.items()]
    size = sum(len(file["content"]) for _, _, file in held)
    for store, id_, file in sorted(held, key=lambda each: each[2].get("seq", 0)):
        if size <= _MAX_BYTES:
            return
        if id_ != newest:
            del store.files[id_]
            size -= len(file["content"])


def _parse_multipart(content_type: str, raw: bytes) -> dict[str, tuple[str, bytes]]:
    """The parts of a form by name, each as file name and content."""
    match = re.search(r'boundary="?([^";\s]+)', content_type)
    if match is None:
        raise bad_request("The request must be multipart/form-data.")
    parts = {}
    for part in (b"\r\n" + raw).split(b"\r\n--" + match[1].encode("latin-1"))[1:]:
        head, _, content = part.partition(b"\r\n\r\n")
        head = head[:_MAX_HEAD]
        name = _disposition_parameter(head, b"name")
        if name is not None:
            parts[name] = (_disposition_parameter(head, b"filename") or "", content)
    return parts


def _disposition_parameter(head: bytes, name: bytes) -> str | None:
    """A parameter of a part's content disposition, which clients of some languages do not quote."""
    found = re.search(rb"""[;\s]%s=(?:"((?:[^"\\\r\n]|\\.)*)"|([^\s";]+))""" % name, head, flags=re.I)
    if found is None:
        return None
    text = re.sub(rb"\\(.)", rb"\1", found[1]) if found[1] is not None else found[2]
    return text.decode("utf-8", "replace")
