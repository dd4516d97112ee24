from __future__ import annotations

import pytest

from runs_conformance.app.options import Choice, filters


@pytest.mark.parametrize(
    ("choice", "flags"),
    [
        (Choice(), ()),
        (Choice(profile="quick", seed=5, fail_on="should"), ()),
        (Choice(select=("run.*", "lifecycle.*")), ("--select 'run.*'", "--select 'lifecycle.*'")),
        (Choice(exclude=("auth.x",), phases=("boundary",)), ("--exclude auth.x", "--phase boundary")),
        (Choice(shard="1/4"), ("--shard 1/4",)),
        (Choice(denied=("steps",)), ("--no-capability steps",)),
        (Choice(read_only=True, select=("run.*",)), ("--select 'run.*'", "--read-only")),
    ],
)
def test_every_flag_that_leaves_something_out_is_named(choice: Choice, flags: tuple[str, ...]) -> None:
    assert filters(choice) == flags
