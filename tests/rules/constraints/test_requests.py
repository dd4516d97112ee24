"""The referee of requests, on literal histories."""

from __future__ import annotations

from collections import Counter
from typing import Any

from runs_conformance.model.case import REFUSES_BODY, Accept, Either, Mutation, Role, Step
from runs_conformance.model.exchange import Completion
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import Finding, Outcome, Tally
from runs_conformance.rules.constraints.requests import tallies
from tests.rules.histories import HistoryBuilder, error, message, run, thread

MINIMUM = "create_run.max_prompt_tokens.minimum"
BODY = {"assistant_id": "asst_a"}


def control(operation: str = "create_run") -> Step:
    return Step(operation=operation, body=BODY, role=Role.CONTROL, expectation=Accept())


def legal(value: Any = 256, *exercises: str, **rest: Any) -> Step:
    mutation = Mutation("/max_prompt_tokens", "minimum", ABSENT, value)
    return Step(
        operation="create_run",
        body={**BODY, "max_prompt_tokens": value},
        role=Role.VALID,
        exercises=exercises or (MINIMUM,),
        **{"expectation": Accept(), "mutation": mutation, **rest},
    )


def negative(value: Any = 255, **rest: Any) -> Step:
    return Step(
        operation="create_run",
        body={**BODY, "max_prompt_tokens": value},
        role=Role.NEGATIVE,
        expectation=REFUSES_BODY,
        mutation=Mutation("/max_prompt_tokens", "minimum", 256, value),
        exercises=(MINIMUM,),
        **rest,
    )


class Tried(HistoryBuilder):
    """Boundary steps in the telling: each accepted run is on a thread of its own, unless said otherwise."""

    threads = 0

    def accept(self, step: Step, thread: str | None = None, **rest: Any) -> None:
        self.threads += 1
        id_ = f"run_{self.threads}"
        self.send(step.operation, run("queued", id_), step=step, thread_id=thread or f"thread_{self.threads}", **rest)

    def no(self, step: Step, status: int = 400, thread: str = "thread_idle", **rest: Any) -> None:
        self.send(step.operation, error("Too small."), status, step=step, thread_id=thread, **rest)

    def tally(self, id_: str = MINIMUM) -> Tally:
        return tallies(self.history())[id_]


def beside() -> Tried:
    builder = Tried()
    builder.accept(control())
    builder.accept(legal())
    return builder


def only(tally: Tally) -> Finding:
    (finding,) = tally.findings
    return finding


def test_a_refusal_beside_accepted_neighbours_holds() -> None:
    builder = beside()
    builder.no(negative())
    assert (builder.tally().judged, builder.tally().outcome) == (2, Outcome.PASS)


def test_an_accepted_negative_is_found_with_its_place() -> None:
    builder = beside()
    builder.accept(negative())
    finding = only(builder.tally())
    assert finding.message == "accepted max_prompt_tokens: 255"
    assert (finding.pointer, finding.actual) == ("/max_prompt_tokens", 255)
    assert finding.case == negative().id


def test_an_accepted_negative_is_found_even_where_nothing_else_is_accepted() -> None:
    builder = Tried()
    builder.no(control())
    builder.accept(negative())
    assert builder.tally().outcome is Outcome.FAIL


def test_a_missing_member_is_said_to_be_missing() -> None:
    builder = beside()
    mutation = Mutation("/assistant_id", "required", "asst_a", ABSENT)
    id_ = "create_run.assistant_id.required"
    builder.accept(Step(operation="create_run", role=Role.NEGATIVE, mutation=mutation, exercises=(id_,), body={}))
    assert only(builder.tally(id_)).message == "accepted a request without assistant_id"


def test_a_server_that_refuses_everything_does_not_score() -> None:
    builder = Tried()
    builder.no(control())
    builder.no(negative())
    assert builder.tally().inconclusive == Counter(["the minimal create_run request was also refused"])


def test_without_a_legal_value_at_the_place_nothing_is_decided() -> None:
    builder = Tried()
    builder.accept(control())
    builder.no(legal(packed=True))
    builder.no(negative())
    assert builder.tally().outcome is Outcome.INCONCLUSIVE
    assert not builder.tally().judged


def test_a_control_that_shows_the_place_is_enough() -> None:
    builder = Tried()
    shown = Step(operation="create_run", body=BODY, role=Role.CONTROL, expectation=Accept(), exercises=(MINIMUM,))
    builder.accept(shown)
    builder.no(negative())
    assert builder.tally().outcome is Outcome.PASS


def test_a_doubtful_value_that_is_accepted_is_a_legal_one() -> None:
    builder = Tried()
    builder.accept(control())
    builder.accept(legal(expectation=Either("depends on the model")))
    builder.no(negative())
    assert builder.tally().outcome is Outcome.PASS


def test_rate_limits_and_keys_are_no_refusals() -> None:
    for status, reason in ((429, "rate limited (HTTP status 429)"), (401, "not authorised (HTTP status 401)")):
        builder = beside()
        builder.no(negative(), status)
        assert builder.tally().inconclusive == Counter([reason])
        assert builder.tally().outcome is Outcome.INCONCLUSIVE, "that legal values are taken is not enough"


def test_an_answer_that_never_came_decides_nothing() -> None:
    builder = beside()
    builder.send("create_run", ABSENT, 504, completion=Completion.UNKNOWN, step=negative())
    assert builder.tally().outcome is Outcome.INCONCLUSIVE


