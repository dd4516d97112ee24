"""The decorator that declares a function to be a program."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from runs_conformance.model.program import Program, ProgramContext, StepGenerator


def program(
    phase: str,
    capability: str,
    *,
    runs: int = 0,
    requests: int,
    needs: str = "",
    needs_text: str = "",
    since: str = "",
    seconds: float = 0.0,
    writes: bool = True,
) -> Callable[[Callable[[ProgramContext], StepGenerator]], Program]:
    """Declare a generator function to be a program.

    Its name becomes the id and the first paragraph of its docstring the title. `runs` and `requests` are its greatest
    cost on a correct and fast target; every additional poll adds a request.
    """

    def declare(generate: Callable[[ProgramContext], StepGenerator]) -> Program:
        title = (inspect.getdoc(generate) or "").partition("\n\n")[0]
        if not title:
            raise TypeError(f"program {generate.__name__} has no docstring")
        return Program(
            id=f"{phase}.{generate.__name__}",
            title=" ".join(title.split()),
            phase=phase,
            capability=capability,
            generate=generate,
            runs=runs,
            requests=requests,
            needs=needs,
            needs_text=needs_text,
            since=since,
            seconds=seconds,
            writes=writes,
        )

    return declare
