"""Items of lists between two reads of their objects that agree, so that each item must show the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from runs_conformance.evidence.observation import JSON_CHANNEL, Observation
from runs_conformance.evidence.request_effect import may_have_taken_effect
from runs_conformance.evidence.run_timeline import RunTimeline, runs
from runs_conformance.evidence.stale_item import is_list_item
from runs_conformance.evidence.timeline import Timeline, end_of, messages, steps
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History

_QUERY_OF_LISTS = frozenset({"limit", "order", "after", "before", "run_id"})


@dataclass(frozen=True, eq=False)
class ItemBetweenReads:
    """A run, message or step in a list, and the responses about the object itself around it.

    Nothing that was requested in between may have changed the object back to what it was before.
    """

    item: Observation
    before: Observation
    after: Observation


def items_between_reads(history: History) -> Iterator[ItemBetweenReads]:
    """Every item that is not stale, with the latest response about its object before it and the earliest after it.

    Nothing is known of a history that lacks requests.
    """
    for timeline in (*runs(history), *messages(history), *steps(history)) if not history.partial else ():
        items = [each for each in timeline.observations if is_list_item(each) and not each.is_misplaced]
        alone = [each for each in timeline.observations if items and _is_about_object(each)]
        outdated = timeline.outdated if isinstance(timeline, RunTimeline) else frozenset[Observation]()
        for item in items:
            same = [each for each in alone if _options(each) == _options(item)]
            before = max((each for each in same if each.happened_before(item)), key=end_of, default=None)
            after = min((each for each in same if item.happened_before(each)), key=_start_of, default=None)
            if before is None or after is None or item.is_consequence or item in outdated:
                continue
            if not any(_may_have_changed(before, each, after) for each in _changes(timeline)):
                yield ItemBetweenReads(item, before, after)


def _is_about_object(observation: Observation) -> bool:
    return observation.channel == JSON_CHANNEL and not is_list_item(observation)


def _start_of(observation: Observation) -> tuple[float, int]:
    return (observation.earliest, observation.exchange.index)


def _options(observation: Observation) -> tuple[tuple[str, str], ...]:
    """The options of a request that change what it shows of an object, such as `include[]`."""
    query = observation.exchange.request.query
    return tuple(sorted((name, str(value)) for name, value in query if name not in _QUERY_OF_LISTS))


def _changes(timeline: Timeline) -> Iterable[Exchange]:
    """The requests after which an object may be in an earlier state again.

    A resumed run calls functions again.
    """
    ids = {timeline.id, timeline.observations[0].text("run_id")} - {""}
    requests = timeline.history.select("submit_tool_outputs", "modify_run", "modify_message")
    return (each for each in requests if not ids.isdisjoint(each.path.values()) and may_have_taken_effect(each))


def _may_have_changed(before: Observation, change: Exchange, after: Observation) -> bool:
    return change is not before.exchange and change.ended > before.earliest and change.started < after.latest
