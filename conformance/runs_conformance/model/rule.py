"""Rules and constraints: what must hold, how binding it is, and where that was read."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from runs_conformance.model.history import History
from runs_conformance.model.source import Level, Source
from runs_conformance.model.verdict import Result

Unit = TypeVar("Unit")


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
    over: Callable[[History], Iterable[Unit]]
    judge: Callable[[Unit], Iterator[Result]]
    items: tuple[str, ...] = ()
    needs: str = ""
    formerly: tuple[str, ...] = ()
    closed: bool = False


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
    over: Callable[[History], Iterable[Unit]],
    level: Level,
    source: Source,
    capability: str,
    operation: str | None = None,
    items: tuple[str, ...] = (),
    needs: str = "",
    formerly: tuple[str, ...] = (),
    closed: bool = False,
) -> Callable[[Callable[[Unit], Iterator[Result]]], Rule[Unit]]:
    """Declare a function to be a rule; its module names the topic, its docstring is the documentation.

    `items` names the contract's numbered items it covers (`L-03`); `needs` says, for people, what must be given for
    it to be judged at all (a second key, a failing model). A rule is `closed` where a request that the history does not
    hold could explain what it finds. Raises TypeError where the docstring is missing.
    """

    def declare(judge: Callable[[Unit], Iterator[Result]]) -> Rule[Unit]:
        text = inspect.getdoc(judge)
        if not text:
            raise TypeError(f"rule {judge.__name__} has no docstring")
        statement, _, explanation = text.partition("\n\n")
        topic = judge.__module__.rpartition(".")[2]
        return Rule(
            id=f"{topic}.{judge.__name__}",
            level=level,
            source=source,
            capability=capability,
            operation=operation,
            statement=" ".join(statement.split()),
            explanation=textwrap.dedent(explanation).strip(),
            over=over,
            judge=judge,
            items=items,
            needs=needs,
            formerly=formerly,
            closed=closed,
        )

    return declare


AnyRule = Rule[Any]
