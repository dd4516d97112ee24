"""Puts recorded entries into the order in which they were sent, as far as the recording shows it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from runs_conformance.recordings.placeholder_times import FIRST_BETA, placeholder_times
from runs_conformance.recordings.summary import EntrySummary, OrderedEntry

_ASSUMED_DURATION = 0.5
_DUPLICATE_TOLERANCE = 0.05
_IDENTIFIED_TOLERANCE = 60.0
"""By how many seconds the clocks of two recorders may differ that saved the same request id."""
CLOCK_TOLERANCE = 0.05
_LONG = 1.0
"""Seconds from which the duration of an entry counts though its time is not exact."""


@dataclass(frozen=True, slots=True)
class TimedEntry:
    """An entry with the interval in which it took place, in seconds on a clock of the file."""

    entry: OrderedEntry
    started: float
    ended: float


def in_order(entries: Iterable[OrderedEntry]) -> list[TimedEntry]:
    """The entries ordered by their exact times if all have one, else by sequence number.

    Among entries with exact times, one without is placed behind the entry that precedes it in the file. A file that
    lists the newest entry first is reversed. Entries that were recorded twice count once.
    """
    distinct = _without_duplicates(_with_credible_times(list(entries)))
    if distinct and all(entry.has_exact_times for entry in distinct):
        jumps = _clock_jumps(list(reversed(distinct)) if _is_newest_first(distinct) else distinct)
        timed = [_at_its_time(entry) for entry in distinct]
        timed.sort(key=lambda each: (each.started, each.entry.sequence_number))
        return _make_overlap(jumps, timed) if jumps else timed
    if _is_newest_first(distinct):
        distinct.reverse()
    if not any(entry.has_exact_times for entry in distinct):
        ordered = _by_second(distinct)
        timed = _make_consecutive(ordered)
        return _make_seconds_overlap(timed) if _uses_before_creation(ordered) else timed
    if _clock_jumps([entry for entry in distinct if entry.has_exact_times]):
        return _make_consecutive(distinct)
    return _interleave(distinct)


def _make_consecutive(entries: Sequence[OrderedEntry]) -> list[TimedEntry]:
    """Give entries that are in order consecutive intervals, but let long ones last until others had begun."""
    timed: list[TimedEntry] = []
    starts = [entry.started_at for entry in entries]
    for number, entry in enumerate(entries):
        last = number
        if entry.started_at is not None and (entry.seconds or 0.0) >= _LONG:
            until = entry.started_at + (entry.seconds or 0.0)
            while last + 1 < len(entries) and (starts[last + 1] or until) < until:
                last += 1
        timed.append(TimedEntry(entry, float(number), last + _ASSUMED_DURATION))
    return timed


def _clock_jumps(entries: Sequence[OrderedEntry], tolerance: float = CLOCK_TOLERANCE) -> list[tuple[float, float]]:
    """The periods in which the order of entries is unknown: a clock was set back, or files were joined.

    Recorders list entries in the order in which requests began or ended, so an entry may begin before the one that
    precedes it in the file by no more than its own duration.
    """
    jumps: list[tuple[float, float]] = []
    latest = -math.inf
    for entry in entries:
        started = entry.started_at or 0.0
        if latest - started > (entry.seconds or 0.0) + tolerance:
            jumps.append((started, latest))
        latest = max(latest, started)
    return jumps


def _make_overlap(jumps: Sequence[tuple[float, float]], timed: Sequence[TimedEntry]) -> list[TimedEntry]:
    """Let the entries that began in one of these periods overlap each other."""
    periods: list[list[float]] = []
    for started, ended in sorted(jumps):
        if periods and started <= periods[-1][1]:
            periods[-1][1] = max(periods[-1][1], ended)
        else:
            periods.append([started, ended])
    unordered: list[TimedEntry] = []
    number = 0
    for each in timed:
        while number < len(periods) and periods[number][1] < each.started:
            number += 1
        if number < len(periods) and periods[number][0] <= each.started:
            began, ended = periods[number]
            each = TimedEntry(each.entry, began, max(ended + CLOCK_TOLERANCE, each.ended))
        unordered.append(each)
    return unordered


def _with_credible_times(entries: list[OrderedEntry]) -> list[OrderedEntry]:
    """Forget times that are placeholders. Of a file that is not in the order of its other times, all are kept: then
    entries without a time would have no place in it.
    """
    placeholders = placeholder_times([entry.started_at for entry in entries if entry.started_at is not None])
    if not placeholders:
        return entries
    others = [entry for entry in entries if entry.has_exact_times and entry.started_at not in placeholders]
    if min(placeholders) >= FIRST_BETA and _clock_jumps(list(reversed(others)) if _is_newest_first(others) else others):
        return entries
    return [_without_time(entry) if entry.started_at in placeholders else entry for entry in entries]


def _without_time(entry: OrderedEntry) -> OrderedEntry:
    return EntrySummary(
        entry.sequence_number, None, entry.seconds, False, entry.address, entry.identity, entry.request, entry.response,
        entry.size, entry.created, entry.used
    )  # fmt: skip


def _at_its_time(entry: OrderedEntry) -> TimedEntry:
    started = entry.started_at or 0.0
    return TimedEntry(entry, started, started + (entry.seconds or 0.0))


def _make_seconds_overlap(timed: list[TimedEntry]) -> list[TimedEntry]:
    """Let the entries of one second overlap each other. The file lists them without an order, since one of them uses an
    object that a later one creates.
    """
    starts = [each.entry.started_at for each in timed]
    are_sorted = None not in starts and not _clock_jumps([each.entry for each in timed], 1.0)
    overlapping: list[TimedEntry] = []
    for _, group in groupby(timed, key=lambda each: int(each.entry.started_at or 0.0) if are_sorted else 0):
        members = list(group)
        ended = max(each.ended for each in members)
        overlapping += [TimedEntry(each.entry, members[0].started, ended) for each in members]
    return overlapping


def _by_second(entries: list[OrderedEntry]) -> list[OrderedEntry]:
    """Sort by whole seconds if all entries have them; entries of one second keep their order.

    A clock that was set back leaves only the order of the file.
    """
    if any(entry.started_at is None for entry in entries) or _clock_jumps(entries, 0.0):
        return entries
    return sorted(entries, key=lambda entry: int(entry.started_at or 0.0))


def _interleave(entries: Sequence[OrderedEntry]) -> list[TimedEntry]:
    """Place each entry without an exact time between its neighbours in the file; it overlaps a neighbour only if its
    neighbours overlap each other.
    """
    exact = sorted((_at_its_time(entry) for entry in entries if entry.has_exact_times), key=lambda each: each.started)
    slot_of = {each.entry.sequence_number: number for number, each in enumerate(exact)}
    slots: list[list[OrderedEntry]] = [[] for _ in range(len(exact) + 1)]
    slot = 0
    for entry in entries:
        if entry.has_exact_times:
            slot = slot_of[entry.sequence_number] + 1
        else:
            slots[slot].append(entry)
    timed: list[TimedEntry] = _spread_between(slots[0], None, exact[0].started)
    for number, each in enumerate(exact):
        following = exact[number + 1].started if number + 1 < len(exact) else None
        timed.append(each)
        timed += _spread_between(
            slots[number + 1], max(each.started, min(each.ended, following or each.ended)), following
        )
    return timed


def _spread_between(entries: Sequence[OrderedEntry], after: float | None, before: float | None) -> list[TimedEntry]:
    """Give the entries consecutive intervals between two moments."""
    if after is None:
        after = (before or 0.0) - len(entries)
    width = (after + len(entries) if before is None else before) - after
    step = width / len(entries) if entries else 0.0
    return [TimedEntry(entry, after + n * step, after + (n + 1) * step) for n, entry in enumerate(entries)]


def _is_newest_first(entries: Sequence[OrderedEntry]) -> bool:
    """Whether objects are used before they are created or, if that does not decide, whether times decrease."""
    if not any(entry.has_exact_times for entry in entries):  # The ids of entries with exact times are unknown.
        forwards, backwards = _uses_before_creation(entries), _uses_before_creation(list(reversed(entries)))
        if forwards != backwards:
            return forwards > backwards
    times = [entry.started_at for entry in entries if entry.started_at is not None]
    falling = sum(later < earlier for earlier, later in pairwise(times))
    rising = sum(later > earlier for earlier, later in pairwise(times))
    return falls_overall(falling, rising, len(times))


def falls_overall(falling: int, rising: int, count: int) -> bool:
    """Whether times mostly decrease. One decrease among many equal times is a clock that was set back."""
    return falling > rising and (rising == 0 or falling > 2 * rising) and (falling > 1 or count <= 3)


def _uses_before_creation(entries: Sequence[OrderedEntry]) -> int:
    """The number of objects whose first use in a path precedes the first response that shows them."""
    used: set[int] = set()
    shown: set[int] = set()
    count = 0
    for entry in entries:
        count += sum(id_ in used for id_ in {*entry.created} - shown)
        shown.update(entry.created)
        used.update(entry.used)
    return count


def _without_duplicates(entries: list[OrderedEntry]) -> list[OrderedEntry]:
    """Drop entries that show the same exchange again, and keep the most complete of each.

    Entries show the same exchange if request and response are equal and so are their exact times or the response's
    request id. Without either, only a file of several entries that all occur at least twice is taken to repeat itself.
    """
    groups: dict[int, OrderedEntry | list[OrderedEntry]] = {}
    are_identified = all(entry.identity or _has_fraction(entry) for entry in entries)
    repeats_all = not are_identified and _repeats_everything(entries)
    for entry in entries:
        key = _identity(entry, repeats_all)
        first = groups.setdefault(key, entry)
        if isinstance(first, list):
            first.append(entry)
        elif first is not entry:
            groups[key] = [first, entry]
    if len(groups) == len(entries):
        return entries
    kept = [
        entry
        for similar in groups.values()
        for entry in (_distinct_exchanges(similar) if isinstance(similar, list) else (similar,))
    ]
    return sorted(kept, key=lambda entry: entry.sequence_number)


def _has_fraction(entry: OrderedEntry) -> bool:
    return entry.started_at is not None and (entry.has_exact_times or bool(entry.started_at % 1))


def _identity(entry: OrderedEntry, repeats_all: bool) -> int:
    """The identity that two recordings of one exchange share; the sequence number if there is none."""
    if entry.identity:
        return entry.identity
    if _has_fraction(entry):
        return entry.address
    return (
        hash((entry.address, entry.request, entry.response, entry.started_at)) if repeats_all else entry.sequence_number
    )


def _distinct_exchanges(similar: list[OrderedEntry]) -> list[OrderedEntry]:
    distinct: list[OrderedEntry] = []
    for entry in sorted(similar, key=lambda each: (each.started_at or 0.0, each.sequence_number)):
        nearest = range(len(distinct) - 1, max(-1, len(distinct) - 4), -1)
        same = next((place for place in nearest if _is_same_exchange(entry, distinct[place])), None)
        if same is None:
            distinct.append(entry)
        else:
            distinct[same] = max(distinct[same], entry, key=_completeness)
    return distinct


def duplicate_tolerance(identity: int, other: int) -> float:
    """By how many seconds the exact times of two recordings of one exchange may differ, given their identities."""
    return _IDENTIFIED_TOLERANCE if identity and other else _DUPLICATE_TOLERANCE


def _completeness(entry: OrderedEntry) -> tuple[bool, int, int]:
    return (entry.has_exact_times, entry.size, -entry.sequence_number)


def _is_same_exchange(entry: OrderedEntry, other: OrderedEntry) -> bool:
    """Whether two entries of the same identity do not contradict each other."""
    tolerance = (
        duplicate_tolerance(entry.identity, other.identity) if entry.has_exact_times and other.has_exact_times else 0.0
    )
    tolerance = tolerance if entry.has_exact_times == other.has_exact_times else 1.0
    for mine, theirs in ((entry.request, other.request), (entry.response, other.response)):
        if mine and theirs and mine != theirs:
            return False
        if bool(mine) != bool(theirs):
            tolerance = 0.0
    if entry.started_at is None or other.started_at is None:
        return True
    if entry.identity and entry.has_exact_times != other.has_exact_times:
        return True  # The same request id; the time of one copy is unreliable.
    return abs(entry.started_at - other.started_at) <= tolerance


def _repeats_everything(entries: Sequence[OrderedEntry]) -> bool:
    counts = Counter(hash((e.address, e.request, e.response, e.started_at)) for e in entries)
    return len(counts) > 1 and all(count > 1 for count in counts.values())
