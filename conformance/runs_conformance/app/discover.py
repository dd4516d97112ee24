"""A first look at a server: how it is spoken to, and what it offers; a few requests and one short run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeVar

from runs_conformance.client.base_url import Address
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.recorder import Unrecorded
from runs_conformance.client.session import Session
from runs_conformance.client.transport import Limits, Transport
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.engine import preflight
from runs_conformance.engine.budget import Budget
from runs_conformance.engine.capabilities import folded, not_offered, surface
from runs_conformance.engine.collector import Collector
from runs_conformance.engine.interruptible import awaited
from runs_conformance.engine.resources import HURRY, sweep
from runs_conformance.generation.programs.all_operations import UNKNOWN
from runs_conformance.generation.programs.steps import PROMPTS
from runs_conformance.model.case import Ref, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import ABSENT, is_array, is_object

LIMITS = Limits(connect=10.0, idle=30.0, total=30.0, stream=60.0)
PROGRAM = "scouting"

_T = TypeVar("_T")
_DENIED, _ABSENT = (401, 403), (404, 405, 410, 501)


@dataclass(frozen=True, slots=True)
class Scouted:
    """What was found: the address that answered, and what is not offered, with the reason.

    `models` are those that the server lists. `started` says whether a run could be started, None where it could not be
    tried; `refused` why it was not.
    """

    address: Address
    missing: Mapping[str, str]
    models: Sequence[str] = ()
    model: str = ""
    started: bool | None = None
    refused: str = ""
    streams: bool | None = None
    requests: int = 0
    needs_key: bool = True
    left: Sequence[str] = ()


def scout(addresses: Iterable[Address], key: str | None, model: str) -> Scouted:
    """Look at the first of these addresses that answers as the API does.

    Raises TargetError, in one clear line, where none does.
    """
    every = list(addresses)
    sent = 0
    for address in every:
        with closing(_Look(address, key)) as look:
            answers = look.uninterrupted(look.answers)
            sent += look.requests
            if answers:
                return replace(look.uninterrupted(lambda: look.around(model)), requests=sent + look.requests)
    with closing(_Look(every[0], key)) as look:
        preflight.preflight(look.session, every[0].url)
        return replace(look.uninterrupted(lambda: look.around(model)), requests=sent + look.requests)


class _Look:
    """One server being looked at."""

    def __init__(self, address: Address, key: str | None) -> None:
        self.address = address
        credentials = Credentials(key, None, address.dialect.key_header, address.secrets)
        self.budget = Budget()
        self.collector = Collector(Unrecorded(credentials), self.budget)
        self.session = Session(Transport(address, LIMITS), self.collector, credentials)
        self.answered: dict[str, Exchange] = {}

    @property
    def requests(self) -> int:
        return self.session.requests

    def close(self) -> None:
        """Close the connections, and leave nothing behind, whatever ended the look."""
        sweep(self.collector.ledger.left, self.session, seconds=HURRY)
        self.session.close()

    def uninterrupted(self, work: Callable[[], _T]) -> _T:
        """What the work gives; an interruption lets the request end that is under way, and no other begin."""
        return awaited(work, PROGRAM, lambda: self.budget.stop("interrupted"))

    def answers(self) -> bool:
        """Whether this address is the one: it neither lacks the routes nor refuses the key."""
        first = self._sent(Step(operation="list_assistants", query=(("limit", "1"),), role=Role.LOOK))
        if first.accepted and is_object(first.body):
            return True
        if first.response is None or first.status in _DENIED:
            return False
        second = self._sent(_THREAD)
        return second.accepted and is_object(second.body)

    def around(self, model: str) -> Scouted:
        """What the server offers."""
        no_route = preflight.no_route(self.session)
        models = self._models()
        chosen = model if model in models or not models else models[0]
        for step in _steps(chosen):
            if self._can(step):
                self._sent(step)
        run, stream = self.answered.get("run"), self.answered.get("stream")
        seen = surface(self.collector.take(PROGRAM), no_route)
        sweep(self.collector.ledger.left, self.session, seconds=30.0)
        tried = run if run is not None else stream
        return Scouted(
            address=self.address,
            missing=not_offered(folded([seen])),
            models=models,
            model=chosen,
            started=None if tried is None else tried.accepted,
            refused=_why(tried),
            streams=None if stream is None else stream.accepted and bool(stream.events),
            needs_key=self._needs_key(),
            left=tuple(str(thing) for thing in self.collector.ledger.left()),
        )

    def _sent(self, step: Step) -> Exchange:
        self.budget.check()
        return self.session.send(step, PROGRAM, self.answered)

    def _can(self, step: Step) -> bool:
        """Whether everything is there that a step refers to."""
        body = step.body if is_object(step.body) else {}
        refs = [value for value in (*step.path.values(), *body.values()) if isinstance(value, Ref)]
        return all(ref.step in self.answered and self.answered[ref.step].member("id") is not ABSENT for ref in refs)

    def _models(self) -> list[str]:
        """The models that the server lists, where it has such a list; the operation is none of the surface."""
        body = self.session.outside("/models", preflight.OUTSIDE).body
        data = body.get("data") if is_object(body) else None
        ids = [item.get("id") for item in data if is_object(item)] if is_array(data) else []
        return [id_ for id_ in ids if isinstance(id_, str) and id_.isprintable() and len(id_) < 100]

    def _needs_key(self) -> bool:
        anonymous = Session(self.session.transport, Unrecorded(), Credentials())
        exchange = anonymous.send(Step(operation="list_assistants", role=Role.LOOK), PROGRAM, {})
        return exchange.status in _DENIED


_THREAD = Step(
    operation="create_thread",
    name="thread",
    body={"messages": [{"role": "user", "content": PROMPTS["plain"]}]},
    role=Role.FIXTURE,
)


def _steps(model: str) -> Iterator[Step]:
    """A request for every operation that tells whether it is there, and the runs that tell whether it works."""
    body = {"model": model, "instructions": "Answer briefly."}
    yield Step(operation="create_assistant", name="assistant", body=body, role=Role.FIXTURE)
    yield _THREAD
    for name, operation in OPERATIONS.items():
        if operation.method == "GET" or name in ("cancel_run", "submit_tool_outputs", "modify_message", "modify_run"):
            path = {parameter: UNKNOWN[parameter] for parameter in operation.parameters}
            if "thread_id" in path:
                yield Step(operation=name, path={**path, "thread_id": Ref("thread")}, body=_body(name))
            elif not path:
                yield Step(operation=name, role=Role.LOOK)
    in_thread = {"thread_id": Ref("thread")}
    run = {"assistant_id": Ref("assistant"), "stream": True}
    yield Step(operation="create_run", name="stream", path=in_thread, body=run, stream=True)
    yield Step(operation="create_thread", name="other", body=_THREAD.body, role=Role.FIXTURE)
    plain = {"assistant_id": Ref("assistant")}
    yield Step(operation="create_run", name="run", path={"thread_id": Ref("other")}, body=plain, role=Role.FIXTURE)
    yield Step(operation="create_thread_and_run", body={"assistant_id": UNKNOWN["assistant_id"]})


def _body(name: str) -> object:
    bodies: dict[str, object] = {"submit_tool_outputs": {"tool_outputs": []}, "modify_message": {}, "modify_run": {}}
    return bodies.get(name, ABSENT)


def _why(run: Exchange | None) -> str:
    if run is None or run.accepted:
        return ""
    error = run.body.get("error") if is_object(run.body) else None
    message = error.get("message") if is_object(error) else None
    said = f": {' '.join(message.split())[:160]}" if isinstance(message, str) else ""
    return f"HTTP {run.status}{said}"
