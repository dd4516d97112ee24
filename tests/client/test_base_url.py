"""A base URL determines the dialect, the paths and the headers of requests."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest

from runs_conformance.client.base_url import (
    dialect_with,
    encode_query,
    encode_segment,
    operation_path,
    parse_address,
    redact_url,
)
from runs_conformance.contract.operation import OPERATIONS, find_operation
from runs_conformance.errors import UsageError


@pytest.mark.parametrize(
    ("url", "shown", "authority", "loopback"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1", "api.openai.com", False),
        ("https://api.openai.com:443/v1/", "https://api.openai.com/v1", "api.openai.com", False),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "127.0.0.1:8000", True),
        ("http://127.8.9.10:8000", "http://127.8.9.10:8000", "127.8.9.10:8000", True),
        ("http://127.example:8000", "http://127.example:8000", "127.example:8000", False),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1", "[::1]:8000", True),
        ("http://localhost/a b", "http://localhost/a%20b", "localhost", True),
        ("http://bücher.example/v1", "http://xn--bcher-kva.example/v1", "xn--bcher-kva.example", False),
    ],
)
def test_base_url_is_parsed(url: str, shown: str, authority: str, loopback: bool) -> None:
    parsed = parse_address(url)
    assert (parsed.url, parsed.authority, parsed.is_loopback) == (shown, authority, loopback)
    assert parsed.query == ()


def test_azure_openai_adds_its_path_prefix_and_version() -> None:
    parsed = parse_address("https://x.openai.azure.com/", "azure-openai")
    assert parsed.base_path == "/openai"
    assert parsed.query == (("api-version", "2024-07-01-preview"),)
    assert (parsed.dialect.key_header, parsed.dialect.family.name) == ("api-key", "azure")


def test_user_settings_override_the_dialect() -> None:
    parsed = parse_address("https://x.openai.azure.com/openai?api-version=2025-01-01-preview", "azure-openai")
    assert parsed.base_path == "/openai"
    assert parsed.query == (("api-version", "2025-01-01-preview"),)
    assert parse_address("https://x/", "azure-openai", query=[("api-version", "v1")]).query == (("api-version", "v1"),)


def test_foundry_keeps_the_project_path() -> None:
    parsed = parse_address("https://x.services.ai.azure.com/api/projects/p", "azure-foundry-agents")
    assert parsed.base_path == "/api/projects/p"
    assert parsed.dialect.key_header == "Authorization"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.openai.com/v1",
        "ftp://x/v1",
        "http://",
        "http://x:port/",
        "http://x:99999/",
        "http://[::1",
        "file:///x",
        "http://a b/v1",
        "http://a<b",
    ],
)
def test_invalid_base_url_is_reported_in_one_line(url: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_address(url)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:hunter22@x/v1",
        "https://user:hunter22/more@x/v1",
        "user:hunter22@x/v1",
        "http://[x/v1?api_key=hunter22",
        "http://x:port/v1?api_key=hunter22",
    ],
)
def test_secret_in_an_invalid_url_is_not_shown(url: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_address(url)
    assert "hunter" not in str(raised.value)


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding"])
def test_framing_header_is_rejected(name: str) -> None:
    with pytest.raises(UsageError, match="leave it out"):
        parse_address("http://x", headers=[(name, "5")])
    with pytest.raises(UsageError, match="--key-header"):
        dialect_with("openai", key_header=name)


def test_unknown_dialect_is_rejected() -> None:
    with pytest.raises(UsageError, match="azure-openai"):
        parse_address("http://x", "klingon")


IDS = ("run_abc", "a/b", "a b", 'a"b', "a\nb", "..", ".", "%2e%2e", "a?b#c", "é", "\ud800", "\0", "", "a" * 5000)


@pytest.mark.parametrize("id_", IDS)
def test_id_stays_one_segment(id_: str) -> None:
    encoded = encode_segment(id_)
    assert not set('/?#\n" ') & set(encoded)
    assert encoded not in (".", "..")
    assert unquote_to_bytes(encoded) == id_.encode("utf-8", "surrogatepass")


def test_operation_is_found_by_its_path() -> None:
    for operation in OPERATIONS.values():
        ids = dict.fromkeys(operation.parameters, "x/y")
        parsed = find_operation(operation.method, operation_path(operation, ids))
        assert parsed is not None
        assert parsed[0] is operation


def test_query_is_encoded() -> None:
    assert encode_query([("include[]", "a[*].b"), ("q", "a&b=ü")]) == "include%5B%5D=a%5B%2A%5D.b&q=a%26b%3D%C3%BC"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@x/v1", "https://x/v1"),
        ("https://x/v1?api-key=abc&a=b#f", "https://x/v1?api-key=[REDACTED]&a=b"),
        ("http://u:p@[::1", "http://[::1"),
        ("http://[bad/v1?api_key=sk-secret", "http://[bad"),
        ("http://x:port/v1?sig=secret", "http://x"),
        ("http://user:pa/ss@h/v1", "http://..."),
        ("user:password@host/v1", "..."),
    ],
)
def test_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert redact_url(url) == shown


def test_secret_headers_are_recognized_by_name() -> None:
    parsed = parse_address(
        "http://x", headers=[("X-Api-Key", "k1"), ("X-Trace", "t"), ("Cookie", "c=1")], query=[("sig", "s")]
    )
    assert parsed.secrets == ("s", "k1", "c=1")


def test_invalid_header_is_rejected() -> None:
    with pytest.raises(UsageError, match="X-Bad"):
        parse_address("http://x", headers=[("X-Bad", "a\r\nb")])
    assert parse_address("http://x", headers=[("X-Good", "a b\t\xe9"), ("X-Empty", "")]).headers[0][0] == "X-Good"
