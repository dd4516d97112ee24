"""Where a target is: a base URL and a dialect make the address of every operation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from runs_conformance.contract.operation import Operation
from runs_conformance.errors import UsageError
from runs_conformance.wire.redaction import is_secret_name, shown_value

USUAL_PORTS = {"http": 80, "https": 443}

FRAMING = ("host", "content-length", "transfer-encoding")
"""The header fields that say where a request goes and where it ends; two of one kind make no request."""

_FIELD_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_FOLDER = re.compile(r"/[A-Za-z0-9/._~%!$&'()*+,;=:@-]*\Z")
_HOST = re.compile(r"[A-Za-z0-9._-]+\Z")
_FIELD_VALUE = re.compile(r"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?\Z")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one family of servers is spoken to.

    `family` is the dialect that departures and rules know. `folder` is what stands between the host and `/threads`
    where the base URL does not say it; `query` is added to every request; `key_header` is the header that carries the
    key. Servers whose hosts end in one of `hosts` speak it.
    """

    name: str
    family: str
    folder: str = ""
    query: tuple[tuple[str, str], ...] = ()
    key_header: str = "Authorization"
    hosts: tuple[str, ...] = ()


DIALECTS: Mapping[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        Dialect("openai", "openai"),
        Dialect(
            "azure-openai",
            "azure",
            "/openai",
            (("api-version", "2024-07-01-preview"),),
            "api-key",
            (".openai.azure.com", ".cognitiveservices.azure.com"),
        ),
        Dialect(
            "azure-foundry-agents",
            "azure",
            query=(("api-version", "2025-05-01"),),
            hosts=(".services.ai.azure.com",),
        ),
    )
}
"""The dialects by name. Any server that follows the published API, whoever runs it, speaks `openai`."""


def likely(url: str) -> str:
    """The dialect that a server is likely to speak, by its host."""
    try:
        host = urlsplit(url.strip()).hostname or ""
    except ValueError:
        host = ""
    return next((name for name, dialect in DIALECTS.items() if host.endswith(dialect.hosts or "/")), "openai")


def spoken(name: str, folder: str | None = None, key_header: str | None = None) -> Dialect:
    """The dialect of this name, with another folder or another header for the key where they are given.

    Raises UsageError where there is no such dialect, or what is given cannot stand in a path or name a header.
    """
    if name not in DIALECTS:
        raise UsageError(f"dialect {name!r} is not known; known are {', '.join(DIALECTS)}")
    dialect = DIALECTS[name]
    if folder is not None:
        if not _FOLDER.match(folder):
            raise UsageError(f"--path-prefix {folder!r}: it is not of the form /some/path")
        dialect = replace(dialect, folder=folder.rstrip("/"))
    if key_header is not None:
        if not can_be_sent(key_header, "") or key_header.lower() in FRAMING:
            raise UsageError(f"--key-header {key_header!r}: it is not the name of a header that can carry a key")
        dialect = replace(dialect, key_header=key_header)
    return dialect


@dataclass(frozen=True, slots=True)
class Address:
    """Where a target is and what every request to it carries, but for the key.

    `base` is the path that the operations' own paths follow; `query` and `headers` go with every request. Those of
    their values that are `hidden` are secret, whatever their names say.
    """

    scheme: str
    host: str
    port: int
    base: str
    dialect: Dialect
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    hidden: tuple[str, ...] = field(default=(), repr=False)

    @property
    def authority(self) -> str:
        """Host and port as they stand in the Host header; the scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == USUAL_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The base URL, fit to be shown: no credentials, no query."""
        return f"{self.scheme}://{self.authority}{self.base}"

    @property
    def loopback(self) -> bool:
        """Whether the target is on this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values among the extra query and headers that are hidden, or whose names say that they are secret."""
        return tuple(value for name, value in (*self.query, *self.headers) if value and self.is_secret(name, value))

    def is_secret(self, name: str, value: str) -> bool:
        """Whether an extra header or query parameter must not be written down, and may open the door."""
        return is_secret_name(name) or value in self.hidden


