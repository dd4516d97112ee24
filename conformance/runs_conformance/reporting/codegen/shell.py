"""Words of shell commands: the one place that quotes for a shell."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass

from runs_conformance.contract.operation import response_kind_of
from runs_conformance.model.json import pointer_tokens

_INERT_IN_DOUBLE_QUOTES = re.compile(r"[^\\\"$`!]*\Z")
_PLAIN_MEMBER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PLAIN_NAME = re.compile(r"[^A-Za-z0-9_]")
_SETTINGS = re.compile(
    r"(?:PATH|HOME|ENV|IFS|SHELL|CDPATH|GLOBIGNORE|PROMPT_COMMAND|PS[0-9]|BASE_URL|ANSWERS?)\Z"
    r"|(?:LD|BASH|OPENAI|CONFORMANCE|CURL|JQ|SSL)_"
)
"""Variables that a shell, a program or these commands give a meaning."""


@dataclass(frozen=True, slots=True)
class ShellVariable:
    """A variable, which the shell replaces by its value."""

    name: str


Part = str | ShellVariable


def shell_word(*parts: Part) -> str:
    """One word of a command: texts that the shell leaves as they are, and variables."""
    if all(isinstance(part, ShellVariable) or _is_inert(part) for part in parts):
        return '"' + "".join(f"${part.name}" if isinstance(part, ShellVariable) else part for part in parts) + '"'
    words, text = [], ""
    for part in parts:
        if isinstance(part, ShellVariable):
            words += [quote(text)] * bool(text) + [f'"${part.name}"']
            text = ""
        else:
            text += part
    return "".join(words + [quote(text)] * bool(text))


def quote(text: str) -> str:
    """A text as one word, in single quotes where it needs quotes, free of control characters."""
    if text.isprintable():
        return shlex.quote(text)
    return ansi_quote(text.encode("utf-8", "surrogatepass"))


def ansi_quote(data: bytes) -> str:
    """Bytes as one word in the shell's `$'...'` quoting."""
    escaped = "".join(
        f"\\{chr(byte)}" if chr(byte) in "\\'" else chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}" for byte in data
    )
    return f"$'{escaped}'"


def variable_name(text: str) -> str:
    """The name of a shell variable for a text; never one that a shell or a program interprets."""
    name = _PLAIN_NAME.sub("_", text).upper() or "_"
    return f"_{name}" if name[0].isdigit() or _SETTINGS.match(name) else name


def jq_path(pointer: str) -> str:
    """A JSON Pointer as a jq path in shell quotes, if it needs them."""
    path = _jq_filter(pointer)
    return path if re.fullmatch(r"[A-Za-z0-9_.]*", path) else quote(path)


def jq_from_stream(pointer: str, operation: str) -> str:
    """A jq filter in shell quotes for the value at a JSON Pointer in the object of an operation that it last streamed.

    jq reads the lines of the stream as raw text.
    """
    wanted = json.dumps(f"thread.{response_kind_of(operation)}")
    data = f'inputs | ltrimstr("data:") | fromjson? | select(.object? == {wanted})'
    return quote(f"[{data}] | last | {_jq_filter(pointer)}")


def _jq_filter(pointer: str) -> str:
    path = ""
    for token in pointer_tokens(pointer):
        if token.isascii() and token.isdecimal():
            path += f"[{int(token)}]" if path else f".[{int(token)}]"
        elif _PLAIN_MEMBER.match(token):
            path += f".{token}"
        else:
            path += f".{json.dumps(token)}" if not path else f"[{json.dumps(token)}]"
    return path or "."


def jq_status_test(statuses: list[str]) -> str:
    """A jq filter in shell quotes that is true for these statuses.

    A response counts as failed if it has no status, or one that is not a text.
    """
    pattern = "|".join(re.escape(status) for status in statuses)
    return quote(f'((.status? | strings) // "failed") | test({json.dumps(f"^({pattern})$")})')


def _is_inert(text: str) -> bool:
    return text.isprintable() and _INERT_IN_DOUBLE_QUOTES.match(text) is not None


def wait_for_event(name: str, folder: str) -> str:
    """The command that waits until a file in a folder has an event whose name begins so, at most five seconds."""
    return f'for _ in {{1..50}}; do grep -qs {quote(f"^event: *{name}")} "{folder}"/* && break; sleep 0.1; done'
