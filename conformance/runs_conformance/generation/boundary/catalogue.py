"""The boundary programs: one or two for each operation whose requests have constraints."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from runs_conformance.contract.constraint import body_documents, constraints, query_documents, schema_constraints
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.schema import compile_schema
from runs_conformance.generation.boundary.cases import OperationCases, build_cases
from runs_conformance.generation.boundary.execution import CaseRun, case_generator, extra_valid_generator
from runs_conformance.generation.boundary.fixtures import FIXTURES, Fixture
from runs_conformance.generation.boundary.invalid_values import MAX_ITEMS
from runs_conformance.generation.boundary.sample import Sampler
from runs_conformance.generation.boundary.sampling import sample_cases
from runs_conformance.generation.boundary.shared_values import send_to_twins
from runs_conformance.model.case import Instruction
from runs_conformance.model.program import Program, ProgramContext, StepGenerator

_CONSUMES_RUN = frozenset({"create_run", "create_thread_and_run", "submit_tool_outputs"})
"""The operations whose accepted requests each consume a run."""

_NEEDS_RUN = frozenset({"modify_run", "list_run_steps", "get_run_step"})
"""The operations that need one run and do not consume it."""

_SHARED_FIXTURE = {"list_run_steps": ("list_run_steps", "get_run_step")}
"""Operations that use the same run, which the fixture of the first creates."""

_SAMPLING_COSTS = {"create_run": 1}
"""The operations of a sample whose valid requests start runs: those with kinds of constraints that no other has."""

_NEVER_READ_ONLY = frozenset({""})
_READ_ONLY_NEEDS: Mapping[str, frozenset[str]] = {
    "list_assistants": frozenset(),
    "list_messages": frozenset({"thread"}),
    "list_runs": frozenset({"thread"}),
    "list_run_steps": frozenset({"thread", "run"}),
}
"""The operations that only read, with the kinds of existing objects that a read-only test run must supply."""

NEEDS_FILES = "existing files and vector stores (--use file=ID, --use vector_store=ID)"


def programs(
    context: ProgramContext, operations: Iterable[str] | None = None, *, sampled: bool = False
) -> list[Program]:
    """The boundary programs for a target, of all operations or of the given ones.

    An assistant or thread in use is not modified, and no assistant is created in addition to one in use. Programs that
    are `sampled` send one negative for each kind of constraint, and start no run that tests nothing else.
    """
    chosen = set(FIXTURES) if operations is None else set(operations)
    if "assistant" in context.use:
        chosen -= {"create_assistant", "modify_assistant"}
    if "thread" in context.use:
        chosen -= {"modify_thread"}
    sample: Mapping[str, OperationCases] | None = None
    if sampled:
        chosen -= (_NEEDS_RUN | _CONSUMES_RUN) - _SAMPLING_COSTS.keys()
        sample = sample_cases(
            {name: operation_cases(name, context) for name in FIXTURES if name in chosen},
            _SAMPLING_COSTS,
            context.always_sent,
        )
    followers = {name for names in _SHARED_FIXTURE.values() for name in names[1:]}
    return [
        program
        for name in FIXTURES
        if name not in followers and not chosen.isdisjoint(_SHARED_FIXTURE.get(name, (name,)))
        for program in _programs(name, context, sample)
    ]


def unsendable_constraints(edition: str = DEFAULT_EDITION) -> Mapping[str, str]:
    """The request constraints that no request can violate, each with the reason."""
    reasons: dict[str, str] = {}
    for operation, document in query_documents().items():
        for id_, keyword, _, _ in schema_constraints(compile_schema(document, operation, edition)):
            if keyword == "type" and id_ != f"{operation}.type" and not id_.endswith(".limit.type"):
                reasons[id_] = "cannot be violated over HTTP: every query value is a string"
    for operation, document in body_documents().items():
        for id_, keyword, _, value in schema_constraints(compile_schema(document, operation, edition)):
            if keyword == "maxItems" and value > MAX_ITEMS:
                reasons[id_] = f"not tested: it takes a list of {value + 1:,} items"
    known = constraints(edition)
    return {id_: reason for id_, reason in reasons.items() if id_ in known}


def constraints_without_resources(context: ProgramContext) -> Mapping[str, str]:
    """The request constraints that cannot be exercised on a target, each with the resources that are missing."""
    exercised = {
        id_ for name in FIXTURES for step in operation_cases(name, context).negatives for id_ in step.exercises
    }
    requests = (id_ for id_, constraint in constraints(context.edition).items() if constraint.side == "request")
    unsendable = unsendable_constraints(context.edition)
    return {id_: NEEDS_FILES for id_ in requests if id_ not in exercised and id_ not in unsendable}


def _programs(
    operation: str, context: ProgramContext, sample: Mapping[str, OperationCases] | None
) -> Iterator[Program]:
    """Yield the program of an operation's negatives and, if valid requests cost runs, one for the extra valid ones."""
    fixture, operations = FIXTURES[operation], _SHARED_FIXTURE.get(operation, (operation,))

    def cases_of(name: str, context: ProgramContext) -> OperationCases:
        return operation_cases(name, context) if sample is None else sample[name]

    cases = cases_of(operation, context)
    writes = not context.read_only or not _READ_ONLY_NEEDS.get(operation, _NEVER_READ_ONLY) <= {*context.use}

    def make_cases(context: ProgramContext) -> OperationCases:
        return cases_of(operation, context)

    def make_shared_cases(context: ProgramContext) -> Iterator[tuple[Fixture, OperationCases]]:
        return ((FIXTURES[name], cases_of(name, context)) for name in operations)

    def send_shared_values(case_run: CaseRun) -> Generator[Instruction, Any, None]:
        yield from send_to_twins(operation, case_run, lambda name: operation_cases(name, case_run.context))

    def program(
        id_: str, title: str, generate: Callable[[ProgramContext], StepGenerator], accepted: int, refused: int
    ) -> Program:
        return Program(
            id=id_,
            title=title,
            phase="boundary",
            capability="listing" if operation.startswith("list_") else "validation",
            generate=generate,
            runs=accepted if operation in _CONSUMES_RUN else int(operation in _NEEDS_RUN),
            requests=4 + accepted * (3 if fixture.after_accept else 1) + refused,
            writes=writes,
            operations=operations,
        )

    id_ = f"boundary.{operation}"
    title = f"Invalid values of {' and '.join(operations)} at every bound, with valid ones as controls"
    extra_valid_apart = operation in _CONSUMES_RUN
    valid = len(cases.positive_controls) if extra_valid_apart else len(cases.positive_controls) + len(cases.extra_valid)
    other_cases = [cases_of(name, context) for name in operations[1:]]
    valid += sum(1 + len(each.positive_controls) + len(each.extra_valid) for each in other_cases)
    refused = sum(len(each.negatives) for each in (cases, *other_cases))
    follow_up = send_shared_values if sample is None else None
    yield program(id_, title, case_generator(make_shared_cases, extra_valid_apart, follow_up), 1 + valid, refused)
    if extra_valid_apart and cases.extra_valid:
        title = f"Further valid values of {operation} at every bound"
        yield program(f"{id_}.legal", title, extra_valid_generator(fixture, make_cases), len(cases.extra_valid), 0)


def operation_cases(operation: str, context: ProgramContext) -> OperationCases:
    """The requests of an operation for a target."""
    in_use = frozenset(context.use.items())
    return _cached_cases(operation, context.edition, context.model, context.accepts_any_file_id, in_use)


@lru_cache(maxsize=64)
def _cached_cases(
    operation: str, edition: str, model: str, accepts_any_file_id: bool, in_use: frozenset[tuple[str, str]]
) -> OperationCases:
    fixture = FIXTURES[operation]
    return build_cases(
        operation, edition, Sampler(model, accepts_any_file_id, dict(in_use)), fixture.path, fixture.name
    )
