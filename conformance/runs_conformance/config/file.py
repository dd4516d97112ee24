"""Reads and validates `conformance.toml`; an unknown key or wrong value is an error of one line."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runs_conformance.config.key import KEYS, SECTIONS, ConfigKey, ValueType
from runs_conformance.config.name import parse_edition
from runs_conformance.config.time import parse_duration
from runs_conformance.errors import UsageError
from runs_conformance.files import read_bytes
from runs_conformance.model.suggestion import did_you_mean, nearest_names
from runs_conformance.wire.redaction import is_secret_name

NAME = "conformance.toml"
"""Name of the file that is read from the current folder."""

_MAX_BYTES = 1 << 20
_MAX_NUMBER = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """The values of a file, by dotted name. API keys are references, never the keys themselves."""

    path: Path
    values: Mapping[str, Any] = field(default_factory=dict)

    def option_defaults(self) -> dict[str, Any]:
        """The values as defaults of the command's parameters, with paths relative to the folder of the file."""
        defaults: dict[str, Any] = {}
        for dotted_name, value in self.values.items():
            key = KEYS[dotted_name]
            if key.type is ValueType.BOOLEAN_TABLE:
                defaults[key.option] = [name for name, on in value.items() if on]
                defaults[f"no_{key.option}"] = [name for name, on in value.items() if not on]
            elif key.type is ValueType.TEXT_TABLE:
                defaults[key.option] = [f"{name}{key.separator}{self._resolve(text)}" for name, text in value.items()]
            elif key.type is ValueType.PATH:
                defaults[key.option] = str(self.path.parent / Path(value).expanduser())
            elif key.type is ValueType.SECRET:
                defaults[key.option] = self._resolve(value)
            else:
                defaults[key.option] = value
        return defaults

    def _resolve(self, text: str) -> str:
        return f"@{self.path.parent / Path(text[1:]).expanduser()}" if text.startswith("@") else text


def load(path: Path) -> ConfigFile:
    """Load a file. Raises UsageError, in one line, if it cannot be read or is invalid."""
    try:
        content = read_bytes(path)
        if len(content) > _MAX_BYTES:
            raise UsageError(f"{path}: too large for a configuration")
        document = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path}: a number is too long, or tables are nested too deeply") from None
    try:
        return ConfigFile(path, dict(_values(document, "")))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def find() -> Path | None:
    """The file in the current folder, or None."""
    path = Path(NAME)
    return path if path.is_file() else None


