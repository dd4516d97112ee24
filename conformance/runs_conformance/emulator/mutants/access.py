"""Mutants of authentication and tenancy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import replace
from hashlib import sha256
from typing import Any

from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.api_errors import ApiError, unauthorized
from runs_conformance.emulator.context import Hooks, RequestContext, ServerState
from runs_conformance.emulator.declaration import mutant, written_from_spec
from runs_conformance.emulator.patching import wrap_handlers
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.emulator.state import Store


@written_from_spec("missing-beta-header-refused", level="should")
def needs_no_beta_header(hooks: Hooks) -> None:
    """Accepts requests without the beta header."""
    hooks.check_beta_header = lambda headers: None


@written_from_spec("invalid-key-is-401", level="should")
def needs_no_key(hooks: Hooks) -> None:
    """Accepts requests without a key."""
    inner = hooks.authenticate

    def authenticate(options: EmulatorOptions, headers: Mapping[str, str]) -> str:
        return inner(options, headers) if headers.get("authorization") else "sk-anonymous"

    hooks.authenticate = authenticate


@written_from_spec("invalid-key-is-401", level="should")
def takes_any_key(hooks: Hooks) -> None:
    """Accepts any key."""

    def authenticate(options: EmulatorOptions, headers: Mapping[str, str]) -> str:
        key = headers.get("authorization", "")
        if not key:
            raise ApiError(401, "You didn't provide an API key.", None, "invalid_api_key")
        return key

    hooks.authenticate = authenticate


@written_from_spec("invalid-key-is-401", level="should")
def repeats_keys(hooks: Hooks) -> None:
    """Repeats the key in the message about a missing beta header."""
    inner = hooks.check_beta_header

    def check(headers: Mapping[str, str]) -> None:
        try:
            inner(headers)
        except ApiError as error:
            message = f"{error.message} Your key: {headers.get('authorization', '')}"
            raise ApiError(error.http_status, message, error.param, error.code) from None

    hooks.check_beta_header = check


@written_from_spec("invalid-key-is-401", level="should")
def forbids_instead(hooks: Hooks) -> None:
    """Responds to a wrong key with 403."""
    inner = hooks.error_status
    hooks.error_status = lambda operation, error: 403 if error.http_status == 401 else inner(operation, error)


@written_from_spec("invalid-key-is-401", level="should")
def asks_for_keys_only_to_write(hooks: Hooks) -> None:
    """Lets objects be read without a key."""
    inner, store = hooks.authenticate, hooks.store_for_tenant

    def authenticate(options: EmulatorOptions, headers: Mapping[str, str]) -> str:
        try:
            return inner(options, headers)
        except ApiError:
            if headers.get("content-type"):
                raise
            return ""

    def find(server: ServerState, tenant: str) -> Store:
        return store(server, tenant) if tenant else _all(server)

    hooks.authenticate, hooks.store_for_tenant = authenticate, find


def _all(server: ServerState) -> Store:
    everything = Store()
    for store in server.stores.values():
        everything.assistants.update(store.assistants)
        everything.threads.update(store.threads)
    return everything


@written_from_spec("tenancy")
def shares_everything(hooks: Hooks) -> None:
    """All keys share the same objects."""
    inner = hooks.store_for_tenant
    hooks.store_for_tenant = lambda server, tenant: inner(server, "everybody")


@written_from_spec("tenancy")
def shows_threads_to_everybody(hooks: Hooks) -> None:
    """A thread of another key can be read, with its runs and messages."""

    async def handle(inner: Any, request: RequestContext) -> Any:
        if request.path_params["thread_id"] not in request.store.threads:
            request.store = _all(request.server)
        return await inner(request)

    wrap_handlers(hooks, handle, "get_thread", "get_run", "list_messages", "list_runs", "get_message")


@written_from_spec("tenancy")
def lists_all_assistants(hooks: Hooks) -> None:
    """The list of assistants includes those of every key."""

    async def handle(inner: Any, request: RequestContext) -> Any:
        request.store = _all(request.server)
        return await inner(request)

    wrap_handlers(hooks, handle, "list_assistants")


@written_from_spec("tenancy")
def lets_strangers_cancel(hooks: Hooks) -> None:
    """A run of another key can be cancelled."""

    async def cancel(inner: Any, request: RequestContext) -> Any:
        if request.path_params["thread_id"] not in request.store.threads:
            request.store = _all(request.server)
        return await inner(request)

    wrap_handlers(hooks, cancel, "cancel_run")


@written_from_spec("tenancy")
def lets_strangers_delete(hooks: Hooks) -> None:
    """A thread of another key can be deleted."""

    async def delete(inner: Any, request: RequestContext) -> Any:
        for store in request.server.stores.values():
            if request.path_params["thread_id"] in store.threads:
                request.store = store
        return await inner(request)

    wrap_handlers(hooks, delete, "delete_thread")


@written_from_spec("tenancy")
def runs_strangers_assistants(hooks: Hooks) -> None:
    """An assistant of another key can be run."""
    inner = hooks.find_assistant_to_run

    def find(request: RequestContext, id_: str) -> Any:
        return _all(request.server).assistants.get(id_) or inner(request, id_)

    hooks.find_assistant_to_run = find


@mutant("tenancy")
def runs_strangers_assistants_on_own_threads(hooks: Hooks) -> None:
    """An assistant of another key can be run on an existing thread."""
    inner = hooks.find_assistant_to_run

    def find(request: RequestContext, id_: str) -> Any:
        on_thread = "thread_id" in request.path_params
        return (_all(request.server).assistants.get(id_) if on_thread else None) or inner(request, id_)

    hooks.find_assistant_to_run = find


@mutant("tenancy")
def stores_a_thread_with_its_run_for_the_first_key(hooks: Hooks) -> None:
    """A thread that is created together with a run belongs to the key that was used first."""

    async def create(inner: Any, request: RequestContext) -> Any:
        first = next(iter(request.server.stores.values()))
        request.store = replace(request.store, threads=first.threads)
        return await inner(request)

    wrap_handlers(hooks, create, "create_thread_and_run")


@written_from_spec("tenancy")
def forbids_what_is_not_yours(hooks: Hooks) -> None:
    """Responds with 200 to requests for a thread of another key, with its id only."""

    async def handle(inner: Any, request: RequestContext) -> Any:
        if (
            request.path_params["thread_id"] not in request.store.threads
            and request.path_params["thread_id"] in _all(request.server).threads
        ):
            return {"id": request.path_params["thread_id"], "object": "thread", "owner": "another tenant"}
        return await inner(request)

    wrap_handlers(hooks, handle, "get_thread")


_is_unauthorized: ContextVar[bool] = ContextVar("stranger", default=False)


def _serve_unauthorized(hooks: Hooks, is_served: Callable[[Operation], bool]) -> None:
    """Serve these operations without a valid key as the first tenant; `_is_unauthorized` tells handlers of it."""
    inner, read = hooks.authenticate, hooks.read_body

    def authenticate(options: EmulatorOptions, headers: Mapping[str, str]) -> str:
        try:
            tenant = inner(options, headers)
        except ApiError:
            _is_unauthorized.set(True)
            return options.keys[0] if options.keys else "sk-a"
        _is_unauthorized.set(False)
        return tenant

    def body(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        if _is_unauthorized.get() and not is_served(operation):
            raise unauthorized("")
        return read(operation, raw, content_type)

    hooks.authenticate, hooks.read_body = authenticate, body


@mutant("invalid-key-is-401")
def shows_what_it_refuses(hooks: Hooks) -> None:
    """A read without a valid key gets 401, with the object in the body."""
    success = hooks.success_status
    _serve_unauthorized(hooks, lambda operation: operation.method == "GET")
    hooks.success_status = lambda operation: 401 if _is_unauthorized.get() else success(operation)


@mutant("invalid-key-is-401", level="should")
def skips_the_scheme(hooks: Hooks) -> None:
    """Takes the last word of Authorization as the key, whatever the scheme is."""
    inner = hooks.authenticate

    def authenticate(options: EmulatorOptions, headers: Mapping[str, str]) -> str:
        key = headers.get("authorization", "").rpartition(" ")[2]
        return inner(options, {**headers, "authorization": f"Bearer {key}"})

    hooks.authenticate = authenticate


@mutant("tenancy", level="should")
def trusts_the_organization_header(hooks: Hooks) -> None:
    """Responses name the organization of the key, and a request may name any other."""
    inner, headers = hooks.authenticate, hooks.response_headers
    keys: dict[str, str] = {}
    current: ContextVar[str] = ContextVar("organization", default="")

    def authenticate(options: EmulatorOptions, request_headers: Mapping[str, str]) -> str:
        key = inner(options, request_headers)
        own = f"org-{sha256(key.encode()).hexdigest()[:16]}"
        keys[own] = key
        organization = request_headers.get("openai-organization", own)
        current.set(organization)
        return keys.get(organization, key)

    hooks.authenticate = authenticate
    hooks.response_headers = lambda server: headers(server) | {"openai-organization": current.get()}


@mutant("tenancy")
def shows_foreign_cursors(hooks: Hooks) -> None:
    """The ids in the envelope of a page of assistants are those of the page before it is limited to the tenant."""

    async def handle(inner: Any, request: RequestContext) -> Any:
        page = await inner(request)
        everything = replace(request, store=_all(request.server))
        return page | {name: (await inner(everything))[name] for name in ("first_id", "last_id")}

    wrap_handlers(hooks, handle, "list_assistants")


@mutant("auth")
def deletes_before_checking_the_key(hooks: Hooks) -> None:
    """delete_thread without a valid key gets 401, but deletes the thread."""

    async def delete(inner: Any, request: RequestContext) -> Any:
        deleted = await inner(request)
        if _is_unauthorized.get():
            raise unauthorized("")
        return deleted

    _serve_unauthorized(hooks, lambda operation: operation.name == "delete_thread")
    wrap_handlers(hooks, delete, "delete_thread")


@mutant("tenancy")
def deletes_before_looking_for_the_owner(hooks: Hooks) -> None:
    """delete_thread for a thread of another key gets 404, but deletes the thread."""

    async def delete(inner: Any, request: RequestContext) -> Any:
        if request.path_params["thread_id"] not in request.store.threads:
            for store in request.server.stores.values():
                store.threads.pop(request.path_params["thread_id"], None)
        return await inner(request)

    wrap_handlers(hooks, delete, "delete_thread")


@mutant("cancel")
def cancels_before_looking_for_the_owner(hooks: Hooks) -> None:
    """cancel_run for a run of another key gets 404, but cancels the run."""

    async def cancel(inner: Any, request: RequestContext) -> Any:
        if request.path_params["thread_id"] not in request.store.threads:
            thread = _all(request.server).threads.get(request.path_params["thread_id"])
            run = thread.runs.get(request.path_params["run_id"]) if thread is not None else None
            if run is not None and run.status not in TERMINAL:
                request.server.hooks.finish(request.server, run, "cancelled", request.server.clock.now())
        return await inner(request)

    wrap_handlers(hooks, cancel, "cancel_run")
