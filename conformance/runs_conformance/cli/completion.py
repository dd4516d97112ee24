"""Shell completion of ids, mutants and variants."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem


def complete_ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the id of a rule or constraint of the default edition."""
    from runs_conformance.app.options import requirements

    return _matching(requirements().ids(), incomplete)


def complete_mutants(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a mutant."""
    from runs_conformance import targets

    return _matching(targets.list_mutants(), incomplete)


def complete_variants(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the name of a variant."""
    from runs_conformance import targets

    return _matching(targets.list_variants(), incomplete)


def _matching(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
