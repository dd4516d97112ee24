"""Runs programs in tests: on targets that are a single function, and on the emulator over a socket."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from runs_conformance.client.base_url import parse_address
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.prepared_request import PreparedRequest, prepare
from runs_conformance.client.recorder import NullRecorder
from runs_conformance.client.session import Session
from runs_conformance.client.transport import Transport
from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.case import Concurrent, Move, Step, Unmet
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.json import JSON
from runs_conformance.model.program import Program, ProgramContext

ScriptedAnswer = tuple[int, JSON] | None
"""The response of a scripted target: HTTP status and body, or None for no response."""

Received = Exchange | tuple[Exchange, ...]
"""The exchanges that a program receives for a move."""


@dataclass(slots=True)
class ExecutedProgram:
    """The record of a program: its exchanges in order, and each of its moves with what it received for it."""

    program: Program
    exchanges: list[Exchange] = field(default_factory=list)
    moves: list[tuple[Move, Received]] = field(default_factory=list)

    @property
    def steps(self) -> list[Step]:
        """The steps of all moves."""
        return [step for move, _ in self.moves for step in (move.steps if isinstance(move, Concurrent) else (move,))]

    @property
    def runs(self) -> int:
        """The number of runs that were created."""
        return sum(1 for e in self.exchanges if e.accepted and OPERATIONS[str(e.operation)].creates == "run")


def run_program(
    program: Program,
    context: ProgramContext,
    send: Callable[[Step, dict[str, Exchange]], Exchange],
    send_concurrently: Callable[[tuple[Step, ...], dict[str, Exchange]], tuple[Exchange, ...]],
    run_timeout: float = 20.0,
) -> ExecutedProgram:
    """Run a program to its end; an unresolved reference raises UnresolvedReference."""
    executed = ExecutedProgram(program)
    answers: dict[str, Exchange] = {}
    moves = program.generate(context)
    received: Received | None = None
    while True:
        try:
            move = moves.send(received)
        except StopIteration:
            return executed
        if isinstance(move, Unmet):
            received = None
            continue
        if isinstance(move, Concurrent):
            received = send_concurrently(move.steps, answers)
            executed.exchanges += received
        else:
            exchanges = _send_until(move, lambda step=move: send(step, answers), run_timeout)  # type: ignore[misc]
            executed.exchanges += exchanges
            received = exchanges[-1]
        executed.moves.append((move, received))


def _send_until(step: Step, send_once: Callable[[], Exchange], run_timeout: float) -> list[Exchange]:
    """Send a step once, or repeatedly if it polls."""
    began = time.monotonic()
    exchanges = [send_once()]
    while step.until and exchanges[-1].member("status") not in (*step.until, *TERMINAL):
        if exchanges[-1].refused or time.monotonic() - began >= run_timeout:
            break
        time.sleep(max(0.012, 0.4 * (time.monotonic() - began)))
        exchanges.append(send_once())
    return exchanges


def run_scripted(
    program: Program, context: ProgramContext, target: Callable[[PreparedRequest], ScriptedAnswer]
) -> ExecutedProgram:
    """Run a program on a target that is a single function; polling sends one request."""
    count = 0

    def send(step: Step, answers: dict[str, Exchange]) -> Exchange:
        nonlocal count
        count += 1
        assert count < 1000, f"{program.id} does not end"
        prepared = prepare(step, answers)
        answer = target(prepared)
        exchange = Exchange(
            id=f"x{count}",
            index=count,
            program=program.id,
            operation=step.operation,
            request=Request(prepared.method, prepared.path, prepared.query, {}, prepared.body),
            response=None if answer is None else Response(answer[0], body=answer[1]),
            completion=Completion.UNKNOWN if answer is None else Completion.ANSWERED,
            started=float(count),
            ended=count + 0.5,
            step=step,
            path=prepared.ids or {},
        )
        if step.name:
            answers[step.name] = exchange
        return exchange

    def send_concurrently(steps: tuple[Step, ...], answers: dict[str, Exchange]) -> tuple[Exchange, ...]:
        return tuple(send(step, answers) for step in steps)

    return run_program(program, context, send, send_concurrently, run_timeout=0)


@contextmanager
def emulator(step_ms: float = 5, expires_s: float = 600, edition: str = "2026-08-14") -> Iterator[Session]:
    """Open a session with an emulator in a separate process."""
    primary, second = "sk-own-for-the-tests", "sk-second-for-the-tests"
    arguments = ["--watch-stdin", "--step-ms", str(step_ms), "--expires-s", str(expires_s), "--edition", edition]
    process = subprocess.Popen(
        [sys.executable, "-m", "runs_conformance.emulator", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "RUNS_EMULATOR_KEYS": f"{primary},{second}"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        url = json.loads(process.stdout.readline())["url"]
        session = Session(Transport(parse_address(url)), NullRecorder(), Credentials(primary, second), edition)
        yield session
        session.close()
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def run_all(
    programs: list[Program], context: ProgramContext, session: Session, workers: int = 6
) -> Mapping[str, ExecutedProgram]:
    """Run programs concurrently on one target."""

    def run_one(program: Program) -> ExecutedProgram:
        return run_program(
            program,
            context,
            lambda step, answers: session.send(step, program.id, answers),
            lambda steps, answers: session.send_concurrently(steps, program.id, answers),
        )

    with ThreadPoolExecutor(workers) as pool:
        return {executed.program.id: executed for executed in pool.map(run_one, programs)}
