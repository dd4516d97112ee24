from __future__ import annotations

from runs_conformance.model.json import JSON
from runs_conformance.reporting.access import Access, variable
from runs_conformance.reporting.codegen import curl

EXAMPLE: JSON = {
    "before": [{"operation": "create_thread", "name": "thread", "body": {}}],
    "case": {
        "operation": "list_messages",
        "path": {"thread_id": {"$from": "thread", "at": "/id"}},
        "query": [["limit", "0"]],
    },
}


def test_a_line_goes_to_the_target_as_the_run_did() -> None:
    access = Access("X-Key", (("api-version", "v1 a"), ("code", variable("code"))), (("X-Team", 'a"$b'),))
    shown = curl.script(EXAMPLE, "http://127.0.0.1/v1", "azure", access)
    assert shown is not None
    first, last = shown.split("\n")
    assert '/v1/threads?api-version=v1%20a&code=$CODE"' in first
    assert "/messages?api-version=v1%20a&code=$CODE&limit=0" in last
    for line in (first, last):
        assert '-H "X-Key: $OPENAI_API_KEY"' in line
        assert r'-H "X-Team: a\"\$b"' in line
        assert "api-key" not in line


def test_without_it_the_dialect_says_how() -> None:
    assert "api-key: $OPENAI_API_KEY" in (curl.script(EXAMPLE, "http://x", "azure") or "")
    assert "Authorization: Bearer $OPENAI_API_KEY" in (curl.script(EXAMPLE, "http://x") or "")


def test_it_is_read_back_and_odd_names_are_not() -> None:
    access = Access("api-key", (("api-version", "v1"),), (("X-Team", "blue"),))
    assert Access.from_json(access.to_json()) == access
    odd = {"key_header": "api-key", "query": [['$(rm)"', "1"], ["a"], "b"], "headers": None}
    assert Access.from_json(odd) == Access("api-key")
    assert Access.from_json({"key_header": 'x" $(rm)'}) is None
    assert Access.from_json(None) is None


def test_only_a_variable_is_left_as_it_is() -> None:
    shown = curl.script(EXAMPLE, "http://x", "openai", Access(query=(("a", "$(rm)"),), headers=(("B", "$(rm)"),)))
    assert shown is not None
    assert "$(rm)" not in shown.replace(r"\$(rm)", "")
