"""Replays the steps that show a failure, alone and on new objects, before the failure is reported."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.engine.shrinking.failures_to_confirm import MAX_IDS, MAX_REQUESTS_PER_ID, replay_cost
from runs_conformance.engine.shrinking.shrinker import Execute
from runs_conformance.errors import BudgetExhausted, InternalError
from runs_conformance.model.json import JSON

MAX_REQUESTS = 300
"""Requests that replay all failures of a test run."""

MAX_TRIES = 3
"""Maximum number of replays of a failure that does not occur at once."""

MAX_ENLARGED, MAX_ENLARGEMENTS = 12, 2
"""Maximum number of failures that are replayed with more steps because they did not occur again, and how often."""

MAX_PAUSED = 12
"""Maximum number of failures that are replayed with pauses because they did not always occur."""

_FIRST_SHARE = 0.8
"""Share of the budget after which failures that did not occur get other steps, before the next ones are replayed."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How often a failure occurred again when its steps were replayed alone."""

    failed: int
    replays: int

    @property
    def is_confirmed(self) -> bool:
        """Whether the failure occurred every time."""
        return 0 < self.failed == self.replays

    @property
    def text(self) -> str:
        """The confirmation in words."""
        return "confirmed" if self.is_confirmed else f"seen {self.failed} of {self.replays} times when replayed"

    def to_json(self) -> JSON:
        """The confirmation as JSON."""
        return {"failed": self.failed, "played": self.replays}


@dataclass(slots=True)
class ConfirmationBudget:
    """Limits for replaying failures, checked before each replay: seconds, and requests as `sent` counts them."""

    sent: Callable[[], int]
    seconds: float = 30.0
    requests: int = MAX_REQUESTS
    now: Callable[[], float] = time.monotonic
    _started: float = field(init=False)
    _first: int = field(init=False)

    def __post_init__(self) -> None:
        self._started, self._first = self.now(), self.sent()

    def is_spent(self, share: float = 1.0) -> bool:
        """Whether nothing more may be replayed, or this share of what may is used up."""
        seconds, requests = share * self.seconds, share * self.requests
        return self.now() - self._started >= seconds or self.sent() - self._first >= requests


Enlarge = Callable[[Collection[str]], Mapping[str, Reproduction]]
"""Returns other steps for the failures with these ids: if there are any, more than before, or the same with pauses."""


def confirm(
    reproductions: Mapping[str, Reproduction],
    enlarge: Enlarge,
    execute: Execute,
    budget: ConfirmationBudget,
    must_occur: Collection[str] = (),
    must_occur_always: Collection[str] = (),
    pauses: Sequence[Enlarge] = (),
) -> tuple[dict[str, Confirmation], frozenset[str]]:
    """Replay the steps of each failure until it occurs, at most `MAX_TRIES` times.

    A failure that does not occur every time is then replayed with each kind of `pauses` until it occurs, since runs
    change by themselves. One that never occurred is replayed with more steps of its program, at most
    `MAX_ENLARGEMENTS` times, since it may depend on them; a part of the budget is reserved for this. Steps that exceed
    the limit for one failure are not replayed.

    Failures in `must_occur` are replayed only with the steps given. Failures in `must_occur_always` are replayed until
    they do not occur, and never with pauses. Returns the confirmations, without the failures that were not replayed,
    and the ids that were confirmed with other steps.
    """
    pending = iter(list(reproductions.items())[:MAX_IDS])
    confirmations = _confirm_each(pending, execute, budget, share=_FIRST_SHARE, always=must_occur_always)
    own, enlarged = {*must_occur, *must_occur_always}, set[str]()
    for add_pauses in pauses:
        uncertain = [id_ for id_, each in confirmations.items() if not each.is_confirmed and id_ not in own]
        if not uncertain or budget.is_spent():
            break
        cases = {
            id_: case
            for id_, case in add_pauses(uncertain[:MAX_PAUSED]).items()
            if replay_cost(case) <= MAX_REQUESTS_PER_ID
        }
        replayed = _confirm_each(iter(cases.items()), execute, budget, 1)
        found = {id_: each for id_, each in replayed.items() if each.failed}
        confirmations |= found
        enlarged |= found.keys()
    unseen = [id_ for id_, each in confirmations.items() if not each.failed and id_ not in must_occur][:MAX_ENLARGED]
    for _ in range(MAX_ENLARGEMENTS):
        if not unseen or budget.is_spent():
            break
        cases = {id_: case for id_, case in enlarge(unseen).items() if replay_cost(case) <= MAX_REQUESTS_PER_ID}
        found = {
            id_: each for id_, each in _confirm_each(iter(cases.items()), execute, budget, 1).items() if each.failed
        }
        confirmations |= found
        enlarged |= found.keys()
        unseen = [id_ for id_ in cases if id_ not in found]
    rest = _confirm_each(pending, execute, budget, always=must_occur_always)
    return confirmations | rest, frozenset(enlarged)


def _confirm_each(
    cases: Iterator[tuple[str, Reproduction]],
    execute: Execute,
    budget: ConfirmationBudget,
    tries: int = MAX_TRIES,
    share: float = 1.0,
    always: Collection[str] = (),
) -> dict[str, Confirmation]:
    """Confirm the next failures, each with its steps, while less than this share of the budget is spent.

    The replays of a failure end when it occurs; those of one that must occur `always`, when it does not.
    """
    confirmations: dict[str, Confirmation] = {}
    while not budget.is_spent(share) and (case := next(cases, None)) is not None:
        id_, reproduction = case
        replays = failed = 0
        allowed = budget.sent() + MAX_REQUESTS_PER_ID
        try:
            is_open = True
            while is_open and replays < tries and not budget.is_spent() and budget.sent() < allowed:
                occurred = execute(reproduction, id_) is not None
                failed += occurred
                replays += 1
                is_open = occurred is (id_ in always)
        except (BudgetExhausted, InternalError):
            # A limit may concern this case alone: runs that do not end leave the cases without runs.
            continue
        if replays and (failed or replays == tries or id_ in always):
            confirmations[id_] = Confirmation(failed, replays)
    return confirmations
