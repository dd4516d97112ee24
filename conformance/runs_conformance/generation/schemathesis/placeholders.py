"""Foreign bodies made fit to be sent: what only the target or the setting can give is filled in, and what the contract
says of them decides what they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runs_conformance.contract.implementation_defined import branch_of
from runs_conformance.contract.schema import Schema
from runs_conformance.contract.schema_violation import examine_schema, types_of
from runs_conformance.generation.boundary.payload_factory import Bench, Negative, Payload
from runs_conformance.generation.boundary.sample import ADDRESS, ANY_OBJECT, ASSISTANT, TOOL_CALL, Lacking, Sampler
from runs_conformance.generation.payloads.valid import ONCE
from runs_conformance.generation.schemathesis.cases import texts
from runs_conformance.model.case import Mutation
from runs_conformance.model.json import ABSENT, JSON, at, is_array, is_object

_OWN = {"assistant": ASSISTANT, "tool_call": TOOL_CALL}


def filled(schema: Schema, value: JSON, sampler: Sampler) -> JSON:
    """A body whose ids, models and addresses are such as the target knows. Raises Lacking where there is none."""
    if "oneOf" in schema:
        branch = branch_of(schema, value)
        return value if branch is None else filled(branch, value, sampler)
    if isinstance(value, str):
        return _text(schema, value, sampler)
    if is_array(value) and "items" in schema:
        return [filled(schema["items"], item, sampler) for item in value]
    if not is_object(value) or "object" not in types_of(schema):
        return value
    properties, rest = schema.get("properties"), schema.get("additionalProperties")
    if not properties and not is_object(rest):
        # Any object may stand here, but the target reads it as a JSON Schema, which few objects are.
        return dict(ANY_OBJECT)
    known: Mapping[str, Schema] = properties or {}
    # A member that no schema names, where none is forbidden, is nothing that a server has to keep or to understand.
    wild = bool(known) and rest is not False and not is_object(rest)
    kept = {name: member for name, member in value.items() if name in known or not wild}
    return {name: filled(known[name], member, sampler) if name in known else member for name, member in kept.items()}


def _text(schema: Schema, value: str, sampler: Sampler) -> JSON:
    kind = schema.get("x-references")
    if kind in _OWN:
        return _OWN[str(kind)]
    if kind is not None:
        return sampler.value(schema)
    return ADDRESS if schema.get("format") == "uri" else value


def legal(bench: Bench, body: JSON) -> Payload | None:
    """A foreign body as a legal payload; None where it breaks something, or where a correct server may refuse it."""
    whole = _whole(bench, body)
    if not is_object(whole) or examine_schema(bench.schema, whole).faults:
        return None
    if bench.doubt(whole) or not bench.subject.fits(whole) or any(_unstated(whole)) or not _is_plain(whole):
        return None
    return bench.payload(whole, (), "")


def negative(bench: Bench, body: JSON) -> Negative | None:
    """A foreign body as a negative; None where it breaks nothing, or not exactly one constraint at one place."""
    try:
        made = filled(bench.schema, body, bench.sampler)
    except Lacking:
        return None
    faults = examine_schema(bench.schema, made).faults
    if len({(fault.constraint, fault.place) for fault in faults}) != 1 or not _encodes(made):
        return None
    fault = faults[0]
    mutation = Mutation(fault.place, fault.constraint.rpartition(".")[2], ABSENT, at(made, fault.place))
    return Negative(fault.constraint, made, mutation, fault.place.split("/")[1] if fault.place else "")


def _whole(bench: Bench, body: JSON) -> JSON:
    try:
        made = filled(bench.schema, body, bench.sampler)
    except Lacking:
        return None
    if not is_object(made):
        return made
    control = bench.subject.control
    thread = made.get("thread")
    if "thread" in control and not at(thread if is_object(thread) else None, "/messages"):
        made = {**made, "thread": control["thread"]}
    return bench.subject.whole(made)


def _unstated(body: Mapping[str, JSON]) -> Iterator[bool]:
    """Whether anything is in a body of which no schema says whether it must be accepted: two tools of one kind, two
    functions of one name, a choice of a tool that is not among them.
    """
    tools = [tool for tool in _list(body.get("tools")) if is_object(tool)]
    kinds = [tool.get("type") for tool in tools]
    names = [at(tool, "/function/name") for tool in tools if tool.get("type") == "function"]
    yield any(kinds.count(kind) > 1 for kind in ONCE)
    yield len(set(map(str, names))) < len(names)
    choice = body.get("tool_choice")
    if is_object(choice):
        yield choice.get("type") not in kinds
        yield choice.get("type") == "function" and at(choice, "/function/name") not in names
    yield choice == "required" and not tools
    for message in [*_list(at(body, "/thread/messages")), *_list(body.get("messages")), body]:
        for attachment in _list(message.get("attachments")) if is_object(message) else ():
            used = [at(tool, "/type") for tool in _list(at(attachment, "/tools"))]
            yield len(set(map(str, used))) < len(used)


def _list(value: object) -> list[JSON]:
    return list(value) if is_array(value) else []


def _is_plain(body: JSON) -> bool:
    """Whether every text is one that no server has reason to stumble over."""
    return all(all(char.isprintable() or char in "\n\t" for char in text) for text in texts(body))


def _encodes(body: JSON) -> bool:
    return not any(0xD800 <= ord(char) < 0xE000 for text in texts(body) for char in text)
