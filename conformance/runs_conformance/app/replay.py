"""What failed, sent again: whether it still does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from runs_conformance import config
from runs_conformance.app.options import Choice, judging, programs
from runs_conformance.app.report_file import Failure, Saved
from runs_conformance.app.run import setting_for
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.recorder import Unrecorded
from runs_conformance.client.session import Session
from runs_conformance.client.transport import Limits, Transport
from runs_conformance.engine import polling, preflight
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.interruptible import awaited
from runs_conformance.engine.program_runner import Played, play
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.engine.resources import HURRY, sweep
from runs_conformance.engine.run_plan import Judging, tidy
from runs_conformance.model.case import Key, Role
from runs_conformance.model.exchange import LATER, Completion, Exchange
from runs_conformance.model.json import JSON
from runs_conformance.model.program import Program, Setting
from runs_conformance.model.verdict import Outcome, Tally
from runs_conformance.targets import DIALECTS, Target, remote

_T = TypeVar("_T")
TRIES = 3
"""So often are steps sent together that show nothing: what depends on time may show another time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """What came of sending a failure again. `because` is one line for people, `sends` the requests it took."""

    failure: Failure
    outcome: Outcome
    because: str
    sends: int = 0
    exchanges: tuple[Exchange, ...] = field(default=(), repr=False)


def repeats(
    kept: Saved, failures: Sequence[Failure], target: Target, model: str | None, timeout: float
) -> Iterator[Repeat]:
    """What comes of each failure as it is sent again. Raises TargetError where the target cannot be tested.

    `model` takes the place of the one that was used then. What does not show by its own steps is tried by the whole
    program that it was found by, if there is one: only what neither shows counts as mended.
    """
    used = model or next((failure.model for failure in failures if failure.model), "") or Choice().model
    choice = Choice(edition=kept.edition, strict=kept.strict, seed=kept.seed, model=used, timeout=timeout, stress=True)
    credentials = Credentials(target.key, target.second_key, target.address.dialect.key_header, target.address.secrets)
    limits = Limits(idle=timeout, total=timeout, stream=3 * timeout)
    with closing(Transport(target.address, limits)) as wire:
        budget = Budget()
        collector = Collector(Unrecorded(credentials), budget)
        session = Session(wire, collector, credentials, kept.edition)
        stage = _Stage(target, choice, session, collector, budget, judging(choice), setting_for(target, choice), model)
        try:
            stage.meet()
            for failure in failures:
                yield stage.repeat(failure)
        finally:
            # There is no history from which it could be deleted later.
            if target.lasting:
                sweep(collector.ledger.left, session, seconds=HURRY)


@dataclass
class _Stage:
    """Where failures are sent again, on one target. Programs that were played whole are judged once for all."""

    target: Target
    choice: Choice
    session: Session
    collector: Collector
    budget: Budget
    judging: Judging
    setting: Setting
    model: str | None
    whole: dict[str, tuple[Played, Mapping[str, Tally], int]] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        self.pace = polling.loopback() if self.target.address.loopback else polling.remote()

    def meet(self) -> None:
        """See whether the target can be tested. Raises TargetError where it cannot."""
        self._uninterrupted(lambda: preflight.preflight(self.session, self.target.address.url))
        self.collector.take(preflight.PROGRAM)

    @cached_property
    def programs(self) -> Mapping[str, Program]:
        """The programs that do not depend on how much was explored."""
        every = programs(self.setting, self.choice)
        return {program.id: program for program in every if program.phase != "explore"}

    def repeat(self, failure: Failure) -> Repeat:
        moves = failure.moves
        if moves is None:
            return _undecided(failure, "the report does not hold the requests that show it")
        if Key.SECOND in moves.keys and self.target.second_key is None:
            return _undecided(failure, "it takes the key of another tenant: --second-api-key")
        if self.model and failure.model:
            moves = moves.with_model(failure.model, self.model)
        sends = 0
        result = _undecided(failure, "")
        for _ in range(TRIES if moves.together else 1):
            result = self._own_steps(failure, moves, sends)
            sends = result.sends
            if result.outcome is Outcome.FAIL:
                return result
        if result.outcome is Outcome.PASS and failure.id in moves.steps[failure.shows].exercises:
            # What a request may hold is decided by that request and those it is measured by.
            return result
        return self._by_program(failure, result, moves.together)

    def _own_steps(self, failure: Failure, moves: Reproduction, sent: int) -> Repeat:
        self.count += 1
        played, exchanges = self._played(moves.program(f"replay.{self.count}"))
        history, tallies = self.judging.only(failure.id).tallies("replay", exchanges)
        tally = tallies.get(failure.id, Tally())
        sends = sent + len(exchanges)
        if tally.findings:
            finding = tally.findings[0]
            return Repeat(
                failure=failure,
                outcome=Outcome.FAIL,
                because=finding.message,
                sends=sends,
                exchanges=tuple(history),
            )
        shows = moves.steps[failure.shows]
        answers = [exchange for exchange in exchanges if exchange.step is shows]
        why = played.fault or played.cut or played.stopped or _unanswered(answers) or _open(tally)
        if why is None and not tally.judged and _refused_now(answers):
            why = f"the request that showed it is refused now, with HTTP status {answers[-1].status}"
        outcome = Outcome.INCONCLUSIVE if why else Outcome.PASS
        return Repeat(failure=failure, outcome=outcome, because=why or "", sends=sends, exchanges=tuple(history))

    def _by_program(self, failure: Failure, alone: Repeat, together: bool) -> Repeat:
        """What the whole program says, where a failure did not show by its own steps."""
        often = f"{TRIES} times; it depends on what happens at the same moment" if together else ""
        if failure.program not in self.programs:
            return _with(alone, alone.outcome, alone.because or often)
        if failure.program not in self.whole:
            played, exchanges = self._played(self.programs[failure.program])
            _, tallies = self.judging.tallies(failure.program, exchanges)
            self.whole[failure.program] = played, tallies, len(exchanges)
        whole, shown, sent = self.whole[failure.program]
        tally = shown.get(failure.id, Tally())
        if tally.findings:
            because = f"{tally.findings[0].message} (in the whole program {failure.program}, not by its own steps)"
            return _with(alone, Outcome.FAIL, because, sent)
        ended = not (whole.fault or whole.cut or whole.stopped or tally.faults)
        if alone.outcome is Outcome.PASS or (ended and tally.judged):
            return _with(alone, Outcome.PASS, often, sent)
        return _with(alone, Outcome.INCONCLUSIVE, alone.because, sent)

    def _played(self, program: Program) -> tuple[Played, list[Exchange]]:
        played = self._uninterrupted(lambda: play(program, self.setting, self.session, self.budget, self.pace))
        exchanges = self.collector.take(program.id)
        if self.target.lasting:
            tidy(program.id, exchanges, self.session, self.collector)
        return played, exchanges

    def _uninterrupted(self, work: Callable[[], _T]) -> _T:
        """What the work gives; an interruption lets the request end that is under way, and no other begin."""
        return awaited(work, "replay", lambda: self.budget.stop("interrupted"))


