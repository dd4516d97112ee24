"""The main command: runs a subcommand and turns every error into an exit code and one line."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import click

from runs_conformance import __version__
from runs_conformance.cli.signals import INTERRUPTED
from runs_conformance.cli.stderr import say
from runs_conformance.cli.stdio import tolerate_closed_pipes
from runs_conformance.errors import BudgetExhausted, ConformanceError, InternalError, TargetError, UsageError
from runs_conformance.wire import known_secrets

EXIT_CODES: dict[type[ConformanceError], int] = {UsageError: 2, TargetError: 3, InternalError: 4, BudgetExhausted: 5}
"""The exit code of each error."""

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""Error numbers of a full or read-only disk."""

_COMMANDS = {
    "init": "runs_conformance.cli.init",
    "run": "runs_conformance.cli.run",
    "judge": "runs_conformance.cli.judge",
    "proxy": "runs_conformance.cli.proxy",
    "merge": "runs_conformance.cli.merge",
    "replay": "runs_conformance.cli.replay",
    "report": "runs_conformance.cli.report",
    "cleanup": "runs_conformance.cli.cleanup",
    "diff": "runs_conformance.cli.diff",
    "list": "runs_conformance.cli.list",
    "explain": "runs_conformance.cli.explain",
    "openapi": "runs_conformance.cli.openapi",
    "serve": "runs_conformance.cli.serve",
}
"""The module of each command, in the order of the help; a module defines its command as `command`."""


class _Commands(click.Group):
    """A group that imports commands when they are called and suggests the nearest name for an unknown one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(_COMMANDS[cmd_name]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            from runs_conformance.model.suggestion import did_you_mean

            raise UsageError(f"there is no command {args[0]!r}{did_you_mean(args[0], _COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message="%(prog)s %(version)s")
def cli() -> None:
    """A conformance suite for servers that implement the Runs operations of the Assistants API."""


def main() -> None:
    """Run the command line and exit with its code."""
    tolerate_closed_pipes()
    known_secrets.remember(map(os.environ.get, known_secrets.VARIABLES))
    if sys.flags.optimize >= 2:
        # The statements of the rules are docstrings, which `-OO` removes.
        sys.exit(_report_error("PYTHONOPTIMIZE=2 removes the texts of the rules; use 1 or none", 2))
    code = run_command(sys.argv[1:])
    if code == INTERRUPTED:
        # Do not wait for worker threads after an interruption.
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run_command(arguments: list[str]) -> int:
    """Run the command with these arguments and return the exit code. Prints an error as one line on standard error."""
    try:
        code = cli.main(arguments, prog_name="runs-conformance", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.ClickException as error:
        return _report_error(" ".join(error.format_message().split()), 2)
    except ConformanceError as error:
        return _report_error(
            str(error), next((code for kind, code in EXIT_CODES.items() if isinstance(error, kind)), 4)
        )
    except (click.Abort, KeyboardInterrupt):
        return _report_error("interrupted", INTERRUPTED)
    except OSError as error:
        if error.errno not in _DISK_FULL:
            return _report_internal_error(error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _report_error(f"cannot be written: {error.filename or 'the output'}: {error.strerror}", 2)
    except Exception as error:
        return _report_internal_error(error)


def _report_internal_error(error: Exception) -> int:
    if os.environ.get("RUNS_CONFORMANCE_TRACEBACK"):
        raise error
    return _report_error(f"internal error: {_locate(error)}; please report it", 4)


def _locate(error: Exception) -> str:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    place = f" ({Path(at.tb_frame.f_code.co_filename).name}, line {at.tb_lineno})" if at else ""
    return f"{type(error).__name__}: {error}{place}"


def _report_error(text: str, code: int) -> int:
    say(f"runs-conformance: {text}")
    return code
