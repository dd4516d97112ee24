"""Base URLs, dialects, and the addresses of operations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from runs_conformance.contract.dialect import DIALECTS, Dialect
from runs_conformance.contract.operation import Operation
from runs_conformance.errors import InvalidBaseUrl, UsageError
from runs_conformance.wire.redaction import is_secret_name, redact_value

DEFAULT_PORTS = {"http": 80, "https": 443}

FRAMING_HEADERS = ("host", "content-length", "transfer-encoding")
"""The header fields that address and delimit a request; a duplicate makes it invalid."""

_FIELD_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_PATH_PREFIX = re.compile(r"/[A-Za-z0-9/._~%!$&'()*+,;=:@-]*\Z")
_HOST = re.compile(r"[A-Za-z0-9._-]+\Z")
# Programs disagree on the address that `0177.0.0.1`, `127.1` or `0x7f000001` means; no host name ends like that.
_ENDS_IN_NUMBER = re.compile(r"(?:\A|\.)(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?\Z")
_FIELD_VALUE = re.compile(r"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?\Z")


def guess_dialect(url: str) -> str:
    """Guess the dialect of a server from its host."""
    try:
        host = urlsplit(url.strip()).hostname or ""
    except ValueError:
        host = ""
    return next((name for name, dialect in DIALECTS.items() if host.endswith(dialect.host_suffixes or "/")), "openai")


def dialect_with(name: str, path_prefix: str | None = None, key_header: str | None = None) -> Dialect:
    """A dialect by name, with its path prefix and key header replaced if given.

    Raises UsageError if the dialect is unknown, or the prefix or header is invalid.
    """
    if name not in DIALECTS:
        raise UsageError(f"unknown dialect {name!r}; known dialects: {', '.join(DIALECTS)}")
    dialect = DIALECTS[name]
    if path_prefix is not None:
        if not _PATH_PREFIX.match(path_prefix):
            raise UsageError(f"--path-prefix {path_prefix!r}: write it like /some/path")
        dialect = replace(dialect, path_prefix=path_prefix.rstrip("/"))
    if key_header is not None:
        if not is_valid_header(key_header, "") or key_header.lower() in FRAMING_HEADERS:
            raise UsageError(f"--key-header {key_header!r}: not the name of a header that can carry a key")
        dialect = replace(dialect, key_header=key_header)
    return dialect


@dataclass(frozen=True, slots=True)
class Address:
    """The location of a target and the parts common to all requests, except the key.

    `base_path` precedes the path of each operation; `query` and `headers` are sent with every request. `secret_values`
    are those of their values that are secret regardless of their names.
    """

    scheme: str
    host: str
    port: int
    base_path: str
    dialect: Dialect
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    secret_values: tuple[str, ...] = field(default=(), repr=False)

    @property
    def authority(self) -> str:
        """Host and port as in the Host header, without the scheme's default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The base URL without credentials and query, safe to display."""
        return f"{self.scheme}://{self.authority}{self.base_path}"

    @property
    def is_loopback(self) -> bool:
        """Whether the target is on this machine."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret values among the extra query parameters and headers."""
        return tuple(value for name, value in (*self.query, *self.headers) if value and self.is_secret(name, value))

    def is_secret(self, name: str, value: str) -> bool:
        """Whether an extra header or query parameter is secret: it must not be recorded and may grant access."""
        return is_secret_name(name) or value in self.secret_values


