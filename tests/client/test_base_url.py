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
def test_a_base_url_becomes_an_address(url: str, shown: str, authority: str, loopback: bool) -> None:
    found = parse_address(url)
    assert (found.url, found.authority, found.is_loopback) == (shown, authority, loopback)
    assert found.query == ()


def test_azure_openai_adds_its_folder_and_version() -> None:
    found = parse_address("https://x.openai.azure.com/", "azure-openai")
    assert found.base_path == "/openai"
    assert found.query == (("api-version", "2024-07-01-preview"),)
    assert (found.dialect.key_header, found.dialect.family.name) == ("api-key", "azure")


def test_what_the_user_says_stands_over_the_dialect() -> None:
    found = parse_address("https://x.openai.azure.com/openai?api-version=2025-01-01-preview", "azure-openai")
    assert found.base_path == "/openai"
    assert found.query == (("api-version", "2025-01-01-preview"),)
    assert parse_address("https://x/", "azure-openai", query=[("api-version", "v1")]).query == (("api-version", "v1"),)


def test_foundry_keeps_the_path_of_the_project() -> None:
    found = parse_address("https://x.services.ai.azure.com/api/projects/p", "azure-foundry-agents")
    assert found.base_path == "/api/projects/p"
    assert found.dialect.key_header == "Authorization"


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
def test_what_is_no_base_url_is_said_in_one_line(url: str) -> None:
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
def test_a_secret_in_a_url_that_is_refused_is_not_shown(url: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_address(url)
    assert "hunter" not in str(raised.value)


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding"])
def test_a_header_that_every_request_has_of_its_own_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="leave it out"):
        parse_address("http://x", headers=[(name, "5")])
    with pytest.raises(UsageError, match="--key-header"):
        dialect_with("openai", key_header=name)


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(UsageError, match="azure-openai"):
        parse_address("http://x", "klingon")


IDS = ("run_abc", "a/b", "a b", 'a"b', "a\nb", "..", ".", "%2e%2e", "a?b#c", "é", "\ud800", "\0", "", "a" * 5000)


@pytest.mark.parametrize("id_", IDS)
def test_an_id_stays_one_segment(id_: str) -> None:
    encoded = encode_segment(id_)
    assert not set('/?#\n" ') & set(encoded)
    assert encoded not in (".", "..")
    assert unquote_to_bytes(encoded) == id_.encode("utf-8", "surrogatepass")


def test_the_path_of_an_operation_leads_back_to_it() -> None:
    for operation in OPERATIONS.values():
        ids = dict.fromkeys(operation.parameters, "x/y")
        found = find_operation(operation.method, operation_path(operation, ids))
        assert found is not None
        assert found[0] is operation


def test_a_query_is_encoded() -> None:
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
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert redact_url(url) == shown


def test_secret_headers_are_known_by_their_names() -> None:
    found = parse_address(
        "http://x", headers=[("X-Api-Key", "k1"), ("X-Trace", "t"), ("Cookie", "c=1")], query=[("sig", "s")]
    )
    assert found.secrets == ("s", "k1", "c=1")


def test_a_header_that_cannot_be_sent_is_refused() -> None:
    with pytest.raises(UsageError, match="X-Bad"):
        parse_address("http://x", headers=[("X-Bad", "a\r\nb")])
    assert parse_address("http://x", headers=[("X-Good", "a b\t\xe9"), ("X-Empty", "")]).headers[0][0] == "X-Good"
