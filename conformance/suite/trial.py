"""A target put to the test: planned, played, judged, reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from conformance import __version__
from conformance.contract.operation import CAPABILITIES
from conformance.contract.schema import digest
from conformance.engine import outcome
from conformance.engine.budget import Budget
from conformance.engine.plan import Plan, plan, selector
from conformance.engine.run import Course, Watcher
from conformance.engine.surface import failed_prerequisite, not_offered
from conformance.engine.verdicts import Circumstances, Demands, Gap, verdicts, without
from conformance.errors import TargetError
from conformance.generation import boundary
from conformance.model.json import JSON
from conformance.model.program import Program, Setting
from conformance.model.verdict import Outcome
from conformance.reporting.folder import Folder
from conformance.reporting.report import Judged, Report
from conformance.suite import shrinking
from conformance.suite.choice import Choice, check_selection, compared, demands, programs, selected, suite, used
from conformance.suite.visit import visiting
from conformance.targets import Target


def setting_for(target: Target, choice: Choice) -> Setting:
    """What programs may know of a target."""
    return Setting(
        edition=choice.edition,
        model=choice.model,
        dialect=target.address.dialect.family,
        seed=choice.seed,
        second_key=target.second_key is not None,
        failing_model=target.failing_model,
        accepts_any_file_id=target.any_file_id,
        stress=choice.stress or target.address.loopback,
    )


def plan_for(target: Target, choice: Choice) -> Plan:
    """What would be played on a target. Raises UsageError where the selection matches nothing."""
    setting = setting_for(target, choice)
    every = [*programs(setting, choice), *shrinking.kept_programs(target, choice)]
    known = [*demands(choice.edition).ids(), *(program.id for program in every)]
    check_selection(choice, known)
    return plan(every, setting, choice.profile, choice.phases, _wanted(choice, demands(choice.edition)))


def _wanted(choice: Choice, every: Demands) -> Callable[[Program], bool]:
    """Whether a program serves the selection: request constraints are shown by the boundary programs of their
    operation alone.
    """
    chooses = selector(choice.select, choice.exclude)
    if not choice.select:
        return lambda program: True
    chosen = [id_ for id_ in every.ids() if chooses(id_)]
    operations = {every.constraints[id_].operation for id_ in chosen if id_ in every.constraints}
    general = any(id_ in every.rules or every.constraints[id_].side == "response" for id_ in chosen)
    # The id of a boundary program begins with `boundary.<operation>`.
    return lambda program: (
        chooses(program.id) or general or (program.phase == "boundary" and program.id.split(".")[1] in operations)
    )


def judge(target: Target, choice: Choice, chosen: Plan, folder: Folder, watcher: Watcher) -> Report:
    """Play a plan on a target, judge what came of it, and report.

    Every exchange is in the folder's history as soon as it has ended. Where the target cannot be tested, the report
    says only that. Raises UsageError where the folder cannot be written to.
    """
    with visiting(target, choice, setting_for(target, choice), folder, _header(target, choice), watcher) as visit:
        try:
            way = visit.play(chosen)
        except TargetError as error:
            return _untested(target, choice, str(error), visit.budget)
    return _report(target, choice, chosen, way)


def _header(target: Target, choice: Choice) -> Mapping[str, JSON]:
    return {
        "suite": f"runs-conformance {__version__}",
        "target": target.name,
        "base_url": target.address.url,
        "dialect": target.address.dialect.family,
        "edition": choice.edition,
        "profile": choice.profile,
        "seed": choice.seed,
        "model": choice.model,
        "schema_digest": digest(),
    }


def _untested(target: Target, choice: Choice, why: str, budget: Budget) -> Report:
    """The report on a target that cannot be tested."""
    circumstances = Circumstances(
        gap=lambda capability, id_: Gap("the target cannot be tested", "a target that can be")
    )
    return Report(
        suite=suite(choice, choice.profile, choice.seed),
        target=Judged(name=target.name, base_url=target.address.url, dialect=target.address.dialect.family),
        complete=False,
        outcome=Outcome.NOT_JUDGED,
        exit_code=outcome.NO_TARGET,
        because=why,
        counts=used(budget.counts),
        verdicts=tuple(verdicts({}, demands(choice.edition), circumstances)),
    )


def _report(target: Target, choice: Choice, chosen: Plan, way: Course) -> Report:
    every = demands(choice.edition)
    missing = not_offered(way.surface)
    judges = selected(choice, every)
    circumstances = Circumstances(
        selected=judges,
        not_offered=missing,
        gaps=_gaps(setting_for(target, choice)),
        gap=_gap(choice, chosen),
    )
    found = verdicts(without(way.tallies, missing), every, circumstances, way.examples)
    served = {program.capability for program in chosen.programs if program.id in way.played}
    stated = {verdict.capability for verdict in found if verdict.level == "must" and judges(verdict.id)}
    cut = way.interrupted or way.cut is not None
    comparison = compared(found, choice, every, profile=choice.profile, cut=cut)
    conclusion = outcome.conclude(
        found,
        interrupted=way.interrupted,
        faults=way.faults,
        cut=way.cut,
        prerequisite=failed_prerequisite(way.surface),
        must_decide=[name for name in CAPABILITIES if name in served & stated and name not in missing],
        fail_on=choice.fail_on,
        comparison=comparison,
    )
    return Report(
        suite=suite(choice, choice.profile, choice.seed),
        target=Judged(
            name=target.name,
            base_url=target.address.url,
            dialect=target.address.dialect.family,
            capabilities=tuple(name for name in CAPABILITIES if name not in missing),
        ),
        complete=not cut,
        outcome=conclusion.outcome,
        exit_code=conclusion.exit_code,
        because=conclusion.because,
        counts=used(way.counts),
        verdicts=tuple(found),
        comparison=comparison,
    )


def _gaps(setting: Setting) -> dict[str, Gap]:
    """The request constraints that cannot be shown on the target, and why."""
    never = {id_: Gap(reason) for id_, reason in boundary.unsendable(setting.edition).items()}
    return {id_: Gap(f"needs {needs}", needs) for id_, needs in boundary.lacking(setting).items()} | never


def _gap(choice: Choice, chosen: Plan) -> Callable[[str, str], Gap]:
    """Why something was not judged although nothing in particular was in its way."""
    served = {program.capability for program in chosen.programs}

    def gap(capability: str, id_: str) -> Gap:
        for left in chosen.left_out:
            if left.program.capability == capability and capability not in served:
                return Gap(left.reason, left.needs)
        if choice.select or choice.phases:
            return Gap("nothing that was selected shows it", "a wider selection")
        if choice.profile == "quick":
            return Gap("outside profile quick", "--profile standard")
        return Gap("nothing that was sent or answered showed it")

    return gap
