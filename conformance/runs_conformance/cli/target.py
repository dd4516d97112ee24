"""Options that name the server under test, and the target they make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from runs_conformance.cli import configuration
from runs_conformance.cli.help import TARGET, add_options, option
from runs_conformance.cli.stderr import say

if TYPE_CHECKING:
    from runs_conformance.targets import Target

ACCESS_OPTIONS = (
    option(
        "--api-key",
        group=TARGET,
        metavar="KEY",
        help="API key: env:NAME, @file or the key itself. Default: $OPENAI_API_KEY.",
    ),
    option(
        "--key-header", group=TARGET, metavar="NAME", help="Header that carries the key. Default: that of the dialect."
    ),
    option(
        "--header",
        "headers",
        group=TARGET,
        multiple=True,
        metavar="'NAME: VALUE'",
        help="Header to send with every request. Repeatable.",
    ),
    option(
        "--query",
        group=TARGET,
        multiple=True,
        metavar="NAME=VALUE",
        help="Query parameter to add to every request. Repeatable.",
    ),
    option(
        "--dialect",
        group=TARGET,
        metavar="NAME",
        help="openai, azure-openai or azure-foundry-agents. Default: guessed from the host, else openai.",
    ),
    option("--path-prefix", group=TARGET, metavar="PATH", help="Path between the host and /threads, like /openai."),
)
"""How to address the server."""

SECOND_KEY_OPTION = option(
    "--second-api-key",
    group=TARGET,
    metavar="KEY",
    help="API key of another tenant. Default: $CONFORMANCE_SECOND_API_KEY.",
)

TARGET_OPTIONS = (
    *configuration.CONFIG_OPTIONS,
    *ACCESS_OPTIONS,
    SECOND_KEY_OPTION,
    option(
        "--model", group=TARGET, metavar="NAME", default="gpt-4o", show_default=True, help="Model that the runs use."
    ),
    option(
        "--other-model",
        group=TARGET,
        metavar="NAME",
        default="gpt-4o-mini",
        show_default=True,
        help="Second model, to override the assistant's in a run.",
    ),
    option("--failing-model", group=TARGET, metavar="NAME", help="Model whose runs end with status failed."),
)
"""The server under test, its keys and its models."""


def add_access_options(command: Any) -> Any:
    """Add the options that say how to address a server; the configuration file provides their defaults."""
    options = (*configuration.CONFIG_OPTIONS, *ACCESS_OPTIONS, SECOND_KEY_OPTION)
    return add_options(options)(configuration.with_config_key_in_errors(command))


def add_target_options(command: Any) -> Any:
    """Add the options of every command that tests a server; the configuration file provides their defaults."""
    return add_options(TARGET_OPTIONS)(configuration.with_config_key_in_errors(command))


@contextmanager
def open_target(base_url: str | None, values: Mapping[str, Any]) -> Iterator[Target]:
    """Yield the target at a URL or, without one, the bundled emulator, which runs for the duration of the block.

    Raises UsageError for an unusable option, TargetError if the emulator does not start.
    """
    from runs_conformance import config, targets
    from runs_conformance.errors import UsageError

    if base_url is not None and not base_url.strip():
        # An unset variable of a script must not test the bundled emulator instead of the server.
        raise UsageError(f"the URL is empty; give one, or {targets.EMULATOR!r} for the bundled emulator")
    headers = config.parse_headers(values["headers"])
    key = config.resolve_secret(values["api_key"], "OPENAI_API_KEY")
    second_key = config.resolve_secret(values["second_api_key"], "CONFORMANCE_SECOND_API_KEY", flag="--second-api-key")
    if not base_url or base_url == targets.EMULATOR:
        arguments = ("--edition", config.parse_edition(values["edition"])) if values["edition"] else ()
        with targets.emulator_target(*arguments, during_startup=_preload) as target:
            yield target
        return
    target = targets.remote_target(
        base_url,
        dialect=config.require_known(values["dialect"] or targets.guess_dialect(base_url), targets.DIALECTS, "dialect"),
        headers=headers,
        query=config.parse_query(values["query"]),
        path_prefix=values["path_prefix"],
        secret_values=config.secret_values(values["headers"], values["query"]),
        key_header=values["key_header"],
        api_key=key.value if key else None,
        second_api_key=second_key.value if second_key else None,
        failing_model=values["failing_model"],
    )
    if not target.address.is_loopback and any(each is not None and each.literal for each in (key, second_key)):
        say("other users of this machine can read a key on the command line; prefer env:NAME or @file")
    yield target


def _preload() -> None:
    """Load the requirements while the emulator starts, which takes as long."""
    from runs_conformance.app.options import requirements

    requirements()
