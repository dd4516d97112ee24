"""Reads `conformance.toml`: every key is known and holds what it should, or one line says which does not."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runs_conformance.config.key import KEYS, SECTIONS, Form, Key
from runs_conformance.config.name import edition, nearest
from runs_conformance.config.time import seconds
from runs_conformance.errors import UsageError
from runs_conformance.wire.redaction import is_secret_name

NAME = "conformance.toml"
"""The file that is read where it is in the folder that the command is started in."""

_LARGEST = 1 << 20
_HIGHEST = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Settings:
    """What a file says: values by the place of their keys. No key is among them, only where keys are to be found."""

    path: Path
    values: Mapping[str, Any] = field(default_factory=dict)

    def options(self) -> dict[str, Any]:
        """The values as the parameters of the command take them, names of files relative to the file's folder."""
        found: dict[str, Any] = {}
        for place, value in self.values.items():
            key = KEYS[place]
            if key.form is Form.SWITCHES:
                found[key.option] = [name for name, on in value.items() if on]
                found[f"no_{key.option}"] = [name for name, on in value.items() if not on]
            elif key.form is Form.TABLE:
                found[key.option] = [f"{name}{key.joint}{self._beside(text)}" for name, text in value.items()]
            elif key.form is Form.PATH:
                found[key.option] = str(self.path.parent / Path(value).expanduser())
            elif key.form is Form.SECRET:
                found[key.option] = self._beside(value)
            else:
                found[key.option] = value
        return found

    def _beside(self, text: str) -> str:
        return f"@{self.path.parent / Path(text[1:]).expanduser()}" if text.startswith("@") else text


def load(path: Path) -> Settings:
    """What a file says. Raises UsageError, in one line, where it cannot be read or says what cannot be."""
    try:
        content = path.read_bytes()
        if len(content) > _LARGEST:
            raise UsageError(f"{path}: it is too large to be a configuration")
        document = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: it is not TOML: {error}") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path}: it holds a number too long, or tables nested too deeply, to be read") from None
    try:
        return Settings(path, dict(_values(document, "")))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def here() -> Path | None:
    """The file in the current folder, if there is one."""
    path = Path(NAME)
    return path if path.is_file() else None


def _values(table: Mapping[str, Any], section: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        place = f"{section}.{name}" if section else name
        if place in KEYS:
            yield place, _checked(KEYS[place], value)
        elif not section and name in SECTIONS and isinstance(value, dict):
            yield from _values(value, name)
        elif place in SECTIONS:
            raise UsageError(f"{place}: it is a table; write [{place}]")
        else:
            raise UsageError(f"{place}: there is no such key{_meant(name, section)}")


def _meant(name: str, section: str) -> str:
    """The nearest key, in this table or, failing that, in any other."""
    inside = [key.name for key in KEYS.values() if key.section == section] + ([] if section else list(SECTIONS))
    elsewhere = {key.name: key.place for key in KEYS.values() if key.section != section}
    if name in elsewhere:
        return f"; did you mean {elsewhere[name]}?"
    other = difflib.get_close_matches(name, elsewhere, n=1, cutoff=0.7)
    return nearest(name, inside) or (f"; did you mean {elsewhere[other[0]]}?" if other else "")


def _checked(key: Key, value: Any) -> Any:
    """The value of a key. Raises UsageError where it is none."""
    _fit(key.place, key.form, value)
    for place, each in _members(key, value):
        _fit(place, _OF[key.form], each)
    if key.form is Form.TEXT and key.place == "edition":
        _at(key.place, value)
    if key.form in (Form.TABLE, Form.SWITCHES, Form.TEXTS):
        for name in value:
            _among(key, name)
    if key.form is Form.TEXT:
        _among(key, value)
    if key.place in ("headers", "query"):
        _check_secrets(key, value)
    if isinstance(value, int | float) and abs(value) > _HIGHEST:
        raise UsageError(f"{key.place}: it is too large a number")
    if key.form in (Form.WHOLE, Form.TIME):
        number = seconds(str(value)) or 0.0
        low, high = key.least, key.most
        if (low is not None and number < low) or (high is not None and number > high):
            bounds = f"at least {low:g}" if high is None else f"between {low or 0:g} and {high:g}"
            raise UsageError(f"{key.place}: it must be {bounds}, not {value}")
    return value


def _at(place: str, value: str) -> None:
    try:
        edition(value)
    except UsageError as error:
        raise UsageError(f"{place}{str(error).removeprefix('--edition')}") from None


def _among(key: Key, name: str) -> None:
    if key.names and name not in key.names:
        hint = nearest(name, key.names) or f"; known are {', '.join(key.names)}"
        raise UsageError(f"{key.place}: {name!r} is not known{hint}")


def _check_secrets(key: Key, table: Mapping[str, str]) -> None:
    for name, value in table.items():
        if is_secret_name(name) and not value.startswith(("env:", "@")):
            raise UsageError(f"{key.place}.{name}: a secret does not belong in the file; write env:NAME or @FILE")


def _members(key: Key, value: Any) -> Iterator[tuple[str, Any]]:
    """What a list or table holds, by place."""
    if key.form is Form.TEXTS:
        yield from ((f"{key.place}[{number}]", each) for number, each in enumerate(value))
    elif key.form in _OF:
        yield from ((f"{key.place}.{name}", each) for name, each in value.items())


def _fit(place: str, form: Form, value: Any) -> None:
    """Raise UsageError where a value is not of a form."""
    if isinstance(value, str) and not value.strip():
        raise UsageError(f"{place}: it is empty; write {form.value}, or leave it out")
    if not _FITS[form](value):
        hint = "; a key does not belong in the file" if form is Form.SECRET else ""
        raise UsageError(f"{place}: it must be {form.value}, not {_kind(value)}{hint}")


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "this text"}
    kinds |= {list: "this list", dict: "a table"}
    return kinds.get(type(value), "a date or time")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_whole(value) or (isinstance(value, float) and math.isfinite(value))


_FITS: Mapping[Form, Callable[[Any], bool]] = {
    Form.TEXT: _is_text,
    Form.PATH: _is_text,
    Form.SECRET: lambda value: _is_text(value) and value.startswith(("env:", "@")),
    Form.WHOLE: _is_whole,
    Form.TIME: lambda value: _is_number(value) or (isinstance(value, str) and seconds(value) is not None),
    Form.SWITCH: lambda value: isinstance(value, bool),
    Form.TEXTS: lambda value: isinstance(value, list),
    Form.TABLE: lambda value: isinstance(value, dict),
    Form.SWITCHES: lambda value: isinstance(value, dict),
}

_OF: Mapping[Form, Form] = {Form.TEXTS: Form.TEXT, Form.TABLE: Form.TEXT, Form.SWITCHES: Form.SWITCH}
"""What the members of a list or table are."""
