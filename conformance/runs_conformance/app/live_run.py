"""A visit to a target: what is held while it is put to the test, from the first request to the last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

from runs_conformance.app import find_limits, shrink_findings
from runs_conformance.app.options import Choice, judging
from runs_conformance.client.base_url import Address
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.recorder import HistoryFile
from runs_conformance.client.session import Session
from runs_conformance.client.throttle import Throttle
from runs_conformance.client.transport import Limits, Transport
from runs_conformance.engine import polling, preflight
from runs_conformance.engine.admission import Admission
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.interruptible import awaited
from runs_conformance.engine.plan import Plan
from runs_conformance.engine.protected_sender import guarded
from runs_conformance.engine.resources import HURRY, SECONDS, Ledger, sweep
from runs_conformance.engine.run_plan import Course, Watcher, course, judged, run
from runs_conformance.errors import BudgetSpent
from runs_conformance.model.json import JSON
from runs_conformance.model.program import Setting
from runs_conformance.reporting.folder import Folder
from runs_conformance.targets import Target

NEAR_WORKERS, FAR_WORKERS = 5, 4
"""How many programs are played at the same time on this machine and elsewhere, unless the user says otherwise."""

PREFLIGHT = Limits(connect=10.0, idle=20.0, total=20.0)
"""A target that has not said anything after this long counts as silent."""

TAG = "runs-conformance"
"""The metadata by which assistants and threads of the suite are known; its value is the id of the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visit to a target."""

    target: Target
    choice: Choice
    setting: Setting
    limits: Limits
    session: Session
    collector: Collector
    file: HistoryFile
    budget: Budget
    pace: polling.Pace
    watcher: Watcher

    def play(self, plan: Plan) -> Course:
        """Play a plan from the preflight to the cleaning up; an interruption from the keyboard ends it early.

        Raises TargetError where testing the target makes no sense, UsageError where an object to work with is not
        there.
        """
        way = course((), self.budget, interrupted=True)
        try:
            no_route = self._meet()
            way = self._run(plan, no_route)
            if not (way.interrupted or way.cut):
                way = self._with_limits(self._shrunk(way))
        except KeyboardInterrupt:
            way = replace(way, interrupted=True)
        except BudgetSpent as spent:
            way = course((), self.budget, cut=str(spent))
        finally:
            if way.interrupted:
                self.budget.stop("interrupted")
            clean = self._leave(HURRY if way.interrupted else SECONDS)
        return way if clean else replace(way, interrupted=True)

    @property
    def _workers(self) -> int:
        """How many programs are played at the same time; on one thread for all of them no more than one."""
        if "thread" in self.setting.given:
            return 1
        return self.choice.workers or (NEAR_WORKERS if self.target.address.loopback else FAR_WORKERS)

    def _meet(self) -> str | None:
        """What an answer looks like where the target has no route."""

        def meet() -> str | None:
            given = self.setting.given.get("thread")
            url = self.target.address.url
            preflight.preflight(self.session, url, given, read_only=self.setting.read_only)
            preflight.look_up(self.session, url, self.setting.given)
            return preflight.no_route(self.session)

        self._bound_by(PREFLIGHT)
        no_route = awaited(meet, "preflight")
        self.collector.take(preflight.OUTSIDE)
        self.session.transport.limits = self.limits
        return no_route

    def _run(self, plan: Plan, no_route: str | None) -> Course:
        by = judging(self.choice)
        before = judged(preflight.PROGRAM, self.collector.take(preflight.PROGRAM), by)
        return run(
            plan,
            self.setting,
            guarded(self.session, self.setting),
            self.collector,
            by,
            self.budget,
            pace=self.pace,
            watcher=self.watcher,
            workers=self._workers,
            tidies=self.target.lasting,
            no_route=no_route,
            already=[before],
        )

    def _shrunk(self, way: Course) -> Course:
        return awaited(
            lambda: shrink_findings.shrunk(
                way,
                self.target,
                self.choice,
                setting=self.setting,
                session=self.session,
                ledger=self.collector.ledger,
                budget=self.budget,
                pace=self.pace,
            ),
            "shrinking",
        )

    def _with_limits(self, way: Course) -> Course:
        if not self.choice.find_limits or self.setting.read_only:
            return way
        sender = guarded(self.session, self.setting)
        return awaited(
            lambda: find_limits.with_limits(
                way, self.setting, sender, self.collector, self.budget, self.pace, tidies=self.target.lasting
            ),
            "searching",
        )

    def _leave(self, seconds: float) -> bool:
        """Delete what is left on the target and tell what stays; says whether that was not interrupted."""
        ledger = self.collector.ledger
        if not self.target.lasting or not (things := ledger.left()):
            return True
        self._bound_by(PREFLIGHT)
        if seconds == HURRY:
            self.watcher.cleaning(len(things))
        try:
            awaited(lambda: sweep(ledger.left, self.session, seconds=seconds), "cleanup")
        except KeyboardInterrupt:
            return False
        finally:
            if things := ledger.left():
                self.watcher.leaving([thing.named(self.session.credentials.redact) for thing in things])
        return True

    def _bound_by(self, limits: Limits) -> None:
        given = self.limits
        self.session.transport.limits = replace(
            given, idle=min(limits.idle, given.idle), total=min(limits.total, given.total)
        )


@contextmanager
def visiting(
    target: Target, choice: Choice, setting: Setting, folder: Folder, header: Mapping[str, JSON], watcher: Watcher
) -> Iterator[Visit]:
    """A visit whose every exchange is in the folder's history as soon as it has ended; `header` is the first line.

    Raises UsageError where the history cannot be written.
    """
    address = target.address
    credentials = Credentials(target.key, target.second_key, address.dialect.key_header, address.secrets)
    budget = Budget(choice.most_requests, choice.most_runs, choice.most_seconds)
    limits = Limits(idle=choice.timeout, total=choice.timeout, stream=3 * choice.timeout)
    # With what cleaning up after a crash has to know.
    first = {
        **header,
        "run_id": folder.run,
        "dialect_name": address.dialect.name,
        "key_header": address.dialect.key_header,
        "lasting": target.lasting,
        "given": dict(setting.given),
    }
    with closing(HistoryFile(folder.history, first, credentials)) as file, closing(Transport(address, limits)) as wire:
        ledger = Ledger(frozenset(setting.given.values()))
        collector = Collector(file, budget, ledger)
        owed = (lambda: len(ledger.left())) if target.lasting else None
        yield Visit(
            target=target,
            choice=choice,
            setting=setting,
            limits=limits,
            session=Session(
                wire,
                collector,
                credentials,
                choice.edition,
                throttle=Throttle(choice.spacing),
                fixture_metadata={TAG: folder.run} if target.lasting else {},
                admission=Admission(budget, choice.most_tokens, owed),
            ),
            collector=collector,
            file=file,
            budget=budget,
            pace=_pace(address, choice),
            watcher=watcher,
        )


def _pace(address: Address, choice: Choice) -> polling.Pace:
    tempo = polling.loopback() if address.loopback else polling.remote()
    if choice.poll is None:
        return tempo
    return replace(tempo, first=min(tempo.first, choice.poll), longest=choice.poll)
