"""The referee of requests, on literal histories."""

from __future__ import annotations

from collections import Counter
from typing import Any

from runs_conformance.model.case import REFUSES_BODY, Accept, Either, Mutation, Role, Step
from runs_conformance.model.exchange import Completion
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import Finding, Outcome, Tally
from runs_conformance.rules.constraints.requests import PACKED, tallies
from tests.rules.histories import Told, error, message, run, thread

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


class Tried(Told):
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
    tell = Tried()
    tell.accept(control())
    tell.accept(legal())
    return tell


def only(tally: Tally) -> Finding:
    (finding,) = tally.findings
    return finding


def test_a_refusal_beside_accepted_neighbours_holds() -> None:
    tell = beside()
    tell.no(negative())
    assert (tell.tally().judged, tell.tally().outcome) == (2, Outcome.PASS)


def test_an_accepted_negative_is_found_with_its_place() -> None:
    tell = beside()
    tell.accept(negative())
    finding = only(tell.tally())
    assert finding.message == "accepted max_prompt_tokens: 255"
    assert (finding.pointer, finding.actual) == ("/max_prompt_tokens", 255)
    assert finding.case == negative().id


def test_an_accepted_negative_is_found_even_where_nothing_else_is_accepted() -> None:
    tell = Tried()
    tell.no(control())
    tell.accept(negative())
    assert tell.tally().outcome is Outcome.FAIL


def test_a_missing_member_is_said_to_be_missing() -> None:
    tell = beside()
    mutation = Mutation("/assistant_id", "required", "asst_a", ABSENT)
    id_ = "create_run.assistant_id.required"
    tell.accept(Step(operation="create_run", role=Role.NEGATIVE, mutation=mutation, exercises=(id_,), body={}))
    assert only(tell.tally(id_)).message == "accepted a request without assistant_id"


def test_a_server_that_refuses_everything_does_not_score() -> None:
    tell = Tried()
    tell.no(control())
    tell.no(negative())
    assert tell.tally().undecided == Counter(["the smallest create_run request was refused, too"])


def test_without_a_legal_value_at_the_place_nothing_is_decided() -> None:
    tell = Tried()
    tell.accept(control())
    tell.no(legal(tag=PACKED))
    tell.no(negative())
    assert tell.tally().outcome is Outcome.INCONCLUSIVE
    assert not tell.tally().judged


def test_a_control_that_shows_the_place_is_enough() -> None:
    tell = Tried()
    shown = Step(operation="create_run", body=BODY, role=Role.CONTROL, expectation=Accept(), exercises=(MINIMUM,))
    tell.accept(shown)
    tell.no(negative())
    assert tell.tally().outcome is Outcome.PASS


def test_a_doubtful_value_that_is_accepted_is_a_legal_one() -> None:
    tell = Tried()
    tell.accept(control())
    tell.accept(legal(expectation=Either("depends on the model")))
    tell.no(negative())
    assert tell.tally().outcome is Outcome.PASS


def test_rate_limits_and_keys_are_no_refusals() -> None:
    for status, reason in ((429, "rate limited (HTTP status 429)"), (401, "not authorised (HTTP status 401)")):
        tell = beside()
        tell.no(negative(), status)
        assert tell.tally().undecided == Counter([reason])
        assert tell.tally().outcome is Outcome.INCONCLUSIVE, "that legal values are taken is not enough"


def test_an_answer_that_never_came_decides_nothing() -> None:
    tell = beside()
    tell.send("create_run", ABSENT, 504, completion=Completion.UNKNOWN, step=negative())
    assert tell.tally().outcome is Outcome.INCONCLUSIVE


def test_a_later_attempt_decides() -> None:
    tell = beside()
    tell.no(negative(), 429)
    tell.no(negative())
    assert tell.tally().outcome is Outcome.PASS


def test_a_failure_that_repeats_is_found() -> None:
    tell = beside()
    tell.no(negative(), 500)
    tell.no(negative(), 500)
    tell.accept(control())
    assert only(tell.tally()).message == "failed with HTTP status 500, each time, on max_prompt_tokens: 255"


def test_a_failure_that_does_not_repeat_or_takes_everything_down_is_undecided() -> None:
    once = beside()
    once.no(negative(), 500)
    once.accept(control())
    down = beside()
    down.no(negative(), 500)
    down.no(negative(), 500)
    for tell in (once, down):
        assert tell.tally().outcome is Outcome.INCONCLUSIVE


