"""Refusals in another envelope or with another HTTP status, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from runs_conformance.contract.operation import Operation
from runs_conformance.emulator.catalogue import blind, mutant
from runs_conformance.emulator.context import Call
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.patching import around
from runs_conformance.emulator.refusal import Refusal
from runs_conformance.emulator.state import Thread


def _reworded(behaviour: Behaviour, change: Any) -> None:
    """Have `change` replace the `error` member."""
    inner = behaviour.envelope
    behaviour.envelope = lambda refusal: {"error": change(inner(refusal)["error"])}


def _answered_with(behaviour: Behaviour, status: int, *found: int) -> None:
    """Answer refusals of some HTTP statuses with another."""
    inner = behaviour.refusal_status

    def choose(operation: Operation | None, refusal: Refusal) -> int:
        usual = inner(operation, refusal)
        return status if usual in found else usual

    behaviour.refusal_status = choose


@blind("error")
def answers_like_a_framework(behaviour: Behaviour) -> None:
    """An invalid body is answered 422 with a list of details, as web frameworks do by default."""
    _answered_with(behaviour, 422, 400)
    behaviour.envelope = lambda refusal: {
        "detail": [{"type": refusal.code or "value_error", "loc": ["body", refusal.param], "msg": refusal.message}]
    }


@blind("error")
def answers_detail(behaviour: Behaviour) -> None:
    """Something unknown is answered with a detail member instead of an error."""
    inner = behaviour.envelope
    behaviour.envelope = lambda refusal: {"detail": "Not Found"} if refusal.http_status == 404 else inner(refusal)


@blind("L-85")
def answers_errors_in_plain_text(behaviour: Behaviour) -> None:
    """Refusals are plain text."""
    inner = behaviour.encode
    behaviour.envelope = lambda refusal: refusal.message
    behaviour.encode = lambda value: value.encode() if isinstance(value, str) else inner(value)


@blind("error")
def answers_errors_as_text(behaviour: Behaviour) -> None:
    """The error member is a text."""
    behaviour.envelope = lambda refusal: {"error": refusal.message}


@blind("error")
def answers_errors_without_envelope(behaviour: Behaviour) -> None:
    """The members of an error stand in the body itself."""
    inner = behaviour.envelope
    behaviour.envelope = lambda refusal: inner(refusal)["error"]


@blind("error.error.param.required")
def leaves_param_out(behaviour: Behaviour) -> None:
    """An error has no param member."""
    _reworded(behaviour, lambda error: {name: value for name, value in error.items() if name != "param"})


@blind("error.error.code.required")
def leaves_code_out(behaviour: Behaviour) -> None:
    """An error without a code has no code member."""
    _reworded(behaviour, lambda error: {k: v for k, v in error.items() if k != "code" or v is not None})


@blind("error.error.type.required")
def leaves_type_out(behaviour: Behaviour) -> None:
    """An error has no type."""
    _reworded(behaviour, lambda error: {name: value for name, value in error.items() if name != "type"})


@blind("error.error.message.type")
def says_nothing(behaviour: Behaviour) -> None:
    """An error's message is null."""
    _reworded(behaviour, lambda error: {**error, "message": None})


@blind("error.error.code.type")
def numbers_errors(behaviour: Behaviour) -> None:
    """An error's code is a number."""
    _reworded(behaviour, lambda error: {**error, "code": 400})


@blind("error.error.message.type")
def lists_messages(behaviour: Behaviour) -> None:
    """An error's message is a list of messages."""
    _reworded(behaviour, lambda error: {**error, "message": [error["message"]]})


@blind("refusals", level="should")
def never_names_the_param(behaviour: Behaviour) -> None:
    """An error's param is always null."""
    _reworded(behaviour, lambda error: {**error, "param": None})


@blind("refusals", level="should")
def blames_another_param(behaviour: Behaviour) -> None:
    """An error's param is always "body"."""
    _reworded(behaviour, lambda error: {**error, "param": error["param"] and "body"})


@blind("refusals", level="should")
def refuses_with_422(behaviour: Behaviour) -> None:
    """An invalid request is answered 422."""
    _answered_with(behaviour, 422, 400)


@blind(
    "refusals",
    broad="Each refusal that the contract demands looks like an acceptance, and its body like a broken object.",
)
def refuses_with_200(behaviour: Behaviour) -> None:
    """Refusals are answered 200, with the error in the body."""
    _answered_with(behaviour, 200, 400, 404)


@blind("errors", broad="Each refusal of an illegal body is a failure of the server instead.")
def refuses_with_500(behaviour: Behaviour) -> None:
    """An invalid request is answered 500."""
    _answered_with(behaviour, 500, 400)


@blind("errors")
def creates_with_201(behaviour: Behaviour) -> None:
    """What was created is answered 201."""
    behaviour.success = lambda operation: 201 if operation.creates else 200


