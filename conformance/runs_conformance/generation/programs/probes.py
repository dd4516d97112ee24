"""Programs that send what no client should, and look whether the target still answers the next request."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import Passage, ready
from runs_conformance.generation.programs.steps import at_root, on_thread, page, thread
from runs_conformance.model.case import REFUSES_BODY, Either, Reject, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON
from runs_conformance.model.program import Play, Setting
from runs_conformance.model.tag import probe

LENGTH = 1_000_000
"""Characters of what is called long."""

_NO_SUCH_PLACE = Reject((400, 404, 405, 414, 422, 431))


def _message(raw: bytes, what: str, open_because: str = "") -> Step:
    """A message whose body is sent byte for byte; refused for certain, unless a reason leaves it open."""
    return _raw(on_thread("create_message"), raw, what, open_because)


def _raw(step: Step, raw: bytes, what: str, open_because: str = "") -> Step:
    certain = not open_because
    return replace(
        step,
        raw=raw,
        role=Role.NEGATIVE if certain else Role.ACT,
        expectation=REFUSES_BODY if certain else Either(open_because),
        tag=probe(what),
    )


def _probed(probes: Iterable[Step]) -> Passage:
    """The probes between small requests that must succeed as ever.

    One that is not answered, or with a server error, is sent once more between two of those, to see whether it was the
    probe that did it.
    """
    control = replace(on_thread("get_thread"), role=Role.CONTROL)
    yield control
    for step in probes:
        answer: Exchange = yield step
        if answer.status is None or answer.status >= 500:
            yield control
            yield step
            yield control
    yield control
    return True


def _text(value: JSON) -> bytes:
    return json.dumps(value).encode()


_GOOD = _text({"role": "user", "content": "Hello."})


@program("robustness", "validation", requests=22)
def bodies_that_are_not_json(setting: Setting) -> Play:
    """Bodies that are no JSON text, or are not in UTF-8, are refused."""
    if not (yield from ready(thread(setting))):
        return
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
    yield from _probed(
        [
            *(_message(raw, "malformed_json") for raw in malformed),
            *(_message(raw, "invalid_utf8") for raw in not_utf8),
            _message(_GOOD + _GOOD, "trailing_json", "some parsers stop at the end of the first value"),
            _message(b"\xef\xbb\xbf" + _GOOD, "byte_order_mark", "a byte order mark may be ignored"),
            _message(_GOOD.decode().encode("utf-16"), "utf_16", "other encodings may be understood"),
        ]
    )
    yield page("list_messages")


@program("robustness", "validation", requests=22)
def bodies_of_another_kind(setting: Setting) -> Play:
    """A body that is an array, a scalar or not there at all is refused where an object is required."""
    if not (yield from ready(thread(setting))):
        return
    kinds = {"array": b"[]", "string": b'"Hello."', "number": b"5", "boolean": b"true", "null": b"null"}
    yield from _probed(
        [
            *(_message(raw, f"{kind}_body") for kind, raw in kinds.items()),
            _message(b"[" + _GOOD + b"]", "array_body"),
            _message(b"", "empty_body"),
            _message(b" \n", "empty_body"),
            _raw(at_root("create_assistant"), b"", "empty_body"),
            _raw(at_root("create_assistant"), b"[]", "array_body"),
            _raw(at_root("create_thread"), b"[]", "array_body"),
            _raw(on_thread("modify_thread"), b"5", "number_body"),
        ]
    )
    yield page("list_messages")


@program("robustness", "validation", requests=17)
def content_types(setting: Setting) -> Play:
    """A good body that is said to be something else than JSON, or nothing, does not upset the target."""
    if not (yield from ready(thread(setting))):
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
    reason = "whether a server reads a body that is said to be something else is its choice"
    good = _message(_GOOD, "missing_content_type", reason)
    yield from _probed(
        [
            replace(good, headers={"Content-Type": None}),
            *(replace(good, headers={"Content-Type": name}, tag=probe(what)) for name, what in types.items()),
        ]
    )
    yield page("list_messages")


@program("robustness", "validation", requests=13)
def deep_nesting(setting: Setting) -> Play:
    """JSON that is nested deeper than anyone needs does not upset the target, and is refused where it does not fit."""
    if not (yield from ready(thread(setting))):
        return
    reason = "how deep JSON may be is the server's choice"
    schema = b'{"type": "object", "properties": {"a": ' * 100 + b"{}" + b"}}" * 100
    tool = b'{"type": "function", "function": {"name": "deep", "parameters": ' + schema + b"}}"
    assistant = b'{"model": ' + _text(setting.model) + b', "tools": [' + tool + b"]}"
    yield from _probed(
        [
            _message(
                b'{"role": "user", "content": "Hello.", "metadata": {"a": ' + _nested(2_000) + b"}}", "deep_nesting"
            ),
            _message(_nested(100_000), "deep_nesting"),
            _message(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "deep_nesting"),
            _message(b"[" * 50_000, "deep_nesting"),
            _raw(at_root("create_assistant"), assistant, "deep_nesting", reason),
        ]
    )
    yield page("list_messages")


def _nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@program("robustness", "validation", requests=18)
def long_values(setting: Setting) -> Play:
    """Values a million characters long, and thousands of members, are refused where a limit is stated."""
    if not (yield from ready(thread(setting))):
        return
    long = "x" * LENGTH
    hello: dict[str, JSON] = {"role": "user", "content": "Hello."}
    crowd: dict[str, JSON] = {f"key{index}": "v" for index in range(10_000)}
    new = at_root("create_assistant")
    model: dict[str, JSON] = {"model": setting.model}
    yield from _probed(
        [
            _message(_text({**hello, "metadata": {"k": long}}), "long_string"),
            _message(_text({**hello, "metadata": {long: "v"}}), "long_string"),
            _message(_text({**hello, "metadata": crowd}), "many_members"),
            _message(_text({**hello, "content": long}), "long_string", "no maximum is stated, though one was enforced"),
            _raw(new, _text({**model, "name": long}), "long_string"),
            _raw(new, _text({**model, "instructions": long}), "long_string"),
            _raw(new, _text({**model, "tools": [{"type": "code_interpreter"}] * 5_000}), "many_members"),
            _raw(new, b'{"model": "x", "temperature": ' + b"9" * 5_000 + b"}", "long_number"),
            _raw(new, b'{"model": "x", "temperature": 1e999}', "long_number"),
        ]
    )
    yield page("list_messages")


@program("robustness", "validation", requests=18)
def odd_text(setting: Setting) -> Play:
    """Text that JSON allows and programs stumble over does not upset the target, nor the list that it ends up in."""
    if not (yield from ready(thread(setting))):
        return
    reason = "what a server makes of such text is its choice"
    texts = {
        "nul": b'"a\\u0000b"',
        "lone_surrogate": b'"a\\ud800b"',
        "reversed_surrogates": b'"\\udc00\\ud800"',
        "noncharacter": b'"a\\uffff\\ufdd0b"',
        "control_characters": b'"\\u0001\\u001b[31m\\u007f\\u0085\\u2028"',
        "right_to_left": b'"\\u202eolleh\\u202c"',
    }
    said = [(what, b'{"role": "user", "content": %b}' % text) for what, text in texts.items()]
    noted = [
        (what, b'{"role": "user", "content": "Hello.", "metadata": {%b: %b}}' % (texts[what], texts[what]))
        for what in ("nul", "lone_surrogate")
    ]
    twice = b'{"role": "user", "content": "First.", "content": "Second."}'
    yield from _probed(
        [
            *(_message(raw, what, reason) for what, raw in (*said, *noted)),
            _message(twice, "duplicate_keys", "which of two members of one name counts is not stated"),
        ]
    )
    yield page("list_messages", order="asc")


@program("robustness", "validation", requests=18)
def odd_ids(setting: Setting) -> Play:
    """Ids that no server gives, long and with odd characters, are not found and do not upset the target."""
    if not (yield from ready(thread(setting))):
        return
    ids = {
        "long_id": "thread_" + "x" * 5_000,
        "nul_in_id": "thread_\x00",
        "newline_in_id": "thread_\r\nX-Header: 1",
        "quote_in_id": "' OR '1'='1",
        "slash_in_id": "thread_/a",
        "percent_in_id": "thread_%00%2e",
        "emoji_in_id": "thread_🙂",
        "markup_in_id": "<script>alert(1)</script>",
        "template_in_id": "{{7*7}}${7*7}",
        "space_as_id": " ",
    }
    yield from _probed(
        replace(
            on_thread("get_thread"),
            path={"thread_id": id_},
            role=Role.NEGATIVE,
            expectation=_NO_SUCH_PLACE,
            tag=probe(what),
        )
        for what, id_ in ids.items()
    )


@program("robustness", "listing", requests=18)
def odd_queries(setting: Setting) -> Play:
    """Queries with long, odd, repeated and unknown parameters do not upset the target."""
    if not (yield from ready(thread(setting))):
        return
    queries: dict[str, tuple[tuple[str, JSON], ...]] = {
        "long_limit": (("limit", "9" * 1_000),),
        "negative_limit": (("limit", "-99999999999999999999"),),
        "empty_limit": (("limit", ""),),
        "odd_limit": (("limit", "1e1"),),
        "long_cursor": (("after", "msg_" + "x" * 5_000),),
        "odd_cursor": (("after", "' OR '1'='1"),),
        "nul_in_query": (("after", "\x00"),),
        "repeated_parameter": (("limit", "1"), ("limit", "2")),
        "unknown_parameter": (("colour", "red"), ("limit[]", "1")),
        "odd_order": (("order", "ASC;--"),),
    }
    reason = "what such a query does is not stated"
    yield from _probed(
        replace(
            on_thread("list_messages"),
            query=query,
            role=Role.NEGATIVE,
            expectation=Either(reason),
            tag=probe(what),
        )
        for what, query in queries.items()
    )
