"""Keys that are not asked for, and tenants that see each other."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.catalogue import blind, mutant
from runs_conformance.emulator.context import Call, World
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.options import Options
from runs_conformance.emulator.patching import around
from runs_conformance.emulator.refusal import Refusal, not_authorised
from runs_conformance.emulator.state import Store


@blind("L-86", level="should")
def needs_no_beta_header(behaviour: Behaviour) -> None:
    """Requests without the beta header are carried out."""
    behaviour.check_beta = lambda headers: None


@blind("L-87", level="should")
def needs_no_key(behaviour: Behaviour) -> None:
    """Requests without a key are carried out."""
    inner = behaviour.authenticate

    def authenticate(options: Options, headers: Mapping[str, str]) -> str:
        return inner(options, headers) if headers.get("authorization") else "sk-anybody"

    behaviour.authenticate = authenticate


@blind("L-87", level="should")
def takes_any_key(behaviour: Behaviour) -> None:
    """Requests with any key are carried out."""

    def authenticate(options: Options, headers: Mapping[str, str]) -> str:
        given = headers.get("authorization", "")
        if not given:
            raise Refusal(401, "You didn't provide an API key.", None, "invalid_api_key")
        return given

    behaviour.authenticate = authenticate


@blind("L-87", level="should")
def forbids_instead(behaviour: Behaviour) -> None:
    """Requests with a wrong key are answered 403."""
    inner = behaviour.refusal_status
    behaviour.refusal_status = lambda operation, refusal: (
        403 if refusal.http_status == 401 else inner(operation, refusal)
    )


@blind("L-87", level="should")
def asks_for_keys_only_to_write(behaviour: Behaviour) -> None:
    """Objects can be read without a key."""
    inner, store = behaviour.authenticate, behaviour.store_of

    def authenticate(options: Options, headers: Mapping[str, str]) -> str:
        try:
            return inner(options, headers)
        except Refusal:
            if headers.get("content-type"):
                raise
            return ""

    def find(world: World, tenant: str) -> Store:
        return store(world, tenant) if tenant else _all(world)

    behaviour.authenticate, behaviour.store_of = authenticate, find


def _all(world: World) -> Store:
    everything = Store()
    for store in world.stores.values():
        everything.assistants.update(store.assistants)
        everything.threads.update(store.threads)
    return everything


@blind("tenancy")
def shares_everything(behaviour: Behaviour) -> None:
    """All keys see and change the same objects."""
    inner = behaviour.store_of
    behaviour.store_of = lambda world, tenant: inner(world, "everybody")


@blind("tenancy")
def shows_threads_to_everybody(behaviour: Behaviour) -> None:
    """A thread of another key can be read, with its runs and messages."""

    async def look(inner: Any, call: Call) -> Any:
        if call.path["thread_id"] not in call.store.threads:
            call.store = _all(call.world)
        return await inner(call)

    around(behaviour, look, "get_thread", "get_run", "list_messages", "list_runs", "get_message")


@blind("tenancy")
def lists_all_assistants(behaviour: Behaviour) -> None:
    """The list of assistants holds those of every key."""

    async def look(inner: Any, call: Call) -> Any:
        call.store = _all(call.world)
        return await inner(call)

    around(behaviour, look, "list_assistants")


@blind("tenancy")
def lets_strangers_cancel(behaviour: Behaviour) -> None:
    """A run of another key can be cancelled."""

    async def cancel(inner: Any, call: Call) -> Any:
        if call.path["thread_id"] not in call.store.threads:
            call.store = _all(call.world)
        return await inner(call)

    around(behaviour, cancel, "cancel_run")


@blind("tenancy")
def lets_strangers_delete(behaviour: Behaviour) -> None:
    """A thread of another key can be deleted."""

    async def delete(inner: Any, call: Call) -> Any:
        for store in call.world.stores.values():
            if call.path["thread_id"] in store.threads:
                call.store = store
        return await inner(call)

    around(behaviour, delete, "delete_thread")


@blind("tenancy")
def runs_strangers_assistants(behaviour: Behaviour) -> None:
    """An assistant of another key can be run."""
    inner = behaviour.find_assistant_to_run

    def find(call: Call, id_: str) -> Any:
        return _all(call.world).assistants.get(id_) or inner(call, id_)

    behaviour.find_assistant_to_run = find


@blind("tenancy")
def forbids_what_is_not_yours(behaviour: Behaviour) -> None:
    """A thread of another key is answered 200 with its id and nothing else."""

    async def look(inner: Any, call: Call) -> Any:
        if call.path["thread_id"] not in call.store.threads and call.path["thread_id"] in _all(call.world).threads:
            return {"id": call.path["thread_id"], "object": "thread", "owner": "somebody else"}
        return await inner(call)

    around(behaviour, look, "get_thread")


_stranger: ContextVar[bool] = ContextVar("stranger")


@mutant("L-87")
def shows_what_it_refuses(behaviour: Behaviour) -> None:
    """A look without the right key is answered 401, with the object in the body."""
    inner, read, success = behaviour.authenticate, behaviour.read_body, behaviour.success

    def authenticate(options: Options, headers: Mapping[str, str]) -> str:
        try:
            tenant = inner(options, headers)
        except Refusal:
            _stranger.set(True)
            return options.keys[0] if options.keys else "sk-a"
        _stranger.set(False)
        return tenant

    def body(operation: Operation, raw: bytes, content_type: str | None) -> Any:
        if _stranger.get() and operation.method != "GET":
            raise not_authorised("")
        return read(operation, raw, content_type)

    behaviour.authenticate, behaviour.read_body = authenticate, body
    behaviour.success = lambda operation: 401 if _stranger.get() else success(operation)


@mutant("L-87", level="should")
def skips_the_scheme(behaviour: Behaviour) -> None:
    """The key is what stands after the first word of Authorization, whatever that word is."""
    inner = behaviour.authenticate

    def authenticate(options: Options, headers: Mapping[str, str]) -> str:
        key = headers.get("authorization", "").rpartition(" ")[2]
        return inner(options, {**headers, "authorization": f"Bearer {key}"})

    behaviour.authenticate = authenticate
