"""The servers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.types import ASGIApp

from runs_conformance.emulator.app import build
from runs_conformance.emulator.server_options import EmulatorOptions
from tests.servers import naive
from tests.servers.rewriting import KEY, bare_lists, calls_in_steps, framework_errors, rewriting, wrong_everywhere

SERVERS: Mapping[str, Callable[[], ASGIApp]] = {
    "naive": naive.build,
    "naive-validating": lambda: naive.build({"validation"}),
    "framework-errors": lambda: rewriting(framework_errors),
    "bare-lists": lambda: rewriting(bare_lists),
    "bare-lists-and-framework-errors": lambda: rewriting(bare_lists, rewriting(framework_errors)),
    "calls-in-steps": lambda: rewriting(calls_in_steps),
    "wrong-everywhere": lambda: rewriting(wrong_everywhere),
    "accepts-every-body": lambda: build(EmulatorOptions(step_ms=2, keys=(KEY,)), ["accepts_every_body"]),
}
