"""The objects of an emulator in an SQLite file, so that they survive a restart."""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
import sys
from collections.abc import Collection
from contextlib import closing, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runs_conformance.emulator.app import BASE
from runs_conformance.emulator.context import ServerState
from runs_conformance.emulator.state import Assistant, Run, Store, Thread
from runs_conformance.errors import InvalidFile
from runs_conformance.testing.control import Control
from runs_conformance.testing.state_codec import decode_object, encode_object

_CLASSES: dict[str, type] = {"assistants": Assistant, "threads": Thread, "files": dict, "vector_stores": dict}
KINDS = tuple(_CLASSES)
"""The kinds of stored objects, each an attribute of `Store`."""

_APPLICATION_ID, _VERSION = 0x52434546, 1
_TABLES = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE objects (kind TEXT, id TEXT, tenant TEXT, content TEXT NOT NULL, PRIMARY KEY (kind, id, tenant));
"""

_HASH = "\0"
"""Begins the name of a store whose key is not known yet; no API key has this character."""

_touched: ContextVar[set[str]] = ContextVar("touched_tenants")


class ObjectStore:
    """An SQLite file with the objects of an emulator.

    What a response shows is stored before the response is sent. Tenants are API keys, so the file names them by a keyed
    hash; what it holds of one counts as stored objects from the start, and is shown when the key is first used. Raises
    InvalidFile for an unusable file.
    """

    def __init__(self, path: Path, control: Control) -> None:
        self._path = path
        self._server = control.server
        self._clock = control.clock
        self._saved: dict[tuple[str, str], set[str]] = {}
        self._marked: set[tuple[str, str, str]] = set()
        try:
            self._connection = _open(path)
        except (sqlite3.Error, OSError) as error:
            raise InvalidFile(_explain(path, error)) from None
        try:
            self._restore_settings()
            self._restore_objects()
        except (sqlite3.Error, ValueError) as error:
            self._connection.close()
            raise InvalidFile(f"{path} holds objects that cannot be read ({error})", "use another file") from None

    def install(self) -> None:
        """Read objects when the emulator looks for them, and mark those that it changes."""
        hooks = self._server.hooks
        find_store, perform, finish = hooks.store_for_tenant, hooks.perform, hooks.finish

        def store_for_tenant(server: ServerState, tenant: str) -> Store:
            store = find_store(server, tenant)
            name = tenant
            if server.stores.get(tenant) is not store:
                name = next((name for name, one in server.stores.items() if one is store), tenant)
            if (KINDS[0], name) not in self._saved:
                self._adopt(name, store)
            with suppress(LookupError):
                _touched.get().add(name)
            return store

        def perform_action(server: ServerState, thread: Thread, run: Run, action: Any, at: float) -> None:
            self._mark("threads", thread.id)
            perform(server, thread, run, action, at)

        def finish_run(server: ServerState, run: Run, status: str, at: float) -> None:
            self._mark("threads", run.thread_id)
            finish(server, run, status, at)

        hooks.store_for_tenant, hooks.perform, hooks.finish = store_for_tenant, perform_action, finish_run

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """The application that stores the changes of each request before its response, and those of a stream."""

        async def store(scope: Scope, receive: Receive, send: Send) -> None:
            token = _touched.set(set())
            named = scope["path"].partition(BASE)[2].split("/")[1:3] if scope["method"] != "GET" else []

            async def storing_send(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self._save_changes(named)
                await send(message)

            try:
                await app(scope, receive, storing_send)
            finally:
                self._save_changes(named)
                _touched.reset(token)

        return store

    def close(self) -> None:
        """Store everything and close the file."""
        with closing(self._connection):
            names = [name for kind, name in self._saved if kind == KINDS[0] and not _is_hash(name)]
            changed = [
                (kind, name, id_)
                for name in names
                for kind in KINDS
                for id_ in {*self._saved[kind, name], *self._objects(kind, name)}
            ]
            self._write(changed)

    def _objects(self, kind: str, name: str) -> dict[str, Any]:
        objects: dict[str, Any] = getattr(self._server.stores.get(name, Store()), kind)
        return objects

    def _mark(self, kind: str, id_: str) -> None:
        with suppress(LookupError):
            self._marked |= {(kind, name, id_) for name in _touched.get() if id_ in self._objects(kind, name)}

    def _save_changes(self, named: list[str]) -> None:
        changed, self._marked = self._marked, set()
        for name in _touched.get():
            if len(named) == 2:
                changed |= {(kind, name, named[1]) for kind in KINDS if kind == named[0]}
            for kind in KINDS:
                known = self._saved.get((kind, name), set())
                for id_ in reversed(self._objects(kind, name)):
                    if id_ in known:
                        break
                    changed.add((kind, name, id_))
        if changed:
            self._write(changed)

    def forget_deleted(self) -> None:
        """Delete from the file what the emulator no longer has."""
        gone = [
            (kind, name, id_)
            for (kind, name), known in self._saved.items()
            for id_ in known.difference(self._objects(kind, name))
        ]
        if gone:
            self._write(gone)
        for kind, name in [key for key in self._saved if key[1] not in self._server.stores]:
            del self._saved[kind, name]
            self._connection.execute("DELETE FROM settings WHERE name = ?", (self._clock_setting(name),))

    def _restore_objects(self) -> None:
        """Read all objects, each tenant's into a store that has the hash as its name."""
        rows = self._connection.execute("SELECT kind, id, tenant, content FROM objects ORDER BY rowid")
        for kind, id_, tenant, content in rows:
            name = f"{_HASH}{tenant}"
            store = self._server.stores.setdefault(name, Store())
            getattr(store, kind)[id_] = _decode(kind, content)
            for each in KINDS:
                self._saved.setdefault((each, name), set())
            self._saved[kind, name].add(id_)

    def _adopt(self, name: str, store: Store) -> None:
        """Give a tenant what the file holds of it, now that its key is known."""
        hashed = f"{_HASH}{self._tenant(name)}"
        stored = self._server.stores.pop(hashed, Store())
        for kind in KINDS:
            objects: dict[str, Any] = getattr(store, kind)
            objects.update({id_: value for id_, value in getattr(stored, kind).items() if id_ not in objects})
            self._saved[kind, name] = self._saved.pop((kind, hashed), set())
        ahead = self._connection.execute(
            "SELECT value FROM settings WHERE name = ?", (self._clock_setting(name),)
        ).fetchone()
        if ahead is not None and self._clock.ahead(name) == 0:
            self._clock.advance_for(name, float(ahead[0]))

    def _write(self, changed: Collection[tuple[str, str, str]]) -> None:
        try:
            self._connection.execute("BEGIN")
            for kind, name, id_ in sorted(changed, key=self._order):
                key = (kind, id_, self._tenant(name))
                value = self._objects(kind, name).get(id_)
                if value is None:
                    self._connection.execute("DELETE FROM objects WHERE kind = ? AND id = ? AND tenant = ?", key)
                    self._saved.setdefault((kind, name), set()).discard(id_)
                else:
                    self._connection.execute(
                        "INSERT INTO objects (kind, id, tenant, content) VALUES (?, ?, ?, ?)"
                        " ON CONFLICT DO UPDATE SET content = excluded.content",
                        (*key, encode_object(value)),
                    )
                    self._saved.setdefault((kind, name), set()).add(id_)
            self._put("advanced", f"{self._clock.advanced:.3f}")
            for name in {name for _, name, _ in changed}:
                if ahead := self._clock.ahead(name):
                    self._put(self._clock_setting(name), f"{ahead:.3f}")
            self._put("seq", str(self._server.seq()))
            self._connection.execute("COMMIT")
        except (sqlite3.Error, TypeError) as error:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            print(f"runs-conformance: {_explain(self._path, error)}", file=sys.stderr)
            raise

    def _order(self, change: tuple[str, str, str]) -> tuple[str, float]:
        """Store objects in the order of their creation, which the order of the rows keeps."""
        kind, name, id_ = change
        value = self._objects(kind, name).get(id_)
        return (kind, float(getattr(value, "seq", 0)))

    def _tenant(self, name: str) -> str:
        if _is_hash(name):
            return name.removeprefix(_HASH)
        return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), key=self._salt, digest_size=20).hexdigest()

    def _restore_settings(self) -> None:
        settings = dict(self._connection.execute("SELECT name, value FROM settings"))
        self._salt = bytes.fromhex(settings.get("salt") or secrets.token_hex(32))
        self._put("salt", self._salt.hex())
        self._clock.advance(max(float(settings.get("advanced", 0)), 0.0))
        self._server.continue_after(int(settings.get("seq", 0)))

    def _clock_setting(self, name: str) -> str:
        return f"ahead:{self._tenant(name)}"

    def _put(self, name: str, value: str) -> None:
        self._connection.execute(
            "INSERT INTO settings VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (name, value)
        )


def _open(path: Path) -> sqlite3.Connection:
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    elif not path.is_file():
        raise OSError("not a regular file")
    connection = sqlite3.connect(str(path), timeout=0.1, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        (application_id,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and application_id != _APPLICATION_ID:
            raise OSError("it is the database of another program")
        if tables and version != _VERSION:
            raise OSError("it was written by another version")
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if not tables:
            connection.executescript(
                f"BEGIN;{_TABLES}PRAGMA application_id={_APPLICATION_ID};PRAGMA user_version={_VERSION};COMMIT;"
            )
    except (sqlite3.Error, OSError):
        connection.close()
        raise
    return connection


def _is_hash(name: str) -> bool:
    return name.startswith(_HASH)


def _decode(kind: str, content: str) -> Any:
    value = decode_object(content)
    if not isinstance(value, _CLASSES.get(kind, ())):
        raise ValueError(f"one of the {kind} is a {type(value).__name__}")
    return value


def _explain(path: Path, error: Exception) -> str:
    if "locked" in str(error):
        return f"{path} is used by another server"
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"cannot use {path} as a store: {reason}"
