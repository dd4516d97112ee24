"""Generates hostile servers: each seed changes the bytes of an emulator's responses in its own way."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.quality.hostile_behaviours import HostileBehaviour
from tests.quality.hostile_server import HostileRequest

FREQUENCIES = (1, 2, 3, 7, 20)
"""How many responses there are to one that is changed."""
_SIZES = (1_000, 30_000, 300_000, 1_000_000)
_UNUSUAL: tuple[Any, ...] = (
    *([], {}, None, True, -1, 0, 1e308, 2**70, "", "x" * 100_000, "\ud800", "\0", "\x1b[2J", [[]], {"a": None}),
    *("$(touch X)", "'; raise SystemExit #", "</script><script>alert(1)</script>", "a" * 5_000, [{}] * 1_000),
)

Change = Callable[[random.Random, bytes], bytes]
"""Returns the changed content of a response."""


@dataclass(frozen=True, slots=True)
class ContentMutation:
    """The effect of one seed: a change of contents or a way of sending, to one of `every` responses from `first` on."""

    seed: int
    kind: str
    every: int
    first: int

    @property
    def text(self) -> str:
        """The mutation in words."""
        return f"{self.kind}, one of {self.every} responses from number {self.first} on"

    def applies(self, number: int) -> bool:
        """Whether it changes the response of this number."""
        return number >= self.first and number % self.every == 0

    def behaviour(self) -> HostileBehaviour:
        """The mutation as a behaviour of a server."""
        return HostileBehaviour(f"seed {self.seed}", self.text, self.respond, closes=self.kind != _TWICE)

    def respond(self, request: HostileRequest) -> None:
        """Respond to a request."""
        rng = random.Random(f"{self.seed} {request.number}")
        head, _, content = request.response().partition(b"\r\n\r\n")
        if self.kind in _SENDINGS:
            _SENDINGS[self.kind](rng, request, head, content)
            return
        content = _CHANGES[self.kind](rng, content)
        head = re.sub(rb"(?i)content-length: \d+", b"Content-Length: %d" % len(content), head)
        request.connection.send(head + b"\r\n\r\n" + content)


def mutation(seed: int) -> ContentMutation:
    """The mutation of a seed."""
    rng = random.Random(seed)
    kinds = (*_CHANGES, *_SENDINGS)
    return ContentMutation(seed, kinds[seed % len(kinds)], rng.choice(FREQUENCIES), rng.choice((1, 5, 60, 200)))


_MAX_ADDED = 50_000_000
"""Bytes that a change adds at most, three times what the suite reads: two changes must not fill the memory."""


def _mix(rng: random.Random, content: bytes) -> bytes:
    for change in rng.sample([change for change in _CHANGES.values() if change is not _mix], 2):
        content = change(rng, content)
    return content


def _cut(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def _repeat_bytes(rng: random.Random, content: bytes) -> bytes:
    start, end = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    times = min(rng.choice((1, 2, 50, 5_000)), _MAX_ADDED // (end - start + 1))
    return content[:end] + content[start:end] * times + content[end:]


def _flip_bytes(rng: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 3, 30))):
        if changed:
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _retype(rng: random.Random, content: bytes) -> bytes:
    return _edit(rng, content, lambda rng, value: rng.choice(_UNUSUAL))


def _drop_member(rng: random.Random, content: bytes) -> bytes:
    def drop(rng: random.Random, value: Any) -> Any:
        return {name: value[name] for name in list(value)[1:]} if isinstance(value, dict) else None

    return _edit(rng, content, drop)


def _long_text(rng: random.Random, content: bytes) -> bytes:
    size, character = rng.choice(_SIZES), rng.choice(("a", "\n", "A1", "\U0001f600", '"', "\\"))
    return _edit(rng, content, lambda rng, value: character * (size // len(character)))


def _long_list(rng: random.Random, content: bytes) -> bytes:
    size = rng.choice(_SIZES)

    def lengthen(rng: random.Random, value: Any) -> Any:
        if isinstance(value, list) and value:
            return value * (1 + size // (1 + len(json.dumps(value))))
        return [{}] * (size // 3)

    return _edit(rng, content, lengthen)


def _many_members(rng: random.Random, content: bytes) -> bytes:
    size = rng.choice(_SIZES)
    more = {f"m{number}": number for number in range(size // 10)}
    return _edit(rng, content, lambda rng, value: {**value, **more} if isinstance(value, dict) else more)


def _deep(rng: random.Random, content: bytes) -> bytes:
    depth = rng.choice((100, 190, 250))
    return _edit(rng, content, lambda rng, value: json.loads("[" * depth + "]" * depth))


def _long_ids(rng: random.Random, content: bytes) -> bytes:
    filler = b"a" * rng.choice((500, 5_000, 1_000_000))
    return re.sub(rb'"((?:asst|thread|run|msg|step|call)_)', rb'"\1' + filler, content, count=_MAX_ADDED // len(filler))


def _error_text(rng: random.Random, content: bytes) -> bytes:
    return json.dumps({"error": {"message": rng.choice(("a", "\n", " at x(", "<title")) * rng.choice(_SIZES)}}).encode()


def _edit(rng: random.Random, content: bytes, edit: Callable[[random.Random, Any], Any]) -> bytes:
    """Change a random value of a JSON content, or of each event of a stream."""
    if content.startswith((b"event:", b"data:", b":")):
        return re.sub(rb"(?m)^data: (\{.*)$", lambda match: b"data: " + _edit(rng, match[1], edit), content)
    try:
        value = json.loads(content)
        holders = list(_holders(value))
    except (ValueError, RecursionError):
        # Another change has broken the content, or nested it too deeply.
        return content
    if not holders:
        return content
    holder, key = rng.choice(holders)
    holder[key] = edit(rng, holder[key])
    return json.dumps(value).encode()


def _holders(value: Any) -> Iterator[tuple[Any, Any]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in list(entries):
        yield value, key
        yield from _holders(member)


_CHANGES: dict[str, Change] = {
    "cuts the content": _cut,
    "repeats a part": _repeat_bytes,
    "flips bytes": _flip_bytes,
    "changes the type of a member": _retype,
    "drops members": _drop_member,
    "sends a long text": _long_text,
    "sends a long list": _long_list,
    "sends many members": _many_members,
    "nests deeply": _deep,
    "sends long ids": _long_ids,
    "sends a long error": _error_text,
    "makes two of these changes": _mix,
}


def _delay(rng: random.Random, request: HostileRequest, head: bytes, content: bytes) -> None:
    if rng.random() < 0.1:
        request.connection.stopping.wait(rng.choice((0.3, 1.0)))
    request.connection.send(head + b"\r\n\r\n" + content)


def _split(rng: random.Random, request: HostileRequest, head: bytes, content: bytes) -> None:
    data = head + b"\r\n\r\n" + content
    for start in range(0, min(len(data), 3_000), 7):
        request.connection.send(data[start : start + 7])
    request.connection.send(data[3_003:] if len(data) > 3_000 else b"")


def _status(rng: random.Random, request: HostileRequest, head: bytes, content: bytes) -> None:
    status = rng.choice((b"201 Created", b"204 No Content", b"304 x", b"401 No", b"429 Slow", b"500 Oops", b"999 x"))
    request.connection.send(re.sub(rb"\A(HTTP/1.1) .*", rb"\1 " + status, head) + b"\r\n\r\n" + content)


def _header(rng: random.Random, request: HostileRequest, head: bytes, content: bytes) -> None:
    header = rng.choice(
        (
            b"Retry-After: -1",
            b"Content-Encoding: gzip",
            b"Content-Type: text/event-stream",
            b"Content-Length: 7",
            b"Transfer-Encoding: chunked",
            b"X-Long: " + b"x" * 60_000,
            b"Location: http://127.0.0.1:9/",
        )
    )
    request.connection.send(head + b"\r\n" + header + b"\r\n\r\n" + content)


def _send_twice(rng: random.Random, request: HostileRequest, head: bytes, content: bytes) -> None:
    # The second response is in the way of the next request on this connection.
    request.connection.send((head + b"\r\n\r\n" + content) * 2)


def _interim(rng: random.Random, request: HostileRequest, head: bytes, content: bytes) -> None:
    interim = rng.choice((b"100 Continue", b"102 Processing", b"103 Early Hints\r\nLink: <a>"))
    request.connection.send(b"HTTP/1.1 " + interim + b"\r\n\r\n" + head + b"\r\n\r\n" + content)


def _many_headers(rng: random.Random, request: HostileRequest, head: bytes, content: bytes) -> None:
    lines = b"".join(b"\r\nX-%d: %s" % (number, b"v" * 50) for number in range(rng.choice((50, 500, 5_000))))
    request.connection.send(head + lines + b"\r\n\r\n" + content)


_TWICE = "sends the response twice"
_SENDINGS: dict[str, Callable[[random.Random, HostileRequest, bytes, bytes], None]] = {
    "responds late": _delay,
    "sends single bytes": _split,
    "changes the HTTP status": _status,
    "adds a header": _header,
    "adds many headers": _many_headers,
    "sends an interim response first": _interim,
    _TWICE: _send_twice,
}
