"""Selects the failures to replay before they are reported, and the failures that count only if they occur again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping

from runs_conformance.engine.plan_result import RunResult
from runs_conformance.engine.reproduction import Reproduction
from runs_conformance.model.json import is_array, is_object
from runs_conformance.model.verdict import Nature, Tally

MAX_IDS, MAX_IDS_PER_GROUP = 60, 4
"""Maximum number of failures that are replayed, of all and of a cause.

Where causes are unknown, a group stands for one: the constraints on the requests of an operation, those on a kind of
object, or the rules of a topic.
"""

MAX_REQUESTS_PER_ID = 60
"""Requests after which a failure is not tried again. One that takes more at once is replayed after the others."""

_REQUESTS_PER_POLL = 3
"""About how many requests it takes to poll a run to its end."""

_NEEDS_CONFIRMATION = frozenset(
    {
        "errors.requests_do_not_break_the_server",
        "robustness.no_request_is_left_hanging",
        "robustness.odd_requests_do_not_break_the_server",
        "robustness.the_next_request_is_served",
    }
)
"""The rules whose findings a request of another worker may explain: it blocked or crashed the target meanwhile."""

LEFT_WAITING = "robustness.no_request_is_left_hanging"
SHOWN_BY_LOST_CONNECTIONS = frozenset({LEFT_WAITING, "robustness.the_next_request_is_served"})
"""Rules among these whose findings are lost connections. These do not show which request broke the target."""

_EQUAL_REQUESTS = "acceptance.equal_requests_are_all_accepted"


def ids_to_recur(result: RunResult) -> frozenset[str]:
    """The failures that other requests may explain unless they occur again with their own steps alone."""
    return frozenset(id_ for id_, tally in result.tallies.items() if tally.findings and needs_confirmation(id_, tally))


def ids_that_may_be_chance(result: RunResult, *, fails_at_random: bool) -> frozenset[str]:
    """The failures that a target shows by chance if it fails or refuses equal requests at random.

    Whether it refuses at random is what the requirement on equal requests shows.
    """
    equal_requests = result.tallies.get(_EQUAL_REQUESTS)
    refuses_at_random = equal_requests is not None and bool(equal_requests.findings)
    return frozenset(
        id_
        for id_, tally in result.tallies.items()
        if (fails_at_random and shows_server_errors(id_, tally)) or (refuses_at_random and shows_one_refusal(tally))
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
    costs = {id_: replay_cost(case) for id_, case in cases.items()}
    ranks: dict[str, int] = {}
    groups: Counter[str] = Counter()
    for id_ in sorted(cases, key=lambda each: (costs[each] > MAX_REQUESTS_PER_ID, each not in typical, costs[each])):
        must_recur = needs_confirmation(id_, result.tallies[id_])
        group = group_of(id_) if must_recur or causes is None else f"cause {causes.get(id_, group_of(id_))}"
        groups[group] += 1
        if must_recur:
            ranks[id_] = 0 if groups[group] <= MAX_IDS_PER_GROUP else groups[group]
        elif groups[group] <= MAX_IDS_PER_GROUP:
            ranks[id_] = groups[group]
    is_long = {id_: id_ not in _NEEDS_CONFIRMATION and costs[id_] > MAX_REQUESTS_PER_ID for id_ in ranks}
    for id_ in sorted(ranks, key=lambda each: (is_long[each], ranks[each], costs[each])):
        yield id_, _repeat(cases[id_]) if id_ in _NEEDS_CONFIRMATION else cases[id_]


def replay_cost(reproduction: Reproduction) -> int:
    """About how many requests a replay takes."""
    return sum(_REQUESTS_PER_POLL if step.until else 1 for step in reproduction.steps)


def group_of(id_: str) -> str:
    """The beginning of an id, which stands for a cause where causes are unknown."""
    return id_.partition(".")[0]


def _repeat(reproduction: Reproduction) -> Reproduction:
    """The steps twice, and the first once more: the rules need a repeated failure between requests that are served."""
    return Reproduction((*reproduction.moves, *reproduction.moves, *reproduction.moves[:1]))


def needs_confirmation(id_: str, tally: Tally) -> bool:
    """Whether a failure counts only if it occurs again when its steps are replayed alone."""
    return id_ in _NEEDS_CONFIRMATION or shows_one_refusal(tally) or shows_server_errors(id_, tally)


def shows_server_errors(id_: str, tally: Tally) -> bool:
    """Whether all findings are HTTP 5xx that a request got each time, or that followed another request."""
    return bool(tally.findings) and all(
        finding.nature is Nature.SERVER_ERROR
        or (id_ in SHOWN_BY_LOST_CONNECTIONS and isinstance(finding.actual, int) and finding.actual >= 500)
        for finding in tally.findings
    )


def shows_one_refusal(tally: Tally) -> bool:
    """Whether all findings are that valid requests of one operation were refused."""
    operations = {finding.operation for finding in tally.findings}
    return len(operations) == 1 and all(finding.nature is Nature.VALID_REQUEST_REFUSED for finding in tally.findings)
