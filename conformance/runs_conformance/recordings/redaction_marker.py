"""Recognizes the placeholders that sanitizers put in the place of ids, texts and bodies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from runs_conformance.model.json import JSON, Absent, is_array, is_object

_WORD = (
    r"(?:redact(?:ed)?|sanitized?|sanitised?|filtered|masked|scrubbed|removed|hidden|censored|obfuscated|obscured|"
    r"anonymi[sz]ed|omitted|stripped|placeholder|confidential|private|truncated|not[ _-]saved)"
)
_OPEN, _CLOSE = r"[\[<({*_\-#\"'~|\s]*", r"[\])>}*_\-#\"'~|\s]*"
_MARKER = re.compile(rf"{_OPEN}(?:{_WORD}{_CLOSE}|{_WORD}[ :(_-][^\n]{{0,60}}[\])>}}*]+)\Z", re.IGNORECASE)
_SAME_CHARACTER = re.compile(r"([xX*#•?█_.-])\1{3,}\Z")
_ID_PREFIX = re.compile(r"(?:thread|run|msg|message|asst|assistant|step|call|file|vs)[_-]", re.IGNORECASE)
_BLANK_ID = re.compile(
    r"(?:[xX*#•?█.-]+|[0-]{3,}|<[^>]*>|\{\{?[^}]*\}\}?|\[[^\]]*\]|:[\w-]+|\$\{?[\w. -]+\}?"
    r"|(?:(?:[a-z]+_)+|thread|run|message|msg|assistant|step)?id|abc123)\Z",
    re.IGNORECASE,
)
_ID_MEMBERS = frozenset({"id", "thread_id", "run_id", "message_id", "step_id", "assistant_id", "first_id", "last_id"})
_OBJECT_ID_MEMBERS = ("id", "thread_id", "assistant_id", "run_id")


_WORDS = (
    b"redact", b"saniti", b"filtered", b"masked", b"scrubbed", b"removed", b"hidden", b"censored", b"obfuscated",
    b"obscured", b"anonymi", b"omitted", b"stripped", b"placeholder", b"confidential", b"private", b"truncated",
    b"not saved", b"not_saved", b"not-saved",
)  # fmt: skip
_BLOCKS = (b"\xe2\x80\xa2", b"\xe2\x96\x88")
_SIGNS = (b"xxx", b"***", b"###", b"???", b"___", b"...", b"---")
_ONE_SIGN = bytes.maketrans(b"x*#?_.-", b"-" * 7)
_FOLDED = bytes.maketrans(b'x-"/[{', b"00__<<")
_BLANK_RUN = re.compile(rb"[/_\"][0x-]{3,}[\"/?]")
_VARIABLE = re.compile(rb"[/\"](?::[a-z]|\$\{?[a-z]|%7b|%3c|[a-z_]*id[/?])|/[<\[{]")
"""Possible names of variables, in a path or after a dollar sign."""
_BRACKETS = re.compile(rb"[\"_][<\[{]{1,2}[^\"{}\[\]<>]{1,60}[>\]}]")
# It begins with fixed text, for which searching is many times as fast.
_UNUSUAL_ID = re.compile(
    rb"id\"(?<=[\"_]id\")(?:[^:]|"
    rb"(?:(?<=\"id\")|(?<=\"thread_id\"))\s*:\s*\"(?!thread_|run_|msg_|asst_|step_|call_|file|vs_))"
)


def may_hold_markers(content: bytes) -> bool:
    """Whether a body may hold anything redacted. Looking closer is much slower than this."""
    text = content.lower()
    # Searching for fixed bytes is many times faster than one pattern with alternatives.
    folded = text.translate(_FOLDED)
    return (
        any([word in text for word in _WORDS])  # noqa: C419 - a generator takes twice as long
        or (b"---" in text.translate(_ONE_SIGN) and any(sign in text for sign in _SIGNS))
        or (not text.isascii() and any(block in text for block in _BLOCKS))
        or (b"_000" in folded and _BLANK_RUN.search(text) is not None)
        or (b"_<" in folded and _BRACKETS.search(text) is not None)
        or _UNUSUAL_ID.search(text) is not None
        or b"_abc123" in text
        or (b'"$' in text and _VARIABLE.search(text) is not None)
    )


def may_hold_variables(path: str) -> bool:
    """Whether a path may hold the names of variables that a client replaces by ids."""
    return _VARIABLE.search(f"{path}/".lower().encode("utf-8", "replace")) is not None


def is_marker(text: str) -> bool:
    """Whether a whole text stands for something that was redacted: `[REDACTED]`, `***`, `<removed>`."""
    return len(text) < 200 and bool(_MARKER.match(text) or _SAME_CHARACTER.match(text))


def is_redacted_id(id_: str) -> bool:
    """Whether an id stands for any number of redacted ids: `thread_REDACTED`, `msg_xxxx`, `<run id>`."""
    body = id_[prefix.end() :] if (prefix := _ID_PREFIX.match(id_)) else id_
    return len(id_) < 200 and bool(is_marker(id_) or is_marker(body) or (body and _BLANK_ID.match(body)))


def contains_marker(value: JSON | Absent) -> bool:
    """Whether any text in a value was redacted."""
    return any(is_marker(text) for _, text in _texts(value))


def hides_judged_text(value: JSON | Absent) -> bool:
    """Whether any text in a response was redacted from which rules may conclude something.

    They conclude nothing from the headers that a run sends to other servers, and from the outputs of such servers. The
    outputs of functions are compared with what was submitted.
    """
    return any(is_marker(text) for _, text in _texts(value, leaves_out=_is_foreign))


def hides_sent_text(value: JSON | Absent) -> bool:
    """Whether any text in the body of a request was redacted, except headers that a run sends to other servers."""
    return any(is_marker(text) for _, text in _texts(value, leaves_out=_is_header))


def _is_header(name: str, _parent: str) -> bool:
    return name == "headers"


def _is_foreign(name: str, parent: str) -> bool:
    return name == "headers" or (name == "output" and parent != "function")


def contains_redacted_id(value: JSON | Absent) -> bool:
    """Whether any id in a value was redacted, or an object has the same one for itself and for what it belongs to."""
    return any(name in _ID_MEMBERS and is_redacted_id(text) for name, text in _texts(value)) or any(
        _has_one_id_for_all(each) for each in _objects(value)
    )


def _has_one_id_for_all(value: Mapping[str, JSON]) -> bool:
    ids = [id_ for name in _OBJECT_ID_MEMBERS if isinstance(id_ := value.get(name), str)]
    return len(ids) > 1 and len(set(ids)) == 1 and not _ID_PREFIX.match(ids[0])


def _texts(
    value: JSON | Absent, name: str = "", leaves_out: Callable[[str, str], bool] | None = None
) -> Iterator[tuple[str, str]]:
    """Every text with the name of its member; `leaves_out` tests the names of a member and of the one around it."""
    if isinstance(value, str):
        yield name, value
    elif is_object(value):
        for key, member in value.items():
            if leaves_out is None or not leaves_out(key, name):
                yield from _texts(member, key, leaves_out)
    elif is_array(value):
        for item in value:
            yield from _texts(item, name, leaves_out)


def _objects(value: JSON | Absent) -> Iterator[Mapping[str, JSON]]:
    if is_object(value):
        yield value
        for member in value.values():
            yield from _objects(member)
    elif is_array(value):
        for item in value:
            yield from _objects(item)
