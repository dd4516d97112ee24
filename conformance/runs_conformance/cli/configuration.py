"""Reads `conformance.toml`, whose values are the defaults of the other options."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from runs_conformance.cli.help import TARGET, option
from runs_conformance.cli.stderr import say

_NO_CONFIG = "conformance.no_config"
_SERVER_SPECIFIC = ("api_key", "second_api_key", "headers", "query", "use")
"""Parameters of the file that are valid only for the server that the file names."""


class Duration(click.ParamType[float]):
    """A duration: seconds, or `90s`, `5m`, `1h`."""

    name = "time"

    def __init__(self, minimum: float = 0.1, maximum: float = float("inf")) -> None:
        self._minimum, self._maximum = minimum, maximum

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds. Fails for an invalid duration or one out of bounds."""
        from runs_conformance.config.time import parse_duration

        seconds = parse_duration(str(value))
        if seconds is None:
            self.fail(f"{value!r} is not a duration; write 90, 90s, 5m or 1h", param, ctx)
        if not self._minimum <= seconds <= self._maximum:
            bounds = (
                f"between {self._minimum:g} s and {self._maximum:g} s"
                if self._maximum < 1e9
                else f"{self._minimum:g} s or more"
            )
            self.fail(f"{value} is not {bounds}", param, ctx)
        return seconds


def _note_no_config(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and ctx.default_map:
        raise click.UsageError("--config and --no-config do not go together", ctx)
    ctx.meta[_NO_CONFIG] = value


def _load_defaults(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
    """Load the file as the defaults of all options that are not eager."""
    from runs_conformance.config.file import find, load

    if ctx.resilient_parsing:
        return
    if ctx.meta.get(_NO_CONFIG):
        if value is not None:
            raise click.UsageError("--config and --no-config do not go together", ctx)
        return
    path = value or find()
    if path is not None:
        ctx.default_map = load(path).option_defaults()
        ctx.meta["runs_conformance.config"] = path


CONFIG_OPTIONS = (
    option(
        "--no-config",
        group=TARGET,
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_note_no_config,
        help="Do not read conformance.toml.",
    ),
    option(
        "--config",
        group=TARGET,
        type=click.Path(dir_okay=False, path_type=Path),
        is_eager=True,
        expose_value=False,
        callback=_load_defaults,
        metavar="FILE",
        help="Configuration file. Default: ./conformance.toml, if it exists. Flags and environment override it.",
    ),
)


_Command = TypeVar("_Command", bound=Callable[..., Any])


def with_config_key_in_errors(command: _Command) -> _Command:
    """Decorate a command so that an error about a value of the file names the file and the key."""

    @functools.wraps(command)
    def run(*arguments: Any, **values: Any) -> Any:
        from runs_conformance.errors import UsageError

        try:
            return command(*arguments, **values)
        except UsageError as error:
            raise UsageError(replace_flag_by_config_key(str(error))) from None

    return cast(_Command, run)


def replace_flag_by_config_key(message: str) -> str:
    """Rewrite an error that begins with a flag so that it names the key of the file that set the value."""
    from runs_conformance.config.key import KEYS

    ctx = click.get_current_context(silent=True)
    path = ctx.meta.get("runs_conformance.config") if ctx is not None else None
    if ctx is None or path is None:
        return message
    for key in KEYS.values():
        for flag, parameter in ((key.flag, key.option), (f"--no-{key.flag[2:]}", f"no_{key.option}")):
            rest = message.removeprefix(flag)
            is_named = rest != message and rest[:1] in (":", " ")
            if is_named and ctx.get_parameter_source(parameter) is ParameterSource.DEFAULT_MAP:
                return f"{path}: {key.dotted_name}{rest}"
    return message


def is_explicit(name: str) -> bool:
    """Whether a flag or the environment sets the parameter, rather than the file or a default."""
    ctx = click.get_current_context(silent=True)
    source = ctx.get_parameter_source(name) if ctx is not None else None
    return source in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)


def drop_settings_for_other_server(values: dict[str, Any], base_url: str | None) -> dict[str, Any]:
    """The values without keys and ids of the file, if `base_url` is not the server that the file names."""
    ctx = click.get_current_context(silent=True)
    named = (ctx.default_map or {}).get("base_url") if ctx is not None else None
    if ctx is None or not isinstance(named, str) or not base_url or _origin(named) == _origin(base_url):
        return values
    foreign = [
        name
        for name in _SERVER_SPECIFIC
        if values.get(name) and ctx.get_parameter_source(name) is ParameterSource.DEFAULT_MAP
    ]
    if foreign:
        flags = ", ".join(_flag(ctx, name) for name in foreign)
        say(f"{ctx.meta['runs_conformance.config']} is for another server; ignored here: {flags}")
    return {
        name: () if name in foreign and isinstance(value, tuple) else None if name in foreign else value
        for name, value in values.items()
    }


def resolve_conflict(
    names: tuple[str, str], values: tuple[tuple[str, ...], tuple[str, ...]], both: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Resolve two lists that name the same values `both`: those of a flag win over those of the file.

    `names` are the two parameters. Raises UsageError if one source names a value in both lists.
    """
    from runs_conformance.errors import UsageError

    ctx = click.get_current_context(silent=True)
    from_file = [ctx is not None and ctx.get_parameter_source(name) is ParameterSource.DEFAULT_MAP for name in names]
    if from_file[0] == from_file[1]:
        flags = " and ".join(_flag(ctx, name) for name in names)
        raise UsageError(f"{flags} both name {', '.join(both)}")
    first, second = (
        tuple(name for name in value if not (is_from_file and name in both))
        for is_from_file, value in zip(from_file, values, strict=True)
    )
    return first, second


def _flag(ctx: click.Context | None, name: str) -> str:
    parameters = ctx.command.params if ctx is not None else []
    return next((each.opts[0] for each in parameters if each.name == name), f"--{name.replace('_', '-')}")


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return "", url
    return parts.scheme.lower(), parts.netloc.rpartition("@")[2].lower()
