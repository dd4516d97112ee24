"""One request as a curl command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote as url_quote

from runs_conformance.contract.operation import BETA_HEADER
from runs_conformance.model.json import JSON
from runs_conformance.reporting.codegen.shell import Part, ShellVariable, quote, shell_word
from runs_conformance.reporting.request_access import RequestAccess, is_shell_variable


def base_parts(base_url: str) -> tuple[Part, ...]:
    """The beginning of each URL, which may be a shell variable."""
    return (ShellVariable(base_url[1:]),) if is_shell_variable(base_url) else (base_url,)


def query_parts(pairs: Sequence[tuple[str, Part]], access: RequestAccess) -> list[Part]:
    """The query of a request, with the parameters of every request to the target first."""
    parts: list[Part] = []
    for name, value in (*((name, _value(text, in_url=True)) for name, text in access.query), *pairs):
        parts += ["&" if parts else "?", f"{url_quote(name, safe='', errors='surrogatepass')}=", value]
    return parts


def _value(text: str, in_url: bool = False) -> Part:
    """A value of a header or of a query parameter of every request, which may be a variable."""
    if is_shell_variable(text):
        return ShellVariable(text[1:])
    return url_quote(text, safe="", errors="surrogatepass") if in_url else text


def command(
    method: str,
    url: Sequence[Part],
    access: RequestAccess,
    changes: Mapping[str, JSON],
    data: str | None,
    key: str = "own",
) -> str:
    """The command that sends a request; `changes` replace or, if null, omit headers, `data` is a shell word."""
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
