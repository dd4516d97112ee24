"""The options that say which server is meant, and the target they make."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from runs_conformance.cli import configuration
from runs_conformance.cli.stderr import say

if TYPE_CHECKING:
    from runs_conformance.targets import Target

ACCESS = (
    click.option("--api-key", metavar="KEY", help="env:NAME, @file or the key. Default: $OPENAI_API_KEY."),
    click.option("--key-header", metavar="NAME", help="The header that carries the key. Default: the dialect's."),
    click.option("--header", multiple=True, metavar="'NAME: VALUE'", help="Sent with every request. Repeatable."),
    click.option("--query", multiple=True, metavar="NAME=VALUE", help="Added to every request. Repeatable."),
    click.option(
        "--dialect",
        metavar="NAME",
        help="openai, azure-openai or azure-foundry-agents. Default: by the host, or openai.",
    ),
    click.option("--path-prefix", metavar="PATH", help="What stands between the host and /threads, like /openai."),
)
"""How the server is spoken to."""

SECOND_KEY = click.option(
    "--second-api-key", metavar="KEY", help="Another tenant's. Default: $CONFORMANCE_SECOND_API_KEY."
)

OPTIONS = (
    *configuration.OPTIONS,
    *ACCESS,
    SECOND_KEY,
    click.option("--model", default="gpt-4o", show_default=True, help="The model that runs use."),
    click.option("--other-model", default="gpt-4o-mini", show_default=True, help="Another, to override it in a run."),
    click.option("--failing-model", help="A model whose runs end failed."),
)
"""Where the server is and how it is spoken to, of every command that puts one to the test."""


def with_access(command: Any) -> Any:
    """The command with the options that say how a server is spoken to, read from the file where they are not given."""
    command = configuration.naming_keys(command)
    for option in reversed((*configuration.OPTIONS, *ACCESS, SECOND_KEY)):
        command = option(command)
    return command


def with_target(command: Any) -> Any:
    """The command with the options of every command that speaks to a server."""
    command = configuration.naming_keys(command)
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@contextmanager
def opened(base_url: str | None, given: dict[str, Any]) -> Iterator[Target]:
    """The target at a URL; without one, the bundled emulator, which ends with the block.

    Raises UsageError where an option cannot be used, TargetError where the emulator does not start.
    """
    from runs_conformance import config, targets

    headers = config.headers(given["header"])
    key = config.secret(given["api_key"], "OPENAI_API_KEY")
    second = config.secret(given["second_api_key"], "CONFORMANCE_SECOND_API_KEY", flag="--second-api-key")
    if not base_url or base_url == targets.EMULATOR:
        served = ("--edition", config.edition(given["edition"])) if given["edition"] else ()
        with targets.emulator(*served, meanwhile=_prepare) as target:
            yield target
        return
    target = targets.remote(
        base_url,
        dialect=config.known(given["dialect"] or targets.likely(base_url), targets.DIALECTS, "dialect"),
        headers=headers,
        query=config.queries(given["query"]),
        path_prefix=given["path_prefix"],
        hidden=config.hidden(given["header"], given["query"]),
        key_header=given["key_header"],
        key=key.value if key else None,
        second_key=second.value if second else None,
        failing_model=given["failing_model"],
    )
    if not target.address.loopback and any(secret is not None and secret.literal for secret in (key, second)):
        say("a key on the command line can be read by others on this machine; prefer env:NAME or @file")
    yield target


def _prepare() -> None:
    """What takes a while and has to be done anyway."""
    from runs_conformance.app.options import demands

    demands()
