"""Who may come in: the API key and the beta header."""

from __future__ import annotations

from collections.abc import Mapping

from runs_conformance.emulator.options import Options
from runs_conformance.emulator.refusal import no_beta, not_authorised, old_beta


def authenticate(options: Options, headers: Mapping[str, str]) -> str:
    """The tenant that the request's key stands for: each accepted key is one."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise not_authorised("")
    accepted = key in options.keys if options.keys else not _says_it_is_wrong(key)
    if not accepted:
        raise not_authorised(key if len(key) < 12 else f"{key[:6]}...{key[-4:]}")
    return key


def _says_it_is_wrong(key: str) -> bool:
    return key.startswith(("sk-invalid", "invalid")) or "wrong" in key


def check_beta(headers: Mapping[str, str]) -> None:
    """Refuse a request that does not ask for the second beta."""
    asked = [part.strip() for part in headers.get("openai-beta", "").split(",")]
    if "assistants=v2" in asked:
        return
    raise old_beta() if "assistants=v1" in asked else no_beta()
