"""Playing programs in tests: on targets made of one function, and on the emulator over a socket."""

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

from runs_conformance.client.base_url import address
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.prepared_request import Outgoing, bind
from runs_conformance.client.recorder import Unrecorded
from runs_conformance.client.session import Session
from runs_conformance.client.transport import Transport
from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.case import Move, Step, Together
from runs_conformance.model.exchange import Completion, Exchange, Request, Response
from runs_conformance.model.json import JSON
from runs_conformance.model.program import Program, Setting

Answer = tuple[int, JSON] | None
"""What a scripted target answers: HTTP status and body, or nothing at all."""

Came = Exchange | tuple[Exchange, ...]
"""What a program is sent for a move."""


@dataclass(slots=True)
class Played:
    """What came of a program: its exchanges in order, and each of its moves with what it was sent for it."""

    program: Program
    exchanges: list[Exchange] = field(default_factory=list)
    moves: list[tuple[Move, Came]] = field(default_factory=list)

    @property
    def steps(self) -> list[Step]:
        """The steps of all its moves."""
        return [step for move, _ in self.moves for step in (move.steps if isinstance(move, Together) else (move,))]

    @property
    def runs(self) -> int:
        """How many runs were started."""
        return sum(1 for e in self.exchanges if e.accepted and OPERATIONS[str(e.operation)].creates == "run")


def play(
    program: Program,
    setting: Setting,
    send: Callable[[Step, dict[str, Exchange]], Exchange],
    together: Callable[[tuple[Step, ...], dict[str, Exchange]], tuple[Exchange, ...]],
    patience: float = 20.0,
) -> Played:
    """Play a program to its end; what a step refers to and was not given raises Unbound."""
    played = Played(program)
    answers: dict[str, Exchange] = {}
    moves = program.play(setting)
    came: Came | None = None
    while True:
        try:
            move = moves.send(came)
        except StopIteration:
            return played
        if isinstance(move, Together):
            came = together(move.steps, answers)
            played.exchanges += came
        else:
            looks = _looks(move, lambda step=move: send(step, answers), patience)  # type: ignore[misc]
            played.exchanges += looks
            came = looks[-1]
        played.moves.append((move, came))


def _looks(step: Step, look: Callable[[], Exchange], patience: float) -> list[Exchange]:
    """One exchange, or for a step that polls as many as it takes."""
    began = time.monotonic()
    looks = [look()]
    while step.until and looks[-1].member("status") not in (*step.until, *TERMINAL):
        if looks[-1].refused or time.monotonic() - began >= patience:
            break
        time.sleep(max(0.012, 0.4 * (time.monotonic() - began)))
        looks.append(look())
    return looks


def scripted(program: Program, setting: Setting, target: Callable[[Outgoing], Answer]) -> Played:
    """Play a program on a target that is one function; polling ends after a few looks."""
    count = 0

    def send(step: Step, answers: dict[str, Exchange]) -> Exchange:
        nonlocal count
        count += 1
        assert count < 1000, f"{program.id} does not end"
        outgoing = bind(step, answers)
        answer = target(outgoing)
        exchange = Exchange(
            id=f"x{count}",
            index=count,
            program=program.id,
            operation=step.operation,
            request=Request(outgoing.method, outgoing.path, outgoing.query, {}, outgoing.body),
            response=None if answer is None else Response(answer[0], body=answer[1]),
            completion=Completion.UNKNOWN if answer is None else Completion.ANSWERED,
            started=float(count),
            ended=count + 0.5,
            step=step,
            path=outgoing.ids or {},
        )
        if step.name:
            answers[step.name] = exchange
        return exchange

    def together(steps: tuple[Step, ...], answers: dict[str, Exchange]) -> tuple[Exchange, ...]:
        return tuple(send(step, answers) for step in steps)

    return play(program, setting, send, together, patience=0)


@contextmanager
def emulator(step_ms: float = 5, expires_s: float = 600, edition: str = "2026-08-14") -> Iterator[Session]:
    """A session with an emulator in a process of its own."""
    own, second = "sk-own-for-the-tests", "sk-second-for-the-tests"
    arguments = ["--watch-stdin", "--step-ms", str(step_ms), "--expires-s", str(expires_s), "--edition", edition]
    process = subprocess.Popen(
        [sys.executable, "-m", "runs_conformance.emulator", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "RUNS_EMULATOR_KEYS": f"{own},{second}"},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        url = json.loads(process.stdout.readline())["url"]
        session = Session(Transport(address(url)), Unrecorded(), Credentials(own, second), edition)
        yield session
        session.close()
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def play_all(programs: list[Program], setting: Setting, session: Session, workers: int = 6) -> Mapping[str, Played]:
    """Play programs side by side on one target."""

    def one(program: Program) -> Played:
        return play(
            program,
            setting,
            lambda step, answers: session.send(step, program.id, answers),
            lambda steps, answers: session.together(steps, program.id, answers),
        )

    with ThreadPoolExecutor(workers) as pool:
        return {played.program.id: played for played in pool.map(one, programs)}
