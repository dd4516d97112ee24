"""Programs that use no key, a wrong key or another tenant's key, or omit the beta header."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import Any

from runs_conformance.contract.dialect import dialect_family
from runs_conformance.contract.operation import BETA_HEADER, ORGANIZATION_HEADER
from runs_conformance.generation.programs.all_operations import TestObjects, all_steps, create_objects, read_objects
from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import cancel_and_wait, cancel_finally, longest_page
from runs_conformance.generation.programs.responses import has_id, response_object
from runs_conformance.generation.programs.steps import at_root, on_assistant, on_run, on_thread, page, prompt
from runs_conformance.model.case import REFUSES_REFERENCE, Expectation, Instruction, Key, Ref, Refuse, Role, Step
from runs_conformance.model.exchange import UNAUTHORIZED_STATUSES, Exchange
from runs_conformance.model.program import ProgramContext, StepGenerator
from runs_conformance.model.rule import SECOND_KEY

_BETA = BETA_HEADER[0]
_UNAUTHORIZED = Refuse(UNAUTHORIZED_STATUSES)
_ALSO_IN_V1 = ("list_assistants", "create_thread", "get_run", "create_message", "create_run", "modify_thread")
_NOT_IN_BETA = Refuse((400,))
_NOT_IN_ORGANIZATION = Refuse((400, 401, 403, 404))


@program("security", "auth", runs=1, requests=88)
def keys(context: ProgramContext) -> StepGenerator:
    """Every operation is called on existing objects without a key and with a wrong one.

    Nothing may be disclosed or changed. One operation is also called with the right key under another scheme.
    """

    def variants_of(step: Step) -> list[Step]:
        try_other_scheme = step.operation == "get_thread" and dialect_family(context.dialect).checks_auth_scheme
        keys = (Key.NONE, Key.WRONG, Key.BASIC) if try_other_scheme else (Key.NONE, Key.WRONG)
        return [_expect_refusal(replace(step, key=key), _UNAUTHORIZED) for key in keys]

    yield from _try_all_operations(context, variants_of)
    # With the right key, to find out whether these requests were refused for another reason than their key.
    response: Exchange = yield page("list_assistants", limit=1)
    if not response.accepted:
        yield at_root("create_thread", {})


@program("security", "auth", runs=1, requests=65)
def beta_header(context: ProgramContext) -> StepGenerator:
    """Every operation is called without the beta header, and some with the header of the first beta."""
    if not dialect_family(context.dialect).uses_beta_header:
        return

    def variants_of(step: Step) -> list[Step]:
        values = (None, "assistants=v1") if step.operation in _ALSO_IN_V1 else (None,)
        return [_expect_refusal(replace(step, headers={_BETA: value}), _NOT_IN_BETA) for value in values]

    yield from _try_all_operations(context, variants_of)


@program(
    "security",
    "tenancy",
    runs=2,
    requests=86,
    needs="has_second_api_key",
    needs_text=SECOND_KEY,
)
def another_tenant(context: ProgramContext) -> StepGenerator:
    """Another tenant calls every operation on objects that it does not own, and runs a foreign assistant on its thread.

    It must neither see, change nor use them. Its owner reads each object just before. A thread that it creates together
    with a run is its own, too: it can read both, and the first tenant cannot.
    """
    objects = yield from create_objects(context)
    if objects is None:
        return
    names = set(objects.names)
    deletions = []
    for step in all_steps(context):
        if step.operation.startswith("delete_"):
            deletions.append(step)
            continue
        is_own = not step.path and step.operation != "create_thread_and_run"
        attempt = replace(step, key=Key.SECOND)
        if step.operation == "create_run":
            # With an assistant of its own, so that only the thread belongs to the other tenant.
            attempt = replace(attempt, body={"assistant_id": Ref("stray_assistant")})
        if not TestObjects(frozenset(names)).can_send(attempt):
            continue
        if step.role is Role.READ and not is_own:
            # A target that keeps the response for a moment must not show it to the other tenant.
            yield step
        response = yield from _send_and_cancel_run(attempt if is_own else _expect_refusal(attempt, REFUSES_REFERENCE))
        if is_own and has_id(response):
            names.add(step.name)
    if {"stray_thread", "assistant"} <= names:
        # Of the two objects that this request names, only the assistant belongs to the other tenant.
        foreign_run = on_thread("create_run", "stray_thread", {"assistant_id": Ref("assistant")}, name="stray_run")
        yield from _send_and_cancel_run(_expect_refusal(replace(foreign_run, key=Key.SECOND), REFUSES_REFERENCE))
    if "stray_assistant" in names:
        yield from _create_own_thread_and_run(context)
    # While the assistants of both tenants exist.
    listed = yield from longest_page("list_assistants")
    foreign = yield from longest_page("list_assistants", key=Key.SECOND)
    yield from objects.sendable(_reads_in_organization(_organization(listed), _organization(foreign)))
    # A deletion that is carried out would hide what the earlier requests have done to the run.
    yield from objects.sendable((on_run("get_run"),))
    for step in objects.sendable(deletions):
        yield _expect_refusal(replace(step, key=Key.SECOND), REFUSES_REFERENCE)
    yield from read_objects(objects)
    if "waiting" in objects:
        yield from cancel_finally()


def _create_own_thread_and_run(context: ProgramContext) -> Generator[Instruction, Any, None]:
    """Create a thread and run as the second tenant, with its own assistant, and read them as either tenant."""
    body = {
        "assistant_id": Ref("stray_assistant"),
        "thread": {"messages": [{"role": "user", "content": prompt(context)}]},
    }
    created: Exchange = yield replace(at_root("create_thread_and_run", body, name="own"), key=Key.SECOND)
    if not isinstance(response_object(created).get("thread_id"), str):
        return
    own_thread = Ref("own", "/thread_id")
    reads = (
        on_thread("get_thread", own_thread),
        page("list_messages", own_thread),
        on_run("get_run", "own", own_thread),
        page("list_runs", own_thread),
        page("list_run_steps", "own", own_thread),
    )
    for step in reads:
        yield replace(step, key=Key.SECOND)
    for step in reads[:3]:
        yield _expect_refusal(step, REFUSES_REFERENCE)
    yield from cancel_finally("own", own_thread, Key.SECOND)


def _organization(response: Exchange) -> str:
    """The organization that a response names in a header; empty if it names none."""
    return response.response.headers.get(ORGANIZATION_HEADER.lower(), "") if response.response else ""


def _reads_in_organization(named: str, own: str) -> Iterator[Step]:
    """Yield reads with the second key that name the organization of the first key, unless it is its own."""
    if named and named != own:
        for step in (on_assistant("get_assistant"), on_thread("get_thread"), page("list_messages")):
            yield _expect_refusal(
                replace(step, key=Key.SECOND, headers={ORGANIZATION_HEADER: named}), _NOT_IN_ORGANIZATION
            )


def _expect_refusal(step: Step, expectation: Expectation) -> Step:
    return replace(step, role=Role.NEGATIVE, expectation=expectation)


def _try_all_operations(
    context: ProgramContext, variants_of: Callable[[Step], list[Step]]
) -> Generator[Instruction, Any, None]:
    """Send the variants of every operation that lack a requirement, then read the objects."""
    objects = yield from create_objects(context)
    if objects is None:
        return
    for step in objects.sendable(all_steps(context)):
        for variant in variants_of(step):
            yield from _send_and_cancel_run(variant)
    yield from read_objects(objects)
    if "waiting" in objects:
        yield from cancel_finally()


def _send_and_cancel_run(step: Step) -> Generator[Instruction, Any, Exchange]:
    """Send a step; cancel a run that it starts unexpectedly, so that it locks no thread. Returns its exchange.

    A run on a thread of the other tenant is cancelled with the key of that tenant.
    """
    response: Exchange = yield step
    owner = Key.SECOND if step.key is Key.SECOND else Key.PRIMARY
    if step.operation == "create_run" and has_id(response):
        is_own = step.path["thread_id"] == Ref("stray_thread")
        yield from cancel_and_wait(step.name, "stray_thread" if is_own else "other", owner if is_own else Key.PRIMARY)
    elif step.operation == "create_thread_and_run" and isinstance(response_object(response).get("thread_id"), str):
        yield from cancel_and_wait(step.name, Ref(step.name, "/thread_id"), owner)
    return response
