"""Findings on constraints are confirmed by `jsonschema`; a disagreement is an error of the suite, not of the server."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from runs_conformance.contract import second_opinion
from runs_conformance.contract.constraint import object_documents
from runs_conformance.model.case import REFUSES_BODY, Mutation, Role, Step
from runs_conformance.model.history import History
from runs_conformance.model.verdict import Outcome, Tally
from runs_conformance.rules.constraints import requests, response_schemas
from runs_conformance.rules.constraints.cross_check import with_second_opinion
from tests.rules.histories import HistoryBuilder, run

CONSTRAINT = "run.status.enum"


def history_with(status: str) -> History:
    builder = HistoryBuilder()
    builder.send("get_run", {**run("completed"), "status": status})
    return builder.history()


def accuse_every_answer(history: History) -> Mapping[str, Tally]:
    """A judge that considers every status unknown."""
    tally = Tally()
    for exchange in history:
        tally.add(exchange.finding("the status is unknown", "/status"))
    return {CONSTRAINT: tally}


def test_a_real_violation_is_confirmed() -> None:
    tally = with_second_opinion(response_schemas.tallies)(history_with("nonsense"))[CONSTRAINT]
    assert tally.outcome is Outcome.FAIL
    assert tally.errors == []


def test_a_false_violation_is_an_internal_error() -> None:
    tally = with_second_opinion(accuse_every_answer)(history_with("completed"))[CONSTRAINT]
    assert tally.outcome is Outcome.ERROR
    assert "the validators disagree" in tally.errors[0]


def test_another_violation_of_the_object_confirms_nothing() -> None:
    builder = HistoryBuilder()
    builder.send("get_run", {**run("completed"), "created_at": "yesterday"})
    tally = with_second_opinion(accuse_every_answer)(builder.history())[CONSTRAINT]
    assert tally.outcome is Outcome.ERROR


@pytest.mark.parametrize("member", ["status", "usage"])
def test_a_missing_member_is_confirmed_by_its_name(member: str) -> None:
    shown = {name: value for name, value in run("completed").items() if name != "status"}
    is_confirmed = second_opinion.is_invalid_by_jsonschema_at(f"/{member}", object_documents()["run"], "run", shown)
    assert is_confirmed is (member == "status")


@pytest.mark.parametrize(
    ("tokens", "outcome"), [(255, Outcome.FAIL), (256, Outcome.ERROR)], ids=["invalid_body", "valid_body"]
)
def test_an_accepted_negative_must_be_invalid(tokens: int, outcome: Outcome) -> None:
    constraint = "create_run.max_prompt_tokens.minimum"
    mutation = Mutation("/max_prompt_tokens", "minimum", 256, tokens)
    body = {"assistant_id": "asst_a", "max_prompt_tokens": tokens}
    step = Step(
        operation="create_run",
        body=body,
        role=Role.NEGATIVE,
        expectation=REFUSES_BODY,
        mutation=mutation,
        exercises=(constraint,),
    )
    builder = HistoryBuilder()
    builder.send("create_run", run("queued"), body=body, step=step)
    assert with_second_opinion(requests.tallies)(builder.history())[constraint].outcome is outcome


def test_a_correct_answer_asks_for_no_second_opinion(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> bool:
        raise AssertionError("asked for a second opinion")

    monkeypatch.setattr(second_opinion, "_validator", fail)
    tallies = with_second_opinion(response_schemas.tallies)(history_with("completed"))
    assert tallies[CONSTRAINT].outcome is Outcome.PASS


def test_the_second_opinion_is_not_asked_about_keywords_it_does_not_know() -> None:
    assert not second_opinion.can_judge("create_thread.tool_resources.chunk_overlap_tokens.maximum")
    assert second_opinion.can_judge(CONSTRAINT)
