"""Dialects: how servers are addressed, and how the servers of a family differ from the published API.

Rules, programs, curl commands and recordings ask for the facts that they need, so that a new family is declared here
alone. Known deviations name families in their scope.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class DialectFamily:
    """The conventions common to the dialects of one family. `name` is stored in histories and reports.

    `key_header` carries the key. `error_members` are the members that every error has in addition to `message`, empty
    if no source states them. `uses_beta_header` says that requests need the header `OpenAI-Beta`, `checks_auth_scheme`
    that a key under another scheme than Bearer is refused, `default_client` that the default class of the official
    library can address it. `approved_calls` are the types of tool calls that a run makes itself once they are approved,
    `has_other_error_codes` says that runs fail with further codes than the published ones.

    The last four members identify recorded exchanges: a pattern of the host, and the names of a query parameter, a
    request header and a response header, each of which suffices.
    """

    name: str
    key_header: str = "Authorization"
    error_members: tuple[str, ...] = ("type", "param", "code")
    uses_beta_header: bool = True
    checks_auth_scheme: bool = True
    default_client: bool = True
    approved_calls: tuple[str, ...] = ()
    has_other_error_codes: bool = False
    host_pattern: str = ""
    query_parameter: str = ""
    request_header: str = ""
    response_header: str = ""

    def is_recorded_in(
        self, host: str, query: Container[str], request_headers: Container[str], response_headers: Container[str]
    ) -> bool:
        """Whether an exchange was recorded from a server of this family. Header names are in lower case."""
        return bool(
            (self.host_pattern and re.search(self.host_pattern, host))
            or (self.query_parameter and self.query_parameter in query)
            or (self.request_header and self.request_header in request_headers)
            or (self.response_header and self.response_header in response_headers)
        )


_OPENAI = DialectFamily("openai")
_AZURE = DialectFamily(
    "azure",
    key_header="api-key",
    # The gateway sends `code` and `message` only.
    error_members=(),
    uses_beta_header=False,
    checks_auth_scheme=False,
    default_client=False,
    # Facts about its agents, see the known deviations D-12 and D-19.
    approved_calls=("mcp",),
    has_other_error_codes=True,
    host_pattern=r"(\.azure\.com|\.azure-api\.net|\.azure\.us|\.azure\.cn)\Z",
    query_parameter="api-version",
    request_header="api-key",
    response_header="apim-request-id",
)

FAMILIES: Mapping[str, DialectFamily] = {family.name: family for family in (_OPENAI, _AZURE)}
"""The families by name. The first one is the published API."""

DEFAULT_FAMILY = _OPENAI.name
UNKNOWN_FAMILY = "unknown"
"""The family of the server of a response whose request is unknown. It may be any of them."""
_UNKNOWN = replace(
    _OPENAI,
    name=UNKNOWN_FAMILY,
    error_members=_AZURE.error_members,
    approved_calls=_AZURE.approved_calls,
    has_other_error_codes=_AZURE.has_other_error_codes,
)


def dialect_family(name: str) -> DialectFamily:
    """The family of a name; for a name of none, one that follows the published API."""
    if name == UNKNOWN_FAMILY:
        return _UNKNOWN
    return FAMILIES.get(name) or replace(_OPENAI, name=name, default_client=False)


def recorded_family(
    host: str, query: Container[str], request_headers: Container[str], response_headers: Container[str]
) -> DialectFamily:
    """The family of the server that an exchange was recorded from. Header names are in lower case."""
    families = (
        each for each in FAMILIES.values() if each.is_recorded_in(host, query, request_headers, response_headers)
    )
    return next(families, _OPENAI)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The request conventions of one kind of server.

    `path_prefix` precedes `/threads` unless the base URL includes it. `query` is added to every request. `key_header`
    carries the key. Hosts that end in one of `host_suffixes` use this dialect.
    """

    name: str
    family: DialectFamily
    path_prefix: str = ""
    query: tuple[tuple[str, str], ...] = ()
    key_header: str = "Authorization"
    host_suffixes: tuple[str, ...] = ()


DIALECTS: Mapping[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        Dialect("openai", _OPENAI),
        Dialect(
            "azure-openai",
            _AZURE,
            "/openai",
            (("api-version", "2024-07-01-preview"),),
            "api-key",
            (".openai.azure.com", ".cognitiveservices.azure.com"),
        ),
        Dialect(
            "azure-foundry-agents",
            _AZURE,
            query=(("api-version", "2025-05-01"),),
            host_suffixes=(".services.ai.azure.com",),
        ),
    )
}
"""The dialects by name. Any server that follows the published API, whoever operates it, uses `openai`."""
