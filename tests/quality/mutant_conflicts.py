"""Whether an emulator with several mutants still works: some mutants raise when they are combined."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

from starlette.testclient import TestClient

from runs_conformance.emulator.app import build_many
from runs_conformance.emulator.server_options import EmulatorOptions

_KEY = "sk-combination"
_PREFIX = "/e/v1"
_BUILD = -1
_UNKNOWN = "thread_000000000000000000000000"


def drop_conflicting(mutants: Sequence[str]) -> tuple[str, ...]:
    """The mutants without those that make the emulator raise where neither they nor the others do alone."""
    if not raising_requests(tuple(mutants)):
        return tuple(mutants)
    kept: tuple[str, ...] = ()
    tolerated: frozenset[int] = frozenset()
    for name in mutants:
        raising = raising_requests((*kept, name))
        if raising <= tolerated or raising <= tolerated | raising_requests((name,)):
            kept, tolerated = (*kept, name), tolerated | raising
    return kept


@cache
def raising_requests(mutants: tuple[str, ...]) -> frozenset[int]:
    """The numbers of the requests of a small round trip at which the emulator with these mutants raises.

    If one mutant removes what another changes, so that no emulator can be built, the only number is that of the build.
    """
    try:
        app = build_many(EmulatorOptions(step_ms=1.0, keys=(_KEY,)), {"e": (mutants, ())})
    except ValueError:
        return frozenset({_BUILD})
    raising: set[int] = set()
    ids = {"assistant": "asst_1", "thread": "thread_1", "message": "msg_1", "run": "run_1"}
    with TestClient(app, headers={"authorization": f"Bearer {_KEY}", "openai-beta": "assistants=v2"}) as client:
        for number, (method, path, body) in enumerate(_round_trip()):
            try:
                response = client.request(method, _PREFIX + path.format_map(ids), json=_fill(body, ids))
            except Exception:
                raising.add(number)
                continue
            kind = path.rpartition("/")[2].removesuffix("s")
            # The first id of a response that creates an object is the object's, in a stream, too.
            created = re.search(r'"id": ?"([^"]+)"', response.text) if response.status_code < 300 else None
            if method == "POST" and kind in ids and created is not None:
                ids[kind] = created[1]
    return frozenset(raising)


def _fill(body: Any, ids: Mapping[str, str]) -> Any:
    """The body with the id of the assistant in its place."""
    if isinstance(body, dict) and body.get("assistant_id") == "{assistant}":
        return {**body, "assistant_id": ids["assistant"]}
    return body


_Request: TypeAlias = tuple[str, str, Any]


def _round_trip() -> Iterator[_Request]:
    """A request to each kind of operation, some of them to be refused."""
    tool = {"type": "function", "function": {"name": "weather"}}
    yield "POST", "/assistants", {"model": "gpt-4o", "instructions": "Be brief.", "tools": [tool]}
    yield "POST", "/threads", {"messages": [{"role": "user", "content": "Hello"}], "metadata": {"a": "b"}}
    yield "POST", "/threads/{thread}/messages", {"role": "user", "content": [{"type": "text", "text": "Hello"}]}
    yield "POST", "/threads/{thread}/messages/{message}", {"metadata": {"c": "d"}}
    stream = {"assistant_id": "{assistant}", "stream": True, "tool_choice": "none"}
    for body in (stream, {"assistant_id": "{assistant}", "tool_choice": "required"}):
        yield "POST", "/threads/{thread}/runs", body
        yield "GET", "/threads/{thread}/runs", None
        yield "GET", "/threads/{thread}/runs/{run}", None
        yield "POST", "/threads/{thread}/runs/{run}/cancel", None
        yield "POST", "/threads/{thread}/runs/{run}/submit_tool_outputs", {"tool_outputs": []}
        yield "GET", "/threads/{thread}/runs/{run}/steps", None
        yield "GET", "/threads/{thread}/messages", None
    yield "POST", "/threads/{thread}/runs", {"assistant_id": 1}
    yield "POST", "/threads/{thread}/runs", {"assistant_id": "asst_000000000000000000000000", "unknown": 1}
    yield "GET", f"/threads/{_UNKNOWN}", None
    yield "GET", f"/threads/thread_{'0' * 200}", None
    yield "GET", "/assistants?limit=1&order=asc", None
    yield "GET", "/assistants?limit=1000", None
    yield "DELETE", "/threads/{thread}", None
