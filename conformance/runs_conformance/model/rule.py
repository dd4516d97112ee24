"""Rules and constraints: requirements with their level and source."""

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

_TOPICS = f"{__name__.partition('.')[0]}.rules."
"""The package of the standard rules, whose modules and packages are the topics."""


SECOND_KEY = "a key of another tenant (--second-api-key)"
FAILING_MODEL = "a model whose runs end failed (--failing-model)"
"""The needs of rules and programs that a user may provide for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Generic[Unit]):
    """A requirement that is judged over recorded evidence. Its id is `<topic>.<function>`.

    `units` derives the units to judge from a program's history. `judge` yields a `Passed`, `Finding` or `Inconclusive`
    for each check of a unit, and nothing if the requirement does not apply to it. A rule that `needs_complete_history`
    relies on the history to contain every request to its objects. A pass needs this many `occasions`, which are judged
    units. A rule that `judges_whole_history` compares or counts exchanges about objects that have nothing in common.
    A pass may be chance if one of the rules that it `relies_on` fails in all parts of its evidence. A pass needs a
    passed unit, `Passed(operation)`, of each operation in `needs_on_each` that the target offers. In a test run it also
    needs a passed unit of each part in `needs_parts` whose operations, the items after its name, the target offers.
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
    clauses: tuple[str, ...] = ()
    needs: str = ""
    formerly: tuple[str, ...] = ()
    needs_complete_history: bool = False
    occasions: int = 1
    judges_whole_history: bool = False
    relies_on: tuple[str, ...] = ()
    needs_on_each: tuple[str, ...] = ()
    needs_parts: tuple[tuple[str, ...], ...] = ()

    @property
    def guidance(self) -> str:
        """The explanation, and the fix as its last paragraph."""
        return "\n\n".join(filter(None, (self.explanation, self.fix and f"{_FIX}{self.fix}")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A requirement stated by a schema keyword: `create_run.max_prompt_tokens.minimum`, `run.completed_at.type`.

    `side` is `request` (the target must refuse requests that violate it and accept those that satisfy it) or `response`
    (the target's responses must satisfy it). It applies only under its `condition`, such as `type is function`, if any.
    """

    id: str
    side: str
    level: Level
    source: Source
    capability: str
    operation: str | None
    statement: str
    condition: str = ""


def rule(
    *,
    units: Callable[[History], Iterable[Unit]],
    level: Level,
    source: Source,
    capability: str,
    operation: str | None = None,
    clauses: tuple[str, ...] = (),
    needs: str = "",
    formerly: tuple[str, ...] = (),
    needs_complete_history: bool = False,
    occasions: int = 1,
    judges_whole_history: bool = False,
    relies_on: tuple[str, ...] = (),
    needs_on_each: tuple[str, ...] = (),
    needs_parts: tuple[tuple[str, ...], ...] = (),
) -> Callable[[Callable[[Unit], Iterator[Result]]], Rule[Unit]]:
    """Declare a function to be a rule. Its docstring is its documentation.

    Its topic is the name of its module or, for a standard rule, of the module or package in `rules/` that contains it.

    The docstring consists of a statement, an optional explanation, and an optional last paragraph that starts with
    `Fix: `. `clauses` are the slugs of the clauses of the contract that the rule covers (`terminal-status-is-final`).
    `needs` tells the user what must be configured for the rule to be judged at all, such as a second key or a failing
    model. A rule `needs_complete_history` if a request that is missing from the history could explain its findings. A
    rule about what never happens needs enough `occasions` for a pass. A rule `judges_whole_history` if its units count
    exchanges that concern different objects; it is then judged once for a recording that is judged in parts. A rule
    `relies_on` the ids of rules that, if they fail, leave a pass to chance. `needs_on_each` names the operations that
    are each judged before a pass, and `needs_parts` what else a test run must have seen, each with the operations that
    lead there. Raises TypeError if the docstring is missing.
    """

    def declare(judge: Callable[[Unit], Iterator[Result]]) -> Rule[Unit]:
        text = inspect.getdoc(judge)
        if not text:
            raise TypeError(f"rule {judge.__name__} has no docstring")
        statement, *paragraphs = text.split("\n\n")
        fix = paragraphs.pop().removeprefix(_FIX) if paragraphs and paragraphs[-1].startswith(_FIX) else ""
        return Rule(
            id=f"{_topic(judge.__module__)}.{judge.__name__}",
            level=level,
            source=source,
            capability=capability,
            operation=operation,
            statement=" ".join(statement.split()),
            explanation="\n\n".join(paragraphs).strip(),
            fix=" ".join(fix.split()),
            units=units,
            judge=judge,
            clauses=clauses,
            needs=needs,
            formerly=formerly,
            needs_complete_history=needs_complete_history,
            occasions=occasions,
            judges_whole_history=judges_whole_history,
            relies_on=relies_on,
            needs_on_each=needs_on_each,
            needs_parts=needs_parts,
        )

    return declare


def _topic(module: str) -> str:
    inside = module.removeprefix(_TOPICS)
    return module.rpartition(".")[2] if inside == module else inside.partition(".")[0]


AnyRule = Rule[Any]
