"""A name or URL becomes a target that can be spoken to; the one place where the emulator is started."""

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

from runs_conformance.client.base_url import DIALECTS, Address, address, likely, spoken
from runs_conformance.config import known
from runs_conformance.errors import TargetError, UsageError

EMULATOR = "emulator"
__all__ = ["DIALECTS", "EMULATOR", "Target", "emulator", "hosted", "likely", "remote", "serve"]

_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is judged: where it is, the keys it knows, and what is known of it.

    `lasting` says that what is left on it stays, so that it has to be cleaned up. `any_file_id` says that it takes
    every well-formed file or vector-store id.
    """

    name: str
    address: Address
    key: str | None = field(default=None, repr=False)
    second_key: str | None = field(default=None, repr=False)
    failing_model: str | None = None
    lasting: bool = True
    any_file_id: bool = False


def remote(
    base_url: str,
    *,
    dialect: str = "openai",
    headers: Sequence[tuple[str, str]] = (),
    query: Sequence[tuple[str, str]] = (),
    path_prefix: str | None = None,
    key_header: str | None = None,
    hidden: Sequence[str] = (),
    key: str | None = None,
    second_key: str | None = None,
    failing_model: str | None = None,
) -> Target:
    """The target at a URL, spoken to as its dialect says and the other arguments change it.

    Raises UsageError where the URL is none.
    """
    where = address(base_url, spoken(dialect, path_prefix, key_header), query, headers, hidden)
    return Target(name=where.authority, address=where, key=key, second_key=second_key, failing_model=failing_model)


@contextmanager
def emulator(*arguments: str, meanwhile: Callable[[], object] | None = None) -> Iterator[Target]:
    """The bundled emulator, in a process of its own that ends with this block or with this process.

    `meanwhile` is called while it starts. Its keys are made up for this one run and handed over by environment. Raises
    TargetError where it does not start.
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
            if meanwhile is not None:
                meanwhile()
            yield Target(
                name=EMULATOR,
                address=address(_url(process)),
                key=key,
                second_key=second,
                failing_model="failing-model",
                lasting=False,
                any_file_id=True,
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
        raise TargetError("the bundled emulator did not start; `runs-conformance serve` shows why") from None


def hosted(app: Any) -> AbstractContextManager[str]:
    """The origin at which an ASGI application is served, on a free port of the loopback interface, as long as the block
    lasts.
    """
    from runs_conformance.emulator.server import hosted as hosted_app

    return hosted_app(app)


def serve(
    host: str,
    port: int,
    ready: Callable[[str], None],
    *,
    step_ms: float | None = None,
    expires_s: float | None = None,
    failing_model: str | None = None,
    edition: str | None = None,
    mutant: Sequence[str] = (),
    variant: Sequence[str] = (),
) -> None:
    """Serve the emulator in this process until interrupted; `ready` is told the base URL.

    Raises UsageError where the port is taken or a mutant or variant is not known.
    """
    from runs_conformance.emulator.app import BASE, build
    from runs_conformance.emulator.catalogue import catalogue, variants
    from runs_conformance.emulator.options import Options
    from runs_conformance.emulator.server import serve as serve_app

    for name in mutant:
        known(name, [entry.name for entry in catalogue()], "mutant")
    for name in variant:
        known(name, [entry.name for entry in variants()], "variant")
    chosen = {"step_ms": step_ms, "expires_s": expires_s, "failing_model": failing_model, "edition": edition}
    given: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    keys = tuple(key for key in os.environ.get("RUNS_EMULATOR_KEYS", "").split(",") if key)
    app = build(Options(keys=keys, **given), mutant, variant)
    try:
        serve_app(app, host, port, lambda origin: ready(origin + BASE))
    except OSError as error:
        raise UsageError(f"cannot listen on {host} port {port}: {error.strerror or error}") from None
