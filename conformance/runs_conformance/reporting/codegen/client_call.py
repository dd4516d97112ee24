"""Steps as Python that sends them: by the official client where that can express them, else by httpx."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import quote

from runs_conformance.contract.constraint import request_bodies
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.schema import compiled
from runs_conformance.model.case import Key, Ref, Role, Step
from runs_conformance.model.json import ABSENT, is_object, parts
from runs_conformance.reporting.codegen.literal import Held, arguments, quoted, source

_METHODS = {
    "list_assistants": "assistants.list",
    "create_assistant": "assistants.create",
    "get_assistant": "assistants.retrieve",
    "modify_assistant": "assistants.update",
    "delete_assistant": "assistants.delete",
    "create_thread": "threads.create",
    "create_thread_and_run": "threads.create_and_run",
    "get_thread": "threads.retrieve",
    "modify_thread": "threads.update",
    "delete_thread": "threads.delete",
    "list_messages": "threads.messages.list",
    "create_message": "threads.messages.create",
    "get_message": "threads.messages.retrieve",
    "modify_message": "threads.messages.update",
    "delete_message": "threads.messages.delete",
    "list_runs": "threads.runs.list",
    "create_run": "threads.runs.create",
    "get_run": "threads.runs.retrieve",
    "modify_run": "threads.runs.update",
    "cancel_run": "threads.runs.cancel",
    "submit_tool_outputs": "threads.runs.submit_tool_outputs",
    "list_run_steps": "threads.runs.steps.list",
    "get_run_step": "threads.runs.steps.retrieve",
}
"""The official client's method for each operation, below `client.beta`."""

_DEMANDED: Mapping[str, tuple[str, ...]] = {
    "create_assistant": ("model",),
    "create_thread_and_run": ("assistant_id",),
    "create_message": ("role", "content"),
    "create_run": ("assistant_id",),
    "submit_tool_outputs": ("tool_outputs",),
}
"""The members without which the client sends nothing."""

_NOT_TAKEN: Mapping[str, frozenset[str]] = {
    "create_thread_and_run": frozenset({"additional_instructions", "additional_messages", "reasoning_effort"})
}
"""What the contract has and the client's method has no argument for."""


@cache
def members(operation: str) -> frozenset[str]:
    """The members that the client's method has an argument for: those of the contract; others go as `extra_body`."""
    if operation not in request_bodies():
        return frozenset()
    stated = compiled(request_bodies()[operation], operation, DEFAULT_EDITION).get("properties", {})
    return frozenset(stated) - _NOT_TAKEN.get(operation, frozenset())


_PAGE = ("limit", "order", "after", "before")
_BEFORE = 20
"""So many characters stand before an expression, about."""

_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, slots=True)
class Sending:
    """The source of an expression that sends a step. `by_client` says that it gives an object of the official client,
    else an httpx response; `because` is why it had to be httpx.
    """

    source: str
    by_client: bool
    because: str = ""


