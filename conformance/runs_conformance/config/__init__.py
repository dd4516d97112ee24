"""Parses what the user configures by flags, environment and file."""

from runs_conformance.config.name import parse_edition, require_known
from runs_conformance.config.pair import parse_headers, parse_named_values, parse_query, secret_values
from runs_conformance.config.secret import Secret, resolve_secret
from runs_conformance.config.time import parse_rate

__all__ = [
    "Secret",
    "parse_edition",
    "parse_headers",
    "parse_named_values",
    "parse_query",
    "parse_rate",
    "require_known",
    "resolve_secret",
    "secret_values",
]