@blind("errors")
def runs_with_202(behaviour: Behaviour) -> None:
    """A run that was started or cancelled is answered 202."""
    behaviour.success = lambda operation: 202 if operation.name in ("create_run", "cancel_run") else 200


@blind("errors")
def breaks_on_unknown_ids(behaviour: Behaviour) -> None:
    """What does not exist is answered 500."""
    _answered_with(behaviour, 500, 404)


@blind(
    "L-84",
    level="should",
    broad="Every rule that asks for a thing that is not there, or no longer, sees it answered as if it were.",
)
def answers_unknown_with_nothing(behaviour: Behaviour) -> None:
    """What does not exist is answered 200 and null."""
    _answered_with(behaviour, 200, 404)
    inner = behaviour.envelope
    behaviour.envelope = lambda refusal: None if refusal.http_status == 404 else inner(refusal)


@blind(
    "L-84",
    level="should",
    broad="A deleted or foreign thread comes back to life, empty, whenever somebody asks for it.",
)
def creates_threads_on_demand(behaviour: Behaviour) -> None:
    """A thread that does not exist is created when it is asked for."""
    inner = behaviour.find_thread

    def find(call: Call, id_: str) -> Thread:
        if id_ not in call.store.threads:
            now = call.world.clock.now()
            call.store.threads[id_] = Thread(id_, call.world.seq(), now, {}, {})
        return call.store.threads[id_] if not id_.startswith("thread") else inner(call, id_)

    behaviour.find_thread = find


@blind("L-84", level="should")
def lists_unknown_threads_as_empty(behaviour: Behaviour) -> None:
    """The lists of a thread that does not exist are empty."""

    async def look(inner: Any, call: Call) -> Any:
        if call.path["thread_id"] not in call.store.threads:
            return call.world.behaviour.list_object([], False)
        return await inner(call)

    around(behaviour, look, "list_messages", "list_runs")


@blind(
    "L-84",
    level="should",
    broad="A deletion that finds nothing is told as one that succeeded, of deleted and foreign things, too.",
)
def deletes_what_is_unknown(behaviour: Behaviour) -> None:
    """Deleting what does not exist succeeds."""

    async def delete(inner: Any, call: Call) -> Any:
        try:
            return await inner(call)
        except Refusal:
            kind = call.operation.name.removeprefix("delete_")
            return call.world.behaviour.deletion_object(kind, call.path[f"{kind}_id"])

    around(behaviour, delete, "delete_thread", "delete_message", "delete_assistant")


@blind("errors")
def runs_unknown_assistants(behaviour: Behaviour) -> None:
    """A run of an assistant that does not exist is answered 500."""
    inner = behaviour.find_assistant_to_run

    def find(call: Call, id_: str) -> Any:
        if id_ not in call.store.assistants:
            raise Refusal(500, "Internal Server Error", None, None, "server_error")
        return inner(call, id_)

    behaviour.find_assistant_to_run = find


@mutant("L-84", level="should")
def names_errors_by_their_status(behaviour: Behaviour) -> None:
    """The type of an error is the name of its HTTP status."""
    names = {400: "bad_request", 401: "unauthorized", 404: "not_found"}
    _retyped(behaviour, lambda refusal: names.get(refusal.http_status, refusal.type))


def _retyped(behaviour: Behaviour, type_of: Callable[[Refusal], str]) -> None:
    inner = behaviour.envelope
    behaviour.envelope = lambda refusal: inner(replace(refusal, type=type_of(refusal)))


@mutant("errors", level="should")
def shows_where_it_broke(behaviour: Behaviour) -> None:
    """A body that is not JSON is refused with the stack of the parser."""
    inner = behaviour.envelope
    stack = 'Traceback (most recent call last):\n  File "/srv/app/api.py", line 41, in parse\n'

    def envelope(refusal: Refusal) -> Any:
        broken = refusal.message.startswith("We could not parse")
        return inner(replace(refusal, message=stack + refusal.message) if broken else refusal)

    behaviour.envelope = envelope


@mutant("refusals", level="should")
def answers_locks_with_409(behaviour: Behaviour) -> None:
    """A message or run on a locked thread is refused with HTTP status 409."""
    inner = behaviour.refusal_status

    def status(operation: Operation | None, refusal: Refusal) -> int:
        locked = "already has an active run" in refusal.message or "while a run" in refusal.message
        return 409 if locked else inner(operation, refusal)

    behaviour.refusal_status = status


@mutant("refusals")
def answers_unknown_roles_with_404(behaviour: Behaviour) -> None:
    """A message of a role that does not exist is refused with HTTP status 404."""
    inner = behaviour.refusal_status

    def status(operation: Operation | None, refusal: Refusal) -> int:
        role = operation is not None and operation.name == "create_message" and refusal.param == "role"
        return 404 if role and refusal.code == "invalid_value" else inner(operation, refusal)

    behaviour.refusal_status = status
