"""Many mutants in one emulator. It works for mutants that accept what the contract forbids.

Each of them ignores another constraint, and a negative case violates one constraint. So exactly one mutant accepts the
case, and any other violation in the response is attributed to it. Two mutants are separated if a negative case violates
the constraints of both: together they would accept a body that each alone refuses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import cache
from multiprocessing import get_context

from runs_conformance.app import run
from runs_conformance.app.options import RunOptions, build_history_judge
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.recorder import NullRecorder
from runs_conformance.client.session import Session
from runs_conformance.client.transport import Transport
from runs_conformance.contract.constraint import body_documents, constraints
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.validation import validate
from runs_conformance.emulator.declaration import Mutant
from runs_conformance.engine import polling
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.program_runner import run_program
from runs_conformance.generation import boundary
from runs_conformance.generation.boundary.cases import payload_factory
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.model.case import Role
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.verdict import Tally
from runs_conformance.rules import catalogue as rules
from tests.quality.emulator_host import KEYS, serve_emulators
from tests.quality.judging import STEP_MS, TrialResult, check_end, target_at

LEVELS = ("must", "should", "may")


def group_mutants(
    mutants: Sequence[Mutant], violated_together: Mapping[str, Collection[str]] | None = None
) -> list[tuple[Mutant, ...]]:
    """Distribute mutants over few groups, each for one emulator.

    Mutants of one constraint, or of two that are violated together, are separated.
    """
    conflicts = _violated_together() if violated_together is None else violated_together
    groups: list[list[Mutant]] = []
    for mutant in mutants:
        conflicting = conflicts.get(mutant.item, ())
        for group in groups:
            if not any(other.item in conflicting or other.item == mutant.item for other in group):
                group.append(mutant)
                break
        else:
            groups.append([mutant])
    return [tuple(group) for group in groups]


@cache
def _violated_together() -> Mapping[str, frozenset[str]]:
    """By constraint, the other constraints that a negative case violates together with it."""
    together: defaultdict[str, set[str]] = defaultdict(set)
    for operation in body_documents():
        factory = payload_factory(operation, DEFAULT_EDITION, Sampler(RunOptions().model, accepts_any_file_id=True))
        for negative in factory.negatives():
            violated = {violation.constraint for violation in validate(factory.schema, negative.body).violations}
            for id_ in violated:
                together[id_] |= violated - {id_}
    return {id_: frozenset(others) for id_, others in together.items()}


def judge_groups(groups: Sequence[Sequence[Mutant]], processes: int = 2) -> Iterator[TrialResult | None]:
    """Judge each mutant of the groups; yields the results in order. A result is None if a failure cannot be
    attributed to one mutant.
    """
    names = [tuple((mutant.name, mutant.item) for mutant in group) for group in groups]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for results in pool.map(_judge_group, names):
            yield from results


def _judge_group(group: Sequence[tuple[str, str]]) -> list[TrialResult | None]:
    names = {item: name for name, item in group}
    operations = {item.partition(".")[0] for item in names}
    failed: dict[str, set[str]] = {item: set() for item in names}
    unclear: set[str] = set()
    with (
        serve_emulators({"all": ([name for name, _ in group], ())}, STEP_MS) as urls,
        closing(_BoundarySession(urls["all"])) as session,
    ):
        for operation in operations:
            for exchanges, tallies in session.judge_programs(operation):
                attributions = attribute_exchanges(exchanges, names)
                for id_, tally in tallies.items():
                    for finding in tally.findings:
                        item = id_ if id_ in names else attributions.get(finding.exchange)
                        if item is None:
                            unclear |= {item for item in names if item.startswith(f"{operation}.")}
                        else:
                            failed[item].add(id_)
    return [None if item in unclear else _result(name, failed[item]) for item, name in names.items()]


def attribute_exchanges(exchanges: Sequence[Exchange], items: Collection[str]) -> dict[str, str]:
    """By exchange id, the item of the mutant that caused the response: the one whose constraint the request violates,
    or else the one that last accepted an invalid request.
    """
    attributions: dict[str, str] = {}
    last_accepting: str | None = None
    for exchange in sorted(exchanges, key=lambda exchange: exchange.index):
        item = last_accepting
        if exchange.step is not None and exchange.step.role is Role.NEGATIVE and exchange.step.exercises:
            item = next((id_ for id_ in exchange.step.exercises if id_ in items), last_accepting)
            last_accepting = item if exchange.accepted else last_accepting
        if item is not None:
            attributions[exchange.id] = item
    return attributions


class _BoundarySession:
    """A session that runs boundary programs against an emulator."""

    def __init__(self, url: str) -> None:
        # Otherwise only a sample of the values would be sent to a server that accepts several invalid ones.
        target, self._options = target_at(url), RunOptions(exhaustive=True)
        self._context = run.program_context(target, self._options)
        self._budget, self._schedule = Budget(), polling.loopback_schedule()
        self._transport = Transport(target.address)
        self._collector = Collector(NullRecorder(), self._budget)
        self._session = Session(self._transport, self._collector, Credentials(*KEYS), self._options.edition)

    def judge_programs(self, operation: str) -> Iterator[tuple[list[Exchange], Mapping[str, Tally]]]:
        """Run and judge the boundary programs of an operation. Raises RuntimeError if one does not finish."""
        for program in boundary.programs(self._context, [operation]):
            result = run_program(program, self._context, self._session, self._budget, self._schedule)
            exchanges = self._collector.take(program.id)
            _, tallies = build_history_judge(self._options).judge_exchanges(program.id, exchanges)
            check_end(result)
            if errors := [error for tally in tallies.values() for error in tally.errors]:
                raise RuntimeError(f"{program.id}: {errors[0]}")
            yield exchanges, tallies

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()


def _result(name: str, failed: Collection[str]) -> TrialResult:
    levels = {id_: entry.level.value for known in (constraints(), rules()) for id_, entry in known.items()}
    by_level = {level: tuple(sorted(id_ for id_ in failed if levels[id_] == level)) for level in LEVELS}
    return TrialResult(
        name=name,
        exit_code=1 if by_level["must"] else 0,
        must=by_level["must"],
        should=by_level["should"],
        may=by_level["may"],
    )
