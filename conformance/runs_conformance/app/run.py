"""A target put to the test: planned, played, judged, reported."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from runs_conformance.app import shrink_findings
from runs_conformance.app.attach_steps import recorded, with_steps
from runs_conformance.app.build_report import concluded, untested
from runs_conformance.app.live_run import Visit, visiting
from runs_conformance.app.options import Choice, check_selection, demands, judging, programs
from runs_conformance.app.run_metadata import Ending, Heading
from runs_conformance.engine.plan import Plan, plan, selector
from runs_conformance.engine.run_plan import Watcher
from runs_conformance.engine.shard import shard, share
from runs_conformance.engine.verdicts import Demands
from runs_conformance.errors import TargetError, UsageError
from runs_conformance.model.program import Program, Setting
from runs_conformance.reporting.folder import Folder
from runs_conformance.reporting.report import Report
from runs_conformance.targets import Target


def setting_for(target: Target, choice: Choice) -> Setting:
    """What programs may know of a target."""
    return Setting(
        edition=choice.edition,
        model=choice.model,
        other_model=choice.other_model,
        prompts=choice.prompts,
        given=choice.use,
        read_only=choice.read_only,
        patience=choice.run_timeout,
        expiry_patience=choice.expiry_timeout,
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
    kept = shrink_findings.kept_programs(target, choice)
    every = [*programs(setting, choice), *kept]
    known = [*demands(choice.edition).ids(), *(program.id for program in every)]
    check_selection(choice, known)
    wanted = _wanted(choice, demands(choice.edition))
    whole = plan(every, setting, choice.profile, choice.phases, wanted, choice.denied)
    return share(whole, shard(choice.shard), {program.id for program in kept}) if choice.shard else whole


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
    return lambda program: chooses(program.id) or general or not operations.isdisjoint(program.operations)


def judge(
    target: Target,
    choice: Choice,
    chosen: Plan,
    folder: Folder,
    watcher: Watcher,
    visited: Callable[[], object] = lambda: None,
) -> Report:
    """Play a plan on a target, judge what came of it, and report.

    Every exchange is in the folder's history as soon as it has ended. Where the target cannot be tested, the report
    says only that. `visited` is called when the target has been left, which an interruption does not undo any more.
    Raises UsageError where the folder cannot be written to, or an object to work with is not there.
    """
    setting = setting_for(target, choice)
    heading = Heading.of(target, choice, setting, chosen)
    with visiting(target, choice, setting, folder, heading.to_json(), watcher) as visit:
        try:
            way = visit.play(chosen)
        except TargetError as error:
            visited()
            _end(visit, Ending(counts=visit.budget.counts, untested=str(error)))
            return untested(heading, str(error), visit.budget.counts)
        except UsageError as error:
            _end(visit, Ending(counts=visit.budget.counts, untested=str(error)))
            raise
        visited()
        _end(visit, Ending.of(way))
    return concluded(heading, with_steps(way, recorded(folder.history, way), judging(choice), choice.model))


def _end(visit: Visit, ending: Ending) -> None:
    """End the history, where there is room for it: the report of what was judged is worth more than its last line."""
    with suppress(UsageError):
        visit.file.end(ending.to_json())
