"""The control of an emulator: script, faults, clock, record of requests and state, all by JSON documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runs_conformance.config import require_known
from runs_conformance.emulator.app import MAX_ADVANCE_S
from runs_conformance.emulator.context import Hooks, ServerState
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.emulator.state import Store
from runs_conformance.errors import UsageError
from runs_conformance.testing.control_words import FAULTS, Document, parse_word, read_value
from runs_conformance.testing.fault_injector import FaultInjector, ReceivedRequest, make_fault
from runs_conformance.testing.key_session import ALL_KEYS, SessionClock
from runs_conformance.testing.run_script import RunScript
from runs_conformance.testing.scripted_acts import Act, parse_turn

SCENARIO_MEMBERS = ("script", "faults", "advance")
_HIDDEN_HEADERS = ("authorization", "api-key", "cookie")


@dataclass(slots=True)
class Control:
    """Everything that a test decides about one emulator. A `key` limits a call to the requests with this API key."""

    options: EmulatorOptions
    hooks: Hooks
    clock: SessionClock = field(default_factory=SessionClock)
    script: RunScript = field(default_factory=RunScript)
    injector: FaultInjector = field(default_factory=FaultInjector)
    server: ServerState = field(init=False)

    def __post_init__(self) -> None:
        """Put the script and the faults between the clients and the emulator."""
        self.server = ServerState(self.options, self.hooks, self.clock)
        self.script.install(self.server.hooks)
        self.server.hooks.middleware.append(self.injector.wrap)

    def apply(self, scenario: Any, key: str = ALL_KEYS) -> None:
        """Queue the script and the faults of a scenario and advance the clock. Changes nothing if it is invalid.

        Each item of `script` is a turn: an act, or a list of acts. Raises UsageError.
        """
        if not isinstance(scenario, dict):
            raise UsageError(f"a scenario must be an object with {', '.join(SCENARIO_MEMBERS)}")
        for name in scenario:
            require_known(str(name), SCENARIO_MEMBERS, "member of a scenario")
        turns = [parse_turn(turn) for turn in _items(scenario, "script")]
        words = [parse_word(one, FAULTS, "fault") for one in _items(scenario, "faults")]
        faults = [make_fault(word, arguments, key, self.clock.now) for word, arguments in words]
        advance = {"type": "number", "minimum": 0, "maximum": MAX_ADVANCE_S}
        seconds = read_value(scenario.get("advance", 0), advance, "advance")
        if seconds + self.clock.advanced + self.clock.ahead(key) > MAX_ADVANCE_S:
            raise UsageError(f"advance must be from 0 to {MAX_ADVANCE_S:g} in all")
        self.script.add(turns, key)
        for fault in faults:
            self.injector.add(fault)
        self.clock.advance_for(key, seconds)

    def reset(self, key: str | None = None) -> None:
        """Discard the script, the faults and the received requests; the stored objects remain."""
        self.script.clear(key)
        self.injector.clear(key)

    def requests(self, key: str | None = None) -> list[ReceivedRequest]:
        """The received requests, oldest first."""
        return [request for request in list(self.injector.received) if key in (None, request.key)]

    def unused(self, key: str | None = None) -> list[Document]:
        """The turns that no run has used, and the limited faults that no request has triggered."""
        turns = [_turn_document(turn) for turn in self.script.pending(key)]
        faults = [
            {fault.word: fault.arguments}
            for fault in list(self.injector.faults)
            if fault.used == 0 and fault.times is not None and key in (None, fault.key)
        ]
        return [*turns, *faults]

    def state(self, key: str | None = None) -> Document:
        """The time, the pending script and faults, and the number of stored objects."""
        stores = list(self.server.stores.values()) if key is None else [self._store_of(key)]
        threads = [thread for store in stores for thread in list(store.threads.values())]
        return {
            "now": self.clock.now_for(ALL_KEYS if key is None else key),
            "script": [_turn_document(turn) for turn in self.script.pending(key)],
            "faults": [
                {fault.word: {**fault.arguments, "used": fault.used}}
                for fault in list(self.injector.faults)
                if key in (None, fault.key)
            ],
            "objects": {
                "assistants": sum(len(store.assistants) for store in stores),
                "threads": len(threads),
                "messages": sum(len(thread.messages) for thread in threads),
                "runs": sum(len(thread.runs) for thread in threads),
                "files": sum(len(store.files) for store in stores),
                "vector_stores": sum(len(store.vector_stores) for store in stores),
            },
        }

    def _store_of(self, key: str) -> Store:
        return self.hooks.store_for_tenant(self.server, key)


def _items(scenario: Mapping[str, Any], name: str) -> list[Any]:
    items = scenario.get(name)
    if items is None:
        return []
    return items if isinstance(items, list) else [items]


def _turn_document(turn: tuple[Act, ...]) -> Any:
    acts = [{word: arguments} for word, arguments in turn]
    return acts[0] if len(acts) == 1 else acts


def request_document(request: ReceivedRequest) -> Document:
    """A received request as JSON, without its credentials."""
    return {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "operation": request.operation,
        "headers": {name: value for name, value in request.headers.items() if name not in _HIDDEN_HEADERS},
        "body": request.body,
    }
