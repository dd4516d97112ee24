"""Random legal payloads are legal, are many, and come to the places where servers go wrong."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given

from runs_conformance.contract.constraint import request_bodies
from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.schema_violation import examine_schema
from runs_conformance.generation.boundary.cases import bench
from runs_conformance.generation.boundary.payload_factory import Payload
from runs_conformance.generation.boundary.sample import Sampler, depends_on_files
from runs_conformance.generation.payloads.payload_generator import Batch
from runs_conformance.generation.payloads.strategy import PROFILE, legal
from runs_conformance.model.json import JSON, at, is_array, is_object

OPERATIONS = tuple(request_bodies())


def batch(
    operation: str, seed: int = 0, edition: str = EDITIONS[-1], any_file: bool = True, certain: bool = True
) -> Batch:
    made = bench(operation, edition, Sampler("gpt-4o", any_file))
    return Batch(made, Random(f"{operation}{seed}"), certain)


def texts(value: JSON) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = list(value.values()) if is_object(value) else list(value) if is_array(value) else []
    return [text for each in inner for text in texts(each)]


@pytest.mark.parametrize("edition", EDITIONS[::3])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_legal_payloads_keep_every_constraint_and_leave_nothing_open(operation: str, edition: str) -> None:
    for any_file in (True, False):
        drawing = batch(operation, edition=edition, any_file=any_file)
        for _ in range(12):
            payload = drawing.legal()
            assert examine_schema(drawing.bench.schema, payload.body).faults == []
            assert payload.doubt == ""


@pytest.mark.parametrize("operation", OPERATIONS)
def test_same_seed_same_payloads(operation: str) -> None:
    one, other, third = (batch(operation, seed) for seed in (1, 1, 2))
    bodies = [[drawing.legal().body for _ in range(5)] for drawing in (one, other, third)]
    assert bodies[0] == bodies[1]
    assert bodies[0] != bodies[2]


def test_no_files_where_the_target_may_not_have_them() -> None:
    drawing = batch("create_thread", any_file=False)
    assert not any(depends_on_files(drawing.legal().body) for _ in range(100))


def test_uncertain_payloads_are_legal_too_and_say_what_is_open() -> None:
    drawing = batch("create_message", any_file=False, certain=False)
    payloads = [drawing.legal() for _ in range(100)]
    assert all(examine_schema(drawing.bench.schema, payload.body).valid for payload in payloads)
    assert any(payload.doubt for payload in payloads)


def test_every_branch_and_bound_is_come_to() -> None:
    drawing = batch("create_run")
    bodies = [drawing.legal().body for _ in range(300)]
    tools = [at(body, "/tools") for body in bodies]
    assert {len(each) for each in tools if is_array(each)} >= {0, 1, 2, 3, 19, 20}
    kinds = Counter(str(at(tool, "/type")) for each in tools if is_array(each) for tool in each)
    assert set(kinds) == {"function", "code_interpreter", "file_search"}
    assert any(at(tool, "/function/strict") is True for each in tools if is_array(each) for tool in each)
    pairs = [at(body, "/metadata") for body in bodies]
    assert {len(each) for each in pairs if is_object(each)} >= {0, 1, 2, 15, 16}
    assert 512 in {len(value) for each in pairs if is_object(each) for value in texts(each)}
    assert None in pairs
    formats = {str(at(body, "/response_format/type")) for body in bodies}
    assert formats >= {"text", "json_object", "json_schema"}
    choices = [at(body, "/tool_choice") for body in bodies]
    assert {choice for choice in choices if isinstance(choice, str)} == {"none", "auto", "required"}
    contents = [at(body, "/additional_messages/0/content") for body in bodies]
    assert {type(content) for content in contents} >= {str, list}
    assert any(text and ord(max(text)) > 0xFFFF for body in bodies for text in texts(body))
    assert "" in {text for body in bodies for text in texts(body)}


def test_a_choice_of_tools_comes_with_tools() -> None:
    drawing = batch("create_run")
    for _ in range(200):
        body = drawing.legal().body
        if body.get("tool_choice") is not None:
            assert body["tools"]


def test_functions_of_one_list_have_names_of_their_own() -> None:
    drawing = batch("create_assistant")
    for _ in range(60):
        tools = drawing.legal().body.get("tools")
        named = [at(tool, "/function/name") for tool in tools] if is_array(tools) else []
        names = [name for name in named if isinstance(name, str)]
        assert len(names) == len(set(names))


@PROFILE
@given(legal("create_message"))
def test_strategies_draw_the_same_kind(payload: Payload) -> None:
    assert payload.doubt == ""
    assert payload.body["role"] in ("user", "assistant")
