"""Compares the speed of our payload generator with plain Hypothesis and Schemathesis, for create_run.

Run `python -m benchmarks.payloads` in the root of the repository; Schemathesis is included if it is installed. All
payloads are generated and validated in one process. The others know the schema, but neither limits that only the
documentation states nor implementation-defined values.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any

import hypothesis
from hypothesis import strategies as st

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.json_type import allowed_types
from runs_conformance.contract.schema import Schema
from runs_conformance.contract.validation import validate
from runs_conformance.generation.boundary.cases import payload_factory
from runs_conformance.generation.boundary.payload_factory import PayloadFactory
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.generation.fuzzing.size import SHARES
from runs_conformance.generation.openapi import openapi_document
from runs_conformance.generation.payloads.payload_generator import PayloadGenerator

SECONDS = 3.0
"""CPU seconds per measurement, so that other processes do not distort it."""
OPERATION = "create_run"


def main() -> None:
    """Measure and print the rates."""
    ours, theirs = payload_factory(OPERATION, DEFAULT_EDITION, Sampler("gpt-4o", True)), plain(_schema())
    valid, invalid = rate(lambda: _valid(ours)), rate(lambda: _invalid(ours))
    plain_rate = _rate_of(theirs, lambda body: body)
    others = _rates_of_schemathesis()
    mixed = rate(_mixed())
    print(f"payloads of {OPERATION} per second on one core, each validated:")
    print(f"  valid                 {valid:8,.0f}")
    print(f"  invalid               {invalid:8,.0f}")
    print(f"  plain Hypothesis      {plain_rate:8,.0f}   (valid by the schema only)")
    print(f"  ratio                 {valid / plain_rate:8,.1f} : 1 valid, {invalid / plain_rate:,.1f} : 1 invalid")
    for mode, made in others.items():
        mine = invalid if mode == "negative" else valid
        print(f"  Schemathesis {mode}{made:8,.0f}   ({mine / made:,.1f} : 1)")
    print(f"  all operations, mixed as in fuzzing: {mixed:,.0f}")


def rate(make: Callable[[], int]) -> float:
    """The rate per CPU second; `make` returns the number of payloads it generated."""
    make()
    began, count = time.process_time(), 0
    while time.process_time() - began < SECONDS:
        count += make()
    return count / (time.process_time() - began)


def _valid(on: PayloadFactory) -> int:
    batch = PayloadGenerator(on, Random(0))
    for _ in range(100):
        batch.valid()
    return 100


def _invalid(on: PayloadFactory) -> int:
    batch = PayloadGenerator(on, Random(0))
    bases = [batch.valid() for _ in range(10)]
    made = [batch.negative(base) for base in bases for _ in range(10)]
    return sum(negative is not None for negative in made)


def _mixed() -> Callable[[], int]:
    """Generate valid and invalid payloads of all operations in the proportions of fuzzing."""
    sampler = Sampler("gpt-4o", True)
    benches = {operation: payload_factory(operation, DEFAULT_EDITION, sampler) for operation in SHARES}

    def make() -> int:
        made = 0
        for operation, share in SHARES.items():
            batch = PayloadGenerator(benches[operation], Random(made))
            count = max(2, share.payloads // 5)
            bases = [batch.valid() for _ in range(max(1, count * share.valid_percent // 100))]
            for index in range(count - len(bases)):
                batch.negative(bases[index % len(bases)])
            made += count
        return made

    return make


def _schema() -> Schema:
    return payload_factory(OPERATION, DEFAULT_EDITION, Sampler("gpt-4o")).schema


def _rates_of_schemathesis() -> dict[str, float]:
    """Bodies per second that Schemathesis generates from our OpenAPI document, by mode; empty if not installed."""
    try:
        import schemathesis
        from schemathesis.generation.modes import GenerationMode
    except ImportError:
        return {}
    operation = schemathesis.openapi.from_dict(openapi_document())["/threads/{thread_id}/runs"]["POST"]
    return {
        mode.value: _rate_of(operation.as_strategy(generation_mode=mode), lambda case: case.body, 30)
        for mode in GenerationMode
    }


def _rate_of(strategy: st.SearchStrategy[Any], body_of: Callable[[Any], Any], examples: int = 300) -> float:
    """Examples per second that Hypothesis draws with its engine, each validated like ours."""
    schema, seen = _schema(), 0

    @hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(strategy)
    def draw(drawn: Any) -> None:
        nonlocal seen
        validate(schema, body_of(drawn))
        seen += 1

    began = time.process_time()
    draw()
    return seen / (time.process_time() - began)


def plain(schema: Schema) -> st.SearchStrategy[Any]:
    """A straightforward strategy: one per keyword."""
    if "const" in schema:
        return st.just(schema["const"])
    if "oneOf" in schema:
        return st.one_of([plain(branch) for branch in schema["oneOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return st.one_of([_of_type(kind, schema) for kind in allowed_types(schema) or ["null"]])


def _of_type(kind: str, schema: Schema) -> st.SearchStrategy[Any]:
    match kind:
        case "string" if "pattern" in schema:
            return st.from_regex(schema["pattern"].replace("$", r"\Z")).filter(lambda text: len(text) <= 64)
        case "string":
            return st.text(min_size=schema.get("minLength", 0), max_size=schema.get("maxLength"))
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case "number":
            return st.floats(schema.get("minimum"), schema.get("maximum"), allow_nan=False, allow_infinity=False)
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(plain(schema["items"]), min_size=schema.get("minItems", 0), max_size=schema.get("maxItems"))
        case "object" if "properties" in schema:
            properties = {name: plain(sub) for name, sub in schema["properties"].items()}
            required = {name: properties[name] for name in schema.get("required", ())}
            rest = {name: each for name, each in properties.items() if name not in required}
            return st.fixed_dictionaries(required, optional=rest)
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            keys = st.text(max_size=schema.get("propertyNames", {}).get("maxLength"))
            return st.dictionaries(keys, plain(schema["additionalProperties"]), max_size=schema.get("maxProperties"))
        case "object":
            return st.dictionaries(st.text(), st.text())
    return st.none()


if __name__ == "__main__":
    main()
