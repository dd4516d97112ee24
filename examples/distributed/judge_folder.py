"""Judges all recordings of a folder or bucket on a Dask cluster.

    python judge_folder.py 's3://my-bucket/2026-06/*.har' --scheduler tcp://scheduler:8786

Without --scheduler, two processes of this machine do the work. Every worker needs runs-conformance[distributed] and
access to the files.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import fsspec
from distributed import Client, LocalCluster

from runs_conformance import CutRecording, Report, RunOptions, cut_recording, judge_job, merge_verdicts, render_report


def cut(url: str) -> CutRecording:
    """Cut one file into partitions that nothing joins; this reads the file once."""
    return cut_recording(url).detach()


def judge(urls: list[str], client: Client, options: RunOptions) -> Report:
    """The report on all files. A task whose worker dies is given to another one."""
    cuts = client.gather(client.map(cut, urls, pure=False))
    jobs = [job for each in cuts for job in each.jobs]
    results = client.gather(client.map(judge_job, jobs, options=options, pure=False))
    return merge_verdicts(cuts, results, options).report


def main(arguments: list[str]) -> int:
    """Write report.json and report.html, and return the exit code of `judge`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", help="files of any file system that fsspec knows")
    parser.add_argument("--scheduler", help="address of a Dask scheduler")
    parser.add_argument("--report-dir", type=Path, default=Path("report"))
    values = parser.parse_args(arguments)
    urls = sorted(each.full_name for each in fsspec.open_files(values.pattern))
    cluster = None if values.scheduler else LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with Client(values.scheduler or cluster) as client:
        report = judge(urls, client, RunOptions())
    if cluster is not None:
        cluster.close()
    values.report_dir.mkdir(parents=True, exist_ok=True)
    for view, name in (("json", "report.json"), ("html", "report.html")):
        (values.report_dir / name).write_text(render_report(report, view))
    print(f"{report.outcome}: {report.reason}")
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
