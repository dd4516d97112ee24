"""Bodies that Schemathesis generates from the exported OpenAPI document. Schemathesis itself sends nothing."""

from __future__ import annotations

import copy
import threading
import warnings
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import metadata
from typing import Any

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.generation.openapi import openapi_document
from runs_conformance.model.json import JSON, is_array, is_object

SUPPORTED_SERIES = (4, 32)
"""The oldest supported version; later versions of the same major version are supported too."""


def unavailable_reason() -> str | None:
    """Why Schemathesis cannot be used, and the remedy; None if it can."""
    install = "pip install 'runs-conformance[schemathesis]'"
    try:
        version = metadata.version("schemathesis")
    except metadata.PackageNotFoundError:
        return f"the phase schemathesis needs Schemathesis: {install}"
    major, minor, *_ = (int(part) if part.isdecimal() else 0 for part in f"{version}.0".split("."))
    if (major, minor) < SUPPORTED_SERIES or major != SUPPORTED_SERIES[0]:
        oldest = ".".join(map(str, SUPPORTED_SERIES))
        supported = f"Schemathesis {oldest} or a later {SUPPORTED_SERIES[0]}.x"
        return f"the phase schemathesis needs {supported}, not {version}: {install}"
    return None


@lru_cache(maxsize=64)
def generate_bodies(operation: str, edition: str, seed: int, count: int, *, valid: bool) -> tuple[JSON, ...]:
    """Up to `count` JSON bodies that Schemathesis considers valid, or invalid; the seed determines them.

    Invalid paths, headers and bodies that are not JSON are omitted, because the suite's own programs send them.
    """
    bodies: list[JSON] = []
    for case in _generate_cases(operation, edition, seed, count, valid):
        body = _json_body(case.body)
        if body is not None and body not in bodies:
            bodies.append(body)
    return tuple(bodies)


def _generate_cases(operation: str, edition: str, seed: int, count: int, valid: bool) -> list[Any]:
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as with_seed
    from hypothesis.errors import HypothesisException

    # Only a test run without database and shrinking draws the same examples from the same seed every time.
    reproducible = settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    mode = schemathesis.GenerationMode.POSITIVE if valid else schemathesis.GenerationMode.NEGATIVE
    cases: list[Any] = []
    fixed = {"headers": {}, "path_parameters": dict.fromkeys(OPERATIONS[operation].parameters, "x")}

    def collect(case: Any) -> None:
        cases.append(case)

    # Programs run in parallel, but neither the filter of warnings nor the compilation of strategies is thread-safe.
    with _GENERATION_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        strategy = _operations_by_id(edition)[OPERATIONS[operation].operation_id].as_strategy(
            generation_mode=mode, **fixed
        )
        decorate: Any = given(strategy)
        generate = with_seed(seed)(reproducible(decorate(collect)))
        try:
            generate()
        except HypothesisException:
            return cases
    return cases


_GENERATION_LOCK = threading.Lock()


@cache
def _operations_by_id(edition: str) -> dict[str, Any]:
    """The operations of the document of an edition by `operationId`."""
    import schemathesis

    schema = schemathesis.openapi.from_dict(_without_constant_parts(openapi_document(edition)))
    operations = (result.ok() for result in schema.get_all_operations())
    return {operation.definition.raw["operationId"]: operation for operation in operations}


def _without_constant_parts(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the headers that the suite adds to every request."""
    out = copy.deepcopy(document)
    out.pop("security", None)
    out["components"].pop("securitySchemes", None)
    for path in out["paths"].values():
        for operation in path.values():
            parameters = operation["parameters"]
            operation["parameters"] = [each for each in parameters if not each.get("$ref", "").endswith("/Beta")]
    return out


def _json_body(body: object) -> JSON:
    """The body if it is JSON; None for other bodies and for null, which may also mean that there is no body."""
    if is_object(body) or is_array(body) or isinstance(body, (str, bool, int, float)):
        return copy.deepcopy(body)
    return None


def strings_in(value: JSON) -> Iterator[str]:
    """Every string in a value, including the names of members."""
    if isinstance(value, str):
        yield value
    elif is_object(value):
        for name, member in value.items():
            yield name
            yield from strings_in(member)
    elif is_array(value):
        for item in value:
            yield from strings_in(item)
