"""The constraints that the schemas state."""

from __future__ import annotations

import pytest

from runs_conformance.contract.constraint import constraints, objects
from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.operation import CAPABILITIES, OPERATIONS
from runs_conformance.model.source import Level


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_constraint_says_what_it_demands_and_where_it_was_read(edition: str) -> None:
    for id_, constraint in constraints(edition).items():
        assert constraint.id == id_
        assert constraint.statement
        assert constraint.source.locator
        assert constraint.capability in CAPABILITIES
        assert (constraint.operation in OPERATIONS) is (constraint.side == "request")


@pytest.mark.parametrize(
    ("id_", "level"),
    [
        ("create_run.max_prompt_tokens.minimum", Level.MUST),
        ("create_run.tools[].function.name.pattern", Level.MUST),
        ("create_run.metadata.maxProperties", Level.MUST),
        ("create_run.additionalProperties", Level.MUST),
        ("list_runs.limit.maximum", Level.SHOULD),
        ("submit_tool_outputs.tool_outputs[].tool_call_id.required", Level.SHOULD),
        ("run.completed_at.type", Level.MUST),
        ("error.error.message.type", Level.MUST),
        ("error_event.message.required", Level.MAY),
    ],
)
def test_ids_are_spelled_as_reports_promise(id_: str, level: Level) -> None:
    assert constraints()[id_].level is level


def test_there_are_constraints_of_every_kind_of_answer() -> None:
    prefixes = {id_.partition(".")[0] for id_, constraint in constraints().items() if constraint.side == "response"}
    assert prefixes == set(objects())


def test_that_a_query_is_an_object_is_no_demand() -> None:
    assert "list_runs.type" not in constraints()
    assert "create_run.type" in constraints()


def test_a_statement_is_a_sentence_about_the_place() -> None:
    statement = constraints()["create_run.max_prompt_tokens.minimum"].statement
    assert statement == "create_run.max_prompt_tokens is at least 256; a request that breaks this is refused"


def test_editions_differ() -> None:
    assert len(constraints("2024-04-17")) < len(constraints("2024-08-28")) <= len(constraints())
    assert "create_run.parallel_tool_calls.type" not in constraints("2024-04-17")
