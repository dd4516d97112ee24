"""Replays the steps that show a failure, alone and on new objects, before the failure is reported."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from runs_conformance.engine.plan_result import RunResult
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.engine.shrinking.shrinker import Execute
from runs_conformance.errors import BudgetExhausted, InternalError
from runs_conformance.model.json import JSON, is_array, is_object
from runs_conformance.model.verdict import Finding, Tally

MAX_IDS, MAX_IDS_PER_GROUP = 60, 4
"""Maximum number of failures that are replayed, of all and of a cause.

Where causes are unknown, a group stands for one: the constraints on the requests of an operation, those on a kind of
object, or the rules of a topic.
"""

MAX_REQUESTS_PER_ID = 60
"""Requests after which a failure is not tried again. One that takes more at once is replayed after the others."""

_REQUESTS_PER_POLL = 3
"""About how many requests it takes to poll a run to its end."""

MAX_REQUESTS = 300
"""Requests that replay all failures of a test run."""

MAX_TRIES = 3
"""How often a failure is replayed that does not occur again at once."""

MAX_ENLARGED, MAX_ENLARGEMENTS = 12, 2
"""Maximum number of failures that are replayed with more steps because they did not occur again, and how often."""

MAX_PAUSED = 12
"""Maximum number of failures that are replayed with pauses because they did not always occur."""

_FIRST_SHARE = 0.8
"""Share of the budget after which failures that did not occur again come before those that were not replayed yet."""

_NEEDS_CONFIRMATION = frozenset(
    {
        "errors.requests_do_not_break_the_server",
        "robustness.no_request_is_left_hanging",
        "robustness.odd_requests_do_not_break_the_server",
        "robustness.the_next_request_is_served",
    }
)
"""The rules whose findings a request of another worker may explain: it blocked or crashed the target meanwhile."""

_LEFT_WAITING = "robustness.no_request_is_left_hanging"
_SHOWN_BY_LOST_CONNECTIONS = frozenset({_LEFT_WAITING, "robustness.the_next_request_is_served"})
"""Those of them whose findings are lost connections, which do not show by which request the target was broken."""

_REFUSED_VALID = "refused "
"""How the message about a refused valid request begins. The target may refuse requests at random."""

_EQUAL_REQUESTS = "acceptance.equal_requests_are_all_accepted"

_FAILED = "failed with HTTP 5"
"""How the message about a request that got HTTP 5xx each time begins. The target may fail at random."""

_ACCEPTANCE = ("HTTP 200", 200)
"""The expected results in such findings."""


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
"""Returns other steps for the failures with these ids: more than before, where there are more, or those with pauses."""


def confirm(
    reproductions: Mapping[str, Reproduction],
    enlarge: Enlarge,
    execute: Execute,
    budget: ConfirmationBudget,
    must_occur: Collection[str] = (),
    must_occur_always: Collection[str] = (),
    pauses: Sequence[Enlarge] = (),
) -> tuple[dict[str, Confirmation], frozenset[str]]:
    """Replay each failure until it occurs, at most `MAX_TRIES` times, and those that never do with more of their steps.

    The latter are replayed once each, since they may depend on these steps. Before that, those that did not occur at
    once are replayed with `pauses`, once with each kind, since runs change by themselves. The result lacks the
    failures that the budget, or the limit for one failure, does not allow to replay. Returns also the ids
    that occurred with the steps returned for them later. A part of the budget is kept for them, which the other
    failures may use afterwards. Steps that take more requests than a failure may use are not replayed. Those that
    `must_occur` with the steps given are not replayed with others. Those that `must_occur_always` are replayed until
    they do not occur.
    """
    pending = iter(list(reproductions.items())[:MAX_IDS])
    confirmations = _confirm_each(pending, execute, budget, share=_FIRST_SHARE, always=must_occur_always)
    own, enlarged = {*must_occur, *must_occur_always}, set[str]()
    for add_pauses in pauses:
        uncertain = [id_ for id_, each in confirmations.items() if not each.is_confirmed and id_ not in own]
        if not uncertain or budget.is_spent():
            break
        cases = {
            id_: case for id_, case in add_pauses(uncertain[:MAX_PAUSED]).items() if _cost(case) <= MAX_REQUESTS_PER_ID
        }
        replayed = _confirm_each(iter(cases.items()), execute, budget, 1)
        found = {id_: each for id_, each in replayed.items() if each.failed}
        confirmations |= found
        enlarged |= found.keys()
    unseen = [id_ for id_, each in confirmations.items() if not each.failed and id_ not in must_occur][:MAX_ENLARGED]
    for _ in range(MAX_ENLARGEMENTS):
        if not unseen or budget.is_spent():
            break
        cases = {id_: case for id_, case in enlarge(unseen).items() if _cost(case) <= MAX_REQUESTS_PER_ID}
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
        if replays and (failed or replays == tries):
            confirmations[id_] = Confirmation(failed, replays)
    return confirmations


def ids_to_recur(result: RunResult) -> frozenset[str]:
    """The failures that other requests may explain unless they occur again with their own steps alone."""
    return frozenset(id_ for id_, tally in result.tallies.items() if tally.findings and _needs_confirmation(id_, tally))


def ids_that_may_be_chance(result: RunResult, *, fails_at_random: bool) -> frozenset[str]:
    """The failures that a target shows by chance if it fails or refuses equal requests at random.

    Whether it refuses at random is what the requirement on equal requests shows.
    """
    equal_requests = result.tallies.get(_EQUAL_REQUESTS)
    refuses_at_random = equal_requests is not None and bool(equal_requests.findings)
    return frozenset(
        id_
        for id_, tally in result.tallies.items()
        if (fails_at_random and _shows_server_errors(id_, tally)) or (refuses_at_random and _shows_one_refusal(tally))
    ) - {_EQUAL_REQUESTS}


def failures_to_confirm(
    result: RunResult,
    is_must: Callable[[str], bool],
    causes: Mapping[str, str] | None = None,
    typical: Collection[str] = (),
) -> Iterator[tuple[str, Reproduction]]:
    """The failures of MUST requirements whose counterexamples have steps; those that need confirmation come first.

    Of the others, the first of each cause precedes the second of any, up to the limit for a group. `causes` names the
    cause of each failure; without it, the groups stand for causes. The first of a cause is one of the `typical`
    failures or else the cheapest. Failures that take more than a failure may use come last.
    """
    cases: dict[str, Reproduction] = {}
    for id_, tally in result.tallies.items():
        example = result.counterexamples.get(id_)
        steps = example.get("steps") if is_object(example) else None
        if tally.findings and is_must(id_) and is_array(steps):
            cases[id_] = Reproduction.from_json(steps)
    costs = {id_: _cost(case) for id_, case in cases.items()}
    ranks: dict[str, int] = {}
    groups: Counter[str] = Counter()
    for id_ in sorted(cases, key=lambda each: (costs[each] > MAX_REQUESTS_PER_ID, each not in typical, costs[each])):
        needs_confirmation = _needs_confirmation(id_, result.tallies[id_])
        group = _group(id_) if needs_confirmation or causes is None else f"cause {causes.get(id_, _group(id_))}"
        groups[group] += 1
        if needs_confirmation:
            ranks[id_] = 0 if groups[group] <= MAX_IDS_PER_GROUP else groups[group]
        elif groups[group] <= MAX_IDS_PER_GROUP:
            ranks[id_] = groups[group]
    is_long = {id_: id_ not in _NEEDS_CONFIRMATION and costs[id_] > MAX_REQUESTS_PER_ID for id_ in ranks}
    for id_ in sorted(ranks, key=lambda each: (is_long[each], ranks[each], costs[each])):
        yield id_, _repeat(cases[id_]) if id_ in _NEEDS_CONFIRMATION else cases[id_]


def _cost(reproduction: Reproduction) -> int:
    """About how many requests a replay takes."""
    return sum(_REQUESTS_PER_POLL if step.until else 1 for step in reproduction.steps)


def _group(id_: str) -> str:
    return id_.partition(".")[0]


def _repeat(reproduction: Reproduction) -> Reproduction:
    """The steps twice, and the first once more: the rules need a repeated failure between requests that are served."""
    return Reproduction((*reproduction.moves, *reproduction.moves, *reproduction.moves[:1]))


def with_confirmations(
    result: RunResult, confirmations: Mapping[str, Confirmation], replayable: Collection[str] = ()
) -> RunResult:
    """The result with each confirmation in the counterexample.

    A failure that needs confirmation and did not occur again is inconclusive. So is one of the `replayable` that was
    not replayed and shows only that the target did not respond.
    """
    examples, tallies = dict(result.counterexamples), dict(result.tallies)
    for id_, confirmation in confirmations.items():
        example = examples.get(id_)
        if is_object(example):
            examples[id_] = {**example, "confirmed": confirmation.to_json()}
        if _disproves(confirmation, id_, tallies[id_]):
            tallies[id_] = _without_findings(tallies[id_], f"not when replayed alone ({confirmation.text})")
            examples.pop(id_, None)
    disproved = {_group(id_) for id_, each in confirmations.items() if not each.is_confirmed}
    for id_ in tallies.keys() - confirmations.keys():
        may_be_chance = _shows_one_refusal(tallies[id_]) or _shows_server_errors(id_, tallies[id_])
        if may_be_chance and _group(id_) in disproved:
            tallies[id_] = _without_findings(tallies[id_], "others of the operation were not when replayed alone")
            examples.pop(id_, None)
    for id_ in _SHOWN_BY_LOST_CONNECTIONS.intersection(replayable).difference(confirmations):
        if tallies[id_].findings:
            tallies[id_] = _without_findings(tallies[id_], "it was not replayed alone")
            examples.pop(id_, None)
    counts = {id_: (each.failed, each.replays) for id_, each in confirmations.items()}
    return replace(result, counterexamples=examples, tallies=tallies, confirmations=counts)


def without_unconfirmed_waits(result: RunResult) -> RunResult:
    """The result of a test run that could not replay its failures: whether a request was left waiting stays open."""
    tally = result.tallies.get(_LEFT_WAITING)
    return result if tally is None or not tally.findings else with_confirmations(result, {}, [_LEFT_WAITING])


def without_unanswered_requests(result: RunResult) -> RunResult:
    """The result of one of several processes: the target may not respond because of what the others sent."""
    examples, tallies = dict(result.counterexamples), dict(result.tallies)
    for id_ in _SHOWN_BY_LOST_CONNECTIONS.intersection(tallies):
        if tallies[id_].findings:
            tallies[id_] = _without_findings(tallies[id_], "requests of other processes (--jobs) may be the cause")
            examples.pop(id_, None)
    return replace(result, counterexamples=examples, tallies=tallies)


def _disproves(confirmation: Confirmation, id_: str, tally: Tally) -> bool:
    """Whether the replays leave a failure open: it did not occur, or not always although it might be chance."""
    if _shows_one_refusal(tally) or _shows_server_errors(id_, tally):
        return not confirmation.is_confirmed
    return not confirmation.failed and _needs_confirmation(id_, tally)


def _needs_confirmation(id_: str, tally: Tally) -> bool:
    return id_ in _NEEDS_CONFIRMATION or _shows_one_refusal(tally) or _shows_server_errors(id_, tally)


def _shows_server_errors(id_: str, tally: Tally) -> bool:
    """Whether all findings are HTTP 5xx that a request got each time, or that followed another request."""
    return bool(tally.findings) and all(
        finding.message.startswith(_FAILED)
        or (id_ in _SHOWN_BY_LOST_CONNECTIONS and isinstance(finding.actual, int) and finding.actual >= 500)
        for finding in tally.findings
    )


def _shows_one_refusal(tally: Tally) -> bool:
    """Whether all findings are that valid requests of one operation were refused."""
    operations = {finding.operation for finding in tally.findings}
    return len(operations) == 1 and all(map(_is_refused_valid_request, tally.findings))


def _is_refused_valid_request(finding: Finding) -> bool:
    return finding.message.startswith(_REFUSED_VALID) and finding.expected in _ACCEPTANCE


def _without_findings(tally: Tally, restriction: str) -> Tally:
    reason = f"{tally.findings[0].message}, but {restriction}"
    inconclusive = tally.inconclusive.copy()
    inconclusive[reason] += len(tally.findings)
    # A judgment beside the findings is no longer a pass by itself.
    return replace(tally, judged=0, findings=[], inconclusive=inconclusive, parts=type(tally.parts)())
