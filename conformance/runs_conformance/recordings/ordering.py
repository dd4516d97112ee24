"""Puts recorded entries into the order in which they were sent, as far as the recording shows it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from urllib.parse import urlsplit

from runs_conformance.recordings.entry import RecordedEntry
from runs_conformance.recordings.redaction_marker import is_marker

_ASSUMED_DURATION = 0.5
_LONGEST_RECORDING = 30 * 86_400.0
_DUPLICATE_TOLERANCE = 0.05
_CREATED_ID = re.compile(rb'"id"\s*:\s*"((?:thread|run|msg|asst)_[^"\\]{1,100})"')
_ID_IN_PATH = re.compile(r"/((?:thread|run|msg|asst)_[^/?#]{1,100})")
_REQUEST_IDS = ("x-request-id", "request-id", "apim-request-id", "x-ms-request-id", "cf-ray")


@dataclass(frozen=True, slots=True)
class TimedEntry:
    """An entry with the interval in which it took place, in seconds on a clock of the file."""

    entry: RecordedEntry
    started: float
    ended: float


def in_order(entries: Iterable[RecordedEntry]) -> list[TimedEntry]:
    """The entries ordered by their exact times if all have one, else by sequence number.

    Among entries with exact times, one without is placed behind the entry that precedes it in the file. A file that
    lists the newest entry first is reversed. Entries that were recorded twice count once.
    """
    distinct = _without_duplicates(_with_credible_times(list(entries)))
    if distinct and all(entry.has_exact_times for entry in distinct):
        timed = [_at_its_time(entry) for entry in distinct]
        return sorted(timed, key=lambda each: (each.started, each.entry.sequence_number))
    if _is_newest_first(distinct):
        distinct.reverse()
    if not any(entry.has_exact_times for entry in distinct):
        return [TimedEntry(entry, float(i), i + _ASSUMED_DURATION) for i, entry in enumerate(_by_second(distinct))]
    return _interleave(distinct)


def _with_credible_times(entries: list[RecordedEntry]) -> list[RecordedEntry]:
    """Forget times that are far from those of most entries, as after a clock was set."""
    times = [entry.started_at for entry in entries if entry.started_at is not None]
    if not times:
        return entries
    middle = median(times)
    return [
        replace(entry, started_at=None, has_exact_times=False)
        if entry.started_at is not None and abs(entry.started_at - middle) > _LONGEST_RECORDING
        else entry
        for entry in entries
    ]


def _at_its_time(entry: RecordedEntry) -> TimedEntry:
    started = entry.started_at or 0.0
    return TimedEntry(entry, started, started + (entry.seconds or 0.0))


def _by_second(entries: list[RecordedEntry]) -> list[RecordedEntry]:
    """Sort by whole seconds if all entries have them; entries of one second keep their order."""
    if any(entry.started_at is None for entry in entries):
        return entries
    return sorted(entries, key=lambda entry: int(entry.started_at or 0.0))


def _interleave(entries: Sequence[RecordedEntry]) -> list[TimedEntry]:
    """Place each entry without an exact time between its neighbours in the file, unordered with none of them but those
    that overlap each other.
    """
    exact = sorted((_at_its_time(entry) for entry in entries if entry.has_exact_times), key=lambda each: each.started)
    slot_of = {each.entry.sequence_number: number for number, each in enumerate(exact)}
    slots: list[list[RecordedEntry]] = [[] for _ in range(len(exact) + 1)]
    slot = 0
    for entry in entries:
        if entry.has_exact_times:
            slot = slot_of[entry.sequence_number] + 1
        else:
            slots[slot].append(entry)
    timed: list[TimedEntry] = _between(slots[0], None, exact[0].started)
    for number, each in enumerate(exact):
        following = exact[number + 1].started if number + 1 < len(exact) else None
        timed.append(each)
        timed += _between(slots[number + 1], max(each.started, min(each.ended, following or each.ended)), following)
    return timed


def _between(entries: Sequence[RecordedEntry], after: float | None, before: float | None) -> list[TimedEntry]:
    """Give the entries consecutive intervals between two moments."""
    if after is None:
        after = (before or 0.0) - len(entries)
    width = (after + len(entries) if before is None else before) - after
    step = width / len(entries) if entries else 0.0
    return [TimedEntry(entry, after + n * step, after + (n + 1) * step) for n, entry in enumerate(entries)]


def _is_newest_first(entries: Sequence[RecordedEntry]) -> bool:
    """Whether the times fall, or without times, whether objects are used before they are created."""
    times = [entry.started_at for entry in entries if entry.started_at is not None]
    falling = sum(later < earlier for earlier, later in pairwise(times))
    rising = sum(later > earlier for earlier, later in pairwise(times))
    if falling != rising:
        return falling > rising and (rising == 0 or falling > 2 * rising)
    return falling == 0 and _uses_before_creation(entries) > _uses_before_creation(list(reversed(entries)))


def _uses_before_creation(entries: Sequence[RecordedEntry]) -> int:
    """The number of objects whose first use in a path precedes the first response that shows them."""
    used: set[str] = set()
    shown: set[bytes] = set()
    count = 0
    for entry in entries:
        if entry.method.upper() == "POST":
            for id_ in _CREATED_ID.findall(entry.response_content[:4000]):
                if id_ not in shown and id_.decode(errors="replace") in used:
                    count += 1
                shown.add(id_)
        used.update(_ID_IN_PATH.findall(urlsplit(entry.url).path))
    return count


def _without_duplicates(entries: list[RecordedEntry]) -> list[RecordedEntry]:
    """Drop entries that show the same exchange again, keeping of each the one that holds most.

    Entries show the same exchange if request and response are equal and so are their exact times or the response's
    request id. Without either, only a file of several entries that all occur at least twice is taken to repeat itself.
    """
    groups: dict[object, list[RecordedEntry]] = {}
    repeats_all = _repeats_everything(entries)
    for entry in entries:
        groups.setdefault(_identity(entry, repeats_all), []).append(entry)
    kept = [entry for similar in groups.values() for entry in _distinct_exchanges(similar)]
    return sorted(kept, key=lambda entry: entry.sequence_number)


def _identity(entry: RecordedEntry, repeats_all: bool) -> object:
    """The identity that two recordings of one exchange share; the sequence number if there is none."""
    request = (entry.method, entry.url)
    headers = {name.lower(): value for name, value in entry.response_headers}
    for name in _REQUEST_IDS:
        value = headers.get(name, "")
        if len(value) >= 8 and not is_marker(value):
            return (*request, name, value)
    if entry.started_at is not None and (entry.has_exact_times or entry.started_at % 1):
        return request
    return (*request, entry.content, entry.response_content, entry.started_at) if repeats_all else entry.sequence_number


def _distinct_exchanges(similar: list[RecordedEntry]) -> list[RecordedEntry]:
    distinct: list[RecordedEntry] = []
    for entry in sorted(similar, key=lambda each: (each.started_at or 0.0, each.sequence_number)):
        nearest = range(len(distinct) - 1, max(-1, len(distinct) - 4), -1)
        same = next((place for place in nearest if _is_same_exchange(entry, distinct[place])), None)
        if same is None:
            distinct.append(entry)
        else:
            distinct[same] = max(distinct[same], entry, key=_completeness)
    return distinct


def _completeness(entry: RecordedEntry) -> tuple[bool, int, int, int]:
    return (entry.has_exact_times, len(entry.content), len(entry.response_content), -entry.sequence_number)


def _is_same_exchange(entry: RecordedEntry, other: RecordedEntry) -> bool:
    """Whether two entries of the same identity do not contradict each other."""
    tolerance = _DUPLICATE_TOLERANCE if entry.has_exact_times and other.has_exact_times else 0.0
    tolerance = tolerance if entry.has_exact_times == other.has_exact_times else 1.0
    for mine, theirs in ((entry.content, other.content), (entry.response_content, other.response_content)):
        if mine and theirs and mine != theirs:
            return False
        if bool(mine) != bool(theirs):
            tolerance = 0.0
    if entry.started_at is None or other.started_at is None:
        return True
    return abs(entry.started_at - other.started_at) <= tolerance


def _repeats_everything(entries: Sequence[RecordedEntry]) -> bool:
    counts = Counter((e.method, e.url, e.content, e.status, e.response_content, e.started_at) for e in entries)
    return len(counts) > 1 and all(count > 1 for count in counts.values())
