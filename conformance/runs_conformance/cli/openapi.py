"""`runs-conformance openapi`: print the contract as one document."""

from __future__ import annotations

import click

from runs_conformance.cli.help import declare_command, option


@declare_command("openapi")
@option("--edition", metavar="DATE", help="Date of the contract. Default: the newest.")
def command(edition: str | None) -> None:
    """Print the contract as an OpenAPI 3.1 document."""
    import json

    from runs_conformance import config
    from runs_conformance.contract.edition import DEFAULT_EDITION
    from runs_conformance.generation.openapi import openapi_document

    click.echo(json.dumps(openapi_document(config.parse_edition(edition) if edition else DEFAULT_EDITION), indent=2))
