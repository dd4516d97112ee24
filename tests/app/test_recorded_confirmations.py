"""Confirmations that are read from histories give the result that the test runs reported."""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest

from runs_conformance.app.recorded_confirmations import with_recorded_confirmations
from runs_conformance.app.run_metadata import RunFooter
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.plan_result import RunResult, merge_results
from runs_conformance.engine.program_verdicts import ProgramVerdicts
from runs_conformance.engine.shrinking.confirmation import Confirmation
from runs_conformance.engine.shrinking.confirmed_result import with_confirmations, without_unconfirmed_waits
from runs_conformance.model.json import JSON, at
from runs_conformance.model.verdict import Finding, Nature, Outcome, Tally

HANGING = "robustness.no_request_is_left_hanging"
BROKEN = "errors.requests_do_not_break_the_server"
REFUSED, ALSO_REFUSED = "create_run.temperature.minimum", "create_run.temperature.maximum"
PLAIN = "lock.a"
ALL = (HANGING, BROKEN, REFUSED, ALSO_REFUSED, PLAIN)
LIVE: dict[str, tuple[Mapping[str, Confirmation], Collection[str], Collection[str]]] = {
    "confirmed": ({id_: Confirmation(1, 1) for id_ in ALL}, ALL, ()),
    "not seen again": ({id_: Confirmation(0, 3) for id_ in ALL}, ALL, ()),
    "sometimes": ({id_: Confirmation(1, 2) for id_ in ALL}, ALL, ()),
    "others of the operation not": ({REFUSED: Confirmation(0, 3)}, (REFUSED,), ()),
    "not replayed": ({}, ALL, ()),
    "may be chance": ({}, (), (REFUSED, ALSO_REFUSED)),
    "may be chance, another confirmed": ({REFUSED: Confirmation(3, 3)}, (REFUSED,), (REFUSED, ALSO_REFUSED)),
    "nothing replayable": ({}, (), ()),
}


def _program(name: str, *ids: str, prefix: str = "") -> ProgramVerdicts:
    tallies: dict[str, Tally] = {}
    examples: dict[str, JSON] = {}
    for id_ in ids:
        is_refusal = id_.startswith("create_run.")
        nature = Nature.VALID_REQUEST_REFUSED if is_refusal else None
        tallies[id_] = Tally(3, [Finding("it was wrong", f"{prefix}x1", "create_run", nature=nature)])
        examples[id_] = {"program": name, "exchange": f"{prefix}x1"}
    return ProgramVerdicts(name, tallies, examples, {})


def _footer(result: RunResult) -> RunFooter:
    """The footer of a test run with this result, as it is read from its history."""
    return RunFooter.from_json(json.loads(json.dumps(RunFooter.from_result(result).to_json())), "history.jsonl")


@pytest.mark.parametrize("name", LIVE)
def test_the_rebuilt_result_equals_that_of_the_test_run(name: str) -> None:
    result = merge_results([_program("a", *ALL)], Budget())
    live = with_confirmations(result, *LIVE[name])
    rebuilt = with_recorded_confirmations(result, [_footer(live)])
    assert rebuilt.tallies == live.tallies
    assert rebuilt.counterexamples == live.counterexamples


def test_a_test_run_that_could_replay_nothing_is_rebuilt() -> None:
    result = merge_results([_program("a", *ALL)], Budget())
    live = without_unconfirmed_waits(result)
    assert live.tallies[HANGING].outcome is Outcome.INCONCLUSIVE
    assert with_recorded_confirmations(result, [_footer(live)]).tallies == live.tallies


def test_an_older_history_names_only_the_confirmations() -> None:
    result = merge_results([_program("a", *ALL)], Budget())
    live = with_confirmations(result, {BROKEN: Confirmation(0, 3), PLAIN: Confirmation(1, 1)})
    footer = _footer(live)
    assert live.tallies[BROKEN].outcome is Outcome.INCONCLUSIVE
    assert with_recorded_confirmations(result, [replace(footer, unconfirmed=None)]).tallies == live.tallies


@pytest.mark.parametrize("order", list(itertools.permutations(["confirmed", "not seen again", "not replayed"])))
@pytest.mark.parametrize("id_", ALL)
def test_a_failure_that_one_shard_confirmed_remains_one(id_: str, order: tuple[str, ...]) -> None:
    programs = [_program(name, *ALL, prefix="" if index == 0 else f"{index + 1}:") for index, name in enumerate(order)]
    footers = [
        _footer(with_confirmations(merge_results([program], Budget()), *LIVE[program.program])) for program in programs
    ]
    merged = with_recorded_confirmations(merge_results(programs, Budget()), footers, programs)
    assert merged.tallies[id_].outcome is Outcome.FAIL
    assert at(merged.counterexamples[id_], "/program") == "confirmed"
    assert at(merged.counterexamples[id_], "/confirmed") == {"failed": 1, "played": 1}


def test_a_failure_that_no_shard_confirmed_is_inconclusive() -> None:
    programs = [_program("a", BROKEN), _program("b", BROKEN, prefix="2:")]
    footers = [
        _footer(with_confirmations(merge_results([program], Budget()), {BROKEN: Confirmation(0, 3)}))
        for program in programs
    ]
    merged = with_recorded_confirmations(merge_results(programs, Budget()), footers, programs)
    assert merged.tallies[BROKEN].outcome is Outcome.INCONCLUSIVE
    assert BROKEN not in merged.counterexamples


def test_the_findings_of_a_shard_that_confirmed_nothing_remain() -> None:
    programs = [_program("a", BROKEN), _program("b", BROKEN, prefix="2:")]
    live = with_confirmations(merge_results(programs[:1], Budget()), {BROKEN: Confirmation(0, 3)})
    merged = with_recorded_confirmations(merge_results(programs, Budget()), [_footer(live), None], programs)
    assert [finding.exchange for finding in merged.tallies[BROKEN].findings] == ["2:x1"]
    assert at(merged.counterexamples[BROKEN], "/program") == "b"
