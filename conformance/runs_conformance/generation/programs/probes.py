"""Programs that send bodies that no client should send, and check that the target still serves the next request."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import Fragment, require
from runs_conformance.generation.programs.steps import assistant, at_root, message, on_thread, page, thread
from runs_conformance.model.case import REFUSES_BODY, Either, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON
from runs_conformance.model.program import ProgramContext, StepGenerator

LONG_TEXT_LENGTH = 1_000_000
"""The length of long texts in characters."""

HUGE_TEXT_LENGTH = 10_000_000
"""The length of a text that no server should read to its end."""

_CONTROL = replace(on_thread("get_thread"), role=Role.CONTROL)


def _message_probe(raw: bytes, name: str, reason_to_accept: str = "") -> Step:
    """Create a message with a body sent byte for byte. It must be refused unless a reason to accept it is given."""
    return _raw_probe(on_thread("create_message"), raw, name, reason_to_accept)


def _raw_probe(step: Step, raw: bytes, name: str, reason_to_accept: str = "") -> Step:
    must_refuse = not reason_to_accept
    return replace(
        step,
        raw=raw,
        role=Role.NEGATIVE if must_refuse else Role.ACT,
        expectation=REFUSES_BODY if must_refuse else Either(reason_to_accept),
        anomaly=name,
        probe=True,
    )


def send_probes(probes: Iterable[Step]) -> Fragment:
    """Send probes between small control requests that must succeed.

    A probe that gets no response or a server error is sent again between two controls, to find out whether the probe
    is the cause.
    """
    probes = tuple(probes)
    if any(step.operation == "create_message" for step in probes):
        # A refusal means something only where the operation is otherwise accepted.
        yield replace(message("Hello."), role=Role.CONTROL)
    else:
        yield _CONTROL
    for step in probes:
        response: Exchange = yield step
        # A request that was not sent has no id.
        if response.id and (response.status is None or response.status >= 500):
            yield _CONTROL
            yield step
            yield _CONTROL
    yield _CONTROL
    return True


def _read_back(**query: str) -> Fragment:
    """List the messages, which a body that was stored despite its refusal may break.

    The control afterwards shows that only the list fails.
    """
    yield page("list_messages", **query)
    yield _CONTROL
    return True


def _text(value: JSON) -> bytes:
    return json.dumps(value).encode()


_VALID = _text({"role": "user", "content": "Hello."})
_FIRST_VALUE = "some parsers stop at the end of the first value"


@program("robustness", "validation", requests=37)
def bodies_that_are_not_json(context: ProgramContext) -> StepGenerator:
    """Messages and threads are created with bodies that are not JSON or not UTF-8.

    They must be refused. A thread has no required members, so a body that is read as an empty one is accepted.
    """
    if not (yield from require(thread(context))):
        return
    yield assistant(context)
    malformed = (
        b'{"role": "user", "content": "Hel',
        b'{"role": "user", "content": "Hello.",}',
        b"{'role': 'user', 'content': 'Hello.'}",
        b'{"role": "user", "content": NaN}',
        b'{"role": "user" "content": "Hello."}',
        b"role=user&content=Hello.",
    )
    not_utf8 = (
        b'{"role": "user", "content": "\xff\xfe"}',
        b'{"role": "user", "content": "\xc0\xaf"}',
        b'{"role": "user", "content": "caf\xe9"}',
    )
    yield from send_probes(
        [
            *(_message_probe(raw, "malformed_json") for raw in malformed),
            *(_message_probe(raw, "invalid_utf8") for raw in not_utf8),
            *(
                _raw_probe(at_root("create_assistant"), b'{"model": "x", "temperature": %b}' % number, "malformed_json")
                for number in (b"NaN", b"-Infinity")
            ),
            _raw_probe(at_root("create_thread"), b'{"metadata": {"a": "1"}', "malformed_json"),
            _raw_probe(at_root("create_thread"), b'{"metadata": {"a": "caf\xe9"}}', "invalid_utf8"),
            _message_probe(_VALID + _VALID, "trailing_json", _FIRST_VALUE),
            _raw_probe(
                at_root("create_thread"), b'{"metadata": {"a": "1"}}{"metadata": {}}', "trailing_json", _FIRST_VALUE
            ),
            _message_probe(b"\xef\xbb\xbf" + _VALID, "byte_order_mark", "a byte order mark may be ignored"),
            _message_probe(_VALID.decode().encode("utf-16"), "utf_16", "other encodings may be understood"),
        ]
    )
    yield from _read_back()


@program("robustness", "validation", requests=25)
def bodies_of_another_kind(context: ProgramContext) -> StepGenerator:
    """Bodies that are an array, a scalar or empty are sent where an object is required.

    They must be refused.
    """
    if not (yield from require(thread(context))):
        return
    yield assistant(context)
    kinds = {"array": b"[]", "string": b'"Hello."', "number": b"5", "boolean": b"true", "null": b"null"}
    yield from send_probes(
        [
            *(_message_probe(raw, f"{kind}_body") for kind, raw in kinds.items()),
            _message_probe(b"[" + _VALID + b"]", "array_body"),
            _message_probe(b"", "empty_body"),
            _message_probe(b" \n", "empty_body"),
            _raw_probe(at_root("create_assistant"), b"", "empty_body"),
            _raw_probe(at_root("create_assistant"), b"[]", "array_body"),
            _raw_probe(at_root("create_thread"), b"[]", "array_body"),
            _raw_probe(on_thread("modify_thread"), b"5", "number_body"),
        ]
    )
    yield from _read_back()


@program("robustness", "validation", requests=18)
def content_types(context: ProgramContext) -> StepGenerator:
    """A valid body is sent with a content type other than JSON, or with none.

    The target may refuse it, but must not fail.
    """
    if not (yield from require(thread(context))):
        return
    types = {
        "text/plain": "wrong_content_type",
        "application/x-www-form-urlencoded": "wrong_content_type",
        "multipart/form-data": "wrong_content_type",
        "application/xml; charset=utf-16": "wrong_content_type",
        "nonsense": "wrong_content_type",
        "application/json; charset=utf-8": "content_type_with_charset",
        "Application/JSON": "content_type_in_capitals",
    }
    reason = "a server may read a JSON body despite its content type"
    probe_step = _message_probe(_VALID, "missing_content_type", reason)
    yield from send_probes(
        [
            replace(probe_step, headers={"Content-Type": None}),
            *(
                replace(probe_step, headers={"Content-Type": content_type}, anomaly=name, probe=True)
                for content_type, name in types.items()
            ),
        ]
    )
    yield from _read_back()


@program("robustness", "validation", requests=16)
def deep_nesting(context: ProgramContext) -> StepGenerator:
    """Bodies with extremely deep nesting are sent.

    They must not make the target fail, and must be refused if the schema does not allow them.
    """
    if not (yield from require(thread(context))):
        return
    yield assistant(context)
    reason = "a server may limit the depth of JSON"
    schema = b'{"type": "object", "properties": {"a": ' * 100 + b"{}" + b"}}" * 100
    tool = b'{"type": "function", "function": {"name": "deep", "parameters": ' + schema + b"}}"
    new_assistant = b'{"model": ' + _text(context.model) + b', "tools": [' + tool + b"]}"
    yield from send_probes(
        [
            _message_probe(
                b'{"role": "user", "content": "Hello.", "metadata": {"a": ' + _nested_arrays(2_000) + b"}}",
                "deep_nesting",
            ),
            _message_probe(_nested_arrays(100_000), "deep_nesting"),
            _message_probe(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "deep_nesting"),
            _message_probe(b"[" * 50_000, "deep_nesting"),
            _raw_probe(at_root("create_assistant"), new_assistant, "deep_nesting", reason),
        ]
    )
    yield from _read_back()


def _nested_arrays(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@program("robustness", "validation", requests=27)
def long_values(context: ProgramContext) -> StepGenerator:
    """Values of a million characters, one of ten million, and objects with thousands of members are sent.

    They must be refused if a limit is stated.
    """
    if not (yield from require(thread(context))):
        return
    yield assistant(context)
    long = "x" * LONG_TEXT_LENGTH
    hello: dict[str, JSON] = {"role": "user", "content": "Hello."}
    many_members: dict[str, JSON] = {f"key{index}": "v" for index in range(10_000)}
    new_assistant = at_root("create_assistant")
    model: dict[str, JSON] = {"model": context.model}
    yield from send_probes(
        [
            _message_probe(_text({**hello, "metadata": {"k": long}}), "long_string"),
            _message_probe(_text({**hello, "metadata": {"k": "x" * HUGE_TEXT_LENGTH}}), "huge_body"),
            _message_probe(_text({**hello, "metadata": {long: "v"}}), "long_string"),
            _message_probe(_text({**hello, "metadata": many_members}), "many_members"),
            _message_probe(
                _text({**hello, "content": long}), "long_string", "no maximum is stated, though one has been enforced"
            ),
            _raw_probe(new_assistant, _text({**model, "name": long}), "long_string"),
            _raw_probe(new_assistant, _text({**model, "instructions": long}), "long_string"),
            _raw_probe(
                new_assistant, _text({**model, "tools": [{"type": "code_interpreter"}] * 5_000}), "many_members"
            ),
            _raw_probe(new_assistant, b'{"model": "x", "temperature": ' + b"9" * 5_000 + b"}", "long_number"),
            # Some languages read this many digits as an integer, which is too large for a float.
            _raw_probe(new_assistant, b'{"model": "x", "temperature": ' + b"9" * 400 + b"}", "long_number"),
            _raw_probe(new_assistant, b'{"model": "x", "temperature": 1e999}', "long_number"),
        ]
    )
    yield from _read_back()


@program("robustness", "validation", requests=19)
def odd_text(context: ProgramContext) -> StepGenerator:
    """Text that JSON allows but programs often mishandle is sent in messages, and listed.

    Neither may make the target fail.
    """
    if not (yield from require(thread(context))):
        return
    reason = "a server may handle such text as it likes"
    texts = {
        "nul": b'"a\\u0000b"',
        "lone_surrogate": b'"a\\ud800b"',
        "reversed_surrogates": b'"\\udc00\\ud800"',
        "noncharacter": b'"a\\uffff\\ufdd0b"',
        "control_characters": b'"\\u0001\\u001b[31m\\u007f\\u0085\\u2028"',
        "right_to_left": b'"\\u202eolleh\\u202c"',
    }
    in_content = [(name, b'{"role": "user", "content": %b}' % text) for name, text in texts.items()]
    in_metadata = [
        (name, b'{"role": "user", "content": "Hello.", "metadata": {%b: %b}}' % (texts[name], texts[name]))
        for name in ("nul", "lone_surrogate")
    ]
    duplicate = b'{"role": "user", "content": "First.", "content": "Second."}'
    yield from send_probes(
        [
            *(_message_probe(raw, name, reason) for name, raw in (*in_content, *in_metadata)),
            _message_probe(
                duplicate, "duplicate_keys", "the contract does not state which of two members of one name counts"
            ),
        ]
    )
    yield from _read_back(order="asc")
