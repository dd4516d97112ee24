"""What a run comes to: the report on its course."""

from __future__ import annotations

import re
from collections.abc import Callable

from runs_conformance.app.options import compared, demands, selected, suite, used
from runs_conformance.app.run_metadata import Heading
from runs_conformance.contract.lifecycle import kind_of_transition
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.engine import outcome
from runs_conformance.engine.budget import Counts
from runs_conformance.engine.capabilities import STREAMING, broken_promises, failed_prerequisite, fruitless, not_offered
from runs_conformance.engine.run_plan import Course
from runs_conformance.engine.verdicts import Circumstances, Gap, verdicts, without
from runs_conformance.evidence.transition import Transitions
from runs_conformance.generation import boundary
from runs_conformance.model.program import Setting
from runs_conformance.model.verdict import Outcome, Tally
from runs_conformance.reporting.report import Judged, Report, Transition

ACCEPTED = "acceptance.smallest_request_is_accepted"
"""What a target breaks that lacks what it was declared to offer."""

MORE = "a run that is not cut short"
"""What those need that a run which was cut short did not come to."""

_ASKS_FOR_A_STREAM = re.compile(r"\w+\.stream\.\w+\Z")
"""The constraints on the member that asks for a stream."""


def concluded(heading: Heading, way: Course) -> Report:
    """The report on a run that took this course."""
    choice = heading.choice
    every = demands(choice.edition)
    missing = not_offered(way.surface, choice.declared, choice.denied)
    if STREAMING in missing:
        missing |= {id_: missing[STREAMING] for id_ in every.constraints if _ASKS_FOR_A_STREAM.match(id_)}
    tallies = without(way.tallies, missing, fruitless(way.surface, missing))
    for promise in broken_promises(way.surface, choice.declared):
        tallies[ACCEPTED] = tallies.get(ACCEPTED, Tally()).merge(Tally(1, [promise]))
    judges = selected(choice, every)
    circumstances = Circumstances(
        selected=judges,
        not_offered=missing,
        gaps=_gaps(heading.setting),
        gap=_gap(heading, way.cut),
    )
    found = verdicts(tallies, every, circumstances, way.examples)
    served = {heading.programs[id_] for id_ in way.played if id_ in heading.programs}
    stated = {verdict.capability for verdict in found if verdict.level == "must" and judges(verdict.id)}
    cut = way.interrupted or way.cut is not None
    unjudged = [verdict.id for verdict in found if verdict.outcome is Outcome.NOT_JUDGED and verdict.needs == MORE]
    comparison = compared(found, choice, every, profile=choice.profile, cut=cut)
    conclusion = outcome.conclude(
        found,
        interrupted=way.interrupted,
        faults=way.faults,
        cut=way.cut,
        unjudged=unjudged if way.cut else (),
        prerequisite=failed_prerequisite(way.surface, {*heading.setting.given} - {"run"}),
        # What one shard leaves open, another may decide.
        must_decide=[name for name in CAPABILITIES if name in served & stated - {*missing} and not choice.shard],
        fail_on=choice.fail_on,
        most_inconclusive=choice.most_inconclusive,
        comparison=comparison,
    )
    return Report(
        suite=suite(choice, choice.profile, choice.seed),
        target=Judged(
            name=heading.target,
            base_url=heading.base_url,
            dialect=heading.dialect,
            capabilities=tuple(name for name in CAPABILITIES if name not in missing),
            access=heading.access,
        ),
        complete=not cut,
        outcome=conclusion.outcome,
        exit_code=conclusion.exit_code,
        because=conclusion.because,
        counts=used(way.counts),
        verdicts=tuple(found),
        comparison=comparison,
        transitions=observed(way.transitions),
        limits=way.limits,
        started=heading.started,
    )


def untested(heading: Heading, why: str, counts: Counts) -> Report:
    """The report on a target that cannot be tested."""
    choice = heading.choice
    circumstances = Circumstances(
        gap=lambda capability, id_: Gap("the target cannot be tested", "a target that can be")
    )
    return Report(
        suite=suite(choice, choice.profile, choice.seed),
        target=Judged(name=heading.target, base_url=heading.base_url, dialect=heading.dialect),
        complete=False,
        outcome=Outcome.NOT_JUDGED,
        exit_code=outcome.NO_TARGET,
        because=why,
        counts=used(counts),
        verdicts=tuple(verdicts({}, demands(choice.edition), circumstances)),
        started=heading.started,
    )


def observed(seen: Transitions) -> tuple[Transition, ...]:
    """The transitions as a report has them, the most frequent first."""
    return tuple(
        Transition(earlier, later, count, kind_of_transition(earlier, later))
        for (earlier, later), count in sorted(seen.items(), key=lambda item: (-item[1], item[0]))
    )


def _gaps(setting: Setting) -> dict[str, Gap]:
    """The request constraints that cannot be shown on the target, and why."""
    never = {id_: Gap(reason) for id_, reason in boundary.unsendable(setting.edition).items()}
    return {id_: Gap(f"needs {needs}", needs) for id_, needs in boundary.lacking(setting).items()} | never


def _gap(heading: Heading, cut: str | None) -> Callable[[str, str], Gap]:
    """Why something was not judged although nothing in particular was in its way; `cut` is what ended the run early."""
    choice, served = heading.choice, set(heading.programs.values())
    left_out = {out.capability: out for out in heading.left_out if out.capability not in served}

    def gap(capability: str, id_: str) -> Gap:
        left = left_out.get(capability)
        if left is not None:
            return Gap(left.reason, left.needs)
        if cut is not None:
            return Gap(f"the run was cut short: {cut}", MORE)
        if choice.shard:
            return Gap(f"shard {choice.shard} did not show it", "runs-conformance merge, with all shards")
        if choice.select or choice.phases:
            return Gap("nothing that was selected shows it", "a wider selection")
        if choice.profile == "quick":
            return Gap("outside profile quick", "--profile standard")
        return Gap("nothing that was sent or answered showed it")

    return gap
