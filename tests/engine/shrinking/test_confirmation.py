"""Failures are replayed within limits, and their counterexamples say how often they occurred."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace

import pytest

from runs_conformance.engine.budget import Budget
from runs_conformance.engine.plan_result import RunResult, merge_results
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.engine.shrinking.confirmation import (
    MAX_ENLARGED,
    MAX_TRIES,
    Confirmation,
    ConfirmationBudget,
    confirm,
)
from runs_conformance.engine.shrinking.confirmed_result import (
    with_confirmations,
    without_unanswered_requests,
    without_unconfirmed_waits,
)
from runs_conformance.engine.shrinking.failures_to_confirm import (
    MAX_IDS_PER_GROUP,
    MAX_REQUESTS_PER_ID,
    failures_to_confirm,
    ids_that_may_be_chance,
    ids_to_recur,
)
from runs_conformance.engine.shrinking.shrinker import ReproducedViolation, ShrinkBudget
from runs_conformance.errors import BudgetExhausted
from runs_conformance.model.case import Step
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, is_object
from runs_conformance.model.verdict import Finding, Nature, Outcome, Tally

CASE = Reproduction((Step(operation="create_thread"),))
AGAIN = ReproducedViolation(History.of([]), Tally())
HANGING = "robustness.no_request_is_left_hanging"
REFUSED = "create_run.temperature.minimum"


class _FailingTarget:
    """Fails as configured, and counts the requests."""

    def __init__(self, *fails: bool) -> None:
        self.fails: Iterator[bool] = iter(fails)
        self.sent = 0

    def execute(self, reproduction: Reproduction, id_: str) -> ReproducedViolation | None:
        self.sent += 1
        return AGAIN if next(self.fails) else None


def _confirm_all(
    cases: Mapping[str, Reproduction],
    execute: Callable[[Reproduction, str], ReproducedViolation | None],
    budget: ConfirmationBudget,
) -> dict[str, Confirmation]:
    """Confirm failures that have no more steps."""
    confirmations, _ = confirm(cases, lambda ids: {}, execute, budget)
    return confirmations


def _confirm(target: _FailingTarget, **limits: float) -> dict[str, Confirmation]:
    budget = ConfirmationBudget(lambda: target.sent, now=lambda: float(target.sent), **limits)  # type: ignore[arg-type]
    return _confirm_all({"rule.id": CASE}, target.execute, budget)


@pytest.mark.parametrize(
    ("fails", "replays", "text"),
    [
        ((True,), 1, "confirmed"),
        ((False, True), 2, "seen 1 of 2 times when replayed"),
        ((False,) * MAX_TRIES, MAX_TRIES, "seen 0 of 3 times when replayed"),
    ],
)
def test_failure_is_replayed_until_it_occurs(fails: tuple[bool, ...], replays: int, text: str) -> None:
    target = _FailingTarget(*fails)
    confirmation = _confirm(target)["rule.id"]
    assert (confirmation.replays, confirmation.text, target.sent) == (replays, text, replays)


@pytest.mark.parametrize("limits", [{"seconds": 1.0}, {"requests": 1}])
def test_budget_that_is_spent_decides_nothing(limits: dict[str, float]) -> None:
    target = _FailingTarget(False, False, False)
    assert _confirm(target, **limits) == {}
    assert target.sent == 1


def test_budget_of_the_run_ends_the_confirmation() -> None:
    def execute(reproduction: Reproduction, id_: str) -> ReproducedViolation | None:
        raise BudgetExhausted("max requests")

    assert _confirm_all({"rule.id": CASE}, execute, ConfirmationBudget(lambda: 0)) == {}


def _result(*ids: str) -> RunResult:
    refused = Finding("it was refused", nature=Nature.VALID_REQUEST_REFUSED)
    tallies = {id_: Tally(3, [refused if id_ == REFUSED else Finding("it hung")]) for id_ in ids}
    example: JSON = {"program": "a.b", "steps": CASE.to_json()}
    return replace(merge_results((), Budget()), tallies=tallies, counterexamples=dict.fromkeys(ids, example))


def test_must_failures_are_chosen_those_of_other_requests_first() -> None:
    chosen = failures_to_confirm(_result("lock.a", HANGING, "should.b"), lambda id_: id_ != "should.b")
    assert [id_ for id_, _ in chosen] == [HANGING, "lock.a"]


def test_steps_that_must_fail_repeatedly_are_replayed_twice() -> None:
    chosen = dict(failures_to_confirm(_result("lock.a", HANGING), lambda id_: True))
    assert len(chosen[HANGING].moves) == 2 * len(chosen["lock.a"].moves) + 1


def test_nothing_is_chosen_without_failures() -> None:
    assert list(failures_to_confirm(merge_results((), Budget()), lambda id_: True)) == []


def test_counterexample_says_that_it_is_confirmed() -> None:
    example = with_confirmations(_result("lock.a"), {"lock.a": Confirmation(1, 1)}).counterexamples["lock.a"]
    assert is_object(example)
    assert example["confirmed"] == {"failed": 1, "played": 1}


@pytest.mark.parametrize("id_", [HANGING, REFUSED])
def test_failure_that_other_requests_may_explain_is_inconclusive_if_it_does_not_recur(id_: str) -> None:
    result = with_confirmations(_result(id_), {id_: Confirmation(0, 3)})
    assert result.tallies[id_].outcome is Outcome.INCONCLUSIVE
    assert "seen 0 of 3 times" in next(iter(result.tallies[id_].inconclusive))
    assert id_ not in result.counterexamples


def test_refused_value_that_was_accepted_once_is_refused_at_random() -> None:
    result = with_confirmations(_result(REFUSED, HANGING), {REFUSED: Confirmation(1, 2), HANGING: Confirmation(1, 2)})
    assert result.tallies[REFUSED].outcome is Outcome.INCONCLUSIVE
    assert result.tallies[HANGING].outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("second", "outcome"), [("create_thread", Outcome.INCONCLUSIVE), ("modify_message", Outcome.FAIL)]
)
def test_replay_of_one_operation_clears_no_other(second: str, outcome: Outcome) -> None:
    refused = [
        Finding("it was refused", operation=name, nature=Nature.VALID_REQUEST_REFUSED)
        for name in ("create_thread", second)
    ]
    result = replace(_result(REFUSED), tallies={REFUSED: Tally(3, refused)})
    assert with_confirmations(result, {REFUSED: Confirmation(1, 2)}).tallies[REFUSED].outcome is outcome


def test_one_refused_value_that_was_not_refused_again_clears_the_others_of_the_operation() -> None:
    other = "create_run.top_p.minimum"
    result = _result(REFUSED, "lock.a")
    result = replace(result, tallies={**result.tallies, other: result.tallies[REFUSED]})
    tallies = with_confirmations(result, {REFUSED: Confirmation(0, 3)}).tallies
    assert {id_: tally.outcome for id_, tally in tallies.items()} == {
        REFUSED: Outcome.INCONCLUSIVE,
        other: Outcome.INCONCLUSIVE,
        "lock.a": Outcome.FAIL,
    }


def _server_error(id_: str) -> RunResult:
    finding = Finding("it failed", actual=500, nature=Nature.SERVER_ERROR)
    return replace(_result(id_), tallies={id_: Tally(2, [finding])})


def test_server_error_that_does_not_occur_each_time_is_chance() -> None:
    result, id_ = _server_error(REFUSED), REFUSED
    assert ids_that_may_be_chance(result, fails_at_random=True) == ids_to_recur(result) == {id_}
    assert ids_that_may_be_chance(result, fails_at_random=False) == frozenset()
    assert with_confirmations(result, {id_: Confirmation(1, 2)}).tallies[id_].outcome is Outcome.INCONCLUSIVE
    assert with_confirmations(result, {id_: Confirmation(1, 1)}).tallies[id_].outcome is Outcome.FAIL
    assert ids_that_may_be_chance(_result(REFUSED, HANGING), fails_at_random=True) == frozenset()


def test_refusal_may_be_chance_if_equal_requests_are_not_all_accepted() -> None:
    equal_requests = "acceptance.equal_requests_are_all_accepted"
    assert ids_that_may_be_chance(_result(REFUSED), fails_at_random=False) == frozenset()
    assert ids_that_may_be_chance(_result(REFUSED, equal_requests), fails_at_random=False) == {REFUSED}


def test_server_error_that_may_be_chance_and_was_not_replayed_is_inconclusive() -> None:
    other = "create_run.temperature.maximum"
    errors = {id_: _server_error(id_).tallies[id_] for id_ in (REFUSED, other)}
    result = replace(_result(REFUSED, other), tallies=errors)
    open_result = with_confirmations(result, {}, (), {REFUSED, other})
    assert [tally.outcome for tally in open_result.tallies.values()] == [Outcome.INCONCLUSIVE] * 2
    confirmed = with_confirmations(result, {other: Confirmation(3, 3)}, (), {REFUSED, other})
    assert [tally.outcome for tally in confirmed.tallies.values()] == [Outcome.FAIL] * 2
    assert with_confirmations(result, {}).tallies[REFUSED].outcome is Outcome.FAIL


@pytest.mark.parametrize(
    ("fails", "text"),
    [((False,), "0 of 1 time"), ((True, True, False), "2 of 3 times"), ((True,) * 3, "confirmed")],
)
def test_failure_that_must_always_occur_is_replayed_until_it_does_not(fails: tuple[bool, ...], text: str) -> None:
    target = _FailingTarget(*fails)
    budget = ConfirmationBudget(lambda: target.sent, now=lambda: float(target.sent))
    found, _ = confirm({REFUSED: CASE}, lambda ids: {}, target.execute, budget, [REFUSED], [REFUSED])
    assert text in found[REFUSED].text
    assert target.sent == len(fails)


def test_the_first_failure_of_each_group_precedes_the_second_of_any() -> None:
    ids = [f"create_run.{name}.type" for name in "abcdefgh"]
    chosen = [id_ for id_, _ in failures_to_confirm(_result(*ids, "lock.a"), lambda id_: True)]
    assert chosen[:2] == [ids[0], "lock.a"]
    assert len(chosen) == MAX_IDS_PER_GROUP + 1


def test_silence_that_was_not_replayed_is_attributed_to_no_request() -> None:
    result = with_confirmations(_result(HANGING, "lock.a"), {}, (HANGING, "lock.a"))
    assert result.tallies[HANGING].outcome is Outcome.INCONCLUSIVE
    assert result.tallies["lock.a"].outcome is Outcome.FAIL
    assert with_confirmations(_result(HANGING), {}).tallies[HANGING].outcome is Outcome.FAIL


def test_server_error_and_silence_of_one_failure_are_withdrawn_once() -> None:
    server_error = Tally(2, [Finding("the next request got HTTP 500", actual=500)])
    served, odd = "robustness.the_next_request_is_served", "robustness.odd_requests_do_not_break_the_server"
    result = replace(_result(served, odd), tallies={served: server_error, odd: server_error})
    confirmed = with_confirmations(result, {odd: Confirmation(0, 3)}, (served, odd))
    assert [tally.outcome for tally in confirmed.tallies.values()] == [Outcome.INCONCLUSIVE] * 2


def test_request_left_waiting_in_a_test_run_without_replays_is_inconclusive() -> None:
    tallies = without_unconfirmed_waits(_result(HANGING, "lock.a")).tallies
    assert (tallies[HANGING].outcome, tallies["lock.a"].outcome) == (Outcome.INCONCLUSIVE, Outcome.FAIL)
    assert without_unconfirmed_waits(_result("lock.a")).tallies["lock.a"].outcome is Outcome.FAIL


def test_silence_is_attributed_to_no_request_while_other_processes_send_theirs() -> None:
    tallies = without_unanswered_requests(_result(HANGING, "lock.a")).tallies
    assert (tallies[HANGING].outcome, tallies["lock.a"].outcome) == (Outcome.INCONCLUSIVE, Outcome.FAIL)
    assert [*tallies[HANGING].inconclusive] == ["it hung, but requests of other processes (--jobs) may be the cause"]


def test_runs_that_do_not_end_leave_the_cases_without_runs() -> None:
    def execute(reproduction: Reproduction, id_: str) -> ReproducedViolation | None:
        if id_ == "lock.a":
            raise BudgetExhausted("the last 10 runs did not end")
        return AGAIN

    confirmed = _confirm_all({"lock.a": CASE, HANGING: CASE}, execute, ConfirmationBudget(lambda: 0))
    assert confirmed == {HANGING: Confirmation(1, 1)}


def test_other_failure_stays_one_if_it_does_not_recur() -> None:
    result = with_confirmations(_result("lock.a"), {"lock.a": Confirmation(0, 3)})
    assert result.tallies["lock.a"].outcome is Outcome.FAIL


def test_shrinking_ends_after_its_seconds() -> None:
    clock = iter([10.0, 10.0, 12.0, 13.0])
    budget = ShrinkBudget(seconds=3.0, now=lambda: next(clock))
    assert [budget.is_spent for _ in range(3)] == [False, False, True]


def _with_costs(**requests: int) -> RunResult:
    """A result whose failures take these numbers of requests to replay."""
    result = _result(*requests)
    examples: dict[str, JSON] = {
        id_: {"program": "a.b", "steps": Reproduction(CASE.moves * count).to_json()} for id_, count in requests.items()
    }
    return replace(result, counterexamples=examples)


def test_one_failure_of_each_cause_comes_first_and_the_cheapest_of_it() -> None:
    result = _with_costs(a=9, b=3, c=5, d=7)
    causes = {"a": "validation", "b": "validation", "c": "shape", "d": "shape"}
    chosen = [id_ for id_, _ in failures_to_confirm(result, lambda id_: True, causes)]
    assert chosen == ["b", "c", "d", "a"]
    chosen = [id_ for id_, _ in failures_to_confirm(result, lambda id_: True, causes, {"d"})]
    assert chosen == ["b", "d", "c", "a"]


def test_failure_that_takes_many_requests_comes_last() -> None:
    result = _with_costs(a=MAX_REQUESTS_PER_ID + 1, b=3, c=2)
    causes = {"a": "choice", "b": "shape", "c": "shape"}
    assert [id_ for id_, _ in failures_to_confirm(result, lambda id_: True, causes, {"a"})] == ["c", "b", "a"]


def test_failure_that_used_its_requests_is_not_tried_again_and_leaves_the_rest_to_others() -> None:
    sent = 0

    def execute(reproduction: Reproduction, id_: str) -> ReproducedViolation | None:
        nonlocal sent
        sent += MAX_REQUESTS_PER_ID if id_ == "long" else 1
        return None

    confirmed = _confirm_all({"long": CASE, "short": CASE}, execute, ConfirmationBudget(lambda: sent))
    assert confirmed == {"short": Confirmation(0, MAX_TRIES)}
    assert sent == MAX_REQUESTS_PER_ID + MAX_TRIES


def _steps(count: int) -> Reproduction:
    return Reproduction((Step(operation="create_thread"),) * count)


def _enlarge_to(*sizes: int) -> Callable[[Collection[str]], dict[str, Reproduction]]:
    """As many steps as these in turn, for each id that is asked for; at the end none."""
    growing = iter(sizes)

    def enlarge(ids: Collection[str]) -> dict[str, Reproduction]:
        size = next(growing, None)
        return {} if size is None else dict.fromkeys(ids, _steps(size))

    return enlarge


@pytest.mark.parametrize(
    ("needed", "expected", "replays"),
    [
        (2, Confirmation(1, 1), [1, 1, 1, 2]),
        (3, Confirmation(1, 1), [1, 1, 1, 2, 3]),
        (4, Confirmation(0, 3), [1, 1, 1, 2, 3]),
    ],
)
def test_failure_that_needs_more_steps_is_replayed_with_them(
    needed: int, expected: Confirmation, replays: list[int]
) -> None:
    replayed: list[int] = []

    def execute(reproduction: Reproduction, id_: str) -> ReproducedViolation | None:
        replayed.append(len(reproduction.moves))
        return AGAIN if len(reproduction.moves) >= needed else None

    budget = ConfirmationBudget(lambda: len(replayed))
    found = confirm({"a": _steps(1)}, _enlarge_to(2, 3, 4), execute, budget)
    assert found == ({"a": expected}, frozenset({"a"} if expected.failed else ()))
    assert replayed == replays


@pytest.mark.parametrize(
    ("occurs", "expected", "has_pauses", "replays"),
    [
        ([True], Confirmation(1, 1), False, [1]),
        ([False, False, False, True], Confirmation(1, 1), True, [1, 1, 1, 2]),
        ([False, False, False, False, True], Confirmation(1, 1), True, [1, 1, 1, 2, 3]),
        ([False, True, True], Confirmation(1, 1), True, [1, 1, 2]),
        ([False, True, False, False], Confirmation(1, 2), False, [1, 1, 2, 3]),
        ([False] * 5, Confirmation(0, MAX_TRIES), False, [1, 1, 1, 2, 3]),
    ],
)
def test_failure_that_does_not_occur_at_once_is_replayed_with_pauses(
    occurs: list[bool], expected: Confirmation, has_pauses: bool, replays: list[int]
) -> None:
    outcomes, replayed = iter(occurs), list[int]()

    def execute(reproduction: Reproduction, id_: str) -> ReproducedViolation | None:
        replayed.append(len(reproduction.moves))
        return AGAIN if next(outcomes) else None

    budget = ConfirmationBudget(lambda: len(replayed))
    pauses = [_enlarge_to(2), _enlarge_to(3)]
    found = confirm({"a": _steps(1)}, _enlarge_to(), execute, budget, pauses=pauses)
    assert found == ({"a": expected}, frozenset({"a"} if has_pauses else ()))
    assert replayed == replays


@pytest.mark.parametrize("always", [False, True])
def test_failure_that_may_be_chance_is_not_replayed_with_pauses(always: bool) -> None:
    replayed: list[int] = []

    def execute(reproduction: Reproduction, id_: str) -> ReproducedViolation | None:
        replayed.append(len(reproduction.moves))
        return None

    may_be_chance = {"must_occur_always" if always else "must_occur": ["a"]}
    budget = ConfirmationBudget(lambda: 0)
    confirm({"a": _steps(1)}, _enlarge_to(), execute, budget, **may_be_chance, pauses=[_enlarge_to(2)])
    assert set(replayed) == {1}


@pytest.mark.parametrize(
    ("larger", "requests", "must_occur"), [(2, 3, ""), (MAX_REQUESTS_PER_ID + 1, 300, ""), (2, 300, "a")]
)
def test_more_steps_are_replayed_within_the_limits_only(larger: int, requests: int, must_occur: str) -> None:
    replayed: list[int] = []

    def execute(reproduction: Reproduction, id_: str) -> ReproducedViolation | None:
        replayed.append(len(reproduction.moves))
        return None

    budget = ConfirmationBudget(lambda: len(replayed), requests=requests)
    found = confirm({"a": _steps(1)}, _enlarge_to(larger), execute, budget, [must_occur])
    assert found == ({"a": Confirmation(0, MAX_TRIES)}, frozenset())
    assert replayed == [1, 1, 1]


def test_a_part_of_the_budget_is_kept_for_failures_that_need_more_steps() -> None:
    replayed: list[str] = []

    def execute(reproduction: Reproduction, id_: str) -> ReproducedViolation | None:
        replayed.append(id_)
        return AGAIN if id_ != "a" else None

    cases = {id_: _steps(1) for id_ in "abcdefghijklm"}
    found, _ = confirm(cases, _enlarge_to(2), execute, ConfirmationBudget(lambda: len(replayed), requests=10))
    assert "".join(replayed) == "aaabcdefag"
    assert set(found) == set("abcdefg")


def test_only_some_failures_are_replayed_with_more_steps() -> None:
    replayed: list[int] = []

    def execute(reproduction: Reproduction, id_: str) -> ReproducedViolation | None:
        replayed.append(len(reproduction.moves))
        return None

    cases = {f"rule.{number}": _steps(1) for number in range(2 * MAX_ENLARGED)}
    confirm(cases, _enlarge_to(2), execute, ConfirmationBudget(lambda: len(replayed)))
    assert (replayed.count(1), replayed.count(2)) == (MAX_TRIES * 2 * MAX_ENLARGED, MAX_ENLARGED)


def test_failures_that_other_requests_may_explain_must_occur_again_with_their_own_steps() -> None:
    assert ids_to_recur(_result("lock.a", HANGING, REFUSED)) == {HANGING, REFUSED}


@pytest.mark.parametrize("message", ["refused although the quota allows it", "failed with HTTP 500 on every attempt"])
def test_the_words_of_a_message_do_not_decide_whether_a_failure_is_confirmed(message: str) -> None:
    tally = Tally(1, [Finding(message, operation="create_run", expected=200, actual="a")])
    result = replace(_result("gateway.quota"), tallies={"gateway.quota": tally})
    assert ids_to_recur(result) == frozenset()
