"""An incremental parser of server-sent events, strict to the event stream format of the HTML standard."""

from __future__ import annotations

import re

from runs_conformance.model.exchange import Event
from runs_conformance.model.json import ABSENT, JSON, Absent
from runs_conformance.wire import strict_json

MAX_LINE = 4 * 1024 * 1024
MAX_EVENTS = 100_000
MAX_BYTES = 16 * 1024 * 1024
MAX_VALUES = strict_json.MAX_VALUES
"""Maximum number of JSON values in all events together."""

_BOM = b"\xef\xbb\xbf"
_END_OF_LINE = re.compile(rb"\r\n|\n|\r")
_FIELD_NAME = re.compile(rb"[A-Za-z0-9_-]+\Z")
_DONE = b"[DONE]"


class EventStreamParser:
    """Parses the events of one stream from chunks of any size.

    Everything that the format allows is accepted: LF, CR or CRLF, comments, `id`, `retry` and unknown fields, data in
    several lines, a byte order mark, no space after the colon. `defects` lists everything else: the defects of JSON
    (`sse: not_json in <event>`), `sse: stray_line: <start>` for a line that is not a field, `sse: unfinished_event:
    <event>` for a stream that ends without the blank line after an event, and the exceeded limits `sse: too_large`,
    `sse: line_too_long` and `sse: too_many_events`.
    """

    def __init__(
        self,
        max_line: int = MAX_LINE,
        max_events: int = MAX_EVENTS,
        max_bytes: int = MAX_BYTES,
        max_values: int = MAX_VALUES,
    ) -> None:
        self.events: list[Event] = []
        self.done = False
        """Whether an event `done` or the data `[DONE]` has arrived."""
        self.overflowed = False
        """Whether a limit was exceeded; further input is ignored."""
        self.size = 0
        self._max = (max_line, max_events, max_bytes)
        self._defects: dict[str, None] = {}
        self._line: list[bytes] = []
        self._line_length = 0
        self._name = b""
        self._data: list[bytes] | None = None
        self._after_return = False
        self._at_start = True
        self._values, self._max_values = 0, max_values

    @property
    def defects(self) -> tuple[str, ...]:
        """The distinct defects so far, in order of appearance."""
        return tuple(self._defects)

    def feed(self, data: bytes, at: float = 0.0) -> None:
        """Parse the next bytes, which arrived at the time `at`."""
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
        """End the input. An event without its blank line counts if its data is complete."""
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
            if len(self._data) > self._max_values:
                self._overflow("too_large")
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
        event_name = name.decode(errors="replace") or "message"
        if data.strip() == _DONE:
            self.events.append(Event(event_name, _DONE.decode(), at))
            self.done = True
            return
        self._values += strict_json.count_values(data)
        if self._values > self._max_values:
            self._overflow("too_large")
            return
        parsed = strict_json.parse(data)
        for defect in parsed.defects:
            self._add_defect(f"{defect} in {event_name}")
        # A JSON string with the text of the end marker must not be mistaken for the marker.
        value: JSON | Absent = ABSENT if parsed.value == _DONE.decode() else parsed.value
        payload = data.decode(errors="replace") if isinstance(value, Absent) else value
        self.events.append(Event(event_name, payload, at))
        self.done = self.done or event_name == "done"

    def _event_name(self) -> str:
        return self._name.decode(errors="replace") or "message"

    def _add_defect(self, defect: str) -> None:
        if len(self._defects) < 100:
            self._defects[f"sse: {defect}"] = None

    def _overflow(self, defect: str) -> None:
        self.overflowed = True
        self._add_defect(defect)
