"""Rules and constraints: what must hold, how binding it is, and where that was read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from runs_conformance.model.history import History
from runs_conformance.model.source import Level, Source
from runs_conformance.model.verdict import Result

Unit = TypeVar("Unit")

_FIX = "Fix: "
"""The start of the docstring's last paragraph, which says how to fix a violation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Generic[Unit]):
    """One thing that must hold, judged over recorded evidence.

    `over` derives the units from a program's history; `judge` yields one `Held`, `Finding` or `Undecided` for each
    thing it looked at in a unit, and nothing where there was nothing to judge. The id is `<topic>.<function>`.
    `closed` says that it takes the history to hold all that anybody did to what it looks at.
    """

    id: str
    level: Level
    source: Source
    capability: str
    operation: str | None
    statement: str
    explanation: str
    fix: str
    units: Callable[[History], Iterable[Unit]]
    judge: Callable[[Unit], Iterator[Result]]
    requirements: tuple[str, ...] = ()
    needs: str = ""
    formerly: tuple[str, ...] = ()
    needs_complete_history: bool = False

    @property
    def guidance(self) -> str:
        """The explanation, and the fix as its last paragraph."""
        return "\n\n".join(filter(None, (self.explanation, self.fix and f"{_FIX}{self.fix}")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A rule that a schema keyword states: `create_run.max_prompt_tokens.minimum`, `run.completed_at.type`.

    `side` is `request` (the target must refuse what breaks it and accept what does not) or `response` (the target's
    answers keep it).
    """

    id: str
    side: str
    level: Level
    source: Source
    capability: str
    operation: str | None
    statement: str


def rule(
    *,
    units: Callable[[History], Iterable[Unit]],
    level: Level,
    source: Source,
    capability: str,
    operation: str | None = None,
    requirements: tuple[str, ...] = (),
    needs: str = "",
    formerly: tuple[str, ...] = (),
    needs_complete_history: bool = False,
) -> Callable[[Callable[[Unit], Iterator[Result]]], Rule[Unit]]:
    """Declare a function to be a rule; its module names the topic, its docstring is the documentation.

    `requirements` are the slugs of the requirements it covers (`terminal-status-is-final`); `needs` says, for people,
    what must be given for it to be judged at all (a second key, a failing model). A rule is `closed` where a request that the history does not
    hold could explain what it finds. Raises TypeError where the docstring is missing.
    """

    def declare(judge: Callable[[Unit], Iterator[Result]]) -> Rule[Unit]:
        text = inspect.getdoc(judge)
        if not text:
            raise TypeError(f"rule {judge.__name__} has no docstring")
        statement, *paragraphs = text.split("\n\n")
        fix = paragraphs.pop().removeprefix(_FIX) if paragraphs and paragraphs[-1].startswith(_FIX) else ""
        topic = judge.__module__.rpartition(".")[2]
        return Rule(
            id=f"{topic}.{judge.__name__}",
            level=level,
            source=source,
            capability=capability,
            operation=operation,
            statement=" ".join(statement.split()),
            explanation="\n\n".join(paragraphs).strip(),
            fix=" ".join(fix.split()),
            units=units,
            judge=judge,
            requirements=requirements,
            needs=needs,
            formerly=formerly,
            needs_complete_history=needs_complete_history,
        )

    return declare


AnyRule = Rule[Any]
