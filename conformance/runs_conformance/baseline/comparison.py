"""Compares verdicts with a baseline of known failures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum

from runs_conformance.model.profile import PROFILES
from runs_conformance.model.suggestion import nearest_names
from runs_conformance.model.verdict import Outcome, Verdict

DEFAULT_REASON = "no reason given yet; failed on {day}"
"""The reason written for a newly added failure."""

PROFILE_ORDER = tuple(PROFILES)
"""The profiles, from the narrowest to the widest."""


class EntryStatus(StrEnum):
    """The status of a baseline entry, given the verdict of the same id."""

    STILL_FAILING = "known"
    STALE = "stale"
    EXPIRED = "expired"
    NOT_REPRODUCED = "unseen"


class BaselineUpdateMode(StrEnum):
    """How a test run changes the baseline."""

    NONE = "none"
    UPDATE = "update"
    PRUNE = "prune"


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineEntry:
    """One accepted failure: its reason, its last day of acceptance, its issue, and whether it is intermittent."""

    id: str
    reason: str
    expires: date | None = None
    issue: str | None = None
    flaky: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The entries of a baseline file. `profile` is the one that it was written by; a narrower one may miss failures."""

    name: str = "baseline"
    entries: tuple[BaselineEntry, ...] = ()
    profile: str | None = None

    @property
    def digest(self) -> str:
        """A hash of the accepted ids and their expiry, independent of the file's layout."""
        listed = sorted((entry.id, entry.expires.isoformat() if entry.expires else "") for entry in self.entries)
        return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class EntryResult:
    """An entry with its status; `note` gives the reason if the status alone does not."""

    entry: BaselineEntry
    status: EntryStatus
    note: str | None = None


@dataclass(frozen=True, slots=True)
class BaselineComparison:
    """The comparison of verdicts with a baseline. `new_failures` holds the failing ids without an entry."""

    baseline: Baseline
    entry_results: tuple[EntryResult, ...] = ()
    new_failures: tuple[str, ...] = ()

    def with_status(self, status: EntryStatus) -> list[EntryResult]:
        """The entries with this status."""
        return [result for result in self.entry_results if result.status is status]

    @property
    def accepted_ids(self) -> frozenset[str]:
        """The ids whose failure is accepted."""
        return frozenset(result.entry.id for result in self.with_status(EntryStatus.STILL_FAILING))


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineSettings:
    """A baseline, how to update it, and the date that its entries' expiry is compared with."""

    baseline: Baseline = field(default_factory=Baseline)
    update_mode: BaselineUpdateMode = BaselineUpdateMode.NONE
    today: date = field(default_factory=lambda: datetime.now(UTC).date())


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedScope:
    """How much a test run covered: its profile (None for recorded traffic), and what restricted it further."""

    profile: str | None = None
    restriction: str | None = None

    def reason_for_less_coverage_than(self, baseline: Baseline) -> str | None:
        """The reason why the test run may have missed a failure of the baseline; None if it cannot have."""
        if self.restriction:
            return self.restriction
        if self.profile is None and baseline.profile is not None:
            return f"recorded traffic covers less than profile {baseline.profile}, which the baseline was written with"
        this_rank, baseline_rank = (
            PROFILE_ORDER.index(name) if name in PROFILE_ORDER else None for name in (self.profile, baseline.profile)
        )
        if this_rank is not None and baseline_rank is not None and this_rank < baseline_rank:
            return f"profile {self.profile} covers less than {baseline.profile}, which the baseline was written with"
        return None


def compare(
    verdicts: Sequence[Verdict],
    settings: BaselineSettings,
    coverage: JudgedScope,
    *,
    levels: Collection[str] = ("must",),
    id_renames: Mapping[str, str] | None = None,
) -> BaselineComparison:
    """Compare verdicts with a baseline, after updating it if the settings say so.

    Failures of these `levels` without an entry are new. `id_renames` maps former rule ids to present ones.
    """
    present_ids = id_renames or {}
    baseline = replace(
        settings.baseline,
        entries=tuple(replace(entry, id=present_ids.get(entry.id, entry.id)) for entry in settings.baseline.entries),
    )
    if settings.update_mode is BaselineUpdateMode.NONE:
        return _compare(verdicts, baseline, settings.today, coverage, levels)
    before_update = _compare(verdicts, baseline, settings.today, coverage, levels)
    remaining = tuple(result.entry for result in before_update.entry_results if result.status is not EntryStatus.STALE)
    if settings.update_mode is BaselineUpdateMode.PRUNE:
        return _compare(verdicts, replace(baseline, entries=remaining), settings.today, coverage, levels)
    reason = DEFAULT_REASON.format(day=settings.today.isoformat())
    added = tuple(BaselineEntry(id=id_, reason=reason) for id_ in before_update.new_failures)
    profile = (
        baseline.profile if coverage.reason_for_less_coverage_than(baseline) else coverage.profile or baseline.profile
    )
    updated = replace(baseline, entries=(*remaining, *added), profile=profile)
    return _compare(verdicts, updated, settings.today, coverage, levels)


def _compare(
    verdicts: Sequence[Verdict], baseline: Baseline, today: date, coverage: JudgedScope, levels: Collection[str]
) -> BaselineComparison:
    by_id = {verdict.id: verdict for verdict in verdicts}
    restriction = coverage.reason_for_less_coverage_than(baseline)
    results = tuple(_entry_result(entry, by_id, today, restriction) for entry in baseline.entries)
    listed = {entry.id for entry in baseline.entries}
    new_failures = tuple(
        verdict.id
        for verdict in verdicts
        if verdict.outcome is Outcome.FAIL and verdict.level in levels and verdict.id not in listed
    )
    return BaselineComparison(baseline, results, new_failures)


def _entry_result(
    entry: BaselineEntry, verdicts: Mapping[str, Verdict], today: date, restriction: str | None
) -> EntryResult:
    verdict = verdicts.get(entry.id)
    if verdict is None:
        return EntryResult(
            entry, EntryStatus.STALE, f"there is no such rule or constraint{_nearest(entry.id, verdicts)}"
        )
    if verdict.outcome is Outcome.PASS and restriction is None and not entry.flaky:
        return EntryResult(entry, EntryStatus.STALE, "it passes now")
    if entry.expires is not None and entry.expires < today:
        return EntryResult(entry, EntryStatus.EXPIRED, f"it expired on {entry.expires.isoformat()}")
    if verdict.outcome is Outcome.FAIL:
        return EntryResult(entry, EntryStatus.STILL_FAILING)
    if verdict.outcome is Outcome.PASS:
        reason = "it is flaky" if entry.flaky else restriction
        return EntryResult(entry, EntryStatus.NOT_REPRODUCED, f"it passes here, but {reason}")
    return EntryResult(entry, EntryStatus.NOT_REPRODUCED, verdict.reason or f"it is {verdict.outcome.value} here")


def _nearest(id_: str, known: Iterable[str]) -> str:
    close = nearest_names(id_, known, count=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else ""
