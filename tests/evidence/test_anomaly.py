"""The anomalies of the requests that the programs send have descriptions."""

from __future__ import annotations

import ast
import inspect

import pytest

from runs_conformance.evidence.anomaly import describe_anomaly
from runs_conformance.generation.programs import odd_addresses, probes

NAMES = ("array_body", "nul_in_id", "negative_limit", "deep_nesting", "trailing_json", "wrong_content_type")


@pytest.mark.parametrize("name", NAMES)
def test_a_description_has_an_article(name: str) -> None:
    assert describe_anomaly(name).startswith(("a ", "an "))
    assert not describe_anomaly(name).startswith("a request with")


def test_a_name_without_a_description_is_spelled() -> None:
    assert describe_anomaly("body_/metadata") == "a request with body /metadata"


def test_the_name_of_each_id_and_query_has_a_description() -> None:
    keys = {key for module in (odd_addresses, probes) for key in _keys_of_tables(inspect.getsource(module))}
    assert len(keys) > 20
    assert [key for key in keys if describe_anomaly(key).startswith("a request with")] == []


def _keys_of_tables(source: str) -> list[str]:
    """The keys of the tables `ids`, `queries` and `texts`."""
    return [
        key.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Dict)
        if ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target) in ("ids", "queries", "texts")
        for key in node.value.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    ]
