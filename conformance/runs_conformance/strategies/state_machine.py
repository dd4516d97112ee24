"""A Hypothesis state machine over the operations of the API, whose examples are judged by the rules of the suite."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

import hypothesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from runs_conformance.app.options import RunOptions
from runs_conformance.evidence.description import describe_request, describe_response
from runs_conformance.generation.fuzzing.actions import ACTIONS, RUN_STARTING_ACTIONS
from runs_conformance.generation.fuzzing.walk_state import WalkState
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import ABSENT
from runs_conformance.model.text import excerpt
from runs_conformance.strategies.example import INVALID_BODY_OPERATIONS, Example
from runs_conformance.strategies.tested_application import TestedApplication

DEFAULT_SETTINGS = settings(
    deadline=None,
    stateful_step_count=20,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""The settings of a machine's `TestCase`: no deadline, since runs take as long as the application lets them."""

_SEEDS = st.integers(0, 2**16 - 1)
_SUBMITTING = tuple(name for name in ACTIONS if name.startswith("submit_"))
_RUNS = ("wait_for_run", "cancel_run", "get_run", "modify_run", "list_steps", "get_step", "use_run_of_other_thread")
_READING = tuple(
    name for name in ACTIONS if name.startswith(("get_", "list_", "read_")) and name not in ("get_run", "get_step")
)
_CHANGING = (
    *("create_thread", "modify_thread", "delete_thread", "create_message", "modify_message", "delete_message"),
    *("create_assistant", "modify_assistant", "delete_assistant"),
)
_STARTING = tuple(name for name in ACTIONS if name in RUN_STARTING_ACTIONS)


class RunsStateMachine(RuleBasedStateMachine):
    """Random sequences of operations on one application; `state_machine` returns a subclass for it.

    Each example has an assistant of its own, and threads and runs that only it uses. At its end all runs are completed
    or cancelled, all objects are read again, and the exchanges are judged.
    """

    application: ClassVar[TestedApplication]

    def __init__(self) -> None:
        super().__init__()
        self._example = Example(self.application.start_conversation(), WalkState(self.application.context))
        created = self._example.begin()
        self.application.require_created(created)

    @rule(action=st.sampled_from(_STARTING), seed=_SEEDS)
    def start_run(self, action: str, seed: int) -> None:
        """Start a run of one kind, as JSON or as a stream."""
        self._perform(action, seed)

    @rule(action=st.sampled_from(_RUNS), seed=_SEEDS)
    def use_run(self, action: str, seed: int) -> None:
        """Read, await, modify or cancel a run."""
        self._perform(action, seed)

    @rule(action=st.sampled_from(_SUBMITTING), seed=_SEEDS)
    def submit(self, action: str, seed: int) -> None:
        """Submit tool outputs: all, some, unknown ones, or the last ones again."""
        self._perform(action, seed)

    @rule(action=st.sampled_from(_CHANGING), seed=_SEEDS)
    def change_objects(self, action: str, seed: int) -> None:
        """Create, modify or delete a thread, a message or an assistant."""
        self._perform(action, seed)

    @rule(action=st.sampled_from((*_READING, "use_second_key")), seed=_SEEDS)
    def read(self, action: str, seed: int) -> None:
        """Read an object or a page of a list."""
        self._perform(action, seed)

    @rule(operation=st.sampled_from(INVALID_BODY_OPERATIONS), seed=_SEEDS)
    def send_invalid_body(self, operation: str, seed: int) -> None:
        """Send a valid body, and then the same with one invalid place."""
        _print_exchanges(self._example.send_invalid_body(operation, seed))

    def teardown(self) -> None:
        """End the example and judge it. Raises RequirementViolated if the application violated a requirement."""
        self._example.finish()
        self.application.judge(self._example.conversation)
        hypothesis.target(float(len(self._example.situations)), label="situations that requests met")

    def _perform(self, action: str, seed: int) -> None:
        _print_exchanges(self._example.perform(action, seed))


def state_machine(
    app: Any,
    options: RunOptions | None = None,
    *,
    base_path: str = "/v1",
    api_key: str | None = None,
    second_api_key: str | None = None,
) -> type[RunsStateMachine]:
    """The state machine of an ASGI or WSGI application, or of the server at a base URL.

    Its `TestCase` is a test for pytest or unittest. An application is served on loopback, at `base_path`, until the
    process ends. Of `options`, those about judging and about the contents of requests apply. Raises UsageError if the
    selection of the options matches nothing.
    """
    application = TestedApplication(app, options or RunOptions(), base_path, api_key, second_api_key)
    machine = type(
        "RunsStateMachine", (RunsStateMachine,), {"application": application, "__doc__": RunsStateMachine.__doc__}
    )
    machine.TestCase.settings = DEFAULT_SETTINGS  # type: ignore[attr-defined]
    return machine


def _print_exchanges(exchanges: Sequence[Exchange]) -> None:
    """Print the exchanges of the smallest failing example."""
    for exchange in exchanges:
        body = "" if exchange.request.body is ABSENT else excerpt(json.dumps(exchange.request.body), 160)
        hypothesis.note(f"{describe_request(exchange)} {body} -> {describe_response(exchange)}")
