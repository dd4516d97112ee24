"""The constraints that the schemas state."""

from __future__ import annotations

import pytest

from runs_conformance.contract.constraint import constraints, object_documents
from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.operation import CAPABILITIES, OPERATIONS
from runs_conformance.model.source import Level
from runs_conformance.rules.constraints.fixes import fix


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_constraint_has_a_statement_and_a_source(edition: str) -> None:
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
def test_ids_and_levels_are_stable(id_: str, level: Level) -> None:
    assert constraints()[id_].level is level


def test_every_kind_of_object_has_constraints() -> None:
    prefixes = {id_.partition(".")[0] for id_, constraint in constraints().items() if constraint.side == "response"}
    assert prefixes == set(object_documents())


def test_the_type_of_a_query_is_not_a_constraint() -> None:
    assert "list_runs.type" not in constraints()
    assert "create_run.type" in constraints()


def test_a_statement_names_the_place_and_the_bound() -> None:
    statement = constraints()["create_run.max_prompt_tokens.minimum"].statement
    assert statement == (
        "create_run.max_prompt_tokens is at least 256; "
        "a request that violates this is refused, one that satisfies it is accepted"
    )


def test_a_statement_on_metadata_names_keys_and_values() -> None:
    stated = constraints()
    assert (
        stated["run.metadata.propertyNames.maxLength"].statement == "each key of run.metadata has at most 64 characters"
    )
    assert stated["run.metadata{}.type"].statement == "each value of run.metadata is a string"


@pytest.mark.parametrize(
    ("id_", "statement"),
    [
        ("run.object.const", 'run.object is "thread.run"'),
        ("message.role.enum", 'message.role is one of "user", "assistant"'),
        ("run.tool_choice.enum", 'run.tool_choice is one of "none", "auto", "required" if it is a string'),
        ("run.response_format.enum", 'run.response_format is "auto" if it is a string'),
        ("run.response_format.type.enum", 'run.response_format.type is one of "text", "json_object", "json_schema"'),
    ],
)
def test_a_statement_quotes_values(id_: str, statement: str) -> None:
    assert constraints()[id_].statement == statement


@pytest.mark.parametrize(
    ("id_", "condition"),
    [
        ("create_message.content[].image_url.required", 'type is "image_url"'),
        ("create_run.tools[].function.required", 'type is "function"'),
        ("run_step.step_details.tool_calls.required", 'type is "tool_calls"'),
        ("message.content[].refusal.required", 'type is "refusal"'),
        ("create_run.tools[].type.required", ""),
        ("run_step.step_details.tool_calls[].id.required", ""),
        ("create_run.tools[].function.name.required", ""),
    ],
)
def test_a_member_of_one_branch_is_required_only_there(id_: str, condition: str) -> None:
    constraint = constraints()[id_]
    assert constraint.condition == condition
    present = f"{id_.removesuffix('.required')} is present"
    assert constraint.statement.partition(";")[0] == (f"{present} if {condition}" if condition else present)


def test_a_fix_names_the_condition() -> None:
    stated = constraints()
    assert fix(stated["message.content[].image_url.required"]) == 'Always return `image_url` if type is "image_url".'
    assert fix(stated["create_run.tools[].function.required"]) == (
        'Refuse requests without `function` with HTTP 400 if type is "function".'
    )


def test_editions_differ() -> None:
    assert len(constraints("2024-04-17")) < len(constraints("2024-08-28")) <= len(constraints())
    assert "create_run.parallel_tool_calls.type" not in constraints("2024-04-17")


@pytest.mark.parametrize(
    ("id_", "statement"),
    [
        ("create_run.type", "the body of create_run is an object"),
        (
            "create_run.additionalProperties",
            "the body of create_run has no members that the contract does not name",
        ),
        ("create_run.assistant_id.required", "create_run.assistant_id is present"),
        ("run.type", "run is an object"),
    ],
)
def test_a_statement_on_a_whole_request_is_about_its_body(id_: str, statement: str) -> None:
    assert constraints()[id_].statement.partition(";")[0] == statement
