"""Reproductions use the headers and the query of the test run."""

from __future__ import annotations

from runs_conformance.model.json import JSON
from runs_conformance.reporting.codegen import curl
from runs_conformance.reporting.request_access import RequestAccess, shell_variable

EXAMPLE: JSON = {
    "before": [{"operation": "create_thread", "name": "thread", "body": {}}],
    "case": {
        "operation": "list_messages",
        "path": {"thread_id": {"$from": "thread", "at": "/id"}},
        "query": [["limit", "0"]],
    },
}


def test_curl_uses_the_headers_and_query_of_the_session() -> None:
    access = RequestAccess("X-Key", (("api-version", "v1 a"), ("code", shell_variable("code"))), (("X-Team", 'a"$b'),))
    shown = curl.script(EXAMPLE, "http://127.0.0.1/v1", "azure", access)
    assert shown is not None
    first, last = shown.split("\n")
    assert '/v1/threads?api-version=v1%20a&code=$CODE"' in first
    assert "/messages?api-version=v1%20a&code=$CODE&limit=0" in last
    for line in (first, last):
        assert '-H "X-Key: $OPENAI_API_KEY"' in line
        assert """-H 'X-Team: a"$b'""" in line
        assert "api-key" not in line


def test_dialect_determines_the_default_access() -> None:
    assert "api-key: $OPENAI_API_KEY" in (curl.script(EXAMPLE, "http://x", "azure") or "")
    assert "Authorization: Bearer $OPENAI_API_KEY" in (curl.script(EXAMPLE, "http://x") or "")


def test_access_round_trips_without_malformed_names() -> None:
    access = RequestAccess("api-key", (("api-version", "v1"),), (("X-Team", "blue"),))
    assert RequestAccess.from_json(access.to_json()) == access
    odd = {"key_header": "api-key", "query": [['$(rm)"', "1"], ["a"], "b"], "headers": None}
    assert RequestAccess.from_json(odd) == RequestAccess("api-key")
    assert RequestAccess.from_json({"key_header": 'x" $(rm)'}) is None
    assert RequestAccess.from_json(None) is None


def test_only_shell_variables_stay_unquoted() -> None:
    shown = curl.script(
        EXAMPLE, "http://x", "openai", RequestAccess(query=(("a", "$(rm)"),), headers=(("B", "$(rm)"),))
    )
    assert shown is not None
    assert "$(rm)" not in shown.replace("'B: $(rm)'", "")
