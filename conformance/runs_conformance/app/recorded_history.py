"""Writes recorded traffic as a `history.jsonl`, whatever its format was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from runs_conformance.app.judge_partition import AnyJob, PartitionJob
from runs_conformance.app.judge_recording import cut_recordings
from runs_conformance.client.recorder import HistoryWriter, redact
from runs_conformance.model.exchange import Exchange
from runs_conformance.wire import known_secrets


def write_recorded_history(
    paths: Sequence[Path | str],
    history: Path,
    edition: str | None = None,
    hosts: Sequence[str] = (),
    as_operation: str | None = None,
) -> int:
    """Write the exchanges of all readable files, each once, with secrets redacted; returns their number.

    The arguments are those of `judge`. Raises UnwritableFile if the file cannot be written.
    """
    writer = HistoryWriter(history, {"target": ", ".join(Path(path).name for path in paths), "recorded": True})
    count = 0
    try:
        cuts, _ = cut_recordings(paths, edition, hosts, as_operation)
        try:
            for job in (job for each in cuts for job in each.jobs):
                for exchange in _own_exchanges(job):
                    count += 1
                    writer.record(redact(exchange, known_secrets.current_redactor())[0])
        finally:
            for each in cuts:
                each.close()
        writer.write_footer({"complete": True})
    finally:
        writer.close()
    return count


def _own_exchanges(job: AnyJob) -> Iterator[Exchange]:
    partition = job.partition if isinstance(job, PartitionJob) else job.load()[0]
    return iter(sorted(partition.own, key=lambda exchange: exchange.index))
