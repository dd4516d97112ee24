"""The proxy that the environment defines for a target."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from runs_conformance.client.base_url import DEFAULT_PORTS, Address, redact_url
from runs_conformance.errors import UsageError


@dataclass(frozen=True, slots=True)
class EnvironmentProxy:
    """A proxy: its URL without credentials, and its user name and password, if it needs them."""

    url: str
    auth: tuple[str, str] | None = field(default=None, repr=False)


def find_proxy(address: Address) -> EnvironmentProxy | None:
    """Return the proxy that the environment defines for this address; None for an address on this machine.

    Raises UsageError if the proxy URL is invalid.
    """
    url = urllib.request.getproxies().get(address.scheme)
    if not url or address.is_loopback or urllib.request.proxy_bypass(address.host):
        return None
    url = url if "://" in url else f"http://{url.lstrip('/')}"
    redacted = redact_url(url)
    try:
        parts = urlsplit(url)
        usable = parts.scheme in DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(
            f"{address.scheme.upper()}_PROXY is {redacted!r}, which is not a URL like http://host:port; "
            f"correct it, or set NO_PROXY={address.host} to use no proxy"
        )
    auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return EnvironmentProxy(redacted, auth)
