"""What Schemathesis makes of the exported document. Nothing else drives it, and it sends nothing itself."""

from __future__ import annotations

import copy
import threading
import warnings
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import metadata
from typing import Any

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.generation.openapi import document
from runs_conformance.model.json import JSON, is_array, is_object

SERIES = (4, 32)
"""The version that this was written for: within 4.x later ones will do."""


def missing() -> str | None:
    """Why Schemathesis cannot be used, with what to do; None where it can."""
    install = "pip install 'runs-conformance[schemathesis]'"
    try:
        found = metadata.version("schemathesis")
    except metadata.PackageNotFoundError:
        return f"the phase schemathesis needs Schemathesis: {install}"
    major, minor, *_ = (int(part) if part.isdecimal() else 0 for part in f"{found}.0".split("."))
    if (major, minor) < SERIES or major != SERIES[0]:
        return f"Schemathesis {found} is not of the series {SERIES[0]}.{SERIES[1]} that the phase is for: {install}"
    return None


@lru_cache(maxsize=64)
def bodies(operation: str, edition: str, seed: int, count: int, *, legal: bool) -> tuple[JSON, ...]:
    """So many JSON bodies that Schemathesis takes for legal, or for illegal; the same for the same seed.

    What it makes outside the body (paths, headers, bodies that are not JSON) is left to the suite's own programs.
    """
    found: list[JSON] = []
    for case in _drawn(operation, edition, seed, count, legal):
        body = _json(case.body)
        if body is not None and body not in found:
            found.append(body)
    return tuple(found)


def _drawn(operation: str, edition: str, seed: int, count: int, legal: bool) -> list[Any]:
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from hypothesis.errors import HypothesisException

    # Drawing as a test does, but for keeping and shrinking, is what makes a seed mean the same every time.
    usual = settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    mode = schemathesis.GenerationMode.POSITIVE if legal else schemathesis.GenerationMode.NEGATIVE
    found: list[Any] = []
    fixed = {"headers": {}, "path_parameters": dict.fromkeys(OPERATIONS[operation].parameters, "x")}

    def keep(case: Any) -> None:
        found.append(case)

    # Programs are played side by side; neither the warnings' filter nor what compiles strategies bears that.
    with _DRAWING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        strategy = _operations(edition)[OPERATIONS[operation].operation_id].as_strategy(generation_mode=mode, **fixed)
        decorate: Any = given(strategy)
        drawing = seeded(seed)(usual(decorate(keep)))
        try:
            drawing()
        except HypothesisException:
            return found
    return found


_DRAWING = threading.Lock()


@cache
def _operations(edition: str) -> dict[str, Any]:
    """The operations of the document of an edition, by the names that it gives them."""
    import schemathesis

    schema = schemathesis.openapi.from_dict(_plain(document(edition)))
    every = (result.ok() for result in schema.get_all_operations())
    return {operation.definition.raw["operationId"]: operation for operation in every}


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """The document without the headers and keys that every request has anyway."""
    made = copy.deepcopy(value)
    made.pop("security", None)
    made["components"].pop("securitySchemes", None)
    for path in made["paths"].values():
        for operation in path.values():
            kept = [each for each in operation["parameters"] if not each.get("$ref", "").endswith("/Beta")]
            operation["parameters"] = kept
    return made


def _json(body: object) -> JSON:
    """The body where it is JSON and no bare null, which may stand for no body at all; else None."""
    if is_object(body) or is_array(body) or isinstance(body, (str, bool, int, float)):
        return copy.deepcopy(body)
    return None


def texts(value: JSON) -> Iterator[str]:
    """Every text in a value, the names of members included."""
    if isinstance(value, str):
        yield value
    elif is_object(value):
        for name, member in value.items():
            yield name
            yield from texts(member)
    elif is_array(value):
        for item in value:
            yield from texts(item)
