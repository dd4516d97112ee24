"""The command `runs-conformance`: one module a command, each imported only when it is called."""

from runs_conformance.cli.command import cli, main, run_command

__all__ = ["cli", "main", "run_command"]
