from __future__ import annotations

from runs_conformance.reporting.progress import Bar, Lines, Silent


def test_lines_come_now_and_then() -> None:
    said: list[str] = []
    clock = iter([0.0, 1.0, 6.0, 6.0, 7.0])
    lines = Lines(said.append, every=5.0, now=lambda: next(clock))
    lines.planned(3, 1000, 12)
    lines.ended(set(), 100, 1)
    lines.ended({"a.b"}, 1200, 2)
    lines.ended({"a.b"}, 1300, 3)
    lines.close()
    assert said == [
        "playing 3 programs: at most 1,000 requests and 12 runs",
        "2 of 3 programs, 1,200 requests, 2 runs, 1 failing",
    ]


def test_the_others_say_nothing_that_stays() -> None:
    for watcher in (Silent(), Bar(print)):
        watcher.planned(1, 1, 1)
        watcher.ended({"a.b"}, 1, 1)
        watcher.close()
