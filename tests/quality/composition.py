"""Many mutants in one emulator: those that take what the contract refuses, where each can be told by the request that
it takes.

A negative breaks one constraint, so of mutants that each forgive another constraint exactly one takes it, and what the
answer breaks besides is that one's doing. Two mutants are kept apart where some negative breaks the constraints of
both: together they would take what each alone refuses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import cache
from multiprocessing import get_context

from runs_conformance.app import run
from runs_conformance.app.options import Choice, judging
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.recorder import Unrecorded
from runs_conformance.client.session import Session
from runs_conformance.client.transport import Transport
from runs_conformance.contract.constraint import constraints, request_bodies
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.schema_violation import examine_schema
from runs_conformance.emulator.catalogue import Mutant
from runs_conformance.engine import polling
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.program_runner import play
from runs_conformance.generation import boundary
from runs_conformance.generation.boundary.cases import bench
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.model.case import Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.verdict import Tally
from runs_conformance.rules import catalogue as rules
from tests.quality.bench import STEP_MS, Result, target_at
from tests.quality.host import KEYS, hosted

LEVELS = ("must", "should", "may")


def composed(
    mutants: Sequence[Mutant], rivals: Mapping[str, Collection[str]] | None = None
) -> list[tuple[Mutant, ...]]:
    """The mutants in as few compositions as keep those apart that have to be: of one constraint, or of two that are
    broken together.
    """
    broken_with = _rivals() if rivals is None else rivals
    together: list[list[Mutant]] = []
    for mutant in mutants:
        apart_from = broken_with.get(mutant.item, ())
        for company in together:
            if not any(other.item in apart_from or other.item == mutant.item for other in company):
                company.append(mutant)
                break
        else:
            together.append([mutant])
    return [tuple(company) for company in together]


@cache
def _rivals() -> Mapping[str, frozenset[str]]:
    """Which constraints some negative breaks together with a constraint."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for operation in request_bodies():
        made = bench(operation, DEFAULT_EDITION, Sampler(Choice().model, any_file=True))
        for negative in made.negatives():
            broken = {fault.constraint for fault in examine_schema(made.schema, negative.body).faults}
            for id_ in broken:
                found[id_] |= broken - {id_}
    return {id_: frozenset(others) for id_, others in found.items()}


def judged(compositions: Sequence[Sequence[Mutant]], processes: int = 2) -> Iterator[Result | None]:
    """What the suite says of each mutant, in their order; None where it said something that cannot be told to be the
    doing of one of them.
    """
    names = [tuple((mutant.name, mutant.item) for mutant in company) for company in compositions]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for results in pool.map(_played, names):
            yield from results


def _played(company: Sequence[tuple[str, str]]) -> list[Result | None]:
    items = {item: name for name, item in company}
    operations = {item.partition(".")[0] for item in items}
    failed: dict[str, set[str]] = {item: set() for item in items}
    unclear: set[str] = set()
    with (
        hosted({"all": ([name for name, _ in company], ())}, STEP_MS) as urls,
        closing(_Ground(urls["all"])) as ground,
    ):
        for operation in operations:
            for exchanges, tallies in ground.histories(operation):
                done_by = doers(exchanges, items)
                for id_, tally in tallies.items():
                    for finding in tally.findings:
                        doer = id_ if id_ in items else done_by.get(finding.exchange)
                        if doer is None:
                            unclear |= {item for item in items if item.startswith(f"{operation}.")}
                        else:
                            failed[doer].add(id_)
    return [None if item in unclear else _result(name, failed[item]) for item, name in items.items()]


def doers(exchanges: Sequence[Exchange], items: Collection[str]) -> dict[str, str]:
    """Whose doing each exchange is, by its id: of the mutant whose constraint it breaks, or of the last that took what
    it should have refused.
    """
    found: dict[str, str] = {}
    last: str | None = None
    for exchange in sorted(exchanges, key=lambda exchange: exchange.index):
        doer = last
        if exchange.step is not None and exchange.step.role is Role.NEGATIVE and exchange.step.exercises:
            doer = next((id_ for id_ in exchange.step.exercises if id_ in items), last)
            last = doer if exchange.accepted else last
        if doer is not None:
            found[exchange.id] = doer
    return found


class _Ground:
    """An emulator with what is needed to play boundary programs on it."""

    def __init__(self, url: str) -> None:
        target, self._choice = target_at(url), Choice()
        self._setting = run.setting_for(target, self._choice)
        self._budget, self._pace = Budget(), polling.loopback()
        self._wire = Transport(target.address)
        self._collector = Collector(Unrecorded(), self._budget)
        self._session = Session(self._wire, self._collector, Credentials(*KEYS), self._choice.edition)

    def histories(self, operation: str) -> Iterator[tuple[list[Exchange], Mapping[str, Tally]]]:
        """What each boundary program of an operation came to."""
        for program in boundary.programs(self._setting, [operation]):
            played = play(program, self._setting, self._session, self._budget, self._pace)
            exchanges = self._collector.take(program.id)
            _, tallies = judging(self._choice).tallies(program.id, exchanges)
            faults = [played.fault or played.cut, *(fault for tally in tallies.values() for fault in tally.faults)]
            if any(faults):
                raise RuntimeError(f"{program.id}: {next(filter(None, faults))}")
            yield exchanges, tallies

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()


def _result(name: str, failed: Collection[str]) -> Result:
    levels = {id_: demand.level.value for known in (constraints(), rules()) for id_, demand in known.items()}
    by_level = {level: tuple(sorted(id_ for id_ in failed if levels[id_] == level)) for level in LEVELS}
    return Result(
        name=name,
        exit_code=1 if by_level["must"] else 0,
        because="",
        must=by_level["must"],
        should=by_level["should"],
        may=by_level["may"],
        inconclusive=0,
        requests=0,
        runs=0,
        seconds=0.0,
    )
