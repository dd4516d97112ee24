"""Steps as Python calls: of the official client if it can express the step, else of httpx."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import quote

from runs_conformance.contract.constraint import body_documents
from runs_conformance.contract.dialect import dialect_family
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.schema import compile_schema
from runs_conformance.model.case import Key, Ref, Role, Step
from runs_conformance.model.json import ABSENT, is_object, pointer_tokens
from runs_conformance.reporting.codegen.literal import Variable, arguments, literal, quote_text

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
"""The official client's method for each operation, relative to `client.beta`."""

_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "create_assistant": ("model",),
    "create_thread_and_run": ("assistant_id",),
    "create_message": ("role", "content"),
    "create_run": ("assistant_id",),
    "submit_tool_outputs": ("tool_outputs",),
}
"""Members that the client's method requires."""

_UNSUPPORTED: Mapping[str, frozenset[str]] = {
    "create_thread_and_run": frozenset({"additional_instructions", "additional_messages", "reasoning_effort"})
}
"""Members of the contract for which the client's method has no argument."""


@cache
def client_arguments(operation: str) -> frozenset[str]:
    """Members that are arguments of the client's method; all others are passed in `extra_body`."""
    if operation not in body_documents():
        return frozenset()
    properties = compile_schema(body_documents()[operation], operation, DEFAULT_EDITION).get("properties", {})
    return frozenset(properties) - _UNSUPPORTED.get(operation, frozenset())


_PAGE_PARAMETERS = ("limit", "order", "after", "before")
_TYPICAL_PREFIX = 20
"""Approximate number of characters before an expression on its line."""

_IN_F_STRING = re.compile(r"[A-Za-z0-9_.]+(?:\['[A-Za-z0-9_ .-]+'\]|\[[0-9]+\])*\Z")
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]+\Z")


@dataclass(frozen=True, slots=True)
class ClientCall:
    """The source of an expression that sends a step.

    The expression returns an object of the official client if `uses_client`, else an httpx response; `reason` explains
    why httpx is needed.
    """

    source: str
    uses_client: bool
    reason: str = ""


