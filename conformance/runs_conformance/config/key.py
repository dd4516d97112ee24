"""The keys of `conformance.toml`, with their types and the flags that they replace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from runs_conformance.contract.dialect import DIALECTS
from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.generation.programs.steps import PROMPTS
from runs_conformance.model.json import JSON
from runs_conformance.model.profile import PHASES, PROFILES
from runs_conformance.model.program import USABLE_KINDS


class ValueType(Enum):
    """The type of a value; its own value describes it to people."""

    TEXT = "a string"
    SECRET = "a string of the form env:NAME or @FILE"
    PATH = "a path"
    INTEGER = "a whole number"
    DURATION = "a number of seconds, or a string like 90s, 5m or 1h"
    BOOLEAN = "true or false"
    TEXT_LIST = "a list of strings"
    TEXT_TABLE = "a table of strings"
    BOOLEAN_TABLE = "a table of true and false"


@dataclass(frozen=True, slots=True)
class ConfigKey:
    """A key of the file, with its type and purpose.

    `flag` is the flag of `run` that sets the same parameter. `allowed` are the permitted values of a string, or the
    permitted names in a table; a number is between `minimum` and `maximum`. `separator` stands between name and value
    when a table is written as flags.
    """

    dotted_name: str
    type: ValueType
    description: str
    example: JSON
    flag: str
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    separator: str = "="

    @property
    def section(self) -> str:
        """The table that contains the key; empty at the top of the file."""
        return self.dotted_name.rpartition(".")[0]

    @property
    def name(self) -> str:
        """The name within the table."""
        return self.dotted_name.rpartition(".")[2]

    @property
    def option(self) -> str:
        """The parameter of the command that the key sets: plural for a list or table, whose flag is repeatable."""
        if self.type in (ValueType.TEXT_LIST, ValueType.TEXT_TABLE, ValueType.BOOLEAN_TABLE) and not self.section:
            return self.dotted_name
        return self.flag.removeprefix("--").replace("-", "_").lower()


def _top() -> Iterable[ConfigKey]:
    text, text_list, integer = ValueType.TEXT, ValueType.TEXT_LIST, ValueType.INTEGER
    yield ConfigKey("base_url", text, "The server to judge.", "http://127.0.0.1:8000/v1", "BASE_URL")
    yield ConfigKey(
        "model", text, "The model that runs use; on Azure, the name of the deployment.", "gpt-4o", "--model"
    )
    yield ConfigKey(
        "other_model", text, "A second model, to override the assistant's in a run.", "gpt-4o-mini", "--other-model"
    )
    yield ConfigKey("failing_model", text, "A model whose runs end with status failed.", "no-quota", "--failing-model")
    yield ConfigKey("edition", text, f"Date of the contract, {EDITIONS[0]} or later.", EDITIONS[-1], "--edition")
    yield ConfigKey("dialect", text, "How to address the server.", "openai", "--dialect", tuple(DIALECTS))
    yield ConfigKey(
        "path_prefix",
        text,
        "The path between host and /threads, unless base_url contains it.",
        "/openai",
        "--path-prefix",
    )
    yield ConfigKey("profile", text, "How much to test.", "standard", "--profile", tuple(PROFILES))
    yield ConfigKey("phases", text_list, "Run only these phases.", ["boundary", "lifecycle"], "--phase", PHASES)
    yield ConfigKey("select", text_list, "Judge only matching ids.", ["create_run.*"], "--select")
    yield ConfigKey("exclude", text_list, "Do not judge matching ids.", ["tools.*"], "--exclude")
    yield ConfigKey(
        "strict", ValueType.BOOLEAN, "Do not excuse known deviations of the real service.", False, "--strict"
    )
    yield ConfigKey(
        "read_only", ValueType.BOOLEAN, "Send only GET requests, about the objects in use.", False, "--read-only"
    )
    yield ConfigKey(
        "allow_stress",
        ValueType.BOOLEAN,
        "Send races and extreme bodies to a remote server, too.",
        False,
        "--allow-stress",
    )
    yield ConfigKey(
        "exhaustive",
        ValueType.BOOLEAN,
        "Send every invalid value. By default, values whose acceptance starts a run are left out once the server has "
        "accepted most others of their kind.",
        False,
        "--exhaustive",
    )
    yield ConfigKey("seed", integer, "Seed of random payloads and programs.", 0, "--seed")
    yield ConfigKey(
        "database",
        ValueType.PATH,
        "Folder of saved failures, which are re-run first next time.",
        ".runs-conformance",
        "--database",
    )


def _access() -> Iterable[ConfigKey]:
    secret, table = ValueType.SECRET, ValueType.TEXT_TABLE
    yield ConfigKey("auth.api_key", secret, "The API key.", "env:OPENAI_API_KEY", "--api-key")
    yield ConfigKey(
        "auth.second_api_key", secret, "The API key of another tenant.", "env:OTHER_API_KEY", "--second-api-key"
    )
    yield ConfigKey(
        "auth.key_header",
        ValueType.TEXT,
        "Header that carries the key: in Authorization as a bearer token, in any other as it is.",
        "api-key",
        "--key-header",
    )
    yield ConfigKey(
        "headers", table, "Headers to send with every request.", {"X-Team": "blue"}, "--header", separator=": "
    )
    yield ConfigKey(
        "query", table, "Query parameters to add to every request.", {"api-version": "2024-07-01-preview"}, "--query"
    )


def _limits() -> Iterable[ConfigKey]:
    integer, duration = ValueType.INTEGER, ValueType.DURATION
    yield ConfigKey(
        "pacing.workers", integer, "Number of programs to run concurrently.", 4, "--workers", minimum=1, maximum=64
    )
    yield ConfigKey(
        "pacing.rate_limit", ValueType.TEXT, "Maximum rate of requests, over all workers.", "10/s", "--rate-limit"
    )
    yield ConfigKey("pacing.poll", duration, "Longest polling interval.", 2, "--poll", minimum=0.01, maximum=600)
    yield ConfigKey("budget.max_requests", integer, "Maximum number of requests.", 2000, "--max-requests", minimum=1)
    yield ConfigKey("budget.max_runs", integer, "Maximum number of runs.", 100, "--max-runs", minimum=0)
    yield ConfigKey("budget.max_tokens", integer, "Maximum number of tokens.", 200_000, "--max-tokens", minimum=1)
    yield ConfigKey("budget.max_time", duration, "Start nothing new after this time.", "10m", "--max-time", minimum=0.1)
    yield ConfigKey(
        "budget.max_examples",
        integer,
        "Number of random payloads; random programs scale with it.",
        300,
        "--max-examples",
        minimum=1,
    )
    yield ConfigKey("timeouts.request", duration, "Timeout of a request.", 60, "--timeout", minimum=0.1, maximum=3600)
    yield ConfigKey(
        "timeouts.run", duration, "Time for a run to end or to require tool outputs.", 60, "--run-timeout", minimum=0.1
    )
    yield ConfigKey(
        "timeouts.expiry",
        duration,
        "Wait for a run to expire if its lifetime is at most this long.",
        "11m",
        "--expiry-timeout",
        minimum=0.1,
    )


def _capabilities_and_reports() -> Iterable[ConfigKey]:
    yield ConfigKey(
        "capabilities",
        ValueType.BOOLEAN_TABLE,
        "For each capability, true if the server must implement it, or false if it does not: its requirements are then "
        "not applicable.",
        {"streaming": True, "tenancy": False},
        "--capability",
        CAPABILITIES,
    )
    yield ConfigKey(
        "prompts",
        ValueType.TEXT_TABLE,
        "Prompts for the model by purpose, if the suite's own prompt does not work.",
        {"call_one": "Look up the weather in Paris with get_weather."},
        "--prompt",
        tuple(PROMPTS),
    )
    yield ConfigKey(
        "use",
        ValueType.TEXT_TABLE,
        "Ids of existing objects to work with. They are not modified or deleted, but a thread gets messages and runs.",
        {"assistant": "asst_abc123"},
        "--use",
        USABLE_KINDS,
    )
    yield ConfigKey(
        "gate.fail_on",
        ValueType.TEXT,
        "Lowest level whose failures end with exit 1.",
        "must",
        "--fail-on",
        ("must", "should"),
    )
    yield ConfigKey(
        "gate.max_inconclusive",
        ValueType.INTEGER,
        "More inconclusive verdicts than this end with exit 5.",
        20,
        "--max-inconclusive",
        minimum=0,
    )
    yield ConfigKey("gate.baseline", ValueType.PATH, "Known failures.", "baseline.toml", "--baseline")
    yield ConfigKey("report.dir", ValueType.PATH, "Folder of the report.", "reports/nightly", "--report-dir")
    yield ConfigKey("report.views", ValueType.TEXT_LIST, "Views of the report to write.", ["html", "junit"], "--report")


KEYS: Mapping[str, ConfigKey] = {
    key.dotted_name: key for key in (*_top(), *_access(), *_limits(), *_capabilities_and_reports())
}
"""All keys by dotted name."""

SECTIONS: Mapping[str, str] = {
    "auth": "API keys, as references to the environment or files.",
    "pacing": "Concurrency and rate.",
    "budget": "Limits on cost, and the extent of fuzzing (`max_examples`). If a limit is reached, the exit code is 5 "
    "unless a requirement failed.",
    "timeouts": "Timeouts of the server.",
    "gate": "Conditions for exit code 0.",
    "report": "Output.",
}
"""The tables that contain keys, with their descriptions."""
