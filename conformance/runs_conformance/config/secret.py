"""Resolves references to API keys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runs_conformance.errors import UsageError
from runs_conformance.files import read_text
from runs_conformance.wire import known_secrets


@dataclass(frozen=True, slots=True)
class Secret:
    """An API key. `literal` means that it stands on the command line, where other users can read it."""

    value: str
    literal: bool = False

    def __repr__(self) -> str:
        return "Secret([REDACTED])"


def resolve_secret(
    reference: str | None, variable: str, environment: Mapping[str, str] | None = None, flag: str = "--api-key"
) -> Secret | None:
    """The key that a flag gives as `env:NAME`, `@file` or literally; by default, the environment's `variable`.

    No output shows it from then on. Raises UsageError if the variable or file that the flag names does not exist.
    """
    secret = _resolve(reference, variable, environment, flag)
    if secret is not None:
        known_secrets.remember((secret.value,))
    return secret


def _resolve(reference: str | None, variable: str, environment: Mapping[str, str] | None, flag: str) -> Secret | None:
    env = os.environ if environment is None else environment
    if reference is None:
        value = env.get(variable, "").strip()
        return Secret(value) if value else None
    if reference.startswith("env:"):
        name = reference.removeprefix("env:")
        if not env.get(name, "").strip():
            raise UsageError(f"{flag} env:{name}: the environment variable {name} is not set")
        return Secret(env[name].strip())
    if reference.startswith("@"):
        return Secret(read_first_line(Path(reference[1:]), flag))
    if not reference.strip():
        raise UsageError(f"{flag}: the key is empty; write env:NAME, @file or the key itself")
    return Secret(reference.strip(), literal=True)


def read_first_line(path: Path, where: str) -> str:
    """Read a key from the first line of a file. Raises UsageError if there is none."""
    try:
        text = read_text(path.expanduser()).strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"{where} @{path}: the key cannot be read: {reason}") from None
    if not text:
        raise UsageError(f"{where} @{path}: the key file is empty")
    return text.splitlines()[0].strip()
