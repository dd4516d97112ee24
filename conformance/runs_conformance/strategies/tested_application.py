"""An application under test: it is served, receives the steps of examples, and is judged after each of them."""

from __future__ import annotations

import atexit
import itertools
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

from runs_conformance.app.options import (
    RunOptions,
    build_history_judge,
    check_selection,
    requirements,
    selection_filter,
)
from runs_conformance.app.serve_application import serve_application
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.recorder import NullRecorder
from runs_conformance.client.session import Session
from runs_conformance.client.transport import ExchangeLimits, Transport
from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.outcome import failing_levels
from runs_conformance.errors import InternalError, TargetError
from runs_conformance.evidence.description import describe_response
from runs_conformance.model.case import Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext
from runs_conformance.model.rule import AnyRule, Constraint
from runs_conformance.strategies.violation import violation
from runs_conformance.targets import remote_target

_POLL_INTERVAL_S = 0.005
_TENTH_POLL_FACTOR = 10


@dataclass(slots=True)
class Conversation:
    """The exchanges of one example with the application."""

    name: str
    session: Session
    run_timeout: float
    exchanges_by_step: dict[str, Exchange] = field(default_factory=dict)

    def send(self, step: Step) -> Exchange:
        """Send a step; one with `until` is repeated until the run has one of these statuses, or has ended."""
        started = time.monotonic()
        for attempt in itertools.count(1):
            exchange = self.session.send(step, self.name, self.exchanges_by_step)
            status = exchange.member("status")
            is_over = not step.until or status in step.until or status in TERMINAL or not exchange.accepted
            if is_over or time.monotonic() - started > self.run_timeout:
                return exchange
            time.sleep(_POLL_INTERVAL_S * (1 if attempt < _TENTH_POLL_FACTOR else _TENTH_POLL_FACTOR))
        raise AssertionError("polling ends with a return")


@dataclass(slots=True)
class TestedApplication:
    """An ASGI or WSGI application, or the base URL of a server, with the options by which it is judged.

    An application is served on loopback from the first example until the process ends.
    """

    __test__ = False

    app: Any
    options: RunOptions
    base_path: str = "/v1"
    api_key: str | None = None
    second_api_key: str | None = None
    _session: Session | None = None
    _collector: Collector | None = None
    _count: int = 0

    def __post_init__(self) -> None:
        check_selection(self.options, requirements(self.options.edition).ids())

    @property
    def context(self) -> ProgramContext:
        """The context of the steps."""
        options = self.options
        return ProgramContext(
            edition=options.edition,
            model=options.model,
            other_model=options.other_model,
            prompts=options.prompts,
            run_timeout=options.run_timeout,
            has_second_api_key=self.second_api_key is not None,
        )

    def start_conversation(self) -> Conversation:
        """Start an example. Raises TargetError if the application does not start."""
        session = self._session or self._open()
        self._count += 1
        return Conversation(f"example_{self._count}", session, self.options.run_timeout)

    def judge(self, conversation: Conversation) -> None:
        """Judge an example. Raises RequirementViolated if it fails, InternalError for an error of the suite."""
        assert self._collector is not None
        known = requirements(self.options.edition)
        history, tallies = build_history_judge(self.options).judge_exchanges(
            conversation.name, self._collector.take(conversation.name)
        )
        if errors := [error for tally in tallies.values() for error in tally.errors]:
            raise InternalError(errors[0])
        failing, is_selected = failing_levels(self.options.fail_on), selection_filter(self.options, known)
        requirement_of: dict[str, AnyRule | Constraint] = {**known.constraints, **known.rules}
        findings = {
            id_: tuple(tally.findings)
            for id_, tally in tallies.items()
            if tally.findings
            and id_ in requirement_of
            and requirement_of[id_].level.value in failing
            and is_selected(id_)
        }
        if findings:
            raise violation(history, {id_: requirement_of[id_].statement for id_ in findings}, findings)

    def require_created(self, exchange: Exchange) -> None:
        """Raise TargetError if the application did not create what every example needs."""
        if not exchange.accepted or not isinstance(exchange.member("id"), str):
            raise TargetError(f"{exchange.operation} got {describe_response(exchange)}")

    def _open(self) -> Session:
        resources = ExitStack()
        atexit.register(resources.close)
        is_url = isinstance(self.app, str)
        base_url = self.app if is_url else resources.enter_context(serve_application(self.app)) + self.base_path
        target = remote_target(base_url, api_key=self.api_key, second_api_key=self.second_api_key)
        limits = ExchangeLimits(idle=self.options.timeout, total=self.options.timeout)
        transport = resources.enter_context(closing(Transport(target.address, limits)))
        credentials = Credentials(self.api_key, self.second_api_key, target.address.dialect.key_header)
        self._collector = Collector(NullRecorder(credentials), Budget())
        self._session = Session(transport, self._collector, credentials, self.options.edition)
        return self._session
