"""Random valid payloads are valid, varied, and reach the limits where servers fail."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given

from runs_conformance.contract.constraint import body_documents
from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.validation import validate
from runs_conformance.generation.boundary.cases import payload_factory
from runs_conformance.generation.boundary.payload_factory import Payload
from runs_conformance.generation.boundary.sample import Sampler, depends_on_files
from runs_conformance.generation.payloads.payload_generator import PayloadGenerator
from runs_conformance.generation.payloads.strategy import PROFILE, valid_payloads
from runs_conformance.model.json import JSON, at, is_array, is_object

OPERATIONS = tuple(body_documents())


def payload_generator(
    operation: str,
    seed: int = 0,
    edition: str = EDITIONS[-1],
    accepts_any_file_id: bool = True,
    must_be_accepted: bool = True,
) -> PayloadGenerator:
    factory = payload_factory(operation, edition, Sampler("gpt-4o", accepts_any_file_id))
    return PayloadGenerator(factory, Random(f"{operation}{seed}"), must_be_accepted)


def texts(value: JSON) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = list(value.values()) if is_object(value) else list(value) if is_array(value) else []
    return [text for each in inner for text in texts(each)]


@pytest.mark.parametrize("edition", EDITIONS[::3])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_payloads_satisfy_every_constraint_and_must_be_accepted(operation: str, edition: str) -> None:
    for accepts_any_file_id in (True, False):
        generator = payload_generator(operation, edition=edition, accepts_any_file_id=accepts_any_file_id)
        for _ in range(12):
            payload = generator.valid()
            assert validate(generator.factory.schema, payload.body).violations == []
            assert payload.implementation_defined == ""


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_seed_determines_the_payloads(operation: str) -> None:
    one, other, third = (payload_generator(operation, seed) for seed in (1, 1, 2))
    bodies = [[generator.valid().body for _ in range(5)] for generator in (one, other, third)]
    assert bodies[0] == bodies[1]
    assert bodies[0] != bodies[2]


def test_no_file_ids_for_a_target_that_may_not_have_the_files() -> None:
    generator = payload_generator("create_thread", accepts_any_file_id=False)
    assert not any(depends_on_files(generator.valid().body) for _ in range(100))


def test_implementation_defined_payloads_are_valid_and_give_the_reason() -> None:
    generator = payload_generator("create_message", accepts_any_file_id=False, must_be_accepted=False)
    payloads = [generator.valid() for _ in range(100)]
    assert all(validate(generator.factory.schema, payload.body).valid for payload in payloads)
    assert any(payload.implementation_defined for payload in payloads)


def test_every_branch_and_limit_is_reached() -> None:
    generator = payload_generator("create_run")
    bodies = [generator.valid().body for _ in range(300)]
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


def test_a_named_function_is_one_of_the_tools() -> None:
    generator = payload_generator("create_run")
    choices = [body for _ in range(400) if at(body := generator.valid().body, "/tool_choice/function/name")]
    assert len(choices) > 5
    for body in choices:
        tools = body["tools"]
        assert is_array(tools)
        assert at(body, "/tool_choice/function/name") in [at(tool, "/function/name") for tool in tools]


def test_a_tool_choice_comes_with_tools() -> None:
    generator = payload_generator("create_run")
    for _ in range(200):
        body = generator.valid().body
        if body.get("tool_choice") is not None:
            assert body["tools"]


def test_function_names_are_unique_in_a_list() -> None:
    generator = payload_generator("create_assistant")
    for _ in range(60):
        tools = generator.valid().body.get("tools")
        values = [at(tool, "/function/name") for tool in tools] if is_array(tools) else []
        names = [name for name in values if isinstance(name, str)]
        assert len(names) == len(set(names))


@PROFILE
@given(valid_payloads("create_message"))
def test_the_strategy_draws_payloads_that_must_be_accepted(payload: Payload) -> None:
    assert payload.implementation_defined == ""
    assert payload.body["role"] in ("user", "assistant")