@dataclass(slots=True)
class Writer:
    """Writes steps as expressions; `held` are the variables that hold what earlier steps gave.

    `dialect` is the family of the server: the official client's plain class speaks only to `openai`.
    """

    dialect: str = "openai"
    held: dict[str, Held] = field(default_factory=dict)

    def sending(self, step: Step, depth: int = 0, raw: bool = False) -> Sending:
        """The expression that sends a step, at a depth of indentation. With `raw` the client gives the answer as it
        came. Raises KeyError where a reference points to no earlier step.
        """
        because = next(self._against(step), "")
        if because:
            return Sending(self._plain(step, depth), False, because)
        return Sending(self._by_client(step, depth, raw), True)

    def _against(self, step: Step) -> Iterator[str]:
        """Why the official client cannot send a step."""
        if self.dialect != "openai":
            yield "the plain client does not speak this dialect"
        if step.key is Key.NONE:
            yield "the client always sends a key"
        if any(value is None for value in step.headers.values()):
            yield "the client always sends that header"
        if step.raw is not None:
            yield "the client sends only what is JSON"
        body = step.body
        if body is not ABSENT and not is_object(body):
            yield "the client sends only JSON objects"
        given = body if is_object(body) else {}
        missing = [name for name in _DEMANDED.get(step.operation, ()) if name not in given]
        if missing:
            yield f"the client does not send {step.operation} without {missing[0]}"
        if any(not isinstance(value, Ref) and not _is_plain(value) for value in step.path.values()):
            yield "the client does not send an id of that form"
        if body is not ABSENT and not _encodes(body):
            yield "the client cannot encode that text"
        names = [name for name, _ in step.query]
        if len(set(names)) < len(names):
            yield "the client sends a parameter once"
        if body is not ABSENT and step.operation not in request_bodies():
            yield "the client sends no body there"

    def _by_client(self, step: Step, depth: int, raw: bool) -> str:
        given: dict[str, str] = {}
        path = [source(value, self.held) for value in step.path.values()]
        names = list(step.path)
        # What the path ends with is the one positional argument; the others have to be named.
        positional = path[-1:]
        given.update(zip(names[:-1], path[:-1], strict=True))
        extra: dict[str, object] = {}
        for name, value in (step.body if is_object(step.body) else {}).items():
            odd = name == _mutated(step)
            if name in members(step.operation) and (not odd or name in _DEMANDED.get(step.operation, ())):
                given[name] = source(value, self.held, depth + 1)
            if odd or name not in members(step.operation):
                # The client may make something else of what it does not expect; this goes as it is.
                extra[name] = value
        if extra:
            given["extra_body"] = source(extra, self.held, depth + 1)
        if step.query:
            given.update(self._query(step))
        if step.headers:
            given["extra_headers"] = source(dict(step.headers), self.held, depth + 1)
        method = _METHODS[step.operation]
        if raw:
            where, _, verb = method.rpartition(".")
            method = f"{where}.with_raw_response.{verb}"
        call = f"{_CLIENTS[step.key]}.beta.{method}"
        return call + arguments(given, positional, depth, len(call) + _BEFORE)

    def _query(self, step: Step) -> dict[str, str]:
        plain = step.role is not Role.NEGATIVE and OPERATIONS[step.operation].lists is not None
        known = (*_PAGE, "run_id") if step.operation == "list_messages" else _PAGE
        given = {name: source(value, self.held) for name, value in step.query if plain and name in known}
        rest = {name: value for name, value in step.query if name not in given}
        if rest:
            given["extra_query"] = source(rest, self.held)
        return given

    def _plain(self, step: Step, depth: int) -> str:
        operation = OPERATIONS[step.operation]
        given: dict[str, str] = {}
        if step.raw is not None:
            given["content"] = _bytes(step.raw)
        elif step.body is not ABSENT:
            given["body"] = source(step.body, self.held, depth + 1)
        if step.query:
            given["query"] = source([list(pair) for pair in step.query], self.held, depth + 1)
        if step.headers:
            given["headers"] = source(dict(step.headers), self.held, depth + 1)
        if step.key is not Key.OWN:
            given["key"] = _KEYS[step.key]
        return "send" + arguments(given, [quoted(operation.method), self._url(step)], depth, _BEFORE)

    def _url(self, step: Step) -> str:
        """The source of a path with its ids filled in."""
        refers = False

        def filled(match: re.Match[str]) -> str:
            nonlocal refers
            value = step.path[match.group(1)]
            if isinstance(value, Ref):
                refers = True
                return "{" + self.held[value.step].at(value.pointer) + "}"
            text = quote(value if isinstance(value, str) else str(value), safe="", errors="surrogatepass")
            return text.replace("{", "{{").replace("}", "}}")

        url = re.sub(r"\{(\w+)\}", filled, OPERATIONS[step.operation].path)
        return f'f"{url}"' if refers else quoted(url)


_CLIENTS = {
    Key.OWN: "client",
    Key.SECOND: 'client.with_options(api_key=os.environ["CONFORMANCE_SECOND_API_KEY"])',
    Key.WRONG: 'client.with_options(api_key="no-such-key")',
    Key.NONE: "client",
}
_KEYS = {Key.SECOND: 'os.environ["CONFORMANCE_SECOND_API_KEY"]', Key.WRONG: '"no-such-key"', Key.NONE: "None"}


def _mutated(step: Step) -> str | None:
    """The member of the body that is not as it should be."""
    mutation = step.mutation
    if step.role is not Role.NEGATIVE or mutation is None or mutation.place != "body":
        return None
    return next(iter(parts(mutation.pointer)), None)


def _is_plain(value: object) -> bool:
    return isinstance(value, str) and bool(_PLAIN_ID.match(value))


def _encodes(value: object) -> bool:
    """Whether every text in a value can be written as UTF-8."""
    if isinstance(value, str):
        return value.isascii() or not any(0xD800 <= ord(char) < 0xE000 for char in value)
    if is_object(value):
        return all(_encodes(name) and _encodes(member) for name, member in value.items())
    return all(map(_encodes, value)) if isinstance(value, (list, tuple)) else True


def _bytes(raw: bytes) -> str:
    text = source(raw.decode("latin-1"), {})
    return f'({text}).encode("latin-1")' if " * " in text or " + " in text else f'{text}.encode("latin-1")'
