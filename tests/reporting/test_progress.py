"""Progress is printed at intervals, with the reason of long waits."""

from __future__ import annotations

import pytest

from runs_conformance.reporting.progress import LineProgress, ProgressBar, SilentProgress, format_left


def test_lines_are_printed_at_intervals() -> None:
    said: list[str] = []
    clock = iter([0.0, 1.0, 6.0, 6.0, 7.0])
    lines = LineProgress(said.append, every=5.0, now=lambda: next(clock))
    lines.on_plan(3, 1000, 12, (1500, None))
    lines.on_program_judged(set(), 100, 1)
    lines.on_program_judged({"a.b"}, 1200, 2)
    lines.on_program_judged({"a.b"}, 1300, 3)
    lines.close()
    assert said == [
        "running 3 programs: at most 1,000 requests and 12 runs on a correct server, 1,500 requests on any server",
        "2 of 3 programs, 1,200 requests, 2 runs, 1 requirement failing",
    ]


def test_time_left_is_estimated_from_the_programs_that_are_done() -> None:
    said: list[str] = []
    clock = iter([0.0, 10.0, 20.0, 30.0])
    lines = LineProgress(said.append, every=25.0, now=lambda: next(clock))
    lines.on_plan(9, 1000, 12, (None, None))
    for _ in range(3):
        lines.on_program_judged(set(), 100, 1)
    assert said[-1] == "3 of 9 programs, 100 requests, 1 runs, about 1 min left"
    assert [format_left(seconds) for seconds in (4, 5, 42)] == ["less than 5 s", "about 5 s", "about 40 s"]
    assert [format_left(seconds) for seconds in (95, 200)] == ["about 2 min", "about 3 min"]


def test_silent_and_bar_print_no_lines(capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    for progress in (SilentProgress(), ProgressBar(said.append)):
        progress.on_plan(1, 1, 1, (1, 1))
        progress.on_program_judged({"a.b"}, 1, 1)
        progress.close()
    assert said == []
    assert "\n" not in capsys.readouterr().out


def test_what_the_target_does_not_delete_is_announced() -> None:
    said: list[str] = []
    for progress in (LineProgress(said.append), ProgressBar(said.append), SilentProgress()):
        progress.on_undeletable({"assistant": 86, "thread": 129})
    assert (
        said
        == ["the target deletes no assistants and no threads: about 86 assistants and 129 threads will be left on it"]
        * 2
    )


def test_throttling_says_which_requests_wait() -> None:
    said: list[str] = []
    LineProgress(said.append).on_throttled(1.0)
    assert said == ["the target limits the rate (HTTP 429 or 503); refused requests are retried after 1 s"]


def test_a_long_wait_says_what_is_waited_for() -> None:
    said: list[str] = []
    clock = iter([0.0, 4.0, 9.0, 10.0, 10.2, 20.0])
    lines = LineProgress(said.append, now=lambda: next(clock))
    awaited = "the end of a stream of create_run in lifecycle.stream"
    for seconds in (4.0, 9.0, 10.0, 10.2, 20.0):
        lines.on_waiting(awaited, seconds)
    assert said == [f"waiting for {awaited}, {seconds} s so far" for seconds in (10, 20)]
    for progress in (SilentProgress(), ProgressBar(print)):
        progress.on_plan(1, 1, 1, (1, 1))
        progress.on_waiting(awaited, 20.0)
        progress.close()
