"""Neighbours of the Runs API that frameworks call: models, files and vector stores, kept in memory.

They are minimal and no part of the contract. The oldest objects are deleted beyond a number, or an amount of content.
"""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from runs_conformance.emulator.api_errors import ApiError, bad_request, invalid_json, missing_parameter
from runs_conformance.emulator.context import ServerState
from runs_conformance.emulator.request_body import read_content
from runs_conformance.emulator.state import Members, Store

_MODELS = ("gpt-4o", "gpt-4o-mini", "gpt-4-turbo", "o3-mini")
_MAX_OBJECTS, _MAX_BYTES = 1000, 64 * 1024 * 1024
_MULTIPART = 1024 * 1024
"""Bytes that the parts of an upload may take besides the file."""
_ROUTE = re.compile(r"/(models|files|vector_stores)(?:/([^/]+))?(?:/(content|files|file_batches)(?:/([^/]+))?)?")


def is_neighbour(path: str) -> bool:
    """Whether a path below the base is one of the neighbours'."""
    return _ROUTE.fullmatch(path) is not None


async def answer_neighbour(server: ServerState, tenant: str, request: Request, path: str) -> Members | Response:
    """The answer to a request for a neighbour. Raises ApiError."""
    match = _ROUTE.fullmatch(path)
    if match is None:
        raise _unknown_url(request, path)
    kind, id_, below, second_id = match.groups()
    store = server.hooks.store_for_tenant(server, tenant)
    objects: dict[str, Any] = {"files": store.files, "vector_stores": store.vector_stores}.get(kind, {})
    match request.method, kind, id_, below:
        case "GET", "models", None, None:
            return _list([_model(name) for name in _MODELS])
        case "GET", "models", str(), None:
            return _model(id_)
        case "POST", "files", None, None:
            content = await read_content(request, _MAX_BYTES + _MULTIPART)
            return _add_file(server, objects, request.headers.get("content-type", ""), content)
        case "POST", "vector_stores", None, None:
            return add_vector_store(server, store, _json(await read_content(request)))
        case "GET", _, None, None:
            return _list([found["object"] for found in reversed(objects.values())])
    found = objects.get(id_ or "")
    if found is None:
        raise ApiError(404, f"No such {kind.removesuffix('s').replace('_', ' ')} object: {id_}", "id")
    match request.method, kind, below, second_id:
        case "GET", _, None, None:
            return dict(found["object"])
        case "DELETE", _, None, None:
            del objects[str(id_)]
            return {"id": id_, "object": f"{found['object']['object']}.deleted", "deleted": True}
        case "GET", "files", "content", None:
            return Response(found["content"], media_type="application/octet-stream")
        case "POST", "vector_stores", "files", None:
            file_id = _json(await read_content(request)).get("file_id")
            if not isinstance(file_id, str):
                raise missing_parameter("file_id")
            return _attach(server, store, found, file_id)
        case "GET", "vector_stores", "files", None:
            return _list(list(found["files"].values()))
        case "GET", "vector_stores", "files", str() if second_id in found["files"]:
            return dict(found["files"][second_id])
        case "DELETE", "vector_stores", "files", str() if second_id in found["files"]:
            del found["files"][second_id]
            return {"id": second_id, "object": "vector_store.file.deleted", "deleted": True}
        case "POST", "vector_stores", "file_batches", None:
            return _add_batch(server, store, found, _json(await read_content(request)))
        case "GET", "vector_stores", "file_batches", str() if second_id in found["batches"]:
            return dict(found["batches"][second_id])
    raise _unknown_url(request, path)


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


def _json(raw: bytes) -> Members:
    try:
        value = json.loads(raw) if raw else {}
    except ValueError:
        raise invalid_json("it is not valid") from None
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
    files[file["id"]] = {"object": file, "content": content}
    while len(files) > _MAX_OBJECTS or _stored_bytes(server) > _MAX_BYTES:
        del files[next(iter(files))]
    return file