@dataclass(slots=True)
class CallWriter:
    """Writes steps as expressions; `variables` hold the results of earlier steps, by step name.

    `dialect` is the dialect family of the server; the official client's default class supports only `openai`. `items`
    are the places of the items in lists of another form than documented, by step name.
    """

    dialect: str = "openai"
    variables: dict[str, Variable] = field(default_factory=dict)
    items: Mapping[str, str] = field(default_factory=dict)

    def call(self, step: Step, depth: int = 0, raw: bool = False) -> ClientCall:
        """The expression that sends a step, at an indentation depth. With `raw`, the client returns the raw response.

        Raises KeyError if a reference points to no earlier step.
        """
        reason = next(self._reasons_for_httpx(step), "")
        if reason:
            return ClientCall(self._httpx_call(step, depth), False, reason)
        return ClientCall(self._client_call(step, depth, raw), True)

    def _reasons_for_httpx(self, step: Step) -> Iterator[str]:
        """Reasons why the official client cannot send a step."""
        if not dialect_family(self.dialect).default_client:
            yield "the default client does not support this dialect"
        if step.name and step.name in self.items:
            yield "the client reads no list of that form"
        if step.key is Key.NONE:
            yield "the client always sends a key"
        if any(value is None for value in step.headers.values()):
            yield "the client always sends that header"
        if step.raw is not None:
            yield "the client sends only JSON"
        body = step.body
        if body is not ABSENT and not is_object(body):
            yield "the client sends only JSON objects"
        named = body if is_object(body) else {}
        missing = [name for name in _REQUIRED.get(step.operation, ()) if name not in named]
        if missing:
            yield f"the client requires {missing[0]} for {step.operation}"
        if any(not isinstance(value, Ref) and not _is_plain_id(value) for value in step.path.values()):
            yield "the client rejects an id of that form"
        if body is not ABSENT and not _is_encodable(body):
            yield "the client cannot encode that text"
        names = [name for name, _ in step.query]
        if len(set(names)) < len(names):
            yield "the client sends each parameter once"
        if body is not ABSENT and step.operation not in body_documents():
            yield "the client sends no body there"

    def _client_call(self, step: Step, depth: int, raw: bool) -> str:
        named: dict[str, str] = {}
        names = [name for name in OPERATIONS[step.operation].parameters if name in step.path]
        path = [literal(step.path[name], self.variables) for name in names]
        # The last path parameter is the positional argument; the others must be named.
        positional = path[-1:]
        named.update(zip(names[:-1], path[:-1], strict=True))
        extra: dict[str, object] = {}
        for name, value in (step.body if is_object(step.body) else {}).items():
            is_mutated = name == _mutated_member(step)
            is_required = name in _REQUIRED.get(step.operation, ())
            if name in client_arguments(step.operation) and (not is_mutated or is_required):
                named[name] = literal(value, self.variables, depth + 1)
            if is_mutated or name not in client_arguments(step.operation):
                # The client may transform unexpected values; extra_body is sent unchanged.
                extra[name] = value
        if extra:
            named["extra_body"] = literal(extra, self.variables, depth + 1)
        if step.query:
            named.update(self._query(step))
        if step.headers:
            named["extra_headers"] = literal(dict(step.headers), self.variables, depth + 1)
        method = _METHODS[step.operation]
        if raw:
            where, _, verb = method.rpartition(".")
            method = f"{where}.with_raw_response.{verb}"
        call = f"{_CLIENTS[step.key]}.beta.{method}"
        return call + arguments(named, positional, depth, len(call) + _TYPICAL_PREFIX)

    def _query(self, step: Step) -> dict[str, str]:
        is_plain = step.role is not Role.NEGATIVE and OPERATIONS[step.operation].listed_kind is not None
        known = (*_PAGE_PARAMETERS, "run_id") if step.operation == "list_messages" else _PAGE_PARAMETERS
        named = {name: literal(value, self.variables) for name, value in step.query if is_plain and name in known}
        rest = {name: value for name, value in step.query if name not in named}
        if rest:
            named["extra_query"] = literal(rest, self.variables)
        return named

    def _httpx_call(self, step: Step, depth: int) -> str:
        operation = OPERATIONS[step.operation]
        named: dict[str, str] = {}
        if step.raw is not None:
            named["content"] = _bytes_literal(step.raw)
        elif step.body is not ABSENT:
            named["body"] = literal(step.body, self.variables, depth + 1)
        if step.query:
            named["query"] = literal([list(pair) for pair in step.query], self.variables, depth + 1)
        if step.headers:
            named["headers"] = literal(dict(step.headers), self.variables, depth + 1)
        if step.key is not Key.PRIMARY:
            named["key"] = _KEYS[step.key]
        return "send" + arguments(named, [quote_text(operation.method), self._url(step)], depth, _TYPICAL_PREFIX)

    def _url(self, step: Step) -> str:
        """The source of a path with its ids inserted."""
        texts, sources = "", []
        for part in re.split(r"\{(\w+)\}", OPERATIONS[step.operation].path):
            value = step.path[part] if part in OPERATIONS[step.operation].parameters else part
            if isinstance(value, Ref):
                sources.append(self.variables[value.step].value_at(value.pointer))
                texts += "{}"
            else:
                text = quote(
                    value if isinstance(value, str) else str(value),
                    safe="/" if value is part else "",
                    errors="surrogatepass",
                )
                texts += text.replace("{", "{{").replace("}", "}}")
        if not sources:
            return quote_text(texts.replace("{{", "{").replace("}}", "}"))
        if all(_IN_F_STRING.match(source) for source in sources):
            return 'f"' + texts.format(*("{" + source + "}" for source in sources)) + '"'
        return f"{quote_text(texts)}.format({', '.join(sources)})"


_CLIENTS = {
    Key.PRIMARY: "client",
    Key.SECOND: 'client.with_options(api_key=os.environ["CONFORMANCE_SECOND_API_KEY"])',
    Key.WRONG: 'client.with_options(api_key="no-such-key")',
    Key.NONE: "client",
}
_KEYS = {Key.SECOND: 'os.environ["CONFORMANCE_SECOND_API_KEY"]', Key.WRONG: '"no-such-key"', Key.NONE: "None"}


def _mutated_member(step: Step) -> str | None:
    """The top-level member of the body that the mutation changed."""
    mutation = step.mutation
    if step.role is not Role.NEGATIVE or mutation is None or mutation.place != "body":
        return None
    return next(iter(pointer_tokens(mutation.pointer)), None)


def _is_plain_id(value: object) -> bool:
    return isinstance(value, str) and bool(_PLAIN_ID.match(value))


def _is_encodable(value: object) -> bool:
    """Whether every string in a value can be encoded as UTF-8."""
    if isinstance(value, str):
        return value.isascii() or not any(0xD800 <= ord(char) < 0xE000 for char in value)
    if is_object(value):
        return all(_is_encodable(name) and _is_encodable(member) for name, member in value.items())
    return all(map(_is_encodable, value)) if isinstance(value, (list, tuple)) else True


def _bytes_literal(raw: bytes) -> str:
    text = literal(raw.decode("latin-1"), {})
    return f'({text}).encode("latin-1")' if " * " in text or " + " in text else f'{text}.encode("latin-1")'