def _values(table: Mapping[str, Any], section: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        dotted_name = f"{section}.{name}" if section else name
        if dotted_name in KEYS:
            yield dotted_name, _check_value(KEYS[dotted_name], value)
        elif not section and name in SECTIONS and isinstance(value, dict):
            yield from _values(value, name)
        elif dotted_name in SECTIONS:
            raise UsageError(f"{dotted_name}: is a table; write [{dotted_name}]")
        else:
            raise UsageError(f"{dotted_name}: unknown key{_suggest_key(name, section)}")


def _suggest_key(name: str, section: str) -> str:
    """Suggest the nearest key in this table or, failing that, in any other."""
    siblings = [key.name for key in KEYS.values() if key.section == section] + ([] if section else list(SECTIONS))
    elsewhere = {key.name: key.dotted_name for key in KEYS.values() if key.section != section}
    if name in elsewhere:
        return f"; did you mean {elsewhere[name]}?"
    close = nearest_names(name, elsewhere, count=1, cutoff=0.7)
    return did_you_mean(name, siblings) or (f"; did you mean {elsewhere[close[0]]}?" if close else "")


def _check_value(key: ConfigKey, value: Any) -> Any:
    """The value of a key. Raises UsageError if it is invalid."""
    _check_type(key.dotted_name, key.type, value)
    for dotted_name, each in _members(key, value):
        _check_type(dotted_name, _MEMBER_TYPE[key.type], each)
    if key.type is ValueType.TEXT and key.dotted_name == "edition":
        _check_edition(key.dotted_name, value)
    if key.type in (ValueType.TEXT_TABLE, ValueType.BOOLEAN_TABLE, ValueType.TEXT_LIST):
        for name in value:
            _check_name(key, name)
    if key.type is ValueType.TEXT:
        _check_name(key, value)
    if key.dotted_name in ("headers", "query"):
        _check_secrets(key, value)
    if isinstance(value, int | float) and abs(value) > _MAX_NUMBER:
        raise UsageError(f"{key.dotted_name}: the number is too large")
    if key.type in (ValueType.INTEGER, ValueType.DURATION):
        number = parse_duration(str(value)) or 0.0
        low, high = key.minimum, key.maximum
        if (low is not None and number < low) or (high is not None and number > high):
            bounds = f"at least {low:g}" if high is None else f"between {low or 0:g} and {high:g}"
            raise UsageError(f"{key.dotted_name}: must be {bounds}, not {value}")
    return value


def _check_edition(dotted_name: str, value: str) -> None:
    try:
        parse_edition(value)
    except UsageError as error:
        raise UsageError(f"{dotted_name}{str(error).removeprefix('--edition')}") from None


def _check_name(key: ConfigKey, name: str) -> None:
    if key.allowed and name not in key.allowed:
        hint = did_you_mean(name, key.allowed) or f"; allowed are {', '.join(key.allowed)}"
        raise UsageError(f"{key.dotted_name}: unknown value {name!r}{hint}")


def _check_secrets(key: ConfigKey, table: Mapping[str, str]) -> None:
    for name, value in table.items():
        if is_secret_name(name) and not value.startswith(("env:", "@")):
            raise UsageError(f"{key.dotted_name}.{name}: the file must not contain a secret; write env:NAME or @FILE")


def _members(key: ConfigKey, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the members of a list or table, by dotted name."""
    if key.type is ValueType.TEXT_LIST:
        yield from ((f"{key.dotted_name}[{number}]", each) for number, each in enumerate(value))
    elif key.type in _MEMBER_TYPE:
        yield from ((f"{key.dotted_name}.{name}", each) for name, each in value.items())


def _check_type(dotted_name: str, value_type: ValueType, value: Any) -> None:
    """Raise UsageError if a value is not of a type."""
    if isinstance(value, str) and not value.strip():
        raise UsageError(f"{dotted_name}: is empty; write {value_type.value}, or remove the key")
    if not _IS_OF_TYPE[value_type](value):
        hint = "; the file must not contain the key itself" if value_type is ValueType.SECRET else ""
        raise UsageError(f"{dotted_name}: must be {value_type.value}, not {_describe_type(value)}{hint}")


def _describe_type(value: Any) -> str:
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "this string"}
    kinds |= {list: "this list", dict: "a table"}
    return kinds.get(type(value), "a date or time")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_whole(value) or (isinstance(value, float) and math.isfinite(value))


_IS_OF_TYPE: Mapping[ValueType, Callable[[Any], bool]] = {
    ValueType.TEXT: _is_text,
    ValueType.PATH: _is_text,
    ValueType.SECRET: lambda value: _is_text(value) and value.startswith(("env:", "@")),
    ValueType.INTEGER: _is_whole,
    ValueType.DURATION: lambda value: (
        _is_number(value) or (isinstance(value, str) and parse_duration(value) is not None)
    ),
    ValueType.BOOLEAN: lambda value: isinstance(value, bool),
    ValueType.TEXT_LIST: lambda value: isinstance(value, list),
    ValueType.TEXT_TABLE: lambda value: isinstance(value, dict),
    ValueType.BOOLEAN_TABLE: lambda value: isinstance(value, dict),
}

_MEMBER_TYPE: Mapping[ValueType, ValueType] = {
    ValueType.TEXT_LIST: ValueType.TEXT,
    ValueType.TEXT_TABLE: ValueType.TEXT,
    ValueType.BOOLEAN_TABLE: ValueType.BOOLEAN,
}
"""The types of the members of lists and tables."""
