"""Turns generated bodies into payloads: fills in the values of the target, and classifies them by the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runs_conformance.contract.implementation_defined import branch_of
from runs_conformance.contract.json_type import allowed_types
from runs_conformance.contract.schema import Schema
from runs_conformance.contract.validation import validate
from runs_conformance.generation.boundary.payload_factory import Negative, Payload, PayloadFactory
from runs_conformance.generation.boundary.sample import (
    ASSISTANT_PLACEHOLDER,
    EMPTY_OBJECT_SCHEMA,
    IMAGE_URL,
    TOOL_CALL_PLACEHOLDER,
    MissingResource,
    Sampler,
)
from runs_conformance.generation.payloads.valid import SINGLE_TOOLS
from runs_conformance.generation.schemathesis.cases import strings_in
from runs_conformance.model.case import Mutation
from runs_conformance.model.json import ABSENT, JSON, at, is_array, is_object

_PLACEHOLDERS = {"assistant": ASSISTANT_PLACEHOLDER, "tool_call": TOOL_CALL_PLACEHOLDER}


def fill_placeholders(schema: Schema, value: JSON, sampler: Sampler) -> JSON:
    """Replace ids, models and URLs by those of the target. Raises MissingResource if the target has none."""
    if "oneOf" in schema:
        branch = branch_of(schema, value)
        return value if branch is None else fill_placeholders(branch, value, sampler)
    if isinstance(value, str):
        return _text(schema, value, sampler)
    if is_array(value) and "items" in schema:
        return [fill_placeholders(schema["items"], item, sampler) for item in value]
    if not is_object(value) or "object" not in allowed_types(schema):
        return value
    properties, additional = schema.get("properties"), schema.get("additionalProperties")
    if not properties and not is_object(additional):
        # The schema allows any object, but a server may require a JSON Schema here.
        return dict(EMPTY_OBJECT_SCHEMA)
    known: Mapping[str, Schema] = properties or {}
    # A server need not support unknown members, even if the schema does not forbid them.
    drops_unknown = bool(known) and additional is not False and not is_object(additional)
    members = {name: member for name, member in value.items() if name in known or not drops_unknown}
    return {
        name: fill_placeholders(known[name], member, sampler) if name in known else member
        for name, member in members.items()
    }


def _text(schema: Schema, value: str, sampler: Sampler) -> JSON:
    kind = schema.get("x-references")
    if kind in _PLACEHOLDERS:
        return _PLACEHOLDERS[str(kind)]
    if kind is not None:
        return sampler.value(schema)
    return IMAGE_URL if schema.get("format") == "uri" else value


def as_valid_payload(factory: PayloadFactory, body: JSON) -> Payload | None:
    """A generated body as a valid payload; None if it is invalid, or if a correct server may refuse it."""
    complete = _complete_body(factory, body)
    if not is_object(complete) or validate(factory.schema, complete).violations:
        return None
    if (
        factory.implementation_defined_reason(complete)
        or not factory.profile.matches_state(complete)
        or any(_unspecified_parts(complete))
        or not _is_printable(complete)
    ):
        return None
    return factory.build_payload(complete, (), "")


def as_negative(factory: PayloadFactory, body: JSON) -> Negative | None:
    """A generated body as a negative; None unless it violates exactly one constraint at one location."""
    try:
        filled = fill_placeholders(factory.schema, body, factory.sampler)
    except MissingResource:
        return None
    violations = validate(factory.schema, filled).violations
    if len({(each.constraint, each.place) for each in violations}) != 1 or not _is_encodable(filled):
        return None
    violation = violations[0]
    keyword = violation.constraint.rpartition(".")[2]
    mutation = Mutation(violation.place, keyword, ABSENT, at(filled, violation.place))
    return Negative(violation.constraint, filled, mutation, violation.place.split("/")[1] if violation.place else "")


def _complete_body(factory: PayloadFactory, body: JSON) -> JSON:
    try:
        filled = fill_placeholders(factory.schema, body, factory.sampler)
    except MissingResource:
        return None
    if not is_object(filled):
        return filled
    control = factory.profile.control
    thread = filled.get("thread")
    if "thread" in control and not at(thread if is_object(thread) else None, "/messages"):
        filled = {**filled, "thread": control["thread"]}
    return factory.profile.complete_body(filled)


def _unspecified_parts(body: Mapping[str, JSON]) -> Iterator[bool]:
    """Whether each part that no schema specifies is in a body: two tools of one type, two functions of one name, a
    choice of a tool that is not listed.
    """
    tools = [tool for tool in _list(body.get("tools")) if is_object(tool)]
    types = [tool.get("type") for tool in tools]
    names = [at(tool, "/function/name") for tool in tools if tool.get("type") == "function"]
    yield any(types.count(each) > 1 for each in SINGLE_TOOLS)
    yield len(set(map(str, names))) < len(names)
    choice = body.get("tool_choice")
    if is_object(choice):
        yield choice.get("type") not in types
        yield choice.get("type") == "function" and at(choice, "/function/name") not in names
    yield choice == "required" and not tools
    for message in [*_list(at(body, "/thread/messages")), *_list(body.get("messages")), body]:
        for attachment in _list(message.get("attachments")) if is_object(message) else ():
            used = [at(tool, "/type") for tool in _list(at(attachment, "/tools"))]
            yield len(set(map(str, used))) < len(used)


def _list(value: object) -> list[JSON]:
    return list(value) if is_array(value) else []


def _is_printable(body: JSON) -> bool:
    """Whether every string consists of printable characters, newlines and tabs."""
    return all(all(char.isprintable() or char in "\n\t" for char in text) for text in strings_in(body))


def _is_encodable(body: JSON) -> bool:
    return not any(0xD800 <= ord(char) < 0xE000 for text in strings_in(body) for char in text)
