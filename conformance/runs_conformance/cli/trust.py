"""Asks before a key is sent to a host that only a file names."""

from __future__ import annotations

import sys
from collections.abc import Collection
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from runs_conformance.cli.help import TARGET, option

if TYPE_CHECKING:
    from runs_conformance.targets import Target

TRUST_OPTION = option(
    "--trust-host",
    "trusted_hosts",
    group=TARGET,
    multiple=True,
    metavar="HOST",
    envvar="RUNS_CONFORMANCE_TRUST_HOST",
    help="Send the API key to HOST although only a file names it. Repeatable.",
)


def require_trust(target: Target, file: str, trusted_hosts: Collection[str]) -> None:
    """Require that the keys of a target may be sent to the host that a file names.

    They may if the host is this machine or in `trusted_hosts`, or if the user agrees on the terminal. Raises UsageError
    otherwise.
    """
    from runs_conformance.errors import UsageError
    from runs_conformance.reporting.failure_text import printable

    address = target.address
    has_secret = bool(target.api_key or target.second_api_key or address.secrets)
    trusted = {host.lower() for host in trusted_hosts}
    if address.is_loopback or not has_secret or trusted & {address.host.lower(), address.authority.lower()}:
        return
    question = printable(f"{file} names the server {address.authority}. Send your API key to it?")
    if sys.stdin.isatty() and sys.stderr.isatty() and click.confirm(question, default=False, err=True):
        return
    raise UsageError(
        printable(f"{file} names the server {address.authority}, and your API key would be sent to it"),
        printable(f"--trust-host {address.host} permits that"),
    )


def require_trust_in_config(target: Target, trusted_hosts: Collection[str]) -> None:
    """Require that the keys of a target may be sent to it: it is trusted, or not only conformance.toml names it.

    The file may come with a repository of others. Raises UsageError like `require_trust`.
    """
    ctx = click.get_current_context(silent=True)
    if ctx is not None and ctx.get_parameter_source("base_url") is ParameterSource.DEFAULT_MAP:
        require_trust(target, str(ctx.meta["runs_conformance.config"]), trusted_hosts)
