"""The failures that exploring finds: made as small as they can be, and kept to be tried first the next time."""

from __future__ import annotations

from runs_conformance.app.options import Choice, judging
from runs_conformance.client.recorder import Unrecorded
from runs_conformance.client.session import Session
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.polling import Pace
from runs_conformance.engine.protected_sender import guarded
from runs_conformance.engine.resources import Ledger
from runs_conformance.engine.run_plan import Course
from runs_conformance.engine.shrinking import exploration
from runs_conformance.engine.shrinking.failure_store import Failures, failures
from runs_conformance.engine.shrinking.shrinker import Allowance
from runs_conformance.model.program import Program, Setting
from runs_conformance.targets import Target

DISTANT = (60, 240)
"""How many requests making a counterexample smaller may take off loopback, for each id and in all."""


def kept_programs(target: Target, choice: Choice) -> list[Program]:
    """The failures that earlier runs found on this target and kept."""
    kept = _kept(target, choice)
    return kept.programs() if kept is not None else []


def shrunk(
    way: Course,
    target: Target,
    choice: Choice,
    *,
    setting: Setting,
    session: Session,
    ledger: Ledger,
    budget: Budget,
    pace: Pace,
) -> Course:
    """The course with what only exploring found made as small as it can be; that is kept for the next run."""
    kept = _kept(target, choice)
    if way.found:
        collector = Collector(Unrecorded(session.credentials), budget, ledger)
        lab = exploration.Lab(
            setting=setting,
            sender=guarded(session.recording(collector), setting),
            collector=collector,
            judging=judging(choice),
            budget=budget,
            pace=pace,
            tidies=target.lasting,
            allowance=Allowance() if target.address.loopback else Allowance(*DISTANT),
        )
        results = exploration.shrunk(way.found, lab, choice.workers or 3)
        way = exploration.with_examples(way, results)
        if kept is not None:
            kept.keep({id_: result.case for id_, result in results.items()})
    if kept is not None and "explore" in {program.partition(".")[0] for program in way.played}:
        kept.forget({id_ for id_, tally in way.tallies.items() if tally.findings})
    return way


def _kept(target: Target, choice: Choice) -> Failures | None:
    return failures(choice.database, target.name, choice.edition) if choice.database is not None else None
