"""Evaluates every rule and constraint on one history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from runs_conformance.contract.known_deviation import excusing_deviation, has_known_deviation
from runs_conformance.engine.finding_context import finding_context
from runs_conformance.model.history import History
from runs_conformance.model.rule import AnyRule
from runs_conformance.model.verdict import PASSED, Finding, Inconclusive, Tallies, Tally
from runs_conformance.rules.constraints.cross_check import SecondOpinion

Judge = Callable[[History], Tallies]
"""Evaluates many ids on a whole history at once, as the constraints do."""

UNMATCHED_STEP = "the recorded request is not what its step says"

PARTIAL_HISTORY = "the recording is partial: an unrecorded request may explain it"


def judge(
    history: History,
    rules: Mapping[str, AnyRule],
    judges: Iterable[tuple[str, Judge]] = (),
    *,
    trusts_steps: bool = True,
) -> dict[str, Tally]:
    """Evaluate the rules, then each of the named `judges`, on a history, and excuse known deviations.

    An exception in a rule or judge is an internal error: it is recorded in the tally of its id, and the others
    continue. So is a finding that the second validator does not confirm. The steps in a file are not trusted, since the
    file may be damaged or of another edition: a finding on a request that does not match its step is inconclusive.
    """
    units = _Units(history)
    tallies: dict[str, Tally] = {}
    for id_, rule in rules.items():
        tally = _evaluate(rule, history, units)
        if tally is not None:
            tallies[id_] = tally
    for name, judge_ids in judges:
        try:
            judged = judge_ids(history)
        except Exception as error:
            tallies[name] = Tally(errors=[_describe_error(name, history, error)])
            continue
        for id_, tally in judged.items():
            tallies[id_] = tallies[id_].merge(tally) if id_ in tallies else tally
    opinion = SecondOpinion(history)
    for id_, tally in tallies.items():
        _apply_deviations(id_, tally, history)
        if tally.findings and not trusts_steps:
            _drop_unmatched_findings(id_, tally, opinion, is_rule=id_ in rules)
        if tally.findings:
            tally.errors += _disagreements(id_, tally, opinion, is_rule=id_ in rules)
    return tallies


def _drop_unmatched_findings(id_: str, tally: Tally, opinion: SecondOpinion, *, is_rule: bool) -> None:
    unmatched = opinion.find_unmatched(id_, tally.findings, is_rule=is_rule)
    if unmatched:
        tally.findings = [finding for finding in tally.findings if finding not in unmatched]
        tally.judged = max(0, tally.judged - len(unmatched))
        tally.inconclusive[UNMATCHED_STEP] += len(unmatched)


def _disagreements(id_: str, tally: Tally, opinion: SecondOpinion, *, is_rule: bool) -> list[str]:
    try:
        return opinion.disagreements(id_, tally.findings, is_rule=is_rule)
    except Exception as error:
        return [_describe_error(f"the second opinion on {id_}", opinion.history, error)]


@dataclass(slots=True)
class _Units:
    """The units of a history, derived once for all rules that examine the same kind."""

    history: History
    derived: dict[Callable[[History], Iterable[Any]], tuple[Any, ...]] = field(default_factory=dict)

    def of(self, derive: Callable[[History], Iterable[Any]]) -> tuple[Any, ...]:
        if derive not in self.derived:
            self.derived[derive] = tuple(derive(self.history))
        return self.derived[derive]


def _evaluate(rule: AnyRule, history: History, units: _Units) -> Tally | None:
    """Evaluate a rule on each of its units; None if it yields no result."""
    tally: Tally | None = None
    may_lack_requests = history.partial and rule.needs_complete_history
    try:
        for unit in units.of(rule.units):
            for result in rule.judge(unit):
                if tally is None:
                    tally = Tally()
                if result is PASSED:  # Most results are.
                    tally.judged += 1
                elif may_lack_requests and isinstance(result, Finding):
                    tally.add(Inconclusive(history.missing_data_reason or PARTIAL_HISTORY))
                else:
                    tally.add(result)
    except Exception as error:
        tally = tally or Tally()
        tally.errors.append(_describe_error(rule.id, history, error))
    return tally


def _describe_error(id_: str, history: History, error: Exception) -> str:
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f"{frame.tb_frame.f_code.co_name}, line {frame.tb_lineno}" if frame else "unknown place"
    return f"{id_} raised {type(error).__name__} on {history.program or 'the history'} ({where}): {error}"


def _apply_deviations(id_: str, tally: Tally, history: History) -> None:
    """Excuse the findings covered by a known deviation; the strict reading only names it in their messages."""
    findings: list[Finding] = []
    for finding in tally.findings:
        deviation = _find_deviation(id_, finding, history)
        if deviation is None:
            findings.append(finding)
        elif history.strict:
            findings.append(_name_deviation(finding, deviation))
        else:
            tally.excused[deviation] += 1
    tally.findings = findings


def _find_deviation(id_: str, finding: Finding, history: History) -> str | None:
    # Most ids have no known deviation, and a broken server yields thousands of findings.
    context = finding_context(finding, history) if has_known_deviation(id_) else None
    return None if context is None else excusing_deviation(id_, context)


def _name_deviation(finding: Finding, deviation: str) -> Finding:
    if deviation in finding.message:
        return finding
    return replace(finding, message=f"{finding.message} (known deviation {deviation})")
