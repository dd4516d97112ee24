"""What the user gives by flags and environment, made into values that the other parts take."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from conformance.contract.edition import EDITIONS, is_edition
from conformance.errors import UsageError

_UNITS = {"s": 1.0, "sec": 1.0, "second": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hour": 3600.0}


@dataclass(frozen=True, slots=True)
class Secret:
    """A key as the user gave it. `literal` says that it stood on the command line, where other users can read it."""

    value: str
    literal: bool = False

    def __repr__(self) -> str:
        return "Secret([REDACTED])"


def secret(given: str | None, variable: str, environment: Mapping[str, str] | None = None) -> Secret | None:
    """The key that `env:NAME`, `@file` or a literal names; without any, the one in the environment's `variable`.

    Raises UsageError where what is named is not there.
    """
    env = os.environ if environment is None else environment
    if given is None:
        found = env.get(variable, "").strip()
        return Secret(found) if found else None
    if given.startswith("env:"):
        name = given.removeprefix("env:")
        if not env.get(name, "").strip():
            raise UsageError(f"the environment has no {name}, which was to hold a key")
        return Secret(env[name].strip())
    if given.startswith("@"):
        return Secret(_read(Path(given[1:])))
    if not given.strip():
        raise UsageError("the key is empty; give env:NAME, @file or the key itself")
    return Secret(given.strip(), literal=True)


def _read(path: Path) -> str:
    try:
        text = path.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"{path}: the key cannot be read: {reason}") from None
    if not text:
        raise UsageError(f"{path}: the file that was to hold a key is empty")
    return text.splitlines()[0].strip()


def headers(given: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Header fields of the form `Name: value`. Raises UsageError for any other."""
    return tuple(_header(line) for line in given)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    name, value = name.strip(), value.strip()
    if not colon or not name or any(not (33 <= ord(char) < 127) or char in '()<>@,;:\\"/[]?={}' for char in name):
        raise UsageError(f"--header {name or line!r}: a header is given as 'Name: value'")
    if value.startswith("env:"):
        variable = value.removeprefix("env:")
        value = os.environ.get(variable, "")
        if not value:
            raise UsageError(f"--header {name}: the environment has no {variable}")
    if not (value.isascii() and value.isprintable()):
        raise UsageError(f"--header {name}: the value holds characters that a header cannot carry")
    return name, value


def rate(given: str) -> float:
    """The seconds between two requests that a rate like `10/s` or `60/min` allows. Raises UsageError for any other."""
    count, _, unit = given.partition("/")
    seconds = _UNITS.get(unit.strip())
    try:
        number = float(count)
    except ValueError:
        number = 0.0
    if seconds is None or not 0 < number < float("inf"):
        raise UsageError(f"--rate-limit {given!r}: a rate is given as 10/s, 60/min or 1000/h")
    return seconds / number


def edition(given: str) -> str:
    """The edition that was asked for. Raises UsageError where it is none."""
    if is_edition(given):
        return given
    raise UsageError(f"edition {given!r} is not one of {', '.join(EDITIONS)} (or another date since {EDITIONS[0]})")


def known(given: str, names: Iterable[str], what: str) -> str:
    """The name that was given. Raises UsageError where it is not among `names`, with the nearest."""
    every = list(names)
    if given in every:
        return given
    raise UsageError(f"there is no {what} {given!r}{nearest(given, every)}")


def nearest(given: str, names: Iterable[str]) -> str:
    """`; did you mean ...?` with the names most like the one given, or nothing."""
    every = list(names)
    close = difflib.get_close_matches(given, every, n=3, cutoff=0.5)
    if not close:
        close = [name for name in every if given.lower() in name.lower()][:3]
    return f"; did you mean {' or '.join(close)}?" if close else ""
