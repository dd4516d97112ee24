"""Plays one program: sends its moves, polls where a step says so, and hands back what came of them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from runs_conformance.client.prepared_request import Unbound
from runs_conformance.contract.lifecycle import STATUSES, TERMINAL
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.polling import Pace
from runs_conformance.errors import BudgetSpent, ConformanceError, UsageError
from runs_conformance.evidence.server_failure import fails
from runs_conformance.model.case import Move, Step, Together
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Program, Setting


class Sender(Protocol):
    """Sends steps; each attempt at one is recorded, and the last is what came of it."""

    def send(self, step: Step, program: str, answers: MutableMapping[str, Exchange]) -> Exchange:
        """Send one step."""
        ...

    def together(
        self, steps: Sequence[Step], program: str, answers: MutableMapping[str, Exchange]
    ) -> tuple[Exchange, ...]:
        """Send steps at the same moment; what came of each, in the order of the steps."""
        ...


UNREADABLE_LOOKS = 3
"""So many looks in a row that show no status, or none that there is, end the polling: more would show the same."""


@dataclass(frozen=True, slots=True)
class Played:
    """How a program ended, where it did not end by itself.

    `stopped`: an answer did not give what the next step needs. `cut`: a budget ended it. `fault`: our own error.
    """

    stopped: str | None = None
    cut: str | None = None
    fault: str | None = None


_REPEATING = ("boundary",)
"""Phases whose programs see to it themselves that a failure of the target is shown twice."""


@dataclass(slots=True)
class _Repeats:
    """How often a program's steps are sent once more because the target failed: what fails once may be a moment's
    weakness, and only what fails again says something.
    """

    left: int = 4
    operations: Counter[str] = field(default_factory=Counter)

    def take(self, operation: str) -> bool:
        """Whether a step of this operation is sent once more."""
        if not self.left or self.operations[operation] >= 2:
            return False
        self.left -= 1
        self.operations[operation] += 1
        return True


class _Silence(ConformanceError):  # noqa: N818 -- it says what the target does
    """The target leaves every request of an operation unanswered."""


def play(program: Program, setting: Setting, sender: Sender, budget: Budget, pace: Pace) -> Played:
    """Play a program to its end. Whatever a target or the program itself does, this returns."""
    try:
        moves = program.play(setting)
        answers: dict[str, Exchange] = {}
        repeats = _Repeats()
        try:
            move = next(moves)
            while True:
                budget.check()
                _check_silence(move, budget)
                move = moves.send(_made(move, program, setting, sender, answers, budget, pace, repeats))
        finally:
            moves.close()
    except StopIteration:
        return Played()
    except BudgetSpent as spent:
        return Played(cut=str(spent))
    except (Unbound, _Silence) as why:
        return Played(stopped=str(why))
    except UsageError:
        raise
    except Exception as error:
        return Played(fault=f"program {program.id} raised {type(error).__name__}: {error}")


def _made(
    move: Move,
    program: Program,
    setting: Setting,
    sender: Sender,
    answers: dict[str, Exchange],
    budget: Budget,
    pace: Pace,
    repeats: _Repeats,
) -> Exchange | tuple[Exchange, ...]:
    if isinstance(move, Together):
        return sender.together(move.steps, program.id, answers)
    if not move.until:
        exchange = sender.send(move, program.id, answers)
        if fails(exchange) and program.phase not in _REPEATING and repeats.take(move.operation):
            pace.sleep(pace.pause(0))
            exchange = sender.send(move, program.id, answers)
        return exchange
    looks = _looks(move, lambda: sender.send(move, program.id, answers), setting.patience, budget, pace)
    return deque(looks, maxlen=1)[0]


def _check_silence(move: Move, budget: Budget) -> None:
    for step in move.steps if isinstance(move, Together) else (move,):
        if budget.is_silent(step.operation):
            raise _Silence(f"the target does not answer {step.operation}")


def _looks(step: Step, look: Callable[[], Exchange], patience: float, budget: Budget, pace: Pace) -> Iterator[Exchange]:
    """Look until a status is seen that is waited for or that nothing follows, or until the patience ends."""
    began = pace.now()
    blind = 0
    while True:
        exchange = look()
        yield exchange
        shown = exchange.member("status")
        status = shown if exchange.accepted and isinstance(shown, str) else ""
        waited = pace.now() - began
        if status in step.until or status in TERMINAL:
            pace.arrived(waited, step.until)
            return
        blind = 0 if status in STATUSES else blind + 1
        if exchange.refused or blind >= UNREADABLE_LOOKS:
            return
        if waited >= pace.patience(patience):
            pace.in_vain()
            return
        budget.check()
        pace.sleep(pace.pause(waited, step.until))
