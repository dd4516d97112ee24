"""`runs-conformance cleanup`: delete the objects that a test run left on its target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runs_conformance.cli.configuration import drop_settings_for_other_server, is_explicit
from runs_conformance.cli.help import OUTPUT, TARGET, declare_command, option
from runs_conformance.cli.stderr import say
from runs_conformance.cli.target import add_access_options
from runs_conformance.cli.trust import TRUST_OPTION, require_trust
from runs_conformance.model.plural import plural

if TYPE_CHECKING:
    from runs_conformance.app.cleanup import Leftovers
    from runs_conformance.targets import Target


@declare_command(
    "cleanup",
    examples=(("Show what the last test run left behind", "runs-conformance cleanup --dry-run"),),
)
@click.argument("where", required=False, type=click.Path(path_type=Path), metavar="[HISTORY|REPORT_DIR]")
@option("--base-url", group=TARGET, metavar="URL", help="Current URL of the target. Default: that of the test run.")
@add_access_options
@TRUST_OPTION
@option("--dry-run", group=OUTPUT, is_flag=True, help="Only list the leftovers, and send nothing.")
def command(where: Path | None, **values: Any) -> int:
    """Delete the objects that a test run left on its target, as its history shows. Default: the last test run.

    A test run cleans up after itself; use this if it was killed, or if its target did not respond. It can be
    repeated. Apart from assistants, objects whose creation was in flight when the test run was killed cannot be found;
    delete them by hand.
    """
    from runs_conformance.app import cleanup
    from runs_conformance.engine.outcome import INCONCLUSIVE, PASSED

    histories = cleanup.find_all_leftovers(where or cleanup.latest_folder())
    leftovers = histories[0]
    objects = [each for history in histories for each in history.tracker.leftovers()]
    if leftovers.header.get("lasting") is False:
        say("nothing to do: the target was the bundled emulator, which stopped with the test run")
        return PASSED
    target = _target(leftovers, values)
    if values["dry_run"]:
        for each in objects:
            click.echo(f"left: {each}")
        click.echo(f"{plural(len(objects), 'object')} left on {target.address.url}; nothing was sent")
        return PASSED
    if not is_explicit("base_url"):
        require_trust(target, str(leftovers.path), values["trusted_hosts"])
    say(f"cleaning up on {target.address.url} after test run {leftovers.header_text('run_id') or leftovers.path}")
    result = cleanup.CleanupResult()
    for history in histories:
        result.add(cleanup.delete(history, target, lambda leftover, outcome: click.echo(f"{outcome}: {leftover}")))
    summary = f"{len(result.deleted)} deleted, {len(result.already_gone)} already gone, {len(result.remaining)} left"
    unknown = sum(history.tracker.unknown_creations for history in histories)
    if unknown:
        summary += f"; {plural(unknown, 'object')} of unknown id may exist"
    click.echo(summary)
    return INCONCLUSIVE if result.remaining else PASSED


def _target(leftovers: Leftovers, values: dict[str, Any]) -> Target:
    from runs_conformance import config, targets
    from runs_conformance.errors import UsageError

    # The history names the server of the test run; conformance.toml may name another.
    url = values["base_url"] if is_explicit("base_url") else leftovers.header_text("base_url") or values["base_url"]
    if not url:
        raise UsageError(f"{leftovers.path}: does not name the target; use --base-url")
    values = drop_settings_for_other_server(values, url)
    dialect = (
        (values["dialect"] if is_explicit("dialect") else None) or leftovers.header_text("dialect_name") or "openai"
    )
    key = config.resolve_secret(values["api_key"], "OPENAI_API_KEY")
    second = config.resolve_secret(values["second_api_key"], "CONFORMANCE_SECOND_API_KEY", flag="--second-api-key")
    return targets.remote_target(
        url,
        dialect=config.require_known(dialect, targets.DIALECTS, "dialect"),
        headers=config.parse_headers(values["headers"]),
        query=config.parse_query(values["query"]),
        path_prefix=values["path_prefix"],
        secret_values=config.secret_values(values["headers"], values["query"]),
        key_header=values["key_header"] or leftovers.header_text("key_header"),
        api_key=key.value if key else None,
        second_api_key=second.value if second else None,
    )
