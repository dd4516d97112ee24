"""Responses that violate HTTP or JSON are causes of their own."""

from __future__ import annotations

from dataclasses import replace

from runs_conformance.model.exchange import MALFORMED, TRUNCATED
from runs_conformance.model.json import JSON
from runs_conformance.model.verdict import Finding, Verdict
from tests.causes.verdicts import broken_rule, by_kind

FRAMING = "transport.responses_are_framed_as_http"


def incomplete(id_: str, problem: str, operation: str = "create_run") -> Verdict:
    example: JSON = {"exchange": "x", "operation": operation, "answer": {"problem": problem}}
    return replace(broken_rule(id_, operation), findings=(Finding(problem, "x", operation),), counterexample=example)


def test_malformed_chunks_are_a_cause_of_their_own() -> None:
    failing = incomplete(FRAMING, f"{MALFORMED}: malformed chunk footer")
    causes = by_kind(
        replace(failing, findings=(*failing.findings, Finding("", "y", "submit_tool_outputs"))),
        incomplete("streaming.a_stream_ends_with_done", f"{MALFORMED}: malformed chunk footer"),
        incomplete("transport.responses_are_complete", f"{TRUNCATED}: peer closed connection", "get_run"),
    )
    assert causes["response.framing"].ids == (FRAMING, "streaming.a_stream_ends_with_done")
    title = "Clients cannot read some responses to their end, because they are not valid HTTP: "
    assert causes["response.framing"].title == f"{title}create_run, submit_tool_outputs"
    assert causes["response.none"].ids == ("transport.responses_are_complete",)


def test_title_names_requests_that_are_nested_too_deeply() -> None:
    failing = incomplete("transport.responses_are_complete", f"{TRUNCATED}: peer closed connection", "create_message")
    nested: JSON = {"exchange": "x", "operation": "create_message", "case": {"anomaly": "deep_nesting"}}
    title = by_kind(replace(failing, counterexample=nested))["response.none"].title
    assert title == "The server does not respond to some requests of create_message, such as deeply nested ones"
