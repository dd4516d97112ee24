"""Keys, which the user names rather than writes down."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runs_conformance.errors import UsageError


@dataclass(frozen=True, slots=True)
class Secret:
    """A key as the user gave it. `literal` says that it stood on the command line, where other users can read it."""

    value: str
    literal: bool = False

    def __repr__(self) -> str:
        return "Secret([REDACTED])"


def secret(
    given: str | None, variable: str, environment: Mapping[str, str] | None = None, flag: str = "--api-key"
) -> Secret | None:
    """The key that `env:NAME`, `@file` or a literal, given by a flag, names; without any, the one in the environment's
    `variable`.

    Raises UsageError where what is named is not there.
    """
    env = os.environ if environment is None else environment
    if given is None:
        found = env.get(variable, "").strip()
        return Secret(found) if found else None
    if given.startswith("env:"):
        name = given.removeprefix("env:")
        if not env.get(name, "").strip():
            raise UsageError(f"{flag} env:{name}: the environment has no {name}, which was to hold a key")
        return Secret(env[name].strip())
    if given.startswith("@"):
        return Secret(read(Path(given[1:]), flag))
    if not given.strip():
        raise UsageError(f"{flag}: the key is empty; give env:NAME, @file or the key itself")
    return Secret(given.strip(), literal=True)


def read(path: Path, where: str) -> str:
    """The first line of a file that holds a key. Raises UsageError where there is none to read."""
    try:
        text = path.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"{where} @{path}: the key cannot be read: {reason}") from None
    if not text:
        raise UsageError(f"{where} @{path}: the file that was to hold a key is empty")
    return text.splitlines()[0].strip()
