"""Vector stores with their files and batches: minimal, in memory, and no part of the contract."""

from __future__ import annotations

from typing import Any

from runs_conformance.emulator.api_errors import ApiError, bad_request, missing_parameter
from runs_conformance.emulator.context import ServerState
from runs_conformance.emulator.state import Members, Store

_MAX_STORES, _MAX_ITEMS = 1000, 1000
_SECONDS_PER_DAY = 86_400


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
        "expires_after": None,
        "expires_at": None,
        "last_active_at": now,
        "metadata": {},
    }
    record: dict[str, Any] = {"object": vector_store, "seq": server.seq(), "files": {}, "batches": {}}
    modify_vector_store(record, body)
    store.vector_stores[vector_store["id"]] = record
    _put_files(server, store, record, file_ids, {})
    while len(store.vector_stores) > _MAX_STORES:
        del store.vector_stores[next(iter(store.vector_stores))]
    return vector_store


def modify_vector_store(record: dict[str, Any], body: Members) -> Members:
    """Replace the members of a vector store that the body contains."""
    vector_store: Members = record["object"]
    for name in ("name", "metadata", "expires_after"):
        if name in body:
            vector_store[name] = body[name]
    vector_store["metadata"] = vector_store["metadata"] or {}
    match vector_store["expires_after"]:
        case {"days": int(days)}:
            vector_store["expires_at"] = vector_store["last_active_at"] + days * _SECONDS_PER_DAY
        case _:
            vector_store["expires_at"] = None
    return dict(vector_store)


def attach_file(server: ServerState, store: Store, record: dict[str, Any], body: Members) -> Members:
    """Attach a file to a vector store, as completely processed. Raises ApiError for an unknown file."""
    file_id = body.get("file_id")
    if not isinstance(file_id, str):
        raise missing_parameter("file_id")
    check_file(server, store, file_id, "file_id")
    _put_files(server, store, record, [file_id], body)
    return dict(record["files"][file_id])


def detach_file(record: dict[str, Any], file_id: str) -> Members:
    """Detach a file from a vector store; the file itself remains."""
    del record["files"][file_id]
    _count_files(record)
    return {"id": file_id, "object": "vector_store.file.deleted", "deleted": True}


def add_batch(server: ServerState, store: Store, record: dict[str, Any], body: Members) -> Members:
    """Attach several files to a vector store. Raises ApiError for an unknown file, and attaches none then."""
    ids = _file_ids(body)
    for file_id in ids:
        check_file(server, store, file_id, "file_ids")
    _put_files(server, store, record, ids, body)
    batch: Members = {
        "id": server.hooks.new_id(server, "vector_store_batch"),
        "object": "vector_store.files_batch",
        "created_at": int(server.clock.now()),
        "vector_store_id": record["object"]["id"],
        "status": "completed",
        "file_counts": _counts(len(ids)),
    }
    record["batches"][batch["id"]] = {"object": batch, "file_ids": ids}
    while len(record["batches"]) > _MAX_ITEMS:
        del record["batches"][next(iter(record["batches"]))]
    return batch


def check_file(server: ServerState, store: Store, file_id: str, param: str | None = None) -> None:
    """Refuse the id of a file that does not exist, if files are checked."""
    if server.options.check_files and file_id not in store.files:
        raise ApiError(404, f"No file found with id '{file_id}'.", param)


def _file_ids(body: Members) -> list[str]:
    ids = body.get("file_ids") or []
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise bad_request("Invalid type for 'file_ids': expected an array of strings.", "file_ids", "invalid_type")
    return ids


def _put_files(server: ServerState, store: Store, record: dict[str, Any], file_ids: list[str], body: Members) -> None:
    for file_id in file_ids[-_MAX_ITEMS:]:
        record["files"].pop(file_id, None)
        record["files"][file_id] = {
            "id": file_id,
            "object": "vector_store.file",
            "created_at": int(server.clock.now()),
            "vector_store_id": record["object"]["id"],
            "status": "completed",
            "last_error": None,
            "usage_bytes": len(store.files[file_id]["content"]) if file_id in store.files else 0,
            "attributes": body.get("attributes") or {},
        }
    while len(record["files"]) > _MAX_ITEMS:
        del record["files"][next(iter(record["files"]))]
    _count_files(record)


def _count_files(record: dict[str, Any]) -> None:
    record["object"]["file_counts"] = _counts(len(record["files"]))
    record["object"]["usage_bytes"] = sum(file["usage_bytes"] for file in record["files"].values())


def _counts(completed: int) -> Members:
    return {"in_progress": 0, "completed": completed, "failed": 0, "cancelled": 0, "total": completed}
