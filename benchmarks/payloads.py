"""How fast random payloads of create run are made: ours, and what plain Hypothesis and Schemathesis make of the schema.

Run `python -m benchmarks.payloads` from the root of the repository; Schemathesis takes part where it is installed.
All are drawn and examined in this one process; the others know the schema, but neither the bounds that only its prose
states nor what a server may refuse.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any

import hypothesis
from hypothesis import strategies as st

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.schema import Schema
from runs_conformance.contract.schema_violation import examine_schema, types_of
from runs_conformance.generation.boundary.cases import bench
from runs_conformance.generation.boundary.payload_factory import Bench
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.generation.fuzzing.size import SHARES
from runs_conformance.generation.openapi import document
from runs_conformance.generation.payloads.payload_generator import Batch

SECONDS = 3.0
"""Processor seconds for each measurement: what else runs on the machine does not count."""
OPERATION = "create_run"


def main() -> None:
    """Measure and print."""
    ours, theirs = bench(OPERATION, DEFAULT_EDITION, Sampler("gpt-4o", True)), plain(_schema())
    legal, illegal = rate(lambda: _legal(ours)), rate(lambda: _illegal(ours))
    plain_rate = _rate_of(theirs, lambda body: body)
    others = _rates_of_schemathesis()
    mixed = rate(_mixed())
    print(f"payloads of {OPERATION} a second, each examined against the contract, on one core:")
    print(f"  legal                 {legal:8,.0f}")
    print(f"  illegal               {illegal:8,.0f}")
    print(f"  plain Hypothesis      {plain_rate:8,.0f}   (legal by the schema alone)")
    print(f"  ratio                 {legal / plain_rate:8,.1f} : 1 legal, {illegal / plain_rate:,.1f} : 1 illegal")
    for mode, made in others.items():
        mine = illegal if mode == "negative" else legal
        print(f"  Schemathesis {mode}{made:8,.0f}   ({mine / made:,.1f} : 1)")
    print(f"  as an exploration mixes all operations: {mixed:,.0f}")


def rate(make: Callable[[], int]) -> float:
    """How many a second, `make` saying how many it made."""
    make()
    began, count = time.process_time(), 0
    while time.process_time() - began < SECONDS:
        count += make()
    return count / (time.process_time() - began)


def _legal(on: Bench) -> int:
    batch = Batch(on, Random(0))
    for _ in range(100):
        batch.legal()
    return 100


def _illegal(on: Bench) -> int:
    batch = Batch(on, Random(0))
    bases = [batch.legal() for _ in range(10)]
    made = [batch.negative(base) for base in bases for _ in range(10)]
    return sum(negative is not None for negative in made)


def _mixed() -> Callable[[], int]:
    """Operations, legal payloads and negatives in the proportions of an exploration."""
    sampler = Sampler("gpt-4o", True)
    benches = {operation: bench(operation, DEFAULT_EDITION, sampler) for operation in SHARES}

    def make() -> int:
        made = 0
        for operation, share in SHARES.items():
            batch = Batch(benches[operation], Random(made))
            count = max(2, share.payloads // 5)
            bases = [batch.legal() for _ in range(max(1, count * share.legal // 100))]
            for index in range(count - len(bases)):
                batch.negative(bases[index % len(bases)])
            made += count
        return made

    return make


def _schema() -> Schema:
    return bench(OPERATION, DEFAULT_EDITION, Sampler("gpt-4o")).schema


def _rates_of_schemathesis() -> dict[str, float]:
    """Bodies a second that Schemathesis draws from our own document, by its mode; none where it is not installed."""
    try:
        import schemathesis
        from schemathesis.generation.modes import GenerationMode
    except ImportError:
        return {}
    operation = schemathesis.openapi.from_dict(document())["/threads/{thread_id}/runs"]["POST"]
    return {
        mode.value: _rate_of(operation.as_strategy(generation_mode=mode), lambda case: case.body, 30)
        for mode in GenerationMode
    }


def _rate_of(strategy: st.SearchStrategy[Any], body_of: Callable[[Any], Any], examples: int = 300) -> float:
    """Examples a second that Hypothesis draws, by its own engine, and that are then examined as ours are."""
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
        examine_schema(schema, body_of(drawn))
        seen += 1

    began = time.process_time()
    draw()
    return seen / (time.process_time() - began)


def plain(schema: Schema) -> st.SearchStrategy[Any]:
    """What one would write down first: a strategy for each keyword."""
    if "const" in schema:
        return st.just(schema["const"])
    if "oneOf" in schema:
        return st.one_of([plain(branch) for branch in schema["oneOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return st.one_of([_of_type(kind, schema) for kind in types_of(schema) or ["null"]])


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
