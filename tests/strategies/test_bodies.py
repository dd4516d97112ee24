"""The public strategies draw what they promise, according to jsonschema, and shrink."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from runs_conformance import UsageError, strategies
from runs_conformance.contract.constraint import body_documents
from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.second_opinion import is_valid_by_jsonschema
from runs_conformance.contract.validation import validate_document
from runs_conformance.generation.payloads.strategy import PROFILE
from runs_conformance.model.json import ABSENT, at
from runs_conformance.strategies import BODY_OPERATIONS, InvalidBody, invalid_bodies, valid_bodies

FEW = settings(PROFILE, max_examples=15)
UNSHRUNK = settings(PROFILE, phases=[Phase.generate])
EDITION = EDITIONS[-1]


@pytest.mark.parametrize("operation", BODY_OPERATIONS)
def test_valid_bodies_are_valid(operation: str) -> None:
    @FEW
    @given(valid_bodies(operation, must_be_accepted=False, accepts_any_file_id=True))
    def check(body: dict[str, object]) -> None:
        assert is_valid_by_jsonschema(body_documents()[operation], operation, body, EDITION)  # type: ignore[arg-type]

    check()


@pytest.mark.parametrize("operation", BODY_OPERATIONS)
def test_invalid_bodies_break_one_place(operation: str) -> None:
    @FEW
    @given(invalid_bodies(operation))
    def check(invalid: InvalidBody) -> None:
        document = body_documents()[operation]
        violations = validate_document(document, operation, invalid.body, EDITION).violations
        assert invalid.constraint in {each.constraint for each in violations}
        assert all(each.place.startswith(invalid.pointer) for each in violations)
        assert not is_valid_by_jsonschema(document, operation, invalid.body, EDITION)
        assert is_valid_by_jsonschema(document, operation, dict(invalid.valid), EDITION)
        assert at(invalid.body, invalid.pointer) != at(dict(invalid.valid), invalid.pointer) or not invalid.pointer

    check()


def test_bodies_shrink() -> None:
    smallest = find(valid_bodies("modify_run"), lambda body: bool(body.get("metadata")), settings=PROFILE)
    assert len(smallest["metadata"]) == 1


def test_ids_are_those_given() -> None:
    @FEW
    @given(valid_bodies("create_run", assistant_id="asst_mine"))
    def check_run(body: dict[str, object]) -> None:
        assert body["assistant_id"] == "asst_mine"

    @FEW
    @given(valid_bodies("submit_tool_outputs", tool_call_id="call_mine"))
    def check_outputs(body: dict[str, list[dict[str, str]]]) -> None:
        assert [output["tool_call_id"] for output in body["tool_outputs"]] == ["call_mine"]

    check_run()
    check_outputs()


def test_edition_decides_the_members() -> None:
    @FEW
    @given(valid_bodies("create_run", "2024-04-17", must_be_accepted=False))
    def check(body: dict[str, object]) -> None:
        assert "parallel_tool_calls" not in body

    check()
    assert find(valid_bodies("create_run"), lambda body: "parallel_tool_calls" in body, settings=UNSHRUNK)


def test_removed_members_are_named() -> None:
    missing = find(invalid_bodies("create_message"), lambda each: each.keyword == "required", settings=UNSHRUNK)
    assert at(missing.body, missing.pointer) is ABSENT


def test_unknown_names_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="there is no operation with a body 'create_runs'; did you mean create_run"):
        valid_bodies("create_runs")
    with pytest.raises(UsageError, match="there is no edition '2019'"):
        invalid_bodies("create_run", "2019")


def test_public_names_are_documented() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "test-with-hypothesis.md"
    text = page.read_text(encoding="utf-8")
    assert [name for name in strategies.__all__ if f"`{name}" not in text and f" {name}" not in text] == []


def test_strategies_are_strategies() -> None:
    assert isinstance(valid_bodies("create_run"), st.SearchStrategy)
