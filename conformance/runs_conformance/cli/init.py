"""`runs-conformance init`: look at a server and write a conformance.toml for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import click

from runs_conformance.cli.signals import LEFT, interruptible
from runs_conformance.cli.target import ACCESS

if TYPE_CHECKING:
    from runs_conformance.app.discover import Scouted
    from runs_conformance.client.base_url import Address

_FILE = Path("conformance.toml")


@click.command("init")
@click.argument("base_url")
@click.option("--model", default="gpt-4o", show_default=True, help="The model for the one run that is tried.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), default=_FILE, show_default=True)
@click.option("--force", is_flag=True, help="Overwrite the file.")
def command(base_url: str, **given: Any) -> int:
    """Look at the server at BASE_URL and write a conformance.toml for it.

    Some thirty requests and two short runs, of which nothing is left behind. Keys are not written into the file, only
    where they are to be found.
    """
    from runs_conformance import config
    from runs_conformance.app import discover
    from runs_conformance.config import draft
    from runs_conformance.errors import UsageError
    from runs_conformance.reporting.failure_text import printable

    path: Path = given["output"]
    if path.exists() and not given["force"]:
        raise UsageError(f"{path} is there already; --force overwrites it, --output writes elsewhere")
    key = config.secret(given["api_key"], "OPENAI_API_KEY")
    addresses = dict(_addresses(base_url, given, bool(key)))
    with interruptible(LEFT):
        scouted = discover.scout(addresses, key.value if key else None, given["model"])
    values = _values(scouted, addresses[scouted.address], given, key is not None)
    notes = _notes(scouted, key.literal if key else False)
    head = ("What each key means: docs/configuration.md. Judge the server with `runs-conformance run`.",)
    try:
        path.write_text(draft.text(values, notes, head), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from None
    for line in _told(scouted):
        click.echo(printable(line))
    click.echo(f"wrote {path}; next: runs-conformance run" + ("" if path == _FILE else f" --config {path}"))
    return 0


for _option in reversed(ACCESS):
    command = _option(command)


def _addresses(base_url: str, given: dict[str, Any], key: bool) -> Iterator[tuple[Address, str]]:
    """The ways in which the server may be spoken to, the likeliest first, each with its base URL."""
    from runs_conformance import config, targets

    dialect = config.known(given["dialect"] or targets.likely(base_url), targets.DIALECTS, "dialect")
    headers, query = config.headers(given["header"]), config.queries(given["query"])
    # What is no URL at all is said before it is taken apart.
    targets.remote(base_url, dialect=dialect)
    urls = [base_url]
    parts = urlsplit(base_url.strip())
    if dialect == "openai" and not given["path_prefix"] and not parts.path.rstrip("/").endswith("/v1"):
        urls.append(urlunsplit(parts._replace(path=parts.path.rstrip("/") + "/v1")))
    for header in (given["key_header"],) if given["key_header"] or not key else (None, "api-key"):
        for url in urls:
            target = targets.remote(
                url,
                dialect=dialect,
                headers=headers,
                query=query,
                path_prefix=given["path_prefix"],
                key_header=header,
                hidden=config.hidden(given["header"], given["query"]),
            )
            yield target.address, url


def _values(scouted: Scouted, url: str, given: dict[str, Any], key: bool) -> dict[str, Any]:
    """What is known, by the places of the keys."""
    from runs_conformance import targets
    from runs_conformance.wire.redaction import is_secret_name

    address = scouted.address
    usual = targets.DIALECTS[address.dialect.name]
    parts = urlsplit(url.strip())
    values: dict[str, Any] = {"base_url": urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))}
    values["model"] = scouted.model
    if address.dialect.name != "openai":
        values["dialect"] = address.dialect.name
    if given["path_prefix"]:
        values["path_prefix"] = given["path_prefix"]
    if key:
        named = given["api_key"] or ""
        values["auth.api_key"] = _moved(named, given) if named.startswith(("env:", "@")) else "env:OPENAI_API_KEY"
    if address.dialect.key_header != usual.key_header:
        values["auth.key_header"] = address.dialect.key_header
    texts = {name: text for name, _, text in (line.partition("=") for line in given["query"])}
    query = {name: texts.get(name, value) for name, value in address.query if (name, value) not in usual.query}
    lines = (line.partition(":") for line in given["header"])
    tables: Mapping[str, Mapping[str, str]] = {
        "query": query,
        "headers": {name.strip(): text.strip() for name, _, text in lines},
    }
    for place, table in tables.items():
        kept = {name: text for name, text in table.items() if not is_secret_name(name) or text.startswith("env:")}
        if kept:
            values[place] = kept
    if scouted.streams:
        values["capabilities"] = {"streaming": True}
    return values


def _moved(named: str, given: dict[str, Any]) -> str:
    """A key's place as seen from the folder of the file."""
    beside: Path = given["output"].parent
    if not named.startswith("@") or beside == Path():
        return named
    return f"@{Path(named[1:]).expanduser().absolute()}"


def _notes(scouted: Scouted, literal: bool) -> dict[str, list[str]]:
    """What is said in the file beside the keys."""
    from runs_conformance.contract.operation import CAPABILITIES

    notes: dict[str, list[str]] = {}
    if scouted.models:
        others = ", ".join(scouted.models[:8]) + (" ..." if len(scouted.models) > 8 else "")
        notes["model"] = [f"The server lists {others}."]
    if scouted.started is False:
        notes.setdefault("model", []).append(f"A run was refused ({scouted.refused}); is the model right?")
    if not scouted.needs_key:
        notes["auth.api_key"] = ["The server answers without a key."]
    elif literal:
        notes["auth.api_key"] = ["The key was given on the command line; put it into this variable."]
    lacking = [name for name in CAPABILITIES if name in scouted.missing]
    if lacking:
        notes["capabilities"] = [
            f"Not there when this was written: {', '.join(lacking)}. Each run looks again; with",
            f"{lacking[0]} = false it does not, with {lacking[0]} = true the lack is a failure.",
        ]
    return notes


def _told(scouted: Scouted) -> Iterator[str]:
    address = scouted.address
    carrier = (
        "as a bearer token" if address.dialect.key_header == "Authorization" else f"in {address.dialect.key_header}"
    )
    key = f"the key {carrier}" if scouted.needs_key else "no key needed"
    yield f"{address.url} speaks {address.dialect.name}, {key}"
    for why in dict.fromkeys(scouted.missing.values()):
        yield f"  {why}"
    if scouted.started is None:
        yield "  no run could be tried"
    else:
        yield f"  a run of {scouted.model} was {'started' if scouted.started else f'refused: {scouted.refused}'}"
    if scouted.streams is not None:
        yield f"  it {'streams' if scouted.streams else 'does not stream'}"
    for thing in scouted.left:
        yield f"  left behind: {thing}"
    yield f"  {scouted.requests} requests"
