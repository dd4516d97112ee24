"""Verdicts held against the failures that are known and accepted for now."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum

from runs_conformance.model.verdict import Outcome, Verdict

UNEXPLAINED = "not explained yet; failed on {day}"
"""The reason that is written for a failure that nobody has said anything about."""

WIDTHS = ("quick", "standard", "full")
"""The profiles, those that see less first."""


class Standing(StrEnum):
    """How an entry stands to the verdict of the same id."""

    KNOWN = "known"
    STALE = "stale"
    EXPIRED = "expired"
    UNSEEN = "unseen"


class Revision(StrEnum):
    """What is to be done to a baseline after a run."""

    NONE = "none"
    UPDATE = "update"
    PRUNE = "prune"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One failure that is accepted: why, up to and including which day, and where it is worked on."""

    id: str
    reason: str
    expires: date | None = None
    issue: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The entries of one file. `profile` is the one whose failures they are; a narrower one may miss some."""

    name: str = "baseline"
    entries: tuple[Entry, ...] = ()
    profile: str | None = None

    @property
    def digest(self) -> str:
        """A hash over what is accepted, whatever the file looks like."""
        listed = sorted((entry.id, entry.expires.isoformat() if entry.expires else "") for entry in self.entries)
        return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Stand:
    """An entry and how it stands; `note` says why, where the standing alone does not."""

    entry: Entry
    standing: Standing
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Verdicts held against a baseline. `new` are the ids that fail and are not in it."""

    baseline: Baseline
    stands: tuple[Stand, ...] = ()
    new: tuple[str, ...] = ()

    def of(self, standing: Standing) -> list[Stand]:
        """The entries that stand like this."""
        return [stand for stand in self.stands if stand.standing is standing]

    @property
    def accepted(self) -> frozenset[str]:
        """The ids that fail and may."""
        return frozenset(stand.entry.id for stand in self.of(Standing.KNOWN))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A baseline, what is to be done to it, and the day by which its entries expire."""

    baseline: Baseline = field(default_factory=Baseline)
    revision: Revision = Revision.NONE
    today: date = field(default_factory=lambda: datetime.now(UTC).date())


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much a run saw: by its profile (None for recorded traffic), or less of that for a reason."""

    profile: str | None = None
    less: str | None = None

    def narrower(self, baseline: Baseline) -> str | None:
        """Why the run may have missed a failure of the baseline, if it may."""
        if self.less:
            return self.less
        if self.profile is None and baseline.profile is not None:
            return f"recorded traffic shows less than profile {baseline.profile}, by which the baseline was written"
        mine, theirs = (WIDTHS.index(name) if name in WIDTHS else None for name in (self.profile, baseline.profile))
        if mine is not None and theirs is not None and mine < theirs:
            return f"profile {self.profile} sees less than {baseline.profile}, by which the baseline was written"
        return None


def compare(
    verdicts: Sequence[Verdict],
    gate: Gate,
    extent: Extent,
    *,
    levels: Collection[str] = ("must",),
    renamed: Mapping[str, str] | None = None,
) -> Comparison:
    """The verdicts held against the baseline, which is revised first where the gate says so.

    Failures of these levels are new if no entry names them. `renamed` gives the present id of rules that had another.
    """
    now = renamed or {}
    baseline = replace(
        gate.baseline,
        entries=tuple(replace(entry, id=now.get(entry.id, entry.id)) for entry in gate.baseline.entries),
    )
    if gate.revision is Revision.NONE:
        return _compared(verdicts, baseline, gate.today, extent, levels)
    before = _compared(verdicts, baseline, gate.today, extent, levels)
    kept = tuple(stand.entry for stand in before.stands if stand.standing is not Standing.STALE)
    if gate.revision is Revision.PRUNE:
        return _compared(verdicts, replace(baseline, entries=kept), gate.today, extent, levels)
    reason = UNEXPLAINED.format(day=gate.today.isoformat())
    added = tuple(Entry(id=id_, reason=reason) for id_ in before.new)
    profile = baseline.profile if extent.narrower(baseline) else extent.profile or baseline.profile
    whole = replace(baseline, entries=(*kept, *added), profile=profile)
    return _compared(verdicts, whole, gate.today, extent, levels)


def _compared(
    verdicts: Sequence[Verdict], baseline: Baseline, today: date, extent: Extent, levels: Collection[str]
) -> Comparison:
    by_id = {verdict.id: verdict for verdict in verdicts}
    narrower = extent.narrower(baseline)
    stands = tuple(_stand(entry, by_id, today, narrower) for entry in baseline.entries)
    listed = {entry.id for entry in baseline.entries}
    new = tuple(
        verdict.id
        for verdict in verdicts
        if verdict.outcome is Outcome.FAIL and verdict.level in levels and verdict.id not in listed
    )
    return Comparison(baseline, stands, new)


def _stand(entry: Entry, verdicts: Mapping[str, Verdict], today: date, narrower: str | None) -> Stand:
    verdict = verdicts.get(entry.id)
    if verdict is None:
        return Stand(entry, Standing.STALE, f"there is no such rule or constraint{_nearest(entry.id, verdicts)}")
    if verdict.outcome is Outcome.PASS and narrower is None:
        return Stand(entry, Standing.STALE, "it passes now")
    if entry.expires is not None and entry.expires < today:
        return Stand(entry, Standing.EXPIRED, f"it expired on {entry.expires.isoformat()}")
    if verdict.outcome is Outcome.FAIL:
        return Stand(entry, Standing.KNOWN)
    if verdict.outcome is Outcome.PASS:
        return Stand(entry, Standing.UNSEEN, f"it passes here, but {narrower}")
    return Stand(entry, Standing.UNSEEN, verdict.reason or f"it is {verdict.outcome.value} here")


def _nearest(id_: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(id_, list(known), n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else ""
