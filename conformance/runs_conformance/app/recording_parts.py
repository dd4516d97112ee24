"""A recording in parts that can be judged separately."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from runs_conformance.app.judge_partition import AnyJob, in_memory
from runs_conformance.app.repeated_exchanges import select_distinct
from runs_conformance.model.history import History
from runs_conformance.recordings.exchanges import SkippedEntry
from runs_conformance.recordings.recording_index import MAX_SKIPPED, RecordingIndex


@dataclass(slots=True)
class CutRecording:
    """A recording, cut into jobs that can be judged separately, in any process and in any order.

    `entry_count` is the number of entries it has. `history_path` is the file from which histories can be read again
    that `histories` does not hold. `repeated_count` is the number of skipped entries that another recording holds, too.
    Close it once its jobs are judged, or detach it.
    """

    name: str
    jobs: Iterable[AnyJob]
    entry_count: int
    histories: tuple[History, ...] = ()
    skipped: Sequence[SkippedEntry] = ()
    skipped_count: int = 0
    index: RecordingIndex | None = None
    history_path: Path | None = None
    repeated_count: int = 0

    def close(self) -> None:
        """Remove temporary files."""
        if self.index is not None:
            self.index.close()

    def detach(self) -> CutRecording:
        """The same without temporary files, with all jobs in memory, so that it can be pickled."""
        jobs = tuple(self.jobs)
        if self.index is not None and not self.index.is_plain:
            jobs = tuple(in_memory(job) for job in jobs)
        self.close()
        count = self.count_skipped()
        return replace(self, jobs=jobs, skipped=tuple(self.skipped), skipped_count=count, index=None, repeated_count=0)

    def count_skipped(self) -> int:
        """The number of entries that were skipped when the recording was cut."""
        counted = self.skipped_count if self.index is None else self.index.skipped_count
        return counted + self.repeated_count


def drop_repeated(cuts: Sequence[CutRecording]) -> list[CutRecording]:
    """The recordings without exchanges that another one holds, too, which are listed as skipped."""
    if len(cuts) < 2:
        return list(cuts)
    cuts = [replace(cut, jobs=tuple(cut.jobs)) for cut in cuts]
    found = []
    for cut, distinct in zip(cuts, select_distinct([tuple(cut.jobs) for cut in cuts]), strict=True):
        repeated = {entry.location for entry in distinct.repeated}
        others = [entry for entry in cut.skipped if entry.location not in repeated]
        listed = [*others, *distinct.repeated[:MAX_SKIPPED]]
        counted = cut.skipped_count - (len(cut.skipped) - len(others))
        found.append(
            replace(
                cut, jobs=distinct.jobs, skipped=listed, skipped_count=counted, repeated_count=len(distinct.repeated)
            )
        )
    return found
