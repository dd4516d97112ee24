"""The command line `runs-conformance`: one module for each subcommand, imported only when it is called."""

from runs_conformance.cli.command import cli, main, run_command

__all__ = ["cli", "main", "run_command"]
