"""`runs-conformance openapi`: the contract as one document."""

from __future__ import annotations

import click


@click.command("openapi")
@click.option("--edition", help="Date of the contract.")
def command(edition: str | None) -> None:
    """Print the contract as an OpenAPI 3.1 document."""
    import json

    from runs_conformance import config
    from runs_conformance.contract.edition import DEFAULT_EDITION
    from runs_conformance.generation.openapi import document

    click.echo(json.dumps(document(config.edition(edition) if edition else DEFAULT_EDITION), indent=2))
