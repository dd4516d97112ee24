"""Requests in the form in which OpenAI's own client libraries send them.

The forms were captured from openai-python 1.20.0, 1.109.1, 2.8.0 and 3.57.0 and from openai-node 4.104.0, 5.23.2,
6.49.0 and 7.59.0. They differ from the suite's own requests in their headers, and in those of requests without a body:
openai-python declares even its POST and DELETE requests of this kind as JSON, openai-node 4 all of them, as
openai-python 1.20.0 does, and openai-node 5 to 7 none. All create a thread without parameters by the body `{}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import read_everything, require, wait_for_end
from runs_conformance.generation.programs.responses import has_id
from runs_conformance.generation.programs.steps import (
    assistant,
    at_root,
    dangling_reference,
    message,
    on_run,
    on_thread,
    page,
    run,
    thread,
)
from runs_conformance.model.case import DanglingReference, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext, StepGenerator

_JSON_TYPE = {"Content-Type": "application/json", "Accept": "application/json"}

PYTHON_HEADERS: Mapping[str, str] = {
    **_JSON_TYPE,
    "User-Agent": "OpenAI/Python 3.57.0",
    "X-Stainless-Lang": "python",
    "X-Stainless-Package-Version": "3.57.0",
    "X-Stainless-OS": "Linux",
    "X-Stainless-Arch": "x64",
    "X-Stainless-Runtime": "CPython",
    "X-Stainless-Runtime-Version": "3.11.2",
    "X-Stainless-Async": "false",
    "x-stainless-retry-count": "0",
    "x-stainless-read-timeout": "600",
}
"""The headers of openai-python 3."""

NODE_HEADERS: Mapping[str, str] = {
    **_JSON_TYPE,
    "User-Agent": "OpenAI/JS 4.104.0",
    "X-Stainless-Lang": "js",
    "X-Stainless-Package-Version": "4.104.0",
    "X-Stainless-OS": "Linux",
    "X-Stainless-Arch": "x64",
    "X-Stainless-Runtime": "node",
    "X-Stainless-Runtime-Version": "v20.0.0",
    "x-stainless-retry-count": "0",
    "x-stainless-timeout": "600",
}
"""The headers of openai-node 4."""

FETCH_HEADERS: Mapping[str, str] = {
    **{name: value for name, value in NODE_HEADERS.items() if name not in ("Content-Type", "x-stainless-timeout")},
    "User-Agent": "OpenAI/JS 7.59.0",
    "X-Stainless-Package-Version": "7.59.0",
    "Accept-Language": "*",
    "Sec-Fetch-Mode": "cors",
}
"""The headers of openai-node 5 to 7, which use the function `fetch`; requests with a body have a type, too."""

POLL_HEADERS: Mapping[str, str] = {"X-Stainless-Poll-Helper": "true", "X-Stainless-Custom-Poll-Interval": "500"}
"""The headers that the polling helpers of both clients add."""


def as_python(step: Step) -> Step:
    """The step as openai-python sends it."""
    is_get = OPERATIONS[step.operation].method == "GET"
    headers = {name: value for name, value in PYTHON_HEADERS.items() if name != "Content-Type" or not is_get}
    return replace(step, headers={**headers, **step.headers})


def as_node(step: Step) -> Step:
    """The step as openai-node sends it."""
    return replace(step, headers={**NODE_HEADERS, **step.headers})


def as_fetch(step: Step) -> Step:
    """The step as openai-node 5 to 7 send it."""
    return replace(step, headers={**FETCH_HEADERS, **step.headers})


@program("lifecycle", "core", runs=1, requests=26)
def official_client(context: ProgramContext) -> StepGenerator:
    """A run is created, polled, cancelled and read with the requests of the official client libraries.

    They declare requests without a body as JSON, and send headers of their own.
    """
    if not (yield from require(as_python(assistant(context)), as_node(thread(context)))):
        return
    yield as_python(at_root("create_thread", {}, name="empty", role=Role.CONTROL))
    yield as_fetch(message("And one more.", role="user"))
    yield as_node(replace(page("list_messages", order="asc"), role=Role.READ))
    if not (yield from require(as_python(run()))):
        return
    yield as_python(replace(on_run("get_run"), headers=POLL_HEADERS))
    cancelled: Exchange = yield as_python(on_run("cancel_run"))
    if cancelled.refused:
        yield as_fetch(on_run("cancel_run"))
    if not (yield from wait_for_end()):
        return
    yield as_python(on_run("cancel_run"))
    yield as_fetch(on_run("get_run"))
    yield as_python(on_run("modify_run", body={"metadata": {"ended": "yes"}}))
    yield from read_everything()
    deleted: Exchange = yield as_node(on_thread("delete_thread"))
    if has_id(deleted):
        yield as_python(dangling_reference(on_thread("get_thread"), DanglingReference.DELETED))
