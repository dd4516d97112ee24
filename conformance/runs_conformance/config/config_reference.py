"""Generates docs/configuration.md, the reference of `conformance.toml`."""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.config import toml
from runs_conformance.config.key import KEYS, SECTIONS, ConfigKey, ValueType
from runs_conformance.generation.programs.steps import PROMPTS

_INTRO = """# conformance.toml

`runs-conformance run` reads `conformance.toml` from the current directory, or the file that `--config` names;
`--no-config` ignores any file. `runs-conformance init URL` probes a server and generates one.

Precedence: flags, then the environment, then the file, then the defaults. An unknown key or an invalid value is an
error (exit 2) that names the key.

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

API keys, headers, query parameters and ids of the file apply only to the server that its `base_url` names. They are
ignored if the command line or the environment names another server. The file may be untrusted: before an API key is
sent to a server that only the file names, the suite asks for permission. Without a terminal, `--trust-host` or the
variable `RUNS_CONFORMANCE_TRUST_HOST` gives it. Loopback servers are exempt.

Paths are relative to the file."""

_CAPABILITIES = """## Servers with missing capabilities

Each test run detects which operations and capabilities the server does not offer
([how](verdicts.md#operations-and-capabilities-that-are-not-offered)); requirements on these are not applicable.
`[capabilities]` overrides this detection: with `true`, a missing capability is a failure; with `false`, its
requirements are not applicable. The core of the Runs API is always judged.

`[use]` names existing objects, for a server that cannot or should not create them. The suite never modifies or
deletes these objects. To a thread it adds messages, which it deletes afterwards, and runs, which stay. A program is a
scripted sequence of requests.

| kind | purpose |
| --- | --- |
| `assistant` | all runs use this assistant; it should have instructions |
| `thread` | all programs use this thread, one after the other, and create none |
| `run` | with `read_only`: an additional run of the thread to read |
| `file`, `vector_store` | enables the checks of files and vector stores |

With `read_only` (`--read-only`) the suite sends only GET requests, about these objects."""

_PROMPTS = """## Prompts

Programs need the model to behave in these ways, and ask it to in a user message. If the model of the server does not,
replace the prompt with `[prompts]` or `--prompt PURPOSE=TEXT`. No rule depends on the wording of an answer."""

_NEEDED_BEHAVIOUR = {
    "plain": "a short answer",
    "long": "an answer of more than 300 tokens, which takes long enough to be cancelled",
    "call_one": "a call of the function `get_weather`; after its output, an answer",
    "call_two": "a call of `get_weather` and one of `get_time`, at once unless the run forbids parallel calls",
    "call_twice": "a message, then a call of `get_weather`, and after its output another one",
    "code": "use of the code interpreter",
    "search": "a search of the files",
    "json": "a JSON object with the string member `answer`",
}
"""By purpose, what the prompt must make the model do."""

_DIALECTS = """## Dialects

| dialect | conventions |
| --- | --- |
| `openai` | `<base_url>/threads/...`, the API key as a bearer token; for every server that follows the published API |
| `azure-openai` | `<base_url>/openai/threads/...`, `?api-version=`, the API key as `api-key` |
| `azure-foundry-agents` | `<base_url>/threads/...`, `?api-version=2025-05-01`, the API key as a bearer token |

If `base_url` ends with `/openai`, that part is not repeated. For another gateway, use `openai` and set what differs:

```toml
base_url = "https://gateway.example.org"
path_prefix = "/llm/v1"

[auth]
api_key = "env:GATEWAY_KEY"
key_header = "X-Gateway-Key"

[query]
tenant = "blue"
```"""


def render_page() -> list[str]:
    """The lines of the page."""
    lines = [*_INTRO.split("\n"), "", "## Keys", ""]
    lines += _table([key for key in KEYS.values() if not key.section])
    for section, description in SECTIONS.items():
        lines += [f"### [{section}]", "", description, ""]
        lines += _table([key for key in KEYS.values() if key.section == section])
    lines += [*_CAPABILITIES.split("\n"), "", *_PROMPTS.split("\n"), ""]
    lines += ["| purpose | what the model must do | the suite's prompt |", "| --- | --- | --- |"]
    lines += [f"| `{purpose}` | {_NEEDED_BEHAVIOUR[purpose]} | {text} |" for purpose, text in PROMPTS.items()]
    return [*lines, "", *_DIALECTS.split("\n")]


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
