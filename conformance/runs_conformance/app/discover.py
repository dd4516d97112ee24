"""Discovers how to address a server and what it offers, with a few requests and two short runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TypeVar

from runs_conformance.app.discover_edition import find_edition
from runs_conformance.client.base_url import Address
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.recorder import NullRecorder
from runs_conformance.client.session import Session
from runs_conformance.client.transport import ExchangeLimits, Transport
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine import form_search, polling, preflight
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.capabilities import (
    Signature,
    capabilities_not_offered,
    collect_stats,
    merge_stats,
    operations_not_offered,
)
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.interruptible import run_interruptible
from runs_conformance.engine.resources import INTERRUPTED_CLEANUP_SECONDS, delete_leftovers
from runs_conformance.evidence.description import describe_request
from runs_conformance.generation.programs.survey import CREATE_THREAD, RUN, STREAM, survey
from runs_conformance.model.case import Role, Step
from runs_conformance.model.error_message import summarize_error
from runs_conformance.model.exchange import UNAUTHORIZED_STATUSES, Completion, Exchange
from runs_conformance.model.json import is_object
from runs_conformance.model.program import ProgramContext
from runs_conformance.model.request_forms import RequestForms

LIMITS = ExchangeLimits(connect=10.0, idle=30.0, total=30.0, stream=60.0)
PROGRAM = "discovery"

RESTART_PAUSES = (0.0, 1.0, 3.0)
"""Seconds before each attempt to reach a server that left a request unanswered; it may be restarting."""

MAX_LOST = 3
"""Number of requests without a response after which the survey stops."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Discovery:
    """The address that responded, and what the server does not offer, with the reason.

    `models` are those that the server lists. `run_accepted` is None if no run could be attempted; `refusal` says why a
    run was refused, `run_failed` that it was an error of the server instead. `needs_key` is None if unknown. `lost`
    holds the requests that got no response, `stopped` says why the survey stopped. `request_forms` are those that the
    server accepts, if it refused a smallest one.
    """

    address: Address
    missing: Mapping[str, str]
    models: Sequence[str] = ()
    model: str = ""
    edition: str = DEFAULT_EDITION
    run_accepted: bool | None = None
    refusal: str = ""
    run_failed: bool = False
    streams: bool | None = None
    requests: int = 0
    needs_key: bool | None = None
    leftovers: Sequence[str] = ()
    lost: Sequence[str] = ()
    stopped: str = ""
    request_forms: RequestForms = field(default_factory=RequestForms)


class _ServerGone(Exception):  # noqa: N818 -- it describes the server
    """The server does not respond any more."""


def discover(addresses: Iterable[Address], key: str | None, model: str) -> Discovery:
    """Survey the first of these addresses that speaks the API.

    Raises TargetError, in one line, if none does.
    """
    candidates = list(addresses)
    sent = 0
    denies = False
    for address in candidates:
        with closing(_Probe(address, key)) as probe:
            speaks_the_api = probe.finish_current_request(probe.speaks_the_api)
            sent += probe.requests
            if speaks_the_api:
                found = probe.finish_current_request(lambda: probe.survey(model))
                # A key that another header carried was denied, so this one is examined.
                needs_key = True if denies and found.needs_key is None else found.needs_key
                return replace(found, requests=sent + probe.requests, needs_key=needs_key)
            denies |= probe.is_denied
    with closing(_Probe(candidates[0], key)) as probe:
        preflight.check_target(probe.session, candidates[0].url)
        return replace(probe.finish_current_request(lambda: probe.survey(model)), requests=sent + probe.requests)


