"""The flags that narrow a test run are all known."""

from __future__ import annotations

import pytest

from runs_conformance.app.options import RunOptions, filter_flags


@pytest.mark.parametrize(
    ("options", "flags"),
    [
        (RunOptions(), ()),
        (RunOptions(profile="quick", seed=5, fail_on="should"), ()),
        (RunOptions(select=("run.*", "lifecycle.*")), ("--select 'run.*'", "--select 'lifecycle.*'")),
        (RunOptions(exclude=("auth.x",), phases=("boundary",)), ("--exclude auth.x", "--phase boundary")),
        (RunOptions(shard="1/4"), ("--shard 1/4",)),
        (RunOptions(no_capabilities=("steps",)), ("--no-capability steps",)),
        (RunOptions(read_only=True, select=("run.*",)), ("--select 'run.*'", "--read-only")),
    ],
)
def test_filter_flags_lists_every_narrowing_flag(options: RunOptions, flags: tuple[str, ...]) -> None:
    assert filter_flags(options) == flags
