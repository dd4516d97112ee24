"""The boundary programs: one or two for each operation whose requests have constraints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from runs_conformance.contract.constraint import constraints, keywords, request_bodies, request_queries
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.schema import compiled
from runs_conformance.generation.boundary.cases import Material, material
from runs_conformance.generation.boundary.execution import playing, playing_further
from runs_conformance.generation.boundary.fixtures import STAGES, Stage
from runs_conformance.generation.boundary.invalid_values import MOST_ITEMS
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.model.program import Play, Program, Setting

_STARTING = frozenset({"create_run", "create_thread_and_run", "submit_tool_outputs"})
"""The operations of which each accepted request uses up a run."""

_ON_A_RUN = frozenset({"modify_run", "list_run_steps", "get_run_step"})
"""The operations that need one run, and use up none."""

_TOGETHER = {"list_run_steps": ("list_run_steps", "get_run_step")}
"""Operations whose requests are sent upon the same run, which the first of them makes ready."""

_QUICK = _STARTING | {"modify_run"}

_NOTHING = frozenset({""})
_READS: Mapping[str, frozenset[str]] = {
    "list_assistants": frozenset(),
    "list_messages": frozenset({"thread"}),
    "list_runs": frozenset({"thread"}),
    "list_run_steps": frozenset({"thread", "run"}),
}
"""The operations whose requests only read, with what has to be given for them."""

NEEDS_FILES = "ids of files and vector stores that the target has"


def programs(setting: Setting, operations: Iterable[str] | None = None) -> list[Program]:
    """The boundary programs for a setting, of all operations or of these.

    Where an assistant is given, none are made and none is modified; nor is a thread that is given.
    """
    chosen = set(STAGES) if operations is None else set(operations)
    if "assistant" in setting.given:
        chosen -= {"create_assistant", "modify_assistant"}
    if "thread" in setting.given:
        chosen -= {"modify_thread"}
    followers = {name for names in _TOGETHER.values() for name in names[1:]}
    return [
        program
        for name in STAGES
        if name not in followers and not chosen.isdisjoint(_TOGETHER.get(name, (name,)))
        for program in _programs(name, setting)
    ]


def unsendable(edition: str = DEFAULT_EDITION) -> Mapping[str, str]:
    """The request constraints that no request can break, each with the reason."""
    found: dict[str, str] = {}
    for operation, document in request_queries().items():
        for id_, keyword, _, _ in keywords(compiled(document, operation, edition)):
            if keyword == "type" and id_ != f"{operation}.type" and not id_.endswith(".limit.type"):
                found[id_] = "every value of a query is a string"
    for operation, document in request_bodies().items():
        for id_, keyword, _, value in keywords(compiled(document, operation, edition)):
            if keyword == "maxItems" and value > MOST_ITEMS:
                found[id_] = f"a list of {value + 1:,} items is longer than the suite sends"
    known = constraints(edition)
    return {id_: reason for id_, reason in found.items() if id_ in known}


def lacking(setting: Setting) -> Mapping[str, str]:
    """The request constraints that cannot be shown in a setting, each with what would have to be given."""
    shown = {id_ for name in STAGES for step in material_in(name, setting).negatives for id_ in step.exercises}
    left = (id_ for id_, constraint in constraints(setting.edition).items() if constraint.side == "request")
    never = unsendable(setting.edition)
    return {id_: NEEDS_FILES for id_ in left if id_ not in shown and id_ not in never}


def _programs(operation: str, setting: Setting) -> Iterator[Program]:
    """The program of an operation's negatives, and where legal values cost runs another of those it can do without."""
    stage, together = STAGES[operation], _TOGETHER.get(operation, (operation,))
    planned = material_in(operation, setting)
    writes = not setting.read_only or not _READS.get(operation, _NOTHING) <= {*setting.given}

    def make(setting: Setting) -> Material:
        return material_in(operation, setting)

    def followed(setting: Setting) -> Iterator[tuple[Stage, Material]]:
        return ((STAGES[name], material_in(name, setting)) for name in together)

    def program(id_: str, title: str, play: Callable[[Setting], Play], accepted: int, refused: int) -> Program:
        return Program(
            id=id_,
            title=title,
            phase="boundary",
            capability="listing" if operation.startswith("list_") else "validation",
            play=play,
            runs=accepted if operation in _STARTING else int(operation in _ON_A_RUN),
            requests=4 + accepted * (3 if stage.leave else 1) + refused,
            quick=(operation in _QUICK and id_ == f"boundary.{operation}") or not writes,
            writes=writes,
            operations=together,
        )

    first = f"boundary.{operation}"
    title = f"Illegal values of {' and '.join(together)}, at every bound, beside legal ones"
    apart = operation in _STARTING
    legal = len(planned.twins) if apart else len(planned.twins) + len(planned.further)
    others = [material_in(name, setting) for name in together[1:]]
    legal += sum(1 + len(each.twins) + len(each.further) for each in others)
    refused = sum(len(each.negatives) for each in (planned, *others))
    yield program(first, title, playing(followed, apart), 1 + legal, refused)
    if apart and planned.further:
        title = f"Further legal values of {operation}, at every bound"
        yield program(f"{first}.legal", title, playing_further(stage, make), len(planned.further), 0)


def material_in(operation: str, setting: Setting) -> Material:
    """The requests for an operation in a setting."""
    given = frozenset(setting.given.items())
    return _material(operation, setting.edition, setting.model, setting.accepts_any_file_id, given)


@lru_cache(maxsize=64)
def _material(operation: str, edition: str, model: str, any_file: bool, given: frozenset[tuple[str, str]]) -> Material:
    stage = STAGES[operation]
    return material(operation, edition, Sampler(model, any_file, dict(given)), stage.path, stage.name)