def test_a_busy_thread_refuses_for_another_reason() -> None:
    tell = beside()
    tell.accept(negative(254), thread="thread_busy")
    tell.no(negative(), thread="thread_busy")
    assert tell.tally().undecided == Counter(["the thread was not known to be idle, and a busy one refuses everything"])
    assert only(tell.tally()).actual == 254


def test_a_thread_whose_run_is_over_is_idle_again() -> None:
    tell = beside()
    tell.get_run(run("cancelled", "run_2"), thread_id="thread_2")
    tell.no(negative(), thread="thread_2")
    assert tell.tally().outcome is Outcome.PASS


def test_a_run_that_may_have_been_created_keeps_its_thread_busy() -> None:
    tell = beside()
    tell.send("create_run", ABSENT, 504, completion=Completion.UNKNOWN, step=negative(), thread_id="thread_x")
    tell.no(negative(0), thread="thread_x")
    assert not tell.tally().judged


def test_messages_are_refused_by_a_busy_thread_too_but_other_requests_are_not() -> None:
    def tried(operation: str) -> Outcome:
        tell = Tried()
        tell.send(operation, message(), step=control(operation), thread_id="thread_1")
        tell.accept(legal(), thread="thread_1")
        refused = Step(operation=operation, role=Role.NEGATIVE, expectation=REFUSES_BODY, exercises=(MINIMUM,))
        tell.no(refused, thread="thread_1")
        return tell.tally().outcome

    assert tried("create_message") is Outcome.INCONCLUSIVE
    assert tried("modify_message") is Outcome.PASS


def test_a_refused_legal_value_is_found() -> None:
    tell = Tried()
    tell.accept(control())
    tell.no(legal())
    finding = only(tell.tally())
    assert finding.message == "refused max_prompt_tokens: 256, which is legal, saying: Too small."


def test_a_refused_legal_value_counts_only_against_the_constraint_it_was_made_for() -> None:
    tell = Tried()
    tell.accept(control())
    tell.no(legal(256, MINIMUM, "create_run.assistant_id.type"))
    assert tallies(tell.history()).keys() == {MINIMUM}


def test_a_packed_or_doubtful_request_that_is_refused_says_nothing() -> None:
    tell = Tried()
    tell.accept(control())
    tell.no(legal(tag=PACKED))
    tell.no(legal(expectation=Either("depends on files")))
    assert tallies(tell.history()) == {}


def test_a_legal_value_refused_where_everything_is_refused_is_undecided() -> None:
    tell = Tried()
    tell.no(control())
    tell.no(legal())
    assert tell.tally().outcome is Outcome.INCONCLUSIVE


def test_what_the_service_itself_took_is_excused_in_its_time() -> None:
    id_ = "create_run.max_completion_tokens.minimum"
    mutation = Mutation("/max_completion_tokens", "minimum", 256, 16)
    step = Step(operation="create_run", role=Role.NEGATIVE, mutation=mutation, exercises=(id_,), body=BODY)

    def tried(edition: str, strict: bool = False) -> Tally:
        tell = Tried(edition=edition)
        tell.accept(step)
        return tallies(tell.history(strict))[id_]

    assert tried("2024-04-27").excused == Counter(["V-13"])
    assert tried("2024-04-27", strict=True).outcome is Outcome.FAIL
    assert tried("2026-08-14").outcome is Outcome.FAIL


def test_traffic_that_nobody_meant_to_be_a_test_says_nothing() -> None:
    tell = Told()
    tell.create_run()
    tell.refuse("create_run")
    assert tallies(tell.history()) == {}


def test_a_body_that_is_too_large_for_the_target_is_no_refusal_of_a_legal_value() -> None:
    tell = Tried()
    tell.accept(control())
    tell.no(legal(), 413)
    assert tell.tally().outcome is Outcome.INCONCLUSIVE


def test_metadata_that_is_too_much_where_it_is_merged_is_undecided() -> None:
    id_ = "modify_thread.metadata{}.type"

    def tally(earlier: int) -> Tally:
        tell = Tried()
        tell.send("create_thread", thread(), body={"metadata": {f"a{number}": "x" for number in range(earlier)}})
        tell.send("modify_thread", thread(), step=Step(operation="modify_thread", role=Role.CONTROL))
        mutation = Mutation("/metadata/b", "type", ABSENT, "x")
        given = {"metadata": {f"b{number}": "x" for number in range(10)}}
        step = Step(
            operation="modify_thread", role=Role.VALID, expectation=Accept(), exercises=(id_,), mutation=mutation
        )
        tell.send("modify_thread", error("Too many."), 400, step=step, body=given)
        return tell.tally(id_)

    assert tally(10).outcome is Outcome.INCONCLUSIVE
    assert tally(6).outcome is Outcome.FAIL
