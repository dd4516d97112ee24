"""How a function is declared to be a program."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from runs_conformance.model.program import Play, Program, Setting


def program(
    phase: str,
    capability: str,
    *,
    runs: int = 0,
    requests: int,
    quick: bool = False,
    needs: str = "",
    needs_text: str = "",
    since: str = "",
    seconds: float = 0.0,
    writes: bool = True,
) -> Callable[[Callable[[Setting], Play]], Program]:
    """Declare a generator function to be a program: its name makes the id, its docstring's first sentence the title.

    `runs` and `requests` are what it costs at most on a correct and fast target; every further poll adds a request.
    """

    def declare(play: Callable[[Setting], Play]) -> Program:
        title = (inspect.getdoc(play) or "").partition("\n\n")[0]
        if not title:
            raise TypeError(f"program {play.__name__} has no docstring")
        return Program(
            id=f"{phase}.{play.__name__}",
            title=" ".join(title.split()),
            phase=phase,
            capability=capability,
            play=play,
            runs=runs,
            requests=requests,
            needs=needs,
            needs_text=needs_text,
            since=since,
            quick=quick,
            seconds=seconds,
            writes=writes,
        )

    return declare
