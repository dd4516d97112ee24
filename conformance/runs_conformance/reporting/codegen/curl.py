"""Shell commands that reproduce a counterexample; they contain no key and no id of a deleted object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from runs_conformance.contract.dialect import dialect_family
from runs_conformance.contract.operation import BETA_HEADER, OPERATIONS
from runs_conformance.model.json import JSON, is_array, is_object, spell_pointer
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
    request = example.get("request")
    if not is_object(request):
        return None
    query = request.get("query")
    pairs = [(str(pair[0]), str(pair[1])) for pair in query if is_array(pair)] if is_array(query) else []
    url = (
        base_url
        + str(request.get("path", ""))
        + _query([(name, quote(value, safe="")) for name, value in pairs], access)
    )
    content = json.dumps(request["body"]) if "body" in request else None
    return _command(str(request.get("method", "GET")), url, access, {}, _single_quoted(content) if content else None)


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
        variable = re.sub(r"\W", "_", name).upper()
        variable = f"_{variable}" if variable[:1].isdigit() else variable
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
            wanted = "|".join(str(status) for status in until)
            return f"until {command} | jq -e '.status | test(\"^({wanted})$\")' > /dev/null; do sleep 1; done"
        captures = [
            (pointer, name) for (step_name, pointer), name in self.variables.items() if step_name == step.get("name")
        ]
        if not keep:
            return command
        if not captures:
            return f"{command} > /dev/null"
        if len(captures) == 1:
            return f"{captures[0][1]}=$({command} | jq -r {_jq_path(captures[0][0])})"
        reads = "; ".join(f'{name}=$(jq -r {_jq_path(pointer)} <<< "$ANSWER")' for pointer, name in captures)
        return f"ANSWER=$({command}); {reads}"

    def _curl(self, step: Mapping[str, JSON]) -> str:
        operation = OPERATIONS[str(step["operation"])]
        ids = step.get("path")
        values = {name: self._url_value(value) for name, value in ids.items()} if is_object(ids) else {}
        path = re.sub(r"\{(\w+)\}", lambda match: values[match.group(1)], operation.path)
        query = step.get("query")
        pairs = (
            [(str(pair[0]), self._url_value(pair[1])) for pair in query if is_array(pair)] if is_array(query) else []
        )
        headers = step.get("headers")
        return _command(
            operation.method,
            self.base_url + path + _query(pairs, self.access),
            self.access,
            headers if is_object(headers) else {},
            self._body(step),
            str(step.get("key", "own")),
        )

    def _url_value(self, value: JSON) -> str:
        """A value for a double-quoted URL."""
        variable = self._variable(value)
        if variable is not None:
            return variable
        return quote(value if isinstance(value, str) else json.dumps(value), safe="", errors="surrogatepass")

    def _variable(self, value: JSON) -> str | None:
        if not is_object(value) or value.keys() != {"$from", "at"}:
            return None
        return "$" + self.variables[str(value["$from"]), str(value["at"])]

    def _body(self, step: Mapping[str, JSON]) -> str | None:
        if "raw" in step:
            raw = str(step["raw"])
            return _single_quoted(raw) if raw.isprintable() and raw.isascii() else _ansi_quoted(raw)
        if "body" not in step:
            return None
        quoted = _single_quoted(json.dumps(self._with_placeholders(step["body"])))
        return re.sub(r"\\u0001(\$\w+)\\u0001", r"""'"\1"'""", quoted)

    def _with_placeholders(self, value: JSON) -> JSON:
        """The body with each reference replaced by its variable between U+0001 characters, which JSON escapes."""
        variable = self._variable(value)
        if variable is not None:
            return f"\x01{variable}\x01"
        if is_object(value):
            return {name: self._with_placeholders(member) for name, member in value.items()}
        if is_array(value):
            return [self._with_placeholders(item) for item in value]
        return value


def _jq_path(pointer: str) -> str:
    """A JSON Pointer as a jq path."""
    return f".{spell_pointer(pointer)}"


def _query(pairs: Sequence[tuple[str, str]], access: RequestAccess) -> str:
    extra = ((name, value if is_shell_variable(value) else quote(value, safe="")) for name, value in access.query)
    pairs = [*extra, *pairs]
    return "?" + "&".join(f"{quote(name, safe='')}={value}" for name, value in pairs) if pairs else ""


def _single_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _ansi_quoted(raw: str) -> str:
    """Bytes (as latin-1) in the shell's `$'...'` quoting."""
    escaped = "".join(
        f"\\{char}" if char in "\\'" else char if 32 <= ord(char) < 127 else f"\\x{ord(char):02x}" for char in raw
    )
    return f"$'{escaped}'"


def _command(
    method: str, url: str, access: RequestAccess, changes: Mapping[str, JSON], data: str | None, key: str = "own"
) -> str:
    headers = {
        name: f"{name}: {value if is_shell_variable(value) else _double_quoted(value)}"
        for name, value in access.headers
    }
    carrier = access.key_header_line
    match key:
        case "own":
            headers[carrier.partition(":")[0]] = carrier
        case "second":
            headers[carrier.partition(":")[0]] = carrier.replace("OPENAI_API_KEY", "CONFORMANCE_SECOND_API_KEY")
        case "basic":
            headers["Authorization"] = "Authorization: Basic $OPENAI_API_KEY"
        case "wrong":
            headers[carrier.partition(":")[0]] = carrier.replace("$OPENAI_API_KEY", "no-such-key")
        case _:
            pass
    headers[BETA_HEADER[0]] = f"{BETA_HEADER[0]}: {BETA_HEADER[1]}"
    if data is not None:
        headers["Content-Type"] = "Content-Type: application/json"
    for name, value in changes.items():
        for replaced in [known for known in headers if known.lower() == name.lower()]:
            del headers[replaced]
        if value is not None:
            headers[name] = f"{name}: {_double_quoted(str(value))}"
    parts = ["curl -sS", f"-X {method}" if method != "GET" and (data is None or method != "POST") else "", f'"{url}"']
    parts += [f'-H "{header}"' for header in headers.values()]
    if data is not None:
        parts.append(f"--data-binary {data}")
    return " ".join(part for part in parts if part)


def _double_quoted(text: str) -> str:
    """Escape a text for double quotes."""
    return re.sub(r'([\\"$`])', r"\\\1", text)
