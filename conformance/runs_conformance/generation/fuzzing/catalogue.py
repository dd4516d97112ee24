"""The programs of the phase `explore`, drawn from the seed of the test run."""

from __future__ import annotations

from runs_conformance.generation.boundary.fixtures import FIXTURES
from runs_conformance.generation.fuzzing.random_payloads import payload_program
from runs_conformance.generation.fuzzing.size import EXPLORE_ONLY, FuzzingSize, Portion, split_into_portions
from runs_conformance.generation.fuzzing.walk import MAX_STEPS, walk_program
from runs_conformance.generation.fuzzing.walk_profile import WalkProfile, assign_profiles
from runs_conformance.model.program import Program, ProgramContext

_RUN_STARTING = frozenset({"create_run", "create_thread_and_run", "submit_tool_outputs"})
_FIRST, _SECOND = "submit_tool_outputs", "modify_run"
"""A portion of the second operation uses the run that a portion of the first has ended."""


def programs(context: ProgramContext, size: FuzzingSize = EXPLORE_ONLY) -> list[Program]:
    """The programs of the fuzzing phase of this size."""
    possible = [portion for portion in split_into_portions(size.payloads) if _is_possible(portion, context)]
    second = [portion for portion in possible if portion.operation == _SECOND]
    first = [portion for portion in possible if portion.operation == _FIRST]
    # Portions of the second operation in excess of those of the first create runs of their own.
    pairs = dict(zip(first, second, strict=False))
    leading = [portion for portion in possible if portion not in pairs.values()]
    profiles = assign_profiles(context.seed, size.walks, context.has_second_api_key, size.runs)
    payload_programs = [_payload_program(portion, pairs.get(portion)) for portion in leading]
    return [*payload_programs, *(_walk(profile, number) for number, profile in enumerate(profiles, 1))]


def _is_possible(portion: Portion, context: ProgramContext) -> bool:
    """Whether an operation may be fuzzed: with an existing assistant, none is created or modified."""
    return "assistant" not in context.use or not portion.operation.endswith("_assistant")


def _payload_program(portion: Portion, following: Portion | None) -> Program:
    fixture = FIXTURES[portion.operation]
    accepted = 1 + portion.valid
    following_requests = 1 + following.valid + following.negatives if following is not None else 0
    return Program(
        id=f"explore.{portion.operation}_{portion.number + 1}",
        title=f"Random payloads of {portion.operation}" + (f" and {following.operation}" if following else ""),
        phase="explore",
        capability="validation",
        generate=payload_program(portion, following),
        runs=accepted if portion.operation in _RUN_STARTING else int(portion.operation == _SECOND),
        requests=4 + accepted * (3 if fixture.after_accept else 1) + portion.negatives + following_requests,
    )


def _walk(profile: WalkProfile, number: int) -> Program:
    return Program(
        id=f"explore.walk_{number}",
        title=f"A random walk: {profile.name}",
        phase="explore",
        capability="core",
        generate=walk_program(profile, number),
        runs=profile.runs,
        requests=MAX_STEPS + 4 + 8 * profile.runs,
    )