class _Probe:
    """Sends the requests of a discovery to one address."""

    def __init__(self, address: Address, key: str | None) -> None:
        self.address = address
        credentials = Credentials(key, None, address.dialect.key_header, address.secrets)
        self.budget = Budget()
        self.collector = Collector(NullRecorder(credentials), self.budget)
        self.session = Session(Transport(address, LIMITS), self.collector, credentials)
        self.responses: dict[str, Exchange] = {}
        self.lost: list[str] = []
        self.last_answered = ""
        self.is_denied = False
        self.readable: Exchange | None = None

    @property
    def requests(self) -> int:
        return self.session.request_count

    def close(self) -> None:
        """Delete what the probe created and close the connections."""
        delete_leftovers(self.collector.tracker.leftovers, self.session, seconds=INTERRUPTED_CLEANUP_SECONDS)
        self.session.close()

    def finish_current_request(self, work: Callable[[], _T]) -> _T:
        """Call `work`. An interruption lets the current request finish and prevents further ones."""
        return run_interruptible(work, PROGRAM, lambda: self.budget.stop("interrupted"))

    def speaks_the_api(self) -> bool:
        """Whether the address has the routes of the API and accepts the key."""
        first = self._send(Step(operation="list_assistants", query=(("limit", "1"),), role=Role.READ))
        if first.accepted and is_object(first.body):
            return True
        self.is_denied = first.status in UNAUTHORIZED_STATUSES
        if first.response is None or self.is_denied:
            return False
        second = self._send(CREATE_THREAD)
        return second.accepted and is_object(second.body)

    def survey(self, model: str) -> Discovery:
        """Find out what the server offers, as far as it responds."""
        found = Discovery(self.address, {}, model=model)
        no_route, stopped = frozenset[Signature](), ""
        try:
            no_route = preflight.no_route_signatures(self)
            models = preflight.list_models(self)
            found = replace(found, models=models, model=model if model in models or not models else models[0])
            self._call_operations(found.model)
            found = replace(found, needs_key=self._needs_key())
            if self.responses["assistant"].accepted:
                found = replace(found, edition=find_edition(self._send_checked, found.model))
            found = self._with_request_forms(found)
        except _ServerGone as error:
            stopped = str(error)
        stats = merge_stats([collect_stats(self.collector.take(PROGRAM), no_route)])
        singly = {name: f"the target has no {OPERATIONS[name].route}" for name in operations_not_offered(stats)}
        delete_leftovers(
            self.collector.tracker.leftovers, self.session, seconds=30.0, max_unanswered=1 if stopped else 3
        )
        run, stream = self.responses.get(RUN), self.responses.get(STREAM)
        attempt = stream if stream is not None and (stream.accepted or run is None) else run
        return replace(
            found,
            missing={**singly, **capabilities_not_offered(stats)},
            run_accepted=None if attempt is None or attempt.response is None else attempt.accepted,
            refusal=_refusal_text(attempt),
            run_failed=attempt is not None and (attempt.status or 0) >= 500,
            streams=None if stream is None or stream.response is None else stream.accepted and bool(stream.events),
            leftovers=tuple(str(thing) for thing in self.collector.tracker.leftovers()),
            lost=tuple(self.lost),
            stopped=stopped,
        )

    def _with_request_forms(self, discovery: Discovery) -> Discovery:
        """Find out what the server accepts instead, if it refused the smallest assistant, thread or run."""
        required = [self.responses.get(name) for name in ("assistant", "thread", RUN)]
        if not any(exchange is not None and exchange.refused for exchange in required):
            return discovery
        context = ProgramContext(edition=discovery.edition, model=discovery.model)
        is_loopback = self.address.is_loopback
        schedule = polling.loopback_schedule() if is_loopback else polling.remote_schedule()
        adapted = form_search.find_request_forms(context, self.session, self.budget, schedule, lambda: discovery.models)
        forms = adapted.request_forms
        return replace(discovery, request_forms=forms, model=forms.model or discovery.model)

    def probe_path(self, path: str, program: str) -> Exchange:
        """Send a GET request to a path."""
        exchange = self.session.probe_path(path, program)
        self._check_answered(exchange)
        return exchange

    def _call_operations(self, model: str) -> None:
        steps = survey(model)
        step = next(steps)
        while True:
            try:
                step = steps.send(self._send_checked(step))
            except StopIteration:
                return

    def _send_checked(self, step: Step) -> Exchange:
        exchange = self._send(step)
        self._check_answered(exchange)
        return exchange

    def _send(self, step: Step) -> Exchange:
        self.budget.check()
        exchange = self.session.send(step, PROGRAM, self.responses)
        if exchange.accepted and exchange.request.method == "GET":
            self.readable = self.readable or exchange
        return exchange

    def _check_answered(self, exchange: Exchange) -> None:
        """Note a request without a response. Raises _ServerGone if the server does not respond to others either."""
        request = describe_request(exchange)
        if exchange.response is not None:
            self.last_answered = request
            return
        self.lost.append(f"{request} got no response: {exchange.problem or 'the connection was lost'}")
        is_refused = exchange.completion is Completion.NOT_CONNECTED
        if len(self.lost) < MAX_LOST and not is_refused and self._is_alive():
            return
        after = f"; the last request it answered was {self.last_answered}" if self.last_answered else ""
        raise _ServerGone(f"the server stopped responding: {self.lost[0]}{after}")

    def _is_alive(self) -> bool:
        for pause in RESTART_PAUSES:
            time.sleep(pause)
            if self.session.probe_path("/assistants", PROGRAM).response is not None:
                return True
        return False

    def _needs_key(self) -> bool | None:
        """Whether a request that was accepted with the key is denied without it; None if none was accepted."""
        if self.readable is None:
            return None
        read = Step(operation=self.readable.operation or "", path=self.readable.path, role=Role.READ)
        anonymous = Session(self.session.transport, NullRecorder(), Credentials())
        return anonymous.send(read, PROGRAM, {}).status in UNAUTHORIZED_STATUSES


def _refusal_text(run: Exchange | None) -> str:
    if run is None or run.accepted or run.response is None:
        return ""
    message = summarize_error(run.body)
    return f"HTTP {run.status}: {message}" if message else f"HTTP {run.status}"
