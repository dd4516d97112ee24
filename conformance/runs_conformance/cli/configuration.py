"""The options that say which `conformance.toml` is read; what it says is the default of the other options."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from runs_conformance.cli.stderr import say

_ASIDE = "conformance.no_config"
_BOUND = ("api_key", "second_api_key", "header", "query", "use")
"""What is meant for the server that the file names, and for no other."""


class Seconds(click.ParamType[float]):
    """A length of time: seconds, or `90s`, `5m`, `1h`."""

    name = "time"

    def __init__(self, least: float = 0.1, most: float = float("inf")) -> None:
        self._least, self._most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The seconds. Fails for what is no length of time, or one out of bounds."""
        from runs_conformance.config.time import seconds

        found = seconds(str(value))
        if found is None:
            self.fail(f"{value!r} is no length of time; write 90, 90s, 5m or 1h", param, ctx)
        if not self._least <= found <= self._most:
            bounds = (
                f"between {self._least:g} s and {self._most:g} s" if self._most < 1e9 else f"{self._least:g} s or more"
            )
            self.fail(f"{value} is not {bounds}", param, ctx)
        return found


def _put_aside(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and ctx.default_map:
        raise click.UsageError("--config and --no-config do not go together", ctx)
    ctx.meta[_ASIDE] = value


def _read(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
    """Make what the file says the defaults of the options that are still to be looked at."""
    from runs_conformance.config.file import here, load

    if ctx.resilient_parsing:
        return
    if ctx.meta.get(_ASIDE):
        if value is not None:
            raise click.UsageError("--config and --no-config do not go together", ctx)
        return
    path = value or here()
    if path is not None:
        ctx.default_map = load(path).options()
        ctx.meta["runs_conformance.config"] = path


OPTIONS = (
    click.option(
        "--no-config",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_put_aside,
        help="Read no conformance.toml.",
    ),
    click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        is_eager=True,
        expose_value=False,
        callback=_read,
        help="Default: ./conformance.toml, where there is one. Flags and environment win over it.",
    ),
)


_Command = TypeVar("_Command", bound=Callable[..., Any])


def naming_keys(command: _Command) -> _Command:
    """The command, whose errors name the file and the key where the file is what gave a wrong value."""

    @functools.wraps(command)
    def run(*arguments: Any, **given: Any) -> Any:
        from runs_conformance.errors import UsageError

        try:
            return command(*arguments, **given)
        except UsageError as error:
            raise UsageError(located(str(error))) from None

    return cast(_Command, run)


def located(trouble: str) -> str:
    """An error that begins with a flag, said of the file and the key where the file stands in for that flag."""
    from runs_conformance.config.key import KEYS

    ctx = click.get_current_context(silent=True)
    path = ctx.meta.get("runs_conformance.config") if ctx is not None else None
    if ctx is None or path is None:
        return trouble
    for key in KEYS.values():
        for flag, option in ((key.flag, key.option), (f"--no-{key.flag[2:]}", f"no_{key.option}")):
            rest = trouble.removeprefix(flag)
            said = rest != trouble and rest[:1] in (":", " ")
            if said and ctx.get_parameter_source(option) is ParameterSource.DEFAULT_MAP:
                return f"{path}: {key.place}{rest}"
    return trouble


def was_given(option: str) -> bool:
    """Whether an option was given by a flag or the environment, and not only by the file."""
    ctx = click.get_current_context(silent=True)
    source = ctx.get_parameter_source(option) if ctx is not None else None
    return source in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)


def without_foreign(given: dict[str, Any], base_url: str | None) -> dict[str, Any]:
    """The options without keys and ids of the file where another server than the file's is meant."""
    ctx = click.get_current_context(silent=True)
    named = (ctx.default_map or {}).get("base_url") if ctx is not None else None
    if ctx is None or not isinstance(named, str) or not base_url or _origin(named) == _origin(base_url):
        return given
    foreign = [
        name for name in _BOUND if given.get(name) and ctx.get_parameter_source(name) is ParameterSource.DEFAULT_MAP
    ]
    if foreign:
        flags = ", ".join("--" + name.replace("_", "-") for name in foreign)
        say(f"{ctx.meta['runs_conformance.config']} is for another server: {flags} of it are not used here")
    return {
        name: () if name in foreign and isinstance(value, tuple) else None if name in foreign else value
        for name, value in given.items()
    }


def stated(
    options: tuple[str, str], values: tuple[tuple[str, ...], tuple[str, ...]], both: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Two lists that exclude each other, without what only the file says where a flag says the opposite.

    Raises UsageError where one source says both.
    """
    from runs_conformance.errors import UsageError

    ctx = click.get_current_context(silent=True)
    of_file = [ctx is not None and ctx.get_parameter_source(name) is ParameterSource.DEFAULT_MAP for name in options]
    if of_file[0] == of_file[1]:
        flags = " and ".join("--" + name.replace("_", "-") for name in options)
        raise UsageError(f"{flags} both name {', '.join(both)}")
    first, second = (
        tuple(name for name in value if not (weak and name in both))
        for weak, value in zip(of_file, values, strict=True)
    )
    return first, second


def _origin(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return "", url
    return parts.scheme.lower(), parts.netloc.rpartition("@")[2].lower()
