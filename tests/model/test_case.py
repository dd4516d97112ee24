"""Steps are stored as JSON and read back, from older files too."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs_conformance.model.case import (
    MAX_PAUSE,
    Accept,
    DanglingReference,
    Either,
    Expectation,
    Key,
    Mutation,
    Ref,
    Refuse,
    Role,
    Step,
    step_to_json,
)
from runs_conformance.model.json import ABSENT
from runs_conformance.model.step_decoding import step_from_json

_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_refs = st.builds(Ref, st.text(max_size=5), st.just("/id"))
_values = st.recursive(
    _scalars | _refs,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_expectations: st.SearchStrategy[Expectation] = st.sampled_from(
    [Accept(), Refuse(), Refuse((404,)), Either("it depends")]
)
_mutations = st.builds(
    Mutation, st.text(max_size=5), st.text(max_size=5), st.just(ABSENT) | _scalars, st.just(ABSENT) | _scalars
)
_steps = st.builds(
    Step,
    operation=st.sampled_from(["create_run", "get_run"]),
    name=st.text(max_size=5),
    path=st.dictionaries(st.text(max_size=5), st.text(max_size=5) | _refs, max_size=2),
    query=st.lists(st.tuples(st.text(max_size=5), _scalars | _refs), max_size=2).map(tuple),
    body=st.just(ABSENT) | _values,
    raw=st.none() | st.binary(max_size=20),
    headers=st.dictionaries(st.text(max_size=5), st.none() | st.text(max_size=5), max_size=2),
    key=st.sampled_from(Key),
    role=st.sampled_from(Role),
    expectation=st.none() | _expectations,
    mutation=st.none() | _mutations,
    exercises=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    until=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    pause=st.floats(0, 5),
    after_event=st.text(max_size=5),
    stream=st.booleans(),
    leave_at_event=st.text(max_size=5),
    dangling=st.none() | st.sampled_from(DanglingReference),
    anomaly=st.text(max_size=5),
    probe=st.booleans(),
    packed=st.booleans(),
    limit_search=st.booleans(),
    escaped=st.booleans(),
    append_message=st.none() | st.text(max_size=5),
)


@given(_steps)
def test_step_json_round_trip(step: Step) -> None:
    read = step_from_json(json.loads(json.dumps(step_to_json(step))))
    assert step_to_json(read) == step_to_json(step)
    assert read.id == step.id


@pytest.mark.parametrize(
    ("tag", "members"),
    [
        ("probe:nul", {"anomaly": "nul", "probe": True}),
        ("malformed_json", {"anomaly": "malformed_json"}),
        ("unknown_id", {"dangling": DanglingReference.UNKNOWN}),
        ("packed", {"packed": True}),
        ("limits", {"limit_search": True}),
        ("saying:Hello: you", {"append_message": "Hello: you"}),
        ("at_rest", {}),
    ],
)
def test_former_tag_is_read_as_fields(tag: str, members: dict[str, Any]) -> None:
    read = step_from_json({"operation": "get_run", "role": "act", "tag": tag})
    assert read == Step(operation="get_run", **members)


@pytest.mark.parametrize(("pause", "seconds"), [(1.5, 1.5), (1e300, MAX_PAUSE), (-1, 0.0)])
def test_pause_of_a_step_that_is_read_is_bounded(pause: float, seconds: float) -> None:
    assert step_from_json({"operation": "get_run", "pause": pause}).pause == seconds


def test_step_id_depends_on_content() -> None:
    step = Step(operation="create_run", body={"max_prompt_tokens": 256})
    assert step.id == Step(operation="create_run", body={"max_prompt_tokens": 256}).id
    assert step.id != Step(operation="create_run", body={"max_prompt_tokens": 255}).id
    assert step.id != Step(operation="create_run", body={"max_prompt_tokens": 256}, key=Key.NONE).id
