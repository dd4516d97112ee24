"""Discovers how to address a server and what it offers, with a few requests and two short runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeVar

from runs_conformance.client.base_url import Address
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.recorder import NullRecorder
from runs_conformance.client.session import Session
from runs_conformance.client.transport import ExchangeLimits, Transport
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine import preflight
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.capabilities import collect_stats, merge_stats, unsupported_capabilities
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.interruptible import run_interruptible
from runs_conformance.engine.resources import INTERRUPTED_CLEANUP_SECONDS, delete_leftovers
from runs_conformance.generation.programs.all_operations import UNKNOWN_IDS
from runs_conformance.generation.programs.steps import PROMPTS
from runs_conformance.model.case import Ref, Role, Step
from runs_conformance.model.error_message import summarize_error
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import ABSENT, is_object

LIMITS = ExchangeLimits(connect=10.0, idle=30.0, total=30.0, stream=60.0)
PROGRAM = "discovery"

_T = TypeVar("_T")
_DENIED, _ABSENT = (401, 403), (404, 405, 410, 501)


@dataclass(frozen=True, slots=True)
class Discovery:
    """The address that answered, and what the server does not offer, with the reason.

    `models` are those that the server lists. `run_accepted` is None if no run could be attempted; `refusal` says why a
    run was refused.
    """

    address: Address
    missing: Mapping[str, str]
    models: Sequence[str] = ()
    model: str = ""
    run_accepted: bool | None = None
    refusal: str = ""
    streams: bool | None = None
    requests: int = 0
    needs_key: bool = True
    leftovers: Sequence[str] = ()


def discover(addresses: Iterable[Address], key: str | None, model: str) -> Discovery:
    """Survey the first of these addresses that speaks the API.

    Raises TargetError, in one line, if none does.
    """
    candidates = list(addresses)
    sent = 0
    for address in candidates:
        with closing(_Probe(address, key)) as probe:
            speaks_the_api = probe.finish_current_request(probe.speaks_the_api)
            sent += probe.requests
            if speaks_the_api:
                return replace(
                    probe.finish_current_request(lambda: probe.survey(model)), requests=sent + probe.requests
                )
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
        if first.response is None or first.status in _DENIED:
            return False
        second = self._send(_THREAD)
        return second.accepted and is_object(second.body)

    def survey(self, model: str) -> Discovery:
        """Find out what the server offers."""
        no_route = preflight.no_route_signature(self.session)
        models = preflight.list_models(self.session)
        model_used = model if model in models or not models else models[0]
        for step in _steps(model_used):
            if self._can_send(step):
                self._send(step)
        run, stream = self.responses.get("run"), self.responses.get("stream")
        stats = collect_stats(self.collector.take(PROGRAM), no_route)
        delete_leftovers(self.collector.tracker.leftovers, self.session, seconds=30.0)
        attempt = run if run is not None else stream
        return Discovery(
            address=self.address,
            missing=unsupported_capabilities(merge_stats([stats])),
            models=models,
            model=model_used,
            run_accepted=None if attempt is None else attempt.accepted,
            refusal=_refusal_text(attempt),
            streams=None if stream is None else stream.accepted and bool(stream.events),
            needs_key=self._needs_key(),
            leftovers=tuple(str(thing) for thing in self.collector.tracker.leftovers()),
        )

    def _send(self, step: Step) -> Exchange:
        self.budget.check()
        return self.session.send(step, PROGRAM, self.responses)

    def _can_send(self, step: Step) -> bool:
        """Whether every object that the step refers to exists."""
        body = step.body if is_object(step.body) else {}
        refs = [value for value in (*step.path.values(), *body.values()) if isinstance(value, Ref)]
        return all(ref.step in self.responses and self.responses[ref.step].member("id") is not ABSENT for ref in refs)

    def _needs_key(self) -> bool:
        anonymous = Session(self.session.transport, NullRecorder(), Credentials())
        exchange = anonymous.send(Step(operation="list_assistants", role=Role.READ), PROGRAM, {})
        return exchange.status in _DENIED


_THREAD = Step(
    operation="create_thread",
    name="thread",
    body={"messages": [{"role": "user", "content": PROMPTS["plain"]}]},
    role=Role.FIXTURE,
)


def _steps(model: str) -> Iterator[Step]:
    """Yield a request that shows whether each operation exists, and the runs that show whether it works."""
    body = {"model": model, "instructions": "Answer briefly."}
    yield Step(operation="create_assistant", name="assistant", body=body, role=Role.FIXTURE)
    yield _THREAD
    for name, operation in OPERATIONS.items():
        if operation.method == "GET" or name in ("cancel_run", "submit_tool_outputs", "modify_message", "modify_run"):
            path = {parameter: UNKNOWN_IDS[parameter] for parameter in operation.parameters}
            if "thread_id" in path:
                yield Step(operation=name, path={**path, "thread_id": Ref("thread")}, body=_body(name))
            elif not path:
                yield Step(operation=name, role=Role.READ)
    in_thread = {"thread_id": Ref("thread")}
    run = {"assistant_id": Ref("assistant"), "stream": True}
    yield Step(operation="create_run", name="stream", path=in_thread, body=run, stream=True)
    yield Step(operation="create_thread", name="other", body=_THREAD.body, role=Role.FIXTURE)
    plain_run = {"assistant_id": Ref("assistant")}
    yield Step(operation="create_run", name="run", path={"thread_id": Ref("other")}, body=plain_run, role=Role.FIXTURE)
    yield Step(operation="create_thread_and_run", body={"assistant_id": UNKNOWN_IDS["assistant_id"]})


def _body(name: str) -> object:
    bodies: dict[str, object] = {"submit_tool_outputs": {"tool_outputs": []}, "modify_message": {}, "modify_run": {}}
    return bodies.get(name, ABSENT)


def _refusal_text(run: Exchange | None) -> str:
    if run is None or run.accepted:
        return ""
    message = summarize_error(run.body)
    return f"HTTP {run.status}: {message}" if message else f"HTTP {run.status}"