def parse_address(
    base_url: str,
    dialect: Dialect | str = "openai",
    query: Iterable[tuple[str, str]] = (),
    headers: Iterable[tuple[str, str]] = (),
    secret_values: Iterable[str] = (),
) -> Address:
    """Combine a base URL, a dialect and the user's additions into an address. Raises UsageError if any is invalid."""
    redacted = redact_url(base_url)
    dialect = dialect_with(dialect) if isinstance(dialect, str) else dialect
    try:
        parts = urlsplit(base_url.strip())
        port = parts.port
    except ValueError:
        raise InvalidBaseUrl(f"BASE_URL {redacted!r}: not a URL; write http(s)://host[:port][/path]") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidBaseUrl(f"BASE_URL {redacted!r}: write it like http(s)://host[:port][/path]")
    if parts.username is not None or parts.password is not None:
        raise InvalidBaseUrl(
            f"BASE_URL {redacted!r}: it has a user name or password; pass it as --header 'Authorization: Basic ...'"
        )
    base = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
    if dialect.path_prefix and not re.search(rf"{re.escape(dialect.path_prefix)}(/|\Z)", base):
        base += dialect.path_prefix
    headers = tuple(headers)
    for name, value in headers:
        if not is_valid_header(name, value):
            raise UsageError(
                f"--header {name!r}: its name or value contains characters that are not allowed in a header"
            )
        if name.lower() in FRAMING_HEADERS:
            raise UsageError(f"--header {name!r}: every request sets this header itself; leave it out")
    all_query = (*parse_qsl(parts.query, keep_blank_values=True), *query)
    names = {name for name, _ in all_query}
    return Address(
        scheme=parts.scheme,
        host=_ascii_host(parts.hostname, redacted),
        port=port if port is not None else DEFAULT_PORTS[parts.scheme],
        base_path=base,
        dialect=dialect,
        query=(*(pair for pair in dialect.query if pair[0] not in names), *all_query),
        headers=headers,
        secret_values=tuple(secret_values),
    )


def operation_path(operation: Operation, values: Mapping[str, str]) -> str:
    """The path of an operation below the base path. Ids are percent-encoded, so each stays one segment."""
    return operation.url({name: encode_segment(value) for name, value in values.items()})


def encode_segment(text: str) -> str:
    """Percent-encode a path segment; `.` and `..` too, because they would be resolved as relative segments."""
    if text in (".", ".."):
        return text.replace(".", "%2E")
    return quote(text, safe="-._~", errors="surrogatepass")


def encode_query(pairs: Iterable[tuple[str, str]]) -> str:
    """Encode query parameters, without the question mark."""
    return "&".join(f"{_encode_component(name)}={_encode_component(value)}" for name, value in pairs)


def redact_url(url: str) -> str:
    """Remove user name, password and the values of secret-looking query parameters from a URL.

    A URL that cannot be parsed is reduced to its scheme and host, or to the scheme if the host is uncertain.
    """
    try:
        parts = urlsplit(url.strip())
        _ = parts.port
    except ValueError:
        return _scheme_and_host(url)
    if "@" in url and not parts.netloc:
        return _scheme_and_host(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = "&".join(f"{name}={redact_value(name, value)}" for name, value in pairs)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def _scheme_and_host(url: str) -> str:
    scheme, slashes, remainder = url.strip().partition("://")
    if not slashes:
        return "..."
    authority, *after = re.split(r"(?=[/?#])", remainder, maxsplit=1)
    # A password may contain a slash, in which case the apparent host is a part of it.
    host = "" if "@" in "".join(after) else authority.rpartition("@")[2]
    return f"{scheme}://{(host if host.startswith('[') else host.partition(':')[0]) or '...'}"


def is_valid_header(name: str, value: str) -> bool:
    """Whether HTTP allows a header field of this name and value."""
    return _FIELD_NAME.match(name) is not None and _FIELD_VALUE.match(value) is not None


def _encode_component(text: str) -> str:
    return quote(text, safe="-._~", errors="surrogatepass")


def _ascii_host(name: str, redacted: str) -> str:
    try:
        host = name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        host = ""
    # urlsplit has validated an address in brackets.
    if ":" not in host and not _HOST.match(host):
        raise InvalidBaseUrl(f"BASE_URL {redacted!r}: its host is not a valid host name")
    if _ENDS_IN_NUMBER.search(host) and not _is_address(host):
        raise InvalidBaseUrl(f"BASE_URL {redacted!r}: its host is not a valid IP address")
    return host


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
