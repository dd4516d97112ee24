from __future__ import annotations

from runs_conformance.reporting.progress import LineProgress, ProgressBar, SilentProgress


def test_lines_are_printed_at_intervals() -> None:
    said: list[str] = []
    clock = iter([0.0, 1.0, 6.0, 6.0, 7.0])
    lines = LineProgress(said.append, every=5.0, now=lambda: next(clock))
    lines.on_plan(3, 1000, 12)
    lines.on_program_judged(set(), 100, 1)
    lines.on_program_judged({"a.b"}, 1200, 2)
    lines.on_program_judged({"a.b"}, 1300, 3)
    lines.close()
    assert said == [
        "running 3 programs: at most 1,000 requests and 12 runs",
        "2 of 3 programs, 1,200 requests, 2 runs, 1 failing",
    ]


def test_silent_and_bar_print_no_lines() -> None:
    for watcher in (SilentProgress(), ProgressBar(print)):
        watcher.on_plan(1, 1, 1)
        watcher.on_program_judged({"a.b"}, 1, 1)
        watcher.close()
