"""Dialects: the facts of each family, and recognition of recorded traffic."""

from __future__ import annotations

import pytest

from runs_conformance.contract.dialect import DIALECTS, FAMILIES, dialect_family, recorded_family
from runs_conformance.contract.known_deviation import known_deviations


def test_every_dialect_belongs_to_a_declared_family() -> None:
    assert {dialect.family.name for dialect in DIALECTS.values()} == FAMILIES.keys()


def test_known_deviations_name_declared_families() -> None:
    assert {name for deviation in known_deviations() for name in deviation.dialects} <= FAMILIES.keys()


def test_an_unknown_family_follows_the_published_api() -> None:
    unknown, published = dialect_family("unheard of"), dialect_family("openai")
    assert unknown.name == "unheard of"
    assert unknown.error_members == published.error_members
    assert unknown.key_header == published.key_header
    assert not unknown.default_client


@pytest.mark.parametrize(
    ("host", "query", "request_headers", "response_headers", "family"),
    [
        ("api.openai.com", (), ("authorization",), ("openai-version",), "openai"),
        ("localhost", (), (), (), "openai"),
        ("name.openai.azure.com", (), (), (), "azure"),
        ("azure.com.example.org", (), (), (), "openai"),
        ("localhost", ("api-version",), (), (), "azure"),
        ("localhost", (), ("api-key",), (), "azure"),
        ("localhost", (), (), ("apim-request-id",), "azure"),
    ],
)
def test_recorded_traffic_is_assigned_to_a_family(
    host: str, query: tuple[str, ...], request_headers: tuple[str, ...], response_headers: tuple[str, ...], family: str
) -> None:
    assert recorded_family(host, query, request_headers, response_headers).name == family
