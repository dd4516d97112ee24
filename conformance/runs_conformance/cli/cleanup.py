"""`runs-conformance cleanup`: delete what a run left on its target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runs_conformance.cli.configuration import was_given, without_foreign
from runs_conformance.cli.stderr import say
from runs_conformance.cli.target import with_access

if TYPE_CHECKING:
    from runs_conformance.app.cleanup import Remains
    from runs_conformance.targets import Target


@click.command("cleanup")
@click.argument("where", required=False, type=click.Path(path_type=Path), metavar="[HISTORY|REPORT_DIR]")
@click.option("--base-url", metavar="URL", help="Where the target is now. Default: where it was.")
@with_access
@click.option("--dry-run", is_flag=True, help="Only say what is left.")
def command(where: Path | None, **given: Any) -> int:
    """Delete what a run left on its target: its threads and assistants, by its history. Default: the last run's.

    A run cleans up after itself; this is for one that was killed, or whose target did not answer. It can be repeated.
    What was being created when a run was killed, and is no assistant, is known to nobody but the target.
    """
    from runs_conformance.app import cleanup
    from runs_conformance.engine.outcome import INCOMPLETE, PASSED

    left = cleanup.remains(where or cleanup.last())
    things = left.ledger.left()
    if left.run.get("lasting") is False:
        say("nothing to do: the target was the bundled emulator, which ended with its run")
        return PASSED
    target = _target(left, given)
    if given["dry_run"]:
        for thing in things:
            click.echo(f"left: {thing}")
        click.echo(f"{_counted(len(things))} left on {target.address.url}; nothing was sent")
        return PASSED
    say(f"cleaning up on {target.address.url} after the run {left.said('run_id') or left.path}")
    cleaned = cleanup.clean(left, target, lambda thing, how: click.echo(f"{how}: {thing}"))
    summary = f"{len(cleaned.deleted)} deleted, {len(cleaned.gone)} gone already, {len(cleaned.staying)} left"
    if left.ledger.unknown:
        summary += f"; {_counted(left.ledger.unknown)} may exist whose id no answer told"
    click.echo(summary)
    return INCOMPLETE if cleaned.staying else PASSED


def _target(left: Remains, given: dict[str, Any]) -> Target:
    from runs_conformance import config, targets
    from runs_conformance.errors import UsageError

    # What conformance.toml says is of any server; the history says which one it was.
    url = given["base_url"] if was_given("base_url") else left.said("base_url") or given["base_url"]
    if not url:
        raise UsageError(f"{left.path}: does not say where the target is; give --base-url")
    given = without_foreign(given, url)
    dialect = (given["dialect"] if was_given("dialect") else None) or left.said("dialect_name") or "openai"
    key = config.secret(given["api_key"], "OPENAI_API_KEY")
    second = config.secret(given["second_api_key"], "CONFORMANCE_SECOND_API_KEY", flag="--second-api-key")
    return targets.remote(
        url,
        dialect=config.known(dialect, targets.DIALECTS, "dialect"),
        headers=config.headers(given["header"]),
        query=config.queries(given["query"]),
        path_prefix=given["path_prefix"],
        hidden=config.hidden(given["header"], given["query"]),
        key_header=given["key_header"] or left.said("key_header"),
        key=key.value if key else None,
        second_key=second.value if second else None,
    )


def _counted(things: int) -> str:
    return f"{things} {'object' if things == 1 else 'objects'}"
