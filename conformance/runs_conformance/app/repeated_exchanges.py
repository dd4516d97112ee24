"""Finds exchanges that several recordings hold, so that each counts once."""

from __future__ import annotations

import hashlib
import heapq
import itertools
import json
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from runs_conformance.app.judge_partition import AnyJob, PartitionJob, in_memory
from runs_conformance.model.exchange import Exchange, exchange_to_json
from runs_conformance.recordings.exchanges import SkippedEntry
from runs_conformance.recordings.summary import request_id

_History = tuple[int, str]
"""The number of a recording, and the name of one of its histories."""
_Position = tuple[int, int]
"""The number of a recording, and that of one of its jobs."""

_OF_THE_RECORDING = frozenset({"id", "index", "program", "started", "ended", "sent", "attempt", "step", "base_path"})


@dataclass(frozen=True, slots=True)
class DistinctJobs:
    """The jobs of a recording without those whose exchanges another recording holds, too; `repeated` lists these."""

    jobs: tuple[AnyJob, ...]
    repeated: tuple[SkippedEntry, ...] = ()


def select_distinct(recordings: Sequence[Sequence[AnyJob]]) -> list[DistinctJobs]:
    """Select the jobs to judge of several recordings.

    A job is left out if one history of another recording holds all of its exchanges. One that shares only some of them
    is judged, since the rest cannot be judged without what precedes it.
    """
    if len(recordings) < 2:
        return [DistinctJobs(tuple(jobs)) for jobs in recordings]
    digests: dict[_Position, array[int]] = {}
    histories: dict[_Position, _History] = {}
    for number, jobs in enumerate(recordings):
        for place, job in enumerate(jobs):
            digests[number, place] = array("Q", map(_digest, in_memory(job).partition.own))
            histories[number, place] = (number, job.source if isinstance(job, PartitionJob) else job.program)
    holders = _find_holders(histories, digests)
    return [
        DistinctJobs(
            tuple(job for place, job in enumerate(jobs) if (number, place) not in holders),
            tuple(
                SkippedEntry(exchange.id, f"also recorded in {holders[number, place]}")
                for place, job in enumerate(jobs)
                if (number, place) in holders
                for exchange in in_memory(job).partition.own
            ),
        )
        for number, jobs in enumerate(recordings)
    ]


def _find_holders(
    histories: Mapping[_Position, _History], digests: Mapping[_Position, array[int]]
) -> dict[_Position, str]:
    """For each job that is left out, the name of the history that holds its exchanges and is judged."""
    shared = _in_several_recordings(digests)
    sizes: Counter[_History] = Counter()
    for position, history in histories.items():
        sizes[history] += len(digests[position])
    kept: dict[_History, Counter[int]] = {}
    histories_with: dict[int, set[_History]] = {}
    holders: dict[_Position, str] = {}
    # The longest history comes first, so that what is left out is part of one that is judged.
    for position, history in sorted(histories.items(), key=lambda item: (-sizes[item[1]], item[0])):
        counts = Counter(digest for digest in digests[position] if digest in shared)
        if counts.total() == len(digests[position]):
            common = _common(histories_with.get(digest) for digest in counts)
            others = sorted(each for each in common if each[0] != history[0])
            holder = next((each for each in others if counts <= kept[each]), None)
            if holder is not None:
                holders[position] = holder[1]
                continue
        kept.setdefault(history, Counter()).update(counts)
        for digest in counts:
            histories_with.setdefault(digest, set()).add(history)
    return holders


def _in_several_recordings(digests: Mapping[_Position, array[int]]) -> set[int]:
    """The digests that occur in more than one recording; usually few, unlike all digests."""
    recordings: dict[int, array[int]] = {}
    for (number, _), those in digests.items():
        recordings.setdefault(number, array("Q")).extend(those)
    merged = heapq.merge(*(array("Q", sorted(set(those))) for those in recordings.values()))
    return {later for earlier, later in itertools.pairwise(merged) if earlier == later}


def _common(sets: Iterable[set[_History] | None]) -> set[_History]:
    """The members of all sets; none if one of them is missing."""
    found: set[_History] | None = None
    for each in sets:
        found = (each or set()) if found is None else found & (each or set())
        if not found:
            return set()
    return found or set()


def _digest(exchange: Exchange) -> int:
    """The digest that two recordings of one exchange share: of the request id, or else the time, and of both messages.

    The content counts even with a request id, since a recorder may have lost a part of one copy, and a server may give
    all responses the same id. Headers do not, since recorders leave out different ones.
    """
    shown = exchange_to_json(exchange)
    content = {name: value for name, value in shown.items() if name not in _OF_THE_RECORDING and name != "wall"}
    for name in ("request", "response"):
        message = content[name]
        if isinstance(message, dict):
            content[name] = {each: value for each, value in message.items() if each not in ("headers", "size")}
    response = exchange.response
    if response is not None and response.events is not None and isinstance(content["response"], dict):
        content["response"]["events"] = [[event.name, event.data] for event in response.events]
    identity = request_id(tuple(response.headers.items())) if response is not None else ""
    text = json.dumps([identity or shown["wall"], content], sort_keys=True)
    return int.from_bytes(hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest())
