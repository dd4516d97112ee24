"""Generates docs/configuration.md, the reference of `conformance.toml`."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.config import toml
from runs_conformance.config.key import KEYS, SECTIONS, ConfigKey, ValueType

_HEAD = """# conformance.toml

`runs-conformance run` reads `conformance.toml` from the current folder, or the file that `--config` names;
`--no-config` reads none. `runs-conformance init URL` surveys a server and writes one.

Flags override the environment, the environment overrides the file, and the file overrides defaults. An unknown key or
a wrong value is an error (exit 2) that names the key.

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

Editors can complete and validate the file with [conformance-toml.schema.json](conformance-toml.schema.json).

## No secrets in the file

The file refers to API keys and never contains them: `env:NAME` reads an environment variable, `@FILE` the first line of
a file. This holds for `auth`, and for headers and query parameters whose names indicate a secret. If `auth.api_key` is
set, `OPENAI_API_KEY` is ignored; otherwise it is the default.

Keys, headers, query parameters and ids of the file apply only to the server that its `base_url` names. They are ignored
if the command line or the environment names another server. A file may come from others: before a key is sent to a
server that only the file names, the suite asks, or needs `--trust-host` (in the environment: the variable
`RUNS_CONFORMANCE_TRUST_HOST`). Servers on this machine are excepted.

Paths are relative to the file."""

_CAPABILITIES = """## Servers with missing capabilities

Each run detects what the server offers: an operation whose every request is answered like an unknown route is not
applicable, and neither are streams if the server refuses `stream: true` with an error that says so. `[capabilities]`
settles this in advance: with `true`, a missing capability is a failure; with `false`, its rules are skipped. The core
of runs is always judged.

`[use]` names existing objects, for a server that cannot or should not create them. The suite reads and uses these
objects, and never modifies or deletes them.

| kind | purpose |
| --- | --- |
| `assistant` | all runs use this assistant; it should have instructions |
| `thread` | programs share this thread, one after the other, instead of creating their own |
| `run` | with `read_only`: an additional run of the thread to read |
| `file`, `vector_store` | requirements on files and vector stores are judged |

With `read_only` (`--read-only`) the suite sends only GET requests, about these objects."""

_DIALECTS = """## Dialects

| dialect | conventions |
| --- | --- |
| `openai` | `<base_url>/threads/...`, the key as a bearer token; for every server that follows the published API |
| `azure-openai` | `<base_url>/openai/threads/...`, `/openai` once, `?api-version=`, the key as `api-key` |
| `azure-foundry-agents` | `<base_url>/threads/...`, `?api-version=2025-05-01`, the key as a bearer token |

For another gateway, use `openai` and set what differs:

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
    """Return the lines of the page."""
    lines = [*_HEAD.split("\n"), "", "## Keys", ""]
    lines += _table([key for key in KEYS.values() if not key.section])
    for section, description in SECTIONS.items():
        lines += [f"### [{section}]", "", description, ""]
        lines += _table([key for key in KEYS.values() if key.section == section])
    return [*lines, *_CAPABILITIES.split("\n"), "", *_DIALECTS.split("\n")]


def _table(keys: list[ConfigKey]) -> Iterator[str]:
    yield "| key | meaning | value | example | flag |"
    yield "| --- | --- | --- | --- | --- |"
    for key in keys:
        value = key.type.value
        if key.allowed:
            value += (" by " if key.type in (ValueType.TEXT_TABLE, ValueType.BOOLEAN_TABLE) else ": ") + ", ".join(
                f"`{n}`" for n in key.allowed
            )
        yield f"| `{key.name}` | {key.description} | {value} | `{toml.dump(key.example)}` | `{key.flag}` |"
    yield ""
