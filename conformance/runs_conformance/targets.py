"""Targets: remote servers and the bundled emulator, which only this module starts."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runs_conformance.client.base_url import Address, dialect_with, guess_dialect, parse_address
from runs_conformance.contract.dialect import DIALECTS
from runs_conformance.errors import EmulatorFailed

EMULATOR = "emulator"
__all__ = [
    "DIALECTS",
    "EMULATOR",
    "Target",
    "emulator_target",
    "guess_dialect",
    "list_mutants",
    "list_variants",
    "remote_target",
    "serve_app",
]

_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The server under test: its address, its keys and its properties.

    `persistent`: objects outlive the test run, so they have to be cleaned up. `accepts_any_file_id`: every well-formed
    file or vector-store id is accepted.
    """

    name: str
    address: Address
    api_key: str | None = field(default=None, repr=False)
    second_api_key: str | None = field(default=None, repr=False)
    failing_model: str | None = None
    persistent: bool = True
    accepts_any_file_id: bool = False


def remote_target(
    base_url: str,
    *,
    dialect: str = "openai",
    headers: Sequence[tuple[str, str]] = (),
    query: Sequence[tuple[str, str]] = (),
    path_prefix: str | None = None,
    key_header: str | None = None,
    secret_values: Sequence[str] = (),
    api_key: str | None = None,
    second_api_key: str | None = None,
    failing_model: str | None = None,
) -> Target:
    """The target at a URL. The other arguments modify the conventions of its dialect.

    Raises UsageError if the URL or any of them is invalid.
    """
    where = parse_address(base_url, dialect_with(dialect, path_prefix, key_header), query, headers, secret_values)
    return Target(
        name=where.authority, address=where, api_key=api_key, second_api_key=second_api_key, failing_model=failing_model
    )


@contextmanager
def emulator_target(*arguments: str, during_startup: Callable[[], object] | None = None) -> Iterator[Target]:
    """Start the bundled emulator in a process of its own, which ends with this block or with this process.

    `during_startup` is called while it starts. Its keys are random and passed by environment. Raises EmulatorFailed if
    it does not start.
    """
    key, second = (f"sk-emulator-{secrets.token_hex(12)}" for _ in range(2))
    path = os.pathsep.join(part for part in (str(_ROOT), os.environ.get("PYTHONPATH")) if part)
    environment = {**os.environ, "RUNS_EMULATOR_KEYS": f"{key},{second}", "PYTHONPATH": path}
    command = [sys.executable, "-m", "runs_conformance.emulator", "--port", "0", "--watch-stdin", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, start_new_session=True
    ) as process:
        assert process.stdin is not None
        try:
            if during_startup is not None:
                during_startup()
            yield Target(
                name=EMULATOR,
                address=parse_address(_url(process)),
                api_key=key,
                second_api_key=second,
                failing_model="failing-model",
                persistent=False,
                accepts_any_file_id=True,
            )
        finally:
            process.stdin.close()
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                process.kill()


def _url(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        return str(json.loads(line)["url"])
    except (ValueError, KeyError, TypeError):
        process.kill()
        raise EmulatorFailed("the bundled emulator did not start", "`runs-conformance serve` shows why") from None


def serve_app(app: Any) -> AbstractContextManager[str]:
    """Serve an ASGI application on a free loopback port during a block; yields its origin."""
    from runs_conformance.emulator.server import serve_in_thread

    return serve_in_thread(app)


def list_mutants() -> dict[str, str]:
    """The mutants that the emulator can serve: name and description."""
    from runs_conformance.emulator.catalogue import standard_mutants

    return {entry.name: entry.text for entry in standard_mutants()}


def list_variants() -> dict[str, str]:
    """The variants that the emulator can serve: name and description."""
    from runs_conformance.emulator.catalogue import variants

    return {entry.name: entry.text for entry in variants()}
