"""Shell lines that send a counterexample again; they hold no key and no id of an object that is gone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from conformance.contract.operation import BETA_HEADER, OPERATIONS
from conformance.model.json import JSON, is_array, is_object

KEY_HEADERS = {"openai": "Authorization: Bearer $OPENAI_API_KEY", "azure": "api-key: $OPENAI_API_KEY"}
LONGEST = 12_000
"""A line longer than this is of no use in a terminal."""


def script(example: JSON, base_url: str, dialect: str = "openai") -> str | None:
    """The lines that lead up to a counterexample and show it; None where it cannot be sent from a shell.

    The lines before the last need `jq`, which reads the ids that the target gives.
    """
    if not is_object(example):
        return None
    case = example.get("case")
    if not is_object(case):
        return _recorded(example, base_url, dialect)
    before = example.get("before")
    steps = [step for step in (before if is_array(before) else ()) if is_object(step)]
    names = _names(steps)
    try:
        lines = [_line(step, names, base_url, dialect, names.get(str(step.get("name", "")))) for step in steps]
        lines.append(_line(case, names, base_url, dialect, None))
    except KeyError:
        return None
    whole = "\n".join(lines)
    return whole if len(whole) <= LONGEST and "… (" not in whole else None


def _recorded(example: Mapping[str, JSON], base_url: str, dialect: str) -> str | None:
    request = example.get("request")
    if not is_object(request):
        return None
    query = request.get("query")
    pairs = [(str(pair[0]), str(pair[1])) for pair in query if is_array(pair)] if is_array(query) else []
    url = base_url + str(request.get("path", "")) + _query([(name, quote(value, safe="")) for name, value in pairs])
    content = json.dumps(request["body"]) if "body" in request else None
    return _command(str(request.get("method", "GET")), url, dialect, {}, _quoted(content) if content else None)


def _names(steps: Sequence[Mapping[str, JSON]]) -> dict[str, str]:
    """A shell variable for each named step."""
    names: dict[str, str] = {}
    for step in steps:
        name = str(step.get("name", ""))
        if name:
            variable = re.sub(r"\W", "_", name).upper()
            names[name] = f"_{variable}" if variable[:1].isdigit() else variable
    return names


def _line(step: Mapping[str, JSON], names: Mapping[str, str], base_url: str, dialect: str, into: str | None) -> str:
    operation = OPERATIONS[str(step["operation"])]
    given = step.get("path")
    values = {name: _word(value, names) for name, value in given.items()} if is_object(given) else {}
    path = re.sub(r"\{(\w+)\}", lambda match: values[match.group(1)], operation.path)
    query = step.get("query")
    pairs = [(str(pair[0]), _word(pair[1], names)) for pair in query if is_array(pair)] if is_array(query) else []
    headers = step.get("headers")
    command = _command(
        operation.method,
        base_url + path + _query(pairs),
        dialect,
        headers if is_object(headers) else {},
        _body(step, names),
        str(step.get("key", "own")),
    )
    if is_array(until := step.get("until")) and until:
        wanted = "|".join(str(status) for status in until)
        return f"until {command} | jq -e '.status | test(\"^({wanted})$\")' > /dev/null; do sleep 1; done"
    if into is None:
        return command
    return f"{into}=$({command})"


def _word(value: JSON, names: Mapping[str, str]) -> str:
    """A value inside a double-quoted URL: a reference reads the id from an earlier answer."""
    reference = _reference(value, names)
    if reference is not None:
        return reference
    return quote(value if isinstance(value, str) else json.dumps(value), safe="", errors="surrogatepass")


def _reference(value: JSON, names: Mapping[str, str]) -> str | None:
    if not is_object(value) or value.keys() != {"$from", "at"}:
        return None
    variable = names[str(value["$from"])]
    way = "".join(f"[{token}]" if token.isdecimal() else f".{token}" for token in str(value["at"]).split("/")[1:])
    return f'$(jq -r {way or "."} <<< "${variable}")'


def _query(pairs: Sequence[tuple[str, str]]) -> str:
    return "?" + "&".join(f"{quote(name, safe='')}={value}" for name, value in pairs) if pairs else ""


def _body(step: Mapping[str, JSON], names: Mapping[str, str]) -> str | None:
    if "raw" in step:
        raw = str(step["raw"])
        return _quoted(raw) if raw.isprintable() and raw.isascii() else _escaped(raw)
    if "body" not in step:
        return None
    holes: list[str] = []
    text = json.dumps(_with_holes(step["body"], names, holes))
    quoted = _quoted(text)
    for number, reference in enumerate(holes):
        quoted = quoted.replace(f"\\u0001{number}\\u0001", f"'\"{reference}\"'")
    return quoted


def _with_holes(value: JSON, names: Mapping[str, str], holes: list[str]) -> JSON:
    """The body with each reference replaced by a mark that cannot stand in JSON otherwise."""
    reference = _reference(value, names)
    if reference is not None:
        holes.append(reference)
        return f"\x01{len(holes) - 1}\x01"
    if is_object(value):
        return {name: _with_holes(member, names, holes) for name, member in value.items()}
    if is_array(value):
        return [_with_holes(item, names, holes) for item in value]
    return value


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _escaped(raw: str) -> str:
    """Bytes (as latin-1) in the shell's `$'...'` form."""
    shown = "".join(
        f"\\{char}" if char in "\\'" else char if 32 <= ord(char) < 127 else f"\\x{ord(char):02x}" for char in raw
    )
    return f"$'{shown}'"


def _command(
    method: str, url: str, dialect: str, changes: Mapping[str, JSON], data: str | None, key: str = "own"
) -> str:
    headers: dict[str, str] = {}
    carrier = KEY_HEADERS.get(dialect, KEY_HEADERS["openai"])
    match key:
        case "own":
            headers[carrier.partition(":")[0]] = carrier
        case "second":
            headers[carrier.partition(":")[0]] = carrier.replace("OPENAI_API_KEY", "CONFORMANCE_SECOND_API_KEY")
        case "wrong":
            headers[carrier.partition(":")[0]] = carrier.replace("$OPENAI_API_KEY", "no-such-key")
        case _:
            pass
    headers[BETA_HEADER[0]] = f"{BETA_HEADER[0]}: {BETA_HEADER[1]}"
    if data is not None:
        headers["Content-Type"] = "Content-Type: application/json"
    for name, value in changes.items():
        for same in [known for known in headers if known.lower() == name.lower()]:
            del headers[same]
        if value is not None:
            headers[name] = f"{name}: {_shell(str(value))}"
    parts = ["curl -sS", f"-X {method}" if method != "GET" and (data is None or method != "POST") else "", f'"{url}"']
    parts += [f'-H "{header}"' for header in headers.values()]
    if data is not None:
        parts.append(f"--data-binary {data}")
    return " ".join(part for part in parts if part)


def _shell(text: str) -> str:
    """A text inside double quotes."""
    return re.sub(r'([\\"$`])', r"\\\1", text)