def address(
    base_url: str,
    dialect: Dialect | str = "openai",
    query: Iterable[tuple[str, str]] = (),
    headers: Iterable[tuple[str, str]] = (),
    hidden: Iterable[str] = (),
) -> Address:
    """The address that a base URL, a dialect and what the user adds make. Raises UsageError for what cannot be an
    address.
    """
    shown = without_credentials(base_url)
    dialect = spoken(dialect) if isinstance(dialect, str) else dialect
    try:
        parts = urlsplit(base_url.strip())
        port = parts.port
    except ValueError:
        raise UsageError(f"BASE_URL {shown!r}: it cannot be read; write http(s)://host[:port][/path]") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"BASE_URL {shown!r}: it is not of the form http(s)://host[:port][/path]")
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            f"BASE_URL {shown!r}: it holds a user name or password; give it as --header 'Authorization: Basic ...'"
        )
    base = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
    if dialect.folder and not re.search(rf"{re.escape(dialect.folder)}(/|\Z)", base):
        base += dialect.folder
    headers = tuple(headers)
    for name, value in headers:
        if not can_be_sent(name, value):
            raise UsageError(f"--header {name!r}: its name or its value holds characters that it must not")
        if name.lower() in FRAMING:
            raise UsageError(f"--header {name!r}: every request says that of itself; leave it out")
    added = (*parse_qsl(parts.query, keep_blank_values=True), *query)
    names = {name for name, _ in added}
    return Address(
        scheme=parts.scheme,
        host=_host(parts.hostname, shown),
        port=port if port is not None else USUAL_PORTS[parts.scheme],
        base=base,
        dialect=dialect,
        query=(*(pair for pair in dialect.query if pair[0] not in names), *added),
        headers=headers,
        hidden=tuple(hidden),
    )


def path(operation: Operation, values: Mapping[str, str]) -> str:
    """The path of an operation below the base, its ids percent-encoded: whatever an id holds, it stays one segment."""
    return operation.url({name: segment(value) for name, value in values.items()})


def segment(text: str) -> str:
    """A text as one path segment; `.` and `..` are encoded too, for they would be taken as steps in a path."""
    if text in (".", ".."):
        return text.replace(".", "%2E")
    return quote(text, safe="-._~", errors="surrogatepass")


def query_string(pairs: Iterable[tuple[str, str]]) -> str:
    """Query parameters as they stand on the wire, without the question mark."""
    return "&".join(f"{_component(name)}={_component(value)}" for name, value in pairs)


def without_credentials(url: str) -> str:
    """A URL fit to be shown: user name, password and the values of secret-looking query parameters are gone.

    Of what cannot be taken apart, the scheme and the host are left; where the host is unsure, the scheme alone.
    """
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError:
        return _outline(url)
    if "@" in url and not parts.netloc:
        return _outline(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = "&".join(f"{name}={shown_value(name, value)}" for name, value in pairs)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def _outline(url: str) -> str:
    scheme, slashes, rest = url.strip().partition("://")
    if not slashes:
        return "..."
    place, *after = re.split(r"(?=[/?#])", rest, maxsplit=1)
    # A password may hold a slash, so that what looks like the host is a part of it.
    host = "" if "@" in "".join(after) else place.rpartition("@")[2]
    return f"{scheme}://{(host if host.startswith('[') else host.partition(':')[0]) or '...'}"


def can_be_sent(name: str, value: str) -> bool:
    """Whether HTTP can carry a header field of this name and value."""
    return _FIELD_NAME.match(name) is not None and _FIELD_VALUE.match(value) is not None


def _component(text: str) -> str:
    return quote(text, safe="-._~", errors="surrogatepass")


def _host(name: str, shown: str) -> str:
    try:
        host = name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        host = ""
    # urlsplit has looked at an address in brackets.
    if ":" not in host and not _HOST.match(host):
        raise UsageError(f"BASE_URL {shown!r}: it names a host that cannot be a host name")
    return host
