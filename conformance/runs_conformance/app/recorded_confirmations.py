"""Applies the confirmations that test runs recorded to the result that is rebuilt from their histories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from runs_conformance.app.run_metadata import RunFooter
from runs_conformance.engine.counterexample import smallest_counterexample
from runs_conformance.engine.plan_result import RunResult
from runs_conformance.engine.program_verdicts import ProgramVerdicts
from runs_conformance.engine.shrinking.confirmation import Confirmation
from runs_conformance.engine.shrinking.confirmed_result import add_confirmations, find_unconfirmed, set_aside
from runs_conformance.model.json import JSON, is_object
from runs_conformance.model.verdict import Finding


def prefix_of(number: int) -> str:
    """The prefix of the ids of exchanges in the history with this number."""
    return "" if number == 1 else f"{number}:"


def with_recorded_confirmations(
    result: RunResult, footers: Sequence[RunFooter | None], results: Sequence[ProgramVerdicts] = ()
) -> RunResult:
    """The result as the test runs reported it, which had these footers, in the order of their histories.

    What a test run did not confirm concerns only its own findings: those of others remain failures. `results` are the
    results of the single programs, of which the counterexample of another test run may be one.
    """
    open_failures = [_find_unconfirmed(result, footer) for footer in footers]
    for number, unconfirmed in enumerate(open_failures, 1):
        result = set_aside(result, unconfirmed, _is_of(number, len(footers)))
    chosen: dict[str, Confirmation] = {}
    examples = dict(result.counterexamples)
    for id_ in {id_: None for each in (*open_failures, *map(_confirmations, footers)) for id_ in each}:
        if id_ not in result.tallies or not (findings := result.tallies[id_].findings):
            continue
        numbers = {_number(finding.exchange) for finding in findings} if len(footers) > 1 else {1}
        number = max(numbers, key=lambda each: (_rank(_confirmations(footers[each - 1]).get(id_)), -each))
        footer = footers[number - 1]
        if (confirmation := _confirmations(footer).get(id_)) is not None:
            chosen[id_] = confirmation
        if len(footers) > 1 and (example := _example(id_, number, footer, findings, results)) is not None:
            examples[id_] = example
    counts = {id_: (each.failed, each.replays) for id_, each in chosen.items()}
    return replace(result, counterexamples=add_confirmations(examples, chosen), confirmations=counts)


def _is_of(number: int, count: int) -> Callable[[Finding], bool]:
    """Whether a finding is of the history with this number. If there is only one, all are."""
    return lambda finding: count == 1 or _number(finding.exchange) == number


def _number(exchange: str) -> int:
    """The number of the history that an exchange belongs to."""
    prefix, colon, _ = exchange.partition(":")
    return int(prefix) if colon and prefix.isdecimal() else 1


def _rank(confirmation: Confirmation | None) -> tuple[bool, float]:
    """How well a confirmation shows a failure."""
    return (False, 0.0) if confirmation is None else (confirmation.is_confirmed, confirmation.failed)


def _confirmations(footer: RunFooter | None) -> dict[str, Confirmation]:
    return {id_: Confirmation(*counts) for id_, counts in footer.confirmations.items()} if footer is not None else {}


def _find_unconfirmed(result: RunResult, footer: RunFooter | None) -> Mapping[str, str]:
    """The failures in a result that a test run did not confirm. Older footers name only how often each occurred."""
    if footer is None:
        return {}
    failed = {id_ for id_, tally in result.tallies.items() if tally.findings}
    if footer.unconfirmed is not None:
        return {id_: reason for id_, reason in footer.unconfirmed.items() if id_ in failed}
    return find_unconfirmed(result, {id_: each for id_, each in _confirmations(footer).items() if id_ in failed})


def _example(
    id_: str, number: int, footer: RunFooter | None, findings: Sequence[Finding], results: Sequence[ProgramVerdicts]
) -> JSON:
    """The counterexample of one of the histories; null if it has none."""
    if footer is not None and id_ in footer.counterexamples:
        return footer.counterexamples[id_]
    shown_by = {finding.exchange for finding in findings if _number(finding.exchange) == number}

    def candidates() -> Iterator[JSON]:
        for each in results:
            example = each.counterexamples.get(id_)
            if is_object(example) and example.get("exchange") in shown_by:
                yield example

    return smallest_counterexample(id_, candidates())