def test_a_later_attempt_decides() -> None:
    builder = beside()
    builder.no(negative(), 429)
    builder.no(negative())
    assert builder.tally().outcome is Outcome.PASS


def test_a_failure_that_repeats_is_found() -> None:
    builder = beside()
    builder.no(negative(), 500)
    builder.no(negative(), 500)
    builder.accept(control())
    assert only(builder.tally()).message == "failed with HTTP status 500 on every attempt with max_prompt_tokens: 255"


def test_a_failure_that_does_not_repeat_or_takes_everything_down_is_undecided() -> None:
    once = beside()
    once.no(negative(), 500)
    once.accept(control())
    down = beside()
    down.no(negative(), 500)
    down.no(negative(), 500)
    for builder in (once, down):
        assert builder.tally().outcome is Outcome.INCONCLUSIVE


def test_a_busy_thread_refuses_for_another_reason() -> None:
    builder = beside()
    builder.accept(negative(254), thread="thread_busy")
    builder.no(negative(), thread="thread_busy")
    assert builder.tally().inconclusive == Counter(
        ["the thread may have had an active run, which refuses every request"]
    )
    assert only(builder.tally()).actual == 254


def test_a_thread_whose_run_is_over_is_idle_again() -> None:
    builder = beside()
    builder.get_run(run("cancelled", "run_2"), thread_id="thread_2")
    builder.no(negative(), thread="thread_2")
    assert builder.tally().outcome is Outcome.PASS


def test_a_run_that_may_have_been_created_keeps_its_thread_busy() -> None:
    builder = beside()
    builder.send("create_run", ABSENT, 504, completion=Completion.UNKNOWN, step=negative(), thread_id="thread_x")
    builder.no(negative(0), thread="thread_x")
    assert not builder.tally().judged


def test_messages_are_refused_by_a_busy_thread_too_but_other_requests_are_not() -> None:
    def tried(operation: str) -> Outcome:
        builder = Tried()
        builder.send(operation, message(), step=control(operation), thread_id="thread_1")
        builder.accept(legal(), thread="thread_1")
        refused = Step(operation=operation, role=Role.NEGATIVE, expectation=REFUSES_BODY, exercises=(MINIMUM,))
        builder.no(refused, thread="thread_1")
        return builder.tally().outcome

    assert tried("create_message") is Outcome.INCONCLUSIVE
    assert tried("modify_message") is Outcome.PASS


def test_a_refused_legal_value_is_found() -> None:
    builder = Tried()
    builder.accept(control())
    builder.no(legal())
    finding = only(builder.tally())
    assert finding.message == "refused max_prompt_tokens: 256, which is valid, saying: Too small."


def test_a_refused_legal_value_counts_only_against_the_constraint_it_was_made_for() -> None:
    builder = Tried()
    builder.accept(control())
    builder.no(legal(256, MINIMUM, "create_run.assistant_id.type"))
    assert tallies(builder.history()).keys() == {MINIMUM}


def test_a_packed_or_doubtful_request_that_is_refused_says_nothing() -> None:
    builder = Tried()
    builder.accept(control())
    builder.no(legal(packed=True))
    builder.no(legal(expectation=Either("depends on files")))
    assert tallies(builder.history()) == {}


def test_a_legal_value_refused_where_everything_is_refused_is_undecided() -> None:
    builder = Tried()
    builder.no(control())
    builder.no(legal())
    assert builder.tally().outcome is Outcome.INCONCLUSIVE


def test_what_the_service_itself_took_is_excused_in_its_time() -> None:
    id_ = "create_run.max_completion_tokens.minimum"
    mutation = Mutation("/max_completion_tokens", "minimum", 256, 16)
    step = Step(operation="create_run", role=Role.NEGATIVE, mutation=mutation, exercises=(id_,), body=BODY)

    def tried(edition: str, strict: bool = False) -> Tally:
        builder = Tried(edition=edition)
        builder.accept(step)
        return tallies(builder.history(strict))[id_]

    assert tried("2024-04-27").excused == Counter(["V-13"])
    assert tried("2024-04-27", strict=True).outcome is Outcome.FAIL
    assert tried("2026-08-14").outcome is Outcome.FAIL


def test_traffic_that_nobody_meant_to_be_a_test_says_nothing() -> None:
    builder = HistoryBuilder()
    builder.create_run()
    builder.refuse("create_run")
    assert tallies(builder.history()) == {}


def test_a_body_that_is_too_large_for_the_target_is_no_refusal_of_a_legal_value() -> None:
    builder = Tried()
    builder.accept(control())
    builder.no(legal(), 413)
    assert builder.tally().outcome is Outcome.INCONCLUSIVE


def test_metadata_that_is_too_much_where_it_is_merged_is_undecided() -> None:
    id_ = "modify_thread.metadata{}.type"

    def tally(earlier: int) -> Tally:
        builder = Tried()
        builder.send("create_thread", thread(), body={"metadata": {f"a{number}": "x" for number in range(earlier)}})
        builder.send("modify_thread", thread(), step=Step(operation="modify_thread", role=Role.CONTROL))
        mutation = Mutation("/metadata/b", "type", ABSENT, "x")
        given = {"metadata": {f"b{number}": "x" for number in range(10)}}
        step = Step(
            operation="modify_thread", role=Role.VALID, expectation=Accept(), exercises=(id_,), mutation=mutation
        )
        builder.send("modify_thread", error("Too many."), 400, step=step, body=given)
        return builder.tally(id_)

    assert tally(10).outcome is Outcome.INCONCLUSIVE
    assert tally(6).outcome is Outcome.FAIL