def _stored_bytes(server: ServerState) -> int:
    return sum(len(file["content"]) for store in server.stores.values() for file in store.files.values())


def _parse_multipart(content_type: str, raw: bytes) -> dict[str, tuple[str, bytes]]:
    """The parts of a form by name, each as file name and content."""
    match = re.search(r'boundary="?([^";]+)', content_type)
    if match is None:
        raise bad_request("The request must be multipart/form-data.")
    parts = {}
    for part in (b"\r\n" + raw).split(b"\r\n--" + match[1].encode("latin-1"))[1:]:
        head, _, content = part.partition(b"\r\n\r\n")
        named = re.search(rb'[; ]name="([^"]*)"', head)
        file = re.search(rb'filename="([^"]*)"', head)
        if named:
            parts[named[1].decode("utf-8", "replace")] = (file[1].decode("utf-8", "replace") if file else "", content)
    return parts


def add_vector_store(server: ServerState, store: Store, body: Members) -> Members:
    """Add the vector store that a body asks for. Raises ApiError for an unknown file, if files are checked."""
    file_ids = _file_ids(body)
    for file_id in file_ids:
        check_file(server, store, file_id)
    now = int(server.clock.now())
    vector_store: Members = {
        "id": server.hooks.new_id(server, "vector_store"),
        "object": "vector_store",
        "created_at": now,
        "name": body.get("name"),
        "usage_bytes": 0,
        "file_counts": _counts(0),
        "status": "completed",
        "expires_after": body.get("expires_after"),
        "expires_at": None,
        "last_active_at": now,
        "metadata": body.get("metadata") or {},
    }
    found: dict[str, Any] = {"object": vector_store, "files": {}, "batches": {}}
    store.vector_stores[vector_store["id"]] = found
    for file_id in file_ids:
        _attach(server, store, found, file_id)
    while len(store.vector_stores) > _MAX_OBJECTS:
        del store.vector_stores[next(iter(store.vector_stores))]
    return vector_store


def check_file(server: ServerState, store: Store, file_id: str, param: str | None = None) -> None:
    """Reject the id of a file that does not exist, if files are checked."""
    if server.options.check_files and file_id not in store.files:
        raise ApiError(404, f"No file found with id '{file_id}'.", param)


def _file_ids(body: Members) -> list[str]:
    ids = body.get("file_ids") or []
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise bad_request("Invalid type for 'file_ids': expected an array of strings.", "file_ids", "invalid_type")
    return ids


def _counts(completed: int) -> Members:
    return {"in_progress": 0, "completed": completed, "failed": 0, "cancelled": 0, "total": completed}


def _attach(server: ServerState, store: Store, found: dict[str, Any], file_id: str) -> Members:
    check_file(server, store, file_id, "file_id")
    store_id = found["object"]["id"]
    file = {
        "id": file_id,
        "object": "vector_store.file",
        "created_at": int(server.clock.now()),
        "vector_store_id": store_id,
        "status": "completed",
        "last_error": None,
        "usage_bytes": len(store.files[file_id]["content"]) if file_id in store.files else 0,
    }
    found["files"][file_id] = file
    while len(found["files"]) > _MAX_OBJECTS:
        del found["files"][next(iter(found["files"]))]
    found["object"]["file_counts"] = _counts(len(found["files"]))
    return file


def _add_batch(server: ServerState, store: Store, found: dict[str, Any], body: Members) -> Members:
    ids = _file_ids(body)
    for file_id in ids:
        check_file(server, store, file_id, "file_ids")
    for file_id in ids:
        _attach(server, store, found, file_id)
    batch: Members = {
        "id": server.hooks.new_id(server, "vector_store_batch"),
        "object": "vector_store.files_batch",
        "created_at": int(server.clock.now()),
        "vector_store_id": found["object"]["id"],
        "status": "completed",
        "file_counts": _counts(len(ids)),
    }
    found["batches"][batch["id"]] = batch
    while len(found["batches"]) > _MAX_OBJECTS:
        del found["batches"][next(iter(found["batches"]))]
    return batch
