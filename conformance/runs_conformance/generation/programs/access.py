"""Programs that come without a key, with a wrong one, with another tenant's, or without the beta header."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from runs_conformance.contract.operation import BETA_HEADER
from runs_conformance.generation.programs.all_operations import everything, inhabited, unharmed
from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import Passage, ended
from runs_conformance.generation.programs.responses import made, shown
from runs_conformance.generation.programs.steps import page
from runs_conformance.model.case import REFUSES_REFERENCE, Expectation, Key, Ref, Reject, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Play, Setting

_BETA = BETA_HEADER[0]
_UNAUTHORISED = Reject((401, 403))
_ALSO_IN_V1 = ("list_assistants", "create_thread", "get_run", "create_message", "create_run", "modify_thread")
_NOT_IN_BETA = Reject((400,))


@program("security", "auth", runs=1, requests=86)
def keys(setting: Setting) -> Play:
    """Every operation is tried without a key and with a wrong one; nothing is given away and nothing changes. One is
    tried with the right key under another scheme.
    """

    def without(step: Step) -> list[Step]:
        other_scheme = step.operation == "get_thread" and not setting.dialect.startswith("azure")
        keys = (Key.NONE, Key.WRONG, Key.BASIC) if other_scheme else (Key.NONE, Key.WRONG)
        return [_refused(replace(step, key=key), _UNAUTHORISED) for key in keys]

    yield from _tried(setting, without)


@program("security", "auth", runs=1, requests=65)
def beta_header(setting: Setting) -> Play:
    """Every operation is tried without the beta header, and some with the one of the first beta."""
    if setting.dialect.startswith("azure"):
        return

    def without(step: Step) -> list[Step]:
        values = (None, "assistants=v1") if step.operation in _ALSO_IN_V1 else (None,)
        return [_refused(replace(step, headers={_BETA: value}), _NOT_IN_BETA) for value in values]

    yield from _tried(setting, without)


@program(
    "security",
    "tenancy",
    runs=1,
    requests=61,
    needs="second_key",
    needs_text="--second-api-key, a key of another tenant",
)
def another_tenant(setting: Setting) -> Play:
    """Another tenant tries every operation upon what is not its own; it sees nothing and changes nothing."""
    if not (yield from inhabited(setting)):
        return
    for step in everything(setting):
        own = not step.path and step.operation != "create_thread_and_run"
        theirs = replace(step, key=Key.SECOND)
        if step.operation == "create_run":
            # With an assistant of its own, so that only the thread is another's.
            theirs = replace(theirs, body={"assistant_id": Ref("stray_assistant")})
        yield from _and_ended(theirs if own else _refused(theirs, REFUSES_REFERENCE))
    yield page("list_assistants", tag="", limit=100)
    yield replace(page("list_assistants", tag="", limit=100), key=Key.SECOND)
    yield from unharmed()
    yield from ended()


def _refused(step: Step, expectation: Expectation) -> Step:
    return replace(step, role=Role.NEGATIVE, expectation=expectation)


def _tried(setting: Setting, without: Callable[[Step], list[Step]]) -> Passage:
    """Every operation without something that it asks for, and then a look at what is there."""
    if not (yield from inhabited(setting)):
        return False
    for step in everything(setting):
        for lacking in without(step):
            yield from _and_ended(lacking)
    yield from unharmed()
    return (yield from ended())


def _and_ended(step: Step) -> Passage:
    """The step; a run that it starts against all expectation is ended, so that it locks nothing."""
    answer: Exchange = yield step
    if step.operation == "create_run" and made(answer):
        return (yield from ended(step.name, "other"))
    if step.operation == "create_thread_and_run" and isinstance(shown(answer).get("thread_id"), str):
        return (yield from ended(step.name, Ref(step.name, "/thread_id")))
    return True
