"""Programs, which are named scenarios of several steps, and the context that they run in."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from runs_conformance.model.case import Instruction
from runs_conformance.model.request_forms import RequestForms

USABLE_KINDS = ("assistant", "thread", "run", "file", "vector_store")
"""The kinds of existing objects that a user may supply with `--use`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramContext:
    """The configuration that programs depend on; only `request_forms` are measured, before the first program starts.

    `prompts` replace the suite's own user messages, by purpose. `use` holds ids of existing objects by kind, for
    targets that cannot or should not create them. `other_model` is a model that a run may override the assistant's
    with; if the target does not know it, the verdict is inconclusive. `accepts_any_file_id` says that the target
    accepts any well-formed id of a file or vector store. `read_only` allows only GET requests. `exhaustive` sends every
    invalid value, even if the target accepted most others of its kind; those that test constraints in `always_sent` are
    sent anyway. `request_forms` are those in which the target accepts the prerequisites of programs. Without
    `streams`, no event stream is requested. Timeouts are in seconds.
    """

    edition: str
    model: str = "gpt-4o"
    other_model: str = "gpt-4o-mini"
    dialect: str = "openai"
    seed: int = 0
    has_second_api_key: bool = False
    failing_model: str | None = None
    run_timeout: float = 60.0
    expiry_timeout: float = 15.0
    prompts: Mapping[str, str] = field(default_factory=dict)
    use: Mapping[str, str] = field(default_factory=dict)
    accepts_any_file_id: bool = False
    allow_stress: bool = True
    exhaustive: bool = False
    always_sent: frozenset[str] = frozenset()
    read_only: bool = False
    streams: bool = True
    request_forms: RequestForms = field(default_factory=RequestForms)


# `yield` returns the Exchange of a Step, or a tuple of them for a Concurrent. `Any`, because a generator has a single
# send type.
StepGenerator: TypeAlias = Generator[Instruction, Any, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A named scenario that exercises a target.

    `generate` is a generator function that yields steps and receives their exchanges; it asserts nothing. `capability`
    is the conformance class that the program tests, `operations` are those whose request constraints it tests. `needs`
    names the field of the context that must be set for the program to run, `needs_text` describes it. `since` is the
    date at which the tested feature entered the contract. `runs` and `requests` are upper estimates for the plan,
    `seconds` is the sum of the program's pauses, and `writes` says whether it sends anything other than GET requests.
    """

    id: str
    title: str
    phase: str
    capability: str
    generate: Callable[[ProgramContext], StepGenerator]
    runs: int
    requests: int
    needs: str = ""
    needs_text: str = ""
    since: str = ""
    quick: bool = True
    seconds: float = 0.0
    writes: bool = True
    operations: tuple[str, ...] = ()
