"""Shell commands that reproduce a counterexample; they contain no key and no id of a deleted object."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote as url_quote

from runs_conformance.contract.dialect import dialect_family
from runs_conformance.contract.operation import BETA_HEADER, OPERATIONS
from runs_conformance.model.json import JSON, is_array, is_object
from runs_conformance.reporting.codegen.shell import (
    Part,
    ShellVariable,
    ansi_quote,
    jq_path,
    jq_status_test,
    quote,
    shell_word,
    variable_name,
)
from runs_conformance.reporting.request_access import RequestAccess, is_shell_variable

MAX_LENGTH = 6_000
"""Longer commands are of no use in a terminal."""


def script(example: JSON, base_url: str, dialect: str = "openai", access: RequestAccess | None = None) -> str | None:
    """The commands that set up and reproduce a counterexample; None if a shell cannot send it.

    `access` describes headers and query parameters of this target; the default follows from the dialect. All commands
    but the last use `jq` to read the ids that the target returns.
    """
    if not is_object(example):
        return None
    access = access or RequestAccess(dialect_family(dialect).key_header)
    case = example.get("case")
    if not is_object(case):
        return _recorded_request(example, base_url, access)
    before = example.get("before")
    steps = [step for step in (before if is_array(before) else ()) if is_object(step)]
    shell = _Shell(base_url, access, _variables([*steps, case]))
    try:
        lines = [*(shell.line(step, keep=True) for step in steps), shell.line(case, keep=False)]
    except KeyError:
        return None
    text = "\n".join(lines)
    return text if len(text) <= MAX_LENGTH and "… (" not in text else None


def _recorded_request(example: Mapping[str, JSON], base_url: str, access: RequestAccess) -> str | None:
    request, key_header, base_path = (example.get(name) for name in ("request", "key_header", "base_path"))
    if not is_object(request):
        return None
    if isinstance(key_header, str):
        access = replace(access, key_header=key_header)
    query = request.get("query")
    pairs = [(str(pair[0]), str(pair[1])) for pair in query if is_array(pair)] if is_array(query) else []
    url = (
        *_base(base_url),
        (base_path if isinstance(base_path, str) else "") + str(request.get("path", "")),
        *_query([(name, url_quote(value, safe="", errors="surrogatepass")) for name, value in pairs], access),
    )
    content = json.dumps(request["body"]) if "body" in request else None
    return _command(str(request.get("method", "GET")), url, access, {}, quote(content) if content else None)


def _base(base_url: str) -> tuple[Part, ...]:
    return (ShellVariable(base_url[1:]),) if is_shell_variable(base_url) else (base_url,)


def _variables(steps: Sequence[Mapping[str, JSON]]) -> dict[tuple[str, str], str]:
    """A shell variable for each value that a step takes from an earlier response."""
    pointers_by_step: dict[str, list[str]] = {}
    for step in steps:
        for name, pointer in _references(step):
            pointers = pointers_by_step.setdefault(name, [])
            if pointer not in pointers:
                pointers.append(pointer)
    names = {}
    for name, pointers in pointers_by_step.items():
        variable = variable_name(name)
        for number, pointer in enumerate(pointers):
            names[name, pointer] = variable if number == 0 else f"{variable}_{number + 1}"
    return names


def _references(value: JSON) -> Iterator[tuple[str, str]]:
    if is_object(value):
        if value.keys() == {"$from", "at"}:
            yield str(value["$from"]), str(value["at"])
            return
        for member in value.values():
            yield from _references(member)
    elif is_array(value):
        for item in value:
            yield from _references(item)


@dataclass(frozen=True, slots=True)
class _Shell:
    """Writes steps as shell commands for one target; `variables` name the values of earlier responses."""

    base_url: str
    access: RequestAccess
    variables: Mapping[tuple[str, str], str]

    def line(self, step: Mapping[str, JSON], keep: bool) -> str:
        """The command that sends a step; with `keep`, it stores the values that later steps refer to."""
        command = self._curl(step)
        until = step.get("until")
        if is_array(until) and until:
            wanted = jq_status_test([str(status) for status in until])
            return f"until {command} | jq -e {wanted} > /dev/null; do sleep 1; done"
        captures = [
            (pointer, name) for (step_name, pointer), name in self.variables.items() if step_name == step.get("name")
        ]
        if not keep:
            return command
        if not captures:
            return f"{command} > /dev/null"
        if len(captures) == 1:
            return f"{captures[0][1]}=$({command} | jq -r {jq_path(captures[0][0])})"
        reads = "; ".join(f'{name}=$(jq -r {jq_path(pointer)} <<< "$ANSWER")' for pointer, name in captures)
        return f"ANSWER=$({command}); {reads}"

    def _curl(self, step: Mapping[str, JSON]) -> str:
        operation = OPERATIONS[str(step["operation"])]
        ids = step.get("path")
        values = {name: self._url_value(value) for name, value in ids.items()} if is_object(ids) else {}
        path: list[Part] = []
        for segment in operation.path.split("/")[1:]:
            path += ["/", values[segment[1:-1]] if segment.startswith("{") else segment]
        query = step.get("query")
        pairs = (
            [(str(pair[0]), self._url_value(pair[1])) for pair in query if is_array(pair)] if is_array(query) else []
        )
        headers = step.get("headers")
        return _command(
            operation.method,
            (*_base(self.base_url), *path, *_query(pairs, self.access)),
            self.access,
            headers if is_object(headers) else {},
            self._body(step),
            str(step.get("key", "own")),
        )

    def _url_value(self, value: JSON) -> Part:
        """A value in a URL."""
        variable = self._variable(value)
        if variable is not None:
            return variable
        return url_quote(value if isinstance(value, str) else json.dumps(value), safe="", errors="surrogatepass")

    def _variable(self, value: JSON) -> ShellVariable | None:
        if not is_object(value) or value.keys() != {"$from", "at"}:
            return None
        return ShellVariable(self.variables[str(value["$from"]), str(value["at"])])

    def _body(self, step: Mapping[str, JSON]) -> str | None:
        if "raw" in step:
            raw = str(step["raw"])
            is_plain = raw.isprintable() and raw.isascii()
            return quote(raw) if is_plain else ansi_quote(raw.encode("latin-1", "replace"))
        if "body" not in step:
            return None
        body, mark = step["body"], "@"
        while mark in json.dumps(body):
            mark += "@"
        found: list[ShellVariable] = []
        texts = json.dumps(self._with_marks(body, mark, found)).split(mark)
        return "".join(
            quote(text) + (f'"${found[number].name}"' if number < len(found) else "")
            for number, text in enumerate(texts)
        )

    def _with_marks(self, value: JSON, mark: str, found: list[ShellVariable]) -> JSON:
        """The body with a mark for each reference, whose variables are added to `found`."""
        variable = self._variable(value)
        if variable is not None:
            found.append(variable)
            return mark
        if is_object(value):
            return {name: self._with_marks(member, mark, found) for name, member in value.items()}
        if is_array(value):
            return [self._with_marks(item, mark, found) for item in value]
        return value


def _query(pairs: Sequence[tuple[str, Part]], access: RequestAccess) -> list[Part]:
    parts: list[Part] = []
    for name, value in (*((name, _value(text, in_url=True)) for name, text in access.query), *pairs):
        parts += ["&" if parts else "?", f"{url_quote(name, safe='', errors='surrogatepass')}=", value]
    return parts


def _value(text: str, in_url: bool = False) -> Part:
    """A value of a header or of a query parameter of every request, which may be a variable."""
    if is_shell_variable(text):
        return ShellVariable(text[1:])
    return url_quote(text, safe="", errors="surrogatepass") if in_url else text


def _command(
    method: str,
    url: Sequence[Part],
    access: RequestAccess,
    changes: Mapping[str, JSON],
    data: str | None,
    key: str = "own",
) -> str:
    headers: dict[str, tuple[Part, ...]] = {name: (f"{name}: ", _value(value)) for name, value in access.headers}
    carrier = access.key_header
    scheme = "Bearer " if carrier.lower() == "authorization" else ""
    match key:
        case "own":
            headers[carrier] = (f"{carrier}: {scheme}", ShellVariable("OPENAI_API_KEY"))
        case "second":
            headers[carrier] = (f"{carrier}: {scheme}", ShellVariable("CONFORMANCE_SECOND_API_KEY"))
        case "basic":
            headers["Authorization"] = ("Authorization: Basic ", ShellVariable("OPENAI_API_KEY"))
        case "wrong":
            headers[carrier] = (f"{carrier}: {scheme}no-such-key",)
        case _:
            pass
    headers[BETA_HEADER[0]] = (f"{BETA_HEADER[0]}: {BETA_HEADER[1]}",)
    if data is not None:
        headers["Content-Type"] = ("Content-Type: application/json",)
    for name, value in changes.items():
        for replaced in [known for known in headers if known.lower() == name.lower()]:
            del headers[replaced]
        if value is not None:
            headers[name] = (f"{name}: {value}",)
    parts = ["curl -sS"]
    if method != "GET" and (data is None or method != "POST"):
        parts.append(f"-X {quote(method)}")
    parts.append(shell_word(*url))
    # A header that starts with @ would name a file.
    parts += [f"-H {shell_word(*header)}" for header in headers.values() if not str(header[0]).startswith("@")]
    if data is not None:
        parts.append(f"--data-raw {data}" if _names_file(data) else f"--data-binary {data}")
    return " ".join(parts)


def _names_file(data: str) -> bool:
    """Whether curl would interpret the data as the name of a file."""
    return data.removeprefix("$").removeprefix("'").startswith("@")
