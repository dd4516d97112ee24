"""Checks of the API key and the beta header."""

from __future__ import annotations

from collections.abc import Mapping

from runs_conformance.emulator.api_errors import missing_beta_header, outdated_beta_header, unauthorized
from runs_conformance.emulator.server_options import EmulatorOptions


def authenticate(options: EmulatorOptions, headers: Mapping[str, str]) -> str:
    """The tenant of the request: the API key itself, since each accepted key is a tenant."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise unauthorized("")
    is_accepted = key in options.keys if options.keys else not _looks_wrong(key)
    if not is_accepted:
        raise unauthorized(key if len(key) < 12 else f"{key[:6]}...{key[-4:]}")
    return key


def _looks_wrong(key: str) -> bool:
    return key.startswith(("sk-invalid", "invalid")) or "wrong" in key


def check_beta_header(headers: Mapping[str, str]) -> None:
    """Refuse a request whose beta header does not name the second beta."""
    betas = [part.strip() for part in headers.get("openai-beta", "").split(",")]
    if "assistants=v2" in betas:
        return
    raise outdated_beta_header() if "assistants=v1" in betas else missing_beta_header()
