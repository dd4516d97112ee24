"""Checks options that no command line or configuration file has checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite

from runs_conformance.app.options import RunOptions
from runs_conformance.config import parse_edition, require_known
from runs_conformance.config.key import KEYS, ConfigKey, ValueType
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.errors import UsageError

_TYPES: Mapping[ValueType, tuple[type, ...]] = {
    ValueType.TEXT: (str,),
    ValueType.BOOLEAN: (bool,),
    ValueType.INTEGER: (int,),
    ValueType.DURATION: (int, float),
    ValueType.TEXT_LIST: (tuple, list),
    ValueType.TEXT_TABLE: (Mapping,),
}
_DESCRIPTIONS = {ValueType.DURATION: "a number of seconds", ValueType.TEXT_LIST: "a tuple of strings"}


def check_options(options: RunOptions) -> None:
    """Raise UsageError for an option of the wrong type, out of range, or with an unknown name."""
    if not isinstance(options, RunOptions):
        raise UsageError(f"options must be RunOptions, not {type(options).__name__}")
    for key in KEYS.values():
        value = getattr(options, key.option, None)
        if value is not None and key.type in _TYPES and key.option not in ("rate_limit", "capabilities"):
            _check_value(key, value)
    if options.rate_limit is not None and not _is_number(options.rate_limit, 0.001, None):
        raise UsageError("rate_limit must be a number of requests per second")
    for field in ("capabilities", "no_capabilities"):
        _check_names(field, getattr(options, field), CAPABILITIES)
    parse_edition(options.edition)


def _check_value(key: ConfigKey, value: object) -> None:
    description = _DESCRIPTIONS.get(key.type, key.type.value)
    is_right = isinstance(value, _TYPES[key.type]) and (key.type is ValueType.BOOLEAN or not isinstance(value, bool))
    if not is_right:
        raise UsageError(f"{key.option} must be {description}, not {value!r}")
    if key.type in (ValueType.INTEGER, ValueType.DURATION) and not _is_number(value, key.minimum, key.maximum):
        bounds = [f"at least {key.minimum:g}"] if key.minimum is not None else []
        bounds += [f"at most {key.maximum:g}"] if key.maximum is not None else []
        raise UsageError(f"{key.option} must be {' and '.join(bounds) or 'a finite number'}, not {value!r}")
    if isinstance(value, (tuple, list, Mapping)):
        _check_names(key.option, value, key.allowed)
    elif key.allowed:
        require_known(str(value), key.allowed, key.option)


def _check_names(field: str, names: object, allowed: Iterable[str]) -> None:
    if not isinstance(names, (tuple, list, Mapping)) or not all(isinstance(name, str) for name in names):
        raise UsageError(f"{field} must be a tuple of strings, not {names!r}")
    for name in names if allowed else ():
        require_known(name, allowed, f"name in {field}")


def _is_number(value: object, minimum: float | None, maximum: float | None) -> bool:
    if not isinstance(value, (int, float)):
        return False
    return (minimum is None or value >= minimum) and (maximum is None or value <= maximum) and isfinite(value)