def _undecided(failure: Failure, why: str) -> Repeat:
    return Repeat(failure=failure, outcome=Outcome.INCONCLUSIVE, because=why)


def _with(repeat: Repeat, outcome: Outcome, because: str, more: int = 0) -> Repeat:
    return Repeat(
        failure=repeat.failure,
        outcome=outcome,
        because=because,
        sends=repeat.sends + more,
        exchanges=repeat.exchanges,
    )


def _unanswered(answers: Sequence[Exchange]) -> str | None:
    """Why the request that showed it decides nothing now."""
    if not answers:
        return "the request that showed it was not reached"
    last = answers[-1]
    if last.completion is not Completion.ANSWERED:
        return last.problem or "the request that showed it was not answered"
    if last.status in LATER:
        return f"the request that showed it was answered with HTTP status {last.status}"
    return None


def _refused_now(answers: Sequence[Exchange]) -> bool:
    """Whether a request was refused that is not sent to be refused."""
    step = answers[-1].step
    return not answers[-1].accepted and (step is None or step.role is not Role.NEGATIVE)


def _open(tally: Tally) -> str | None:
    """Why a tally without findings decides nothing; None where it does. Where nothing was judged at all, what was
    wrong does not come up any more.
    """
    if tally.faults:
        return tally.faults[0]
    return None if tally.judged else next(iter(tally.undecided), None)


def again(
    id_: str, steps: JSON, base_url: str, *, edition: str, dialect: str = "openai", timeout: float = 60.0
) -> Repeat:
    """What comes of steps that showed a violation of an id, for a test of a user's own. The keys are those of the
    environment. Raises UsageError or TargetError where they cannot be sent.
    """
    keys = [config.secret(None, name) for name in ("OPENAI_API_KEY", "CONFORMANCE_SECOND_API_KEY")]
    key, second = (key.value if key else None for key in keys)
    target = remote(base_url, dialect=config.known(dialect, DIALECTS, "dialect"), key=key, second_key=second)
    moves = Reproduction.from_json(steps)
    failure = Failure(id=id_, kind="", level="", statement="", moves=moves)
    kept = Saved(
        name="steps",
        target=target.name,
        base_url=base_url,
        dialect=target.address.dialect.family,
        edition=edition,
        strict=False,
        seed=0,
        failures=(failure,),
    )
    (result,) = repeats(kept, kept.failures, target, None, timeout)
    return result


def conclusion(results: Sequence[Repeat]) -> int:
    """The exit code: 1 while any failure shows, 5 where one could not be decided, else 0."""
    outcomes = {result.outcome for result in results}
    if Outcome.FAIL in outcomes:
        return 1
    return 5 if Outcome.INCONCLUSIVE in outcomes else 0
