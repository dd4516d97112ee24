"""Scenarios as text: JSON in requests, JSON or YAML in files."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import yaml

from runs_conformance.errors import InvalidFile, UsageError
from runs_conformance.files import read_text

_MAX_VALUES = 100_000


def parse_strict_json(raw: bytes | str) -> Any:
    """The value of a JSON text. Raises UsageError, also for NaN, infinite numbers and duplicate members."""
    try:
        return json.loads(raw, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_without_duplicates)
    except UnicodeDecodeError:
        raise UsageError("the text is not UTF-8") from None
    except RecursionError:
        raise UsageError("the JSON is nested too deeply") from None
    except ValueError as error:
        raise UsageError(f"the text is not valid JSON: {error}") from None


def load_scenario(path: Path) -> Any:
    """The document of a scenario file. Raises InvalidFile."""
    try:
        text = read_text(path)
        if path.suffix == ".json":
            return parse_strict_json(text)
        return _require_bounded(yaml.safe_load(text))
    except OSError as error:
        raise InvalidFile(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise InvalidFile(f"{path} is not UTF-8") from None
    except (UsageError, yaml.YAMLError, RecursionError, ValueError) as error:
        raise InvalidFile(f"{path}: {' '.join(str(error).split())}") from None


def _require_bounded(document: Any) -> Any:
    """The document. Raises ValueError if it has too many values once its aliases are expanded."""
    count, pending = 0, [document]
    while pending:
        value = pending.pop()
        count += 1
        if count > _MAX_VALUES:
            raise ValueError(f"it has more than {_MAX_VALUES:,} values")
        if isinstance(value, (dict, list)):
            pending += value.values() if isinstance(value, dict) else value
    return document


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text[:20])


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("an object has two members of one name")
    return members
