"""The result of a test run with its confirmations: what did not occur again is inconclusive."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from runs_conformance.engine.plan_result import RunResult
from runs_conformance.engine.shrinking.confirmation import Confirmation
from runs_conformance.engine.shrinking.failures_to_confirm import (
    LEFT_WAITING,
    SHOWN_BY_LOST_CONNECTIONS,
    group_of,
    needs_confirmation,
    shows_one_refusal,
    shows_server_errors,
)
from runs_conformance.model.json import JSON, is_object
from runs_conformance.model.verdict import Finding, Tally


def _always(finding: Finding) -> bool:
    return True


def with_confirmations(
    result: RunResult,
    confirmations: Mapping[str, Confirmation],
    replayable: Collection[str] = (),
    may_be_chance: Collection[str] = (),
) -> RunResult:
    """The result with each confirmation in the counterexample, and without the failures that are not confirmed."""
    unconfirmed = find_unconfirmed(result, confirmations, replayable, may_be_chance)
    counts = {id_: (each.failed, each.replays) for id_, each in confirmations.items()}
    examples = add_confirmations(result.counterexamples, confirmations)
    return set_aside(replace(result, counterexamples=examples, confirmations=counts), unconfirmed)


def find_unconfirmed(
    result: RunResult,
    confirmations: Mapping[str, Confirmation],
    replayable: Collection[str] = (),
    may_be_chance: Collection[str] = (),
) -> dict[str, str]:
    """The failures that remain open after replaying, each with the reason.

    A failure that needs confirmation and did not occur again is inconclusive. So is one of the `replayable` that was
    not replayed and shows only that the target did not respond, and one that may be chance and was not replayed, unless
    another one of its operation is confirmed.
    """
    tallies, unconfirmed = result.tallies, dict[str, str]()
    confirmed = {group_of(id_) for id_, each in confirmations.items() if id_ in may_be_chance and each.is_confirmed}
    for id_ in (tallies.keys() & set(may_be_chance)) - confirmations.keys():
        if group_of(id_) not in confirmed:
            unconfirmed[id_] = "the server fails or refuses at random, and it was not replayed"
    for id_, confirmation in confirmations.items():
        if _disproves(confirmation, id_, tallies[id_]):
            unconfirmed[id_] = f"not when replayed alone ({confirmation.text})"
    disproved = {group_of(id_) for id_, each in confirmations.items() if not each.is_confirmed}
    for id_ in tallies.keys() - confirmations.keys() - unconfirmed.keys():
        is_uncertain = shows_one_refusal(tallies[id_]) or shows_server_errors(id_, tallies[id_])
        if is_uncertain and group_of(id_) in disproved:
            unconfirmed[id_] = "others of the operation were not when replayed alone"
    for id_ in SHOWN_BY_LOST_CONNECTIONS.intersection(replayable).difference(confirmations, unconfirmed):
        unconfirmed[id_] = "it was not replayed alone"
    return {id_: reason for id_, reason in unconfirmed.items() if tallies[id_].findings}


def add_confirmations(examples: Mapping[str, JSON], confirmations: Mapping[str, Confirmation]) -> dict[str, JSON]:
    """The counterexamples, which say how often their failures occurred again."""
    confirmed = dict(examples)
    for id_, confirmation in confirmations.items():
        if is_object(example := confirmed.get(id_)):
            confirmed[id_] = {**example, "confirmed": confirmation.to_json()}
    return confirmed


def set_aside(
    result: RunResult, unconfirmed: Mapping[str, str], is_concerned: Callable[[Finding], bool] = _always
) -> RunResult:
    """The result in which these failures are inconclusive, each for its reason, as far as a finding is concerned.

    A failure with other findings remains one.
    """
    examples, tallies = dict(result.counterexamples), dict(result.tallies)
    for id_, reason in unconfirmed.items():
        tallies[id_] = _without_findings(tallies[id_], reason, is_concerned)
        if not tallies[id_].findings:
            examples.pop(id_, None)
    return replace(result, counterexamples=examples, tallies=tallies, unconfirmed={**result.unconfirmed, **unconfirmed})


def without_unconfirmed_waits(result: RunResult) -> RunResult:
    """The result of a test run that could not replay its failures: whether a request was left waiting stays open."""
    tally = result.tallies.get(LEFT_WAITING)
    return result if tally is None or not tally.findings else with_confirmations(result, {}, [LEFT_WAITING])


def without_unanswered_requests(result: RunResult) -> RunResult:
    """The result of one of several processes: the target may not respond because of what the others sent."""
    examples, tallies = dict(result.counterexamples), dict(result.tallies)
    for id_ in SHOWN_BY_LOST_CONNECTIONS.intersection(tallies):
        if tallies[id_].findings:
            tallies[id_] = _without_findings(tallies[id_], "requests of other processes (--jobs) may be the cause")
            examples.pop(id_, None)
    return replace(result, counterexamples=examples, tallies=tallies)


def _disproves(confirmation: Confirmation, id_: str, tally: Tally) -> bool:
    """Whether the replays leave a failure open: it did not occur, or not always although it might be chance."""
    if shows_one_refusal(tally) or shows_server_errors(id_, tally):
        return not confirmation.is_confirmed
    return not confirmation.failed and needs_confirmation(id_, tally)


def _without_findings(tally: Tally, restriction: str, is_concerned: Callable[[Finding], bool] = _always) -> Tally:
    concerned = [finding for finding in tally.findings if is_concerned(finding)]
    if not concerned:
        return tally
    reason = f"{concerned[0].message}, but {restriction}"
    inconclusive = tally.inconclusive.copy()
    inconclusive[reason] += len(concerned)
    remaining = [finding for finding in tally.findings if not is_concerned(finding)]
    # A judgment beside the findings is no longer a pass by itself.
    return replace(
        tally, judged=len(remaining), findings=remaining, inconclusive=inconclusive, parts=type(tally.parts)()
    )
