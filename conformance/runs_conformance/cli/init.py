"""`runs-conformance init`: probe a server and write a conformance.toml for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import click

from runs_conformance.cli.help import OUTPUT, TARGET, add_options, declare_command, option
from runs_conformance.cli.signals import WITHOUT_HISTORY, interruptible
from runs_conformance.cli.target import ACCESS_OPTIONS

if TYPE_CHECKING:
    from runs_conformance.app.discover import Discovery
    from runs_conformance.client.base_url import Address

_FILE = Path("conformance.toml")


@declare_command(
    "init",
    examples=(("Write conformance.toml for a local server", "runs-conformance init http://127.0.0.1:8000/v1"),),
)
@click.argument("base_url")
@option(
    "--model",
    group=TARGET,
    metavar="NAME",
    default="gpt-4o",
    show_default=True,
    help="Model of the two short runs, if the server lists no models or lists this one.",
)
@option(
    "--output",
    group=OUTPUT,
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    default=_FILE,
    show_default=True,
    help="File to write.",
)
@option("--force", group=OUTPUT, is_flag=True, help="Overwrite the file if it exists.")
@add_options(ACCESS_OPTIONS)
def command(base_url: str, **values: Any) -> int:
    """Probe the server at BASE_URL and write a conformance.toml for it.

    Sends about thirty requests and two short runs, and deletes everything it creates. If the server refuses the
    smallest requests, sends more to find a form that it accepts. The file contains references to keys, never the keys.
    """
    from runs_conformance import config
    from runs_conformance.app import discover
    from runs_conformance.config import draft
    from runs_conformance.errors import UsageError
    from runs_conformance.reporting.failure_text import printable

    path: Path = values["output"]
    if path.exists() and not values["force"]:
        raise UsageError(f"{path} exists already; --force overwrites it, --output writes elsewhere")
    key = config.resolve_secret(values["api_key"], "OPENAI_API_KEY")
    addresses = dict(_candidate_addresses(base_url, values, bool(key)))
    with interruptible(WITHOUT_HISTORY):
        discovery = discover.discover(addresses, key.value if key else None, values["model"])
    settings = _settings(discovery, addresses[discovery.address], values, key is not None)
    notes = _notes(discovery, key.literal if key else False)
    head = ("All keys are described in docs/configuration.md. Judge the server with `runs-conformance run`.",)
    try:
        path.write_text(draft.text(settings, notes, head), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror or error}") from None
    for line in _summary_lines(discovery):
        click.echo(printable(line))
    click.echo(f"wrote {path}; next: runs-conformance run" + ("" if path == _FILE else f" --config {path}"))
    return 0


def _candidate_addresses(base_url: str, values: dict[str, Any], key: bool) -> Iterator[tuple[Address, str]]:
    """Yield the possible addresses of the server, the likeliest first, each with its base URL."""
    from runs_conformance import config, targets

    dialect = config.require_known(values["dialect"] or targets.guess_dialect(base_url), targets.DIALECTS, "dialect")
    headers, query = config.parse_headers(values["headers"]), config.parse_query(values["query"])
    # Report an invalid URL before taking it apart.
    targets.remote_target(base_url, dialect=dialect)
    urls = [base_url]
    parts = urlsplit(base_url.strip())
    path = parts.path.rstrip("/")
    if path.endswith("/v1"):
        # A path prefix takes the place of /v1.
        urls.append(urlunsplit(parts._replace(path=path.removesuffix("/v1"))))
    elif dialect == "openai" and not values["path_prefix"]:
        urls.append(urlunsplit(parts._replace(path=path + "/v1")))
    for header in (values["key_header"],) if values["key_header"] or not key else (None, "api-key"):
        for url in urls:
            target = targets.remote_target(
                url,
                dialect=dialect,
                headers=headers,
                query=query,
                path_prefix=values["path_prefix"],
                key_header=header,
                secret_values=config.secret_values(values["headers"], values["query"]),
            )
            yield target.address, url


def _settings(discovery: Discovery, url: str, values: dict[str, Any], has_key: bool) -> dict[str, Any]:
    """The values to write, by dotted key."""
    from runs_conformance import targets
    from runs_conformance.contract.edition import DEFAULT_EDITION
    from runs_conformance.wire.redaction import is_secret_name

    address = discovery.address
    defaults = targets.DIALECTS[address.dialect.name]
    parts = urlsplit(url.strip())
    settings: dict[str, Any] = {"base_url": urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))}
    settings["model"] = discovery.model
    if discovery.edition != DEFAULT_EDITION:
        settings["edition"] = discovery.edition
    if address.dialect.name != "openai":
        settings["dialect"] = address.dialect.name
    if values["path_prefix"]:
        settings["path_prefix"] = values["path_prefix"]
    if has_key:
        reference = values["api_key"] or ""
        settings["auth.api_key"] = (
            _key_reference(reference, values) if reference.startswith(("env:", "@")) else "env:OPENAI_API_KEY"
        )
    if address.dialect.key_header != defaults.key_header and (discovery.needs_key or values["key_header"]):
        settings["auth.key_header"] = address.dialect.key_header
    texts = {name: text for name, _, text in (line.partition("=") for line in values["query"])}
    query = {name: texts.get(name, value) for name, value in address.query if (name, value) not in defaults.query}
    lines = (line.partition(":") for line in values["headers"])
    tables: Mapping[str, Mapping[str, str]] = {
        "query": query,
        "headers": {name.strip(): text.strip() for name, _, text in lines},
    }
    for key_name, table in tables.items():
        safe = {name: text for name, text in table.items() if not is_secret_name(name) or text.startswith("env:")}
        if safe:
            settings[key_name] = safe
    if discovery.request_forms.assistant:
        settings["use"] = {"assistant": discovery.request_forms.assistant}
    if discovery.streams:
        settings["capabilities"] = {"streaming": True}
    return settings


def _key_reference(reference: str, values: dict[str, Any]) -> str:
    """A reference to an API key, relative to the folder of the file."""
    folder: Path = values["output"].parent
    if not reference.startswith("@") or folder == Path():
        return reference
    return f"@{Path(reference[1:]).expanduser().absolute()}"


def _notes(discovery: Discovery, literal: bool) -> dict[str, list[str]]:
    """The comments to write before keys, by dotted key."""
    from runs_conformance.contract.edition import DEFAULT_EDITION
    from runs_conformance.contract.operation import CAPABILITIES, OPERATIONS

    notes: dict[str, list[str]] = {}
    if discovery.models:
        others = ", ".join(discovery.models[:8]) + (" ..." if len(discovery.models) > 8 else "")
        notes["model"] = [f"The server lists {others}."]
    if discovery.edition != DEFAULT_EDITION:
        notes["edition"] = ["The server refuses what later editions of the contract added."]
    if discovery.run_accepted is False:
        text = (
            f"A run failed: {discovery.refusal}."
            if discovery.run_failed
            else f"A run was refused ({discovery.refusal}); is the model correct?"
        )
        notes.setdefault("model", []).append(text)
    if discovery.needs_key is False:
        notes["auth.api_key"] = ["The server serves requests without a key."]
    elif literal:
        notes["auth.api_key"] = ["The key was given on the command line; put it into this variable."]
    missing = [name for name in CAPABILITIES if name in discovery.missing]
    notes["base_url"] = [f"{note[0].upper()}{note[1:]}." for note in discovery.request_forms.notes]
    if discovery.stopped:
        notes["base_url"].append(f"{discovery.stopped[0].upper()}{discovery.stopped[1:]}.")
    single = [
        OPERATIONS[name].route
        for name in discovery.missing
        if name in OPERATIONS and OPERATIONS[name].capability not in missing
    ]
    if single:
        notes["capabilities"] = [f"Missing operations when this was written: {', '.join(single)}."]
    if missing:
        notes.setdefault("capabilities", []).extend(
            (
                f"Missing when this was written: {', '.join(missing)}. Each test run checks again.",
                f"With {missing[0]} = false it does not, and the requirements are not applicable;",
                f"with {missing[0]} = true the absence is a failure.",
            )
        )
    return notes


def _summary_lines(discovery: Discovery) -> Iterator[str]:
    from runs_conformance.contract.edition import DEFAULT_EDITION

    address = discovery.address
    carrier = (
        "as a bearer token" if address.dialect.key_header == "Authorization" else f"in {address.dialect.key_header}"
    )
    key = "no key needed" if discovery.needs_key is False else f"API key {carrier}"
    yield f"{address.url}: dialect {address.dialect.name}, {key}"
    if discovery.edition != DEFAULT_EDITION:
        yield f"  it fits edition {discovery.edition}"
    for reason in dict.fromkeys(discovery.missing.values()):
        yield f"  {reason}"
    if discovery.stopped:
        yield f"  {discovery.stopped}"
        yield "  the following was found out before that"
    else:
        yield from (f"  {request}" for request in discovery.lost)
    if discovery.run_accepted is None:
        yield "  no run could be attempted"
    elif discovery.run_failed:
        yield f"  a run of {discovery.model} failed: {discovery.refusal}"
    else:
        verdict = "started" if discovery.run_accepted else f"refused: {discovery.refusal}"
        yield f"  a run of {discovery.model} was {verdict}"
    yield from (f"  {note}" for note in discovery.request_forms.notes)
    if discovery.streams is not None:
        yield f"  it {'streams' if discovery.streams else 'does not stream'}"
    for leftover in discovery.leftovers:
        yield f"  left behind: {leftover}"
    yield f"  {discovery.requests} requests"
