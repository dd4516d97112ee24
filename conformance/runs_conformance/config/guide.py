"""The page that describes `conformance.toml`."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.config import toml
from runs_conformance.config.key import KEYS, SECTIONS, Form, Key

_HEAD = """# conformance.toml

`runs-conformance run` reads `conformance.toml` from the folder it is started in, or the file that `--config` names;
`--no-config` reads none. `runs-conformance init URL` writes one by asking the server.

A flag wins over the environment, the environment over the file, the file over the default. A key that there is not, or
one that holds the wrong thing, is an error (exit 2) that names it.

```toml
#:schema ./conformance-toml.schema.json
base_url = "https://gateway.example.org/v1"
model = "gpt-4o-mini"

[auth]
api_key = "env:GATEWAY_KEY"

[budget]
max_requests = 2000
max_tokens = 200000
```

Editors complete and check it by [conformance-toml.schema.json](conformance-toml.schema.json).

## Keys stay out of it

A key is named, never written down: `env:NAME` is the environment's, `@FILE` the first line of a file. This holds for
`auth`, and for headers and query parameters whose names say that they carry a secret. Where `auth.api_key` is not set,
`OPENAI_API_KEY` is taken; where it is, that variable is not looked at.

Keys, headers, query parameters and ids of the file are for the server that its `base_url` names. Where the command line
or the environment names a server elsewhere, they are not used.

Paths are relative to the file."""

_LACKING = """## Servers that do not have everything

What a server offers is found out by each run: an operation whose every request is answered as if there were no such
route is not applicable, and so are streams where `stream: true` is refused by an error that says so. `[capabilities]`
settles it beforehand: `true` makes the lack a failure, `false` leaves out what is about it. The core of runs is always
judged.

`[use]` names objects for a server on which they cannot be made, or should not be. They are read and worked with, never
modified or deleted.

| kind | what it is good for |
| --- | --- |
| `assistant` | runs are of this one; it should have instructions |
| `thread` | programs share this thread, one after the other, instead of making their own |
| `run` | with `read_only`: one more run of the thread to look at |
| `file`, `vector_store` | the demands on files and vector stores are judged |

With `read_only` (`--read-only`) nothing but GETs is sent, and what they show of these objects is judged."""

_DIALECTS = """## Dialects

| dialect | how it is spoken to |
| --- | --- |
| `openai` | `<base_url>/threads/...`, the key as a bearer token; every server that follows the published API |
| `azure-openai` | `<base_url>/openai/threads/...`, `/openai` once, `?api-version=`, the key as `api-key` |
| `azure-foundry-agents` | `<base_url>/threads/...`, `?api-version=2025-05-01`, the key as a bearer token |

Another gateway is `openai` with what differs:

```toml
base_url = "https://gateway.example.org"
path_prefix = "/llm/v1"

[auth]
api_key = "env:GATEWAY_KEY"
key_header = "X-Gateway-Key"

[query]
tenant = "blue"
```"""


def page() -> list[str]:
    """The lines of the page."""
    lines = [*_HEAD.split("\n"), "", "## Keys", ""]
    lines += _table([key for key in KEYS.values() if not key.section])
    for section, about in SECTIONS.items():
        lines += [f"### [{section}]", "", about, ""]
        lines += _table([key for key in KEYS.values() if key.section == section])
    return [*lines, *_LACKING.split("\n"), "", *_DIALECTS.split("\n")]


def _table(keys: list[Key]) -> Iterator[str]:
    yield "| key | what it is | holds | like | flag |"
    yield "| --- | --- | --- | --- | --- |"
    for key in keys:
        holds = key.form.value
        if key.names:
            holds += (" by " if key.form in (Form.TABLE, Form.SWITCHES) else ": ") + ", ".join(
                f"`{n}`" for n in key.names
            )
        yield f"| `{key.name}` | {key.about} | {holds} | `{toml.written(key.example)}` | `{key.flag}` |"
    yield ""
