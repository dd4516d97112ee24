"""Server-sent events read as they arrive, by the letter of the HTML standard's event stream format."""

from __future__ import annotations

import re

from runs_conformance.model.exchange import Event
from runs_conformance.model.json import ABSENT, JSON, Absent
from runs_conformance.wire import strict_json

MAX_LINE = 4 * 1024 * 1024
MAX_EVENTS = 100_000
MAX_BYTES = 16 * 1024 * 1024

_BOM = b"\xef\xbb\xbf"
_END_OF_LINE = re.compile(rb"\r\n|\n|\r")
_FIELD_NAME = re.compile(rb"[A-Za-z0-9_-]+\Z")
_DONE = b"[DONE]"


class EventStreamParser:
    """The events of one stream, read from its bytes in pieces of any size.

    Legal freedom is taken as it comes: LF, CR or CRLF, comments, `id`, `retry` and unknown fields, data over several
    lines, a byte order mark, no space after the colon. `defects` names the rest: `sse: not_json in <event>` and the
    other defects of JSON, `sse: stray_line: <start>` (a line that is no field at all), `sse: unfinished_event: <event>`
    (the stream ends without the blank line that ends an event), and the bounds `sse: too_large`, `sse: line_too_long`
    and `sse: too_many_events`.
    """

    def __init__(self, max_line: int = MAX_LINE, max_events: int = MAX_EVENTS, max_bytes: int = MAX_BYTES) -> None:
        self.events: list[Event] = []
        self.done = False
        """Whether an event `done`, or the data `[DONE]`, has come."""
        self.overflowed = False
        """Whether a bound was passed; nothing is read from then on."""
        self.size = 0
        self._max = (max_line, max_events, max_bytes)
        self._defects: dict[str, None] = {}
        self._line: list[bytes] = []
        self._line_length = 0
        self._name = b""
        self._data: list[bytes] | None = None
        self._after_return = False
        self._at_start = True

    @property
    def defects(self) -> tuple[str, ...]:
        """What is wrong so far, each thing once, in the order of its first appearance."""
        return tuple(self._defects)

    def feed(self, data: bytes, at: float = 0.0) -> None:
        """Take the next bytes, which arrived at the time `at`."""
        if self.overflowed or not data:
            return
        self.size += len(data)
        if self.size > self._max[2]:
            self._overflow("too_large")
            return
        if self._after_return:
            self._after_return = False
            if data.startswith(b"\n"):
                data = data[1:]
                if not data:
                    return
        self._after_return = data.endswith(b"\r")
        first, *rest = _END_OF_LINE.split(data)
        self._continue_line(first)
        for piece in rest:
            self._end_line(at)
            self._continue_line(piece)

    def finish(self, at: float = 0.0) -> None:
        """Say that nothing more comes. An event whose blank line is missing counts if its data is whole."""
        if self.overflowed:
            return
        if self._line_length:
            self._end_line(at)
        if self._data is not None:
            self._add_defect(f"unfinished_event: {self._event_name()}")
            data = b"\n".join(self._data)
            if data.strip() == _DONE or not isinstance(strict_json.parse(data).value, Absent):
                self._dispatch(at)

    def _continue_line(self, piece: bytes) -> None:
        if piece:
            self._line.append(piece)
            self._line_length += len(piece)
            if self._line_length > self._max[0]:
                self._overflow("line_too_long")

    def _end_line(self, at: float) -> None:
        if self.overflowed:
            return
        line = self._line[0] if len(self._line) == 1 else b"".join(self._line)
        self._line, self._line_length = [], 0
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        if not line:
            self._dispatch(at)
            return
        name, colon, value = line.partition(b":")
        if colon and not name:
            return
        value = value.removeprefix(b" ")
        if name == b"data":
            if self._data is None:
                self._data = []
            self._data.append(value)
        elif name == b"event":
            self._name = value
        elif not _FIELD_NAME.match(name):
            self._add_defect(f"stray_line: {line[:40].decode(errors='replace')}")

    def _dispatch(self, at: float) -> None:
        lines, name = self._data, self._name
        self._data, self._name = None, b""
        if lines is None:
            return
        if len(self.events) >= self._max[1]:
            self._overflow("too_many_events")
            return
        data = lines[0] if len(lines) == 1 else b"\n".join(lines)
        shown = name.decode(errors="replace") or "message"
        if data.strip() == _DONE:
            self.events.append(Event(shown, _DONE.decode(), at))
            self.done = True
            return
        parsed = strict_json.parse(data)
        for defect in parsed.defects:
            self._add_defect(f"{defect} in {shown}")
        # A JSON text that holds the end mark is not the end mark, and must not look like it.
        value: JSON | Absent = ABSENT if parsed.value == _DONE.decode() else parsed.value
        told = data.decode(errors="replace") if isinstance(value, Absent) else value
        self.events.append(Event(shown, told, at))
        self.done = self.done or shown == "done"

    def _event_name(self) -> str:
        return self._name.decode(errors="replace") or "message"

    def _add_defect(self, defect: str) -> None:
        if len(self._defects) < 100:
            self._defects[f"sse: {defect}"] = None

    def _overflow(self, defect: str) -> None:
        self.overflowed = True
        self._add_defect(defect)
