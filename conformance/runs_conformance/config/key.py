"""The keys of `conformance.toml`: what each holds, and the flag that it stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from runs_conformance.client.base_url import DIALECTS
from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.engine.plan import PHASES, PROFILES
from runs_conformance.generation.programs.steps import PROMPTS
from runs_conformance.model.json import JSON
from runs_conformance.model.program import GIVEN


class Form(Enum):
    """What a key holds, in words for people."""

    TEXT = "a text"
    SECRET = "a text of the form env:NAME or @FILE"
    PATH = "a path"
    WHOLE = "a whole number"
    TIME = "a number of seconds, or a text like 90s, 5m or 1h"
    SWITCH = "true or false"
    TEXTS = "a list of texts"
    TABLE = "a table of texts"
    SWITCHES = "a table of true and false"


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the file: its place, what it holds, and what it is for.

    `flag` is the flag of `run` that it stands for. `names` are the only values a text may have, or the only names in a
    table; a number is between `least` and `most`. `joint` is what stands between name and value where a table is given
    by flags.
    """

    place: str
    form: Form
    about: str
    example: JSON
    flag: str
    names: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    joint: str = "="

    @property
    def section(self) -> str:
        """The table that it stands in; empty at the top of the file."""
        return self.place.rpartition(".")[0]

    @property
    def name(self) -> str:
        """What it is called within its table."""
        return self.place.rpartition(".")[2]

    @property
    def option(self) -> str:
        """The parameter of the command that it sets."""
        return self.flag.removeprefix("--").replace("-", "_").lower()


def _top() -> Iterable[Key]:
    text, texts, whole = Form.TEXT, Form.TEXTS, Form.WHOLE
    yield Key("base_url", text, "The server to judge.", "http://127.0.0.1:8000/v1", "BASE_URL")
    yield Key("model", text, "The model that runs use; on Azure the name of the deployment.", "gpt-4o", "--model")
    yield Key("other_model", text, "Another one, to override the assistant's in a run.", "gpt-4o-mini", "--other-model")
    yield Key("failing_model", text, "One whose runs end failed.", "no-quota", "--failing-model")
    yield Key("edition", text, f"Date of the contract, {EDITIONS[0]} or later.", EDITIONS[-1], "--edition")
    yield Key("dialect", text, "How the server is spoken to.", "openai", "--dialect", tuple(DIALECTS))
    yield Key(
        "path_prefix", text, "What stands between host and /threads, if not in base_url.", "/openai", "--path-prefix"
    )
    yield Key("profile", text, "How much is tried.", "standard", "--profile", tuple(PROFILES))
    yield Key("phases", texts, "Only these phases.", ["boundary", "lifecycle"], "--phase", PHASES)
    yield Key("select", texts, "Only ids that match.", ["create_run.*"], "--select")
    yield Key("exclude", texts, "No ids that match.", ["tools.*"], "--exclude")
    yield Key("strict", Form.SWITCH, "Excuse nothing that the real service did.", False, "--strict")
    yield Key("read_only", Form.SWITCH, "Send nothing but GETs, about the objects in use.", False, "--read-only")
    yield Key("allow_stress", Form.SWITCH, "Races and hostile bodies also off loopback.", False, "--allow-stress")
    yield Key("seed", whole, "What random payloads are drawn from.", 0, "--seed")
    yield Key("database", Form.PATH, "Where failures are kept for the next run.", ".runs-conformance", "--database")


def _access() -> Iterable[Key]:
    secret, table = Form.SECRET, Form.TABLE
    yield Key("auth.api_key", secret, "The key.", "env:OPENAI_API_KEY", "--api-key")
    yield Key("auth.second_api_key", secret, "Another tenant's key.", "env:OTHER_API_KEY", "--second-api-key")
    yield Key(
        "auth.key_header",
        Form.TEXT,
        "The header that carries it: Authorization as a bearer token, any other as it is.",
        "api-key",
        "--key-header",
    )
    yield Key("headers", table, "Sent with every request.", {"X-Team": "blue"}, "--header", joint=": ")
    yield Key("query", table, "Added to every request.", {"api-version": "2024-07-01-preview"}, "--query")


def _limits() -> Iterable[Key]:
    whole, time = Form.WHOLE, Form.TIME
    yield Key("pacing.workers", whole, "Programs played at the same time.", 4, "--workers", least=1, most=64)
    yield Key("pacing.rate_limit", Form.TEXT, "No faster than this, all workers together.", "10/s", "--rate-limit")
    yield Key("pacing.poll", time, "The longest pause between two looks at a run.", 2, "--poll", least=0.01, most=600)
    yield Key("budget.max_requests", whole, "No more requests than this.", 2000, "--max-requests", least=1)
    yield Key("budget.max_runs", whole, "No more runs than this.", 100, "--max-runs", least=0)
    yield Key("budget.max_tokens", whole, "No more tokens than this.", 200_000, "--max-tokens", least=1)
    yield Key("budget.max_time", time, "Begin nothing after this long.", "10m", "--max-time", least=0.1)
    yield Key("budget.max_examples", whole, "So many random payloads.", 300, "--max-examples", least=1)
    yield Key("timeouts.request", time, "For one request.", 60, "--timeout", least=0.1, most=3600)
    yield Key("timeouts.run", time, "For a run to end or to ask for something.", 60, "--run-timeout", least=0.1)
    yield Key("timeouts.expiry", time, "For a run to expire.", "11m", "--expiry-timeout", least=0.1)


def _rest() -> Iterable[Key]:
    yield Key(
        "capabilities",
        Form.SWITCHES,
        "What the server has (true: its lack is a failure) and has not (false: it is not judged).",
        {"streaming": True, "tenancy": False},
        "--capability",
        CAPABILITIES,
    )
    yield Key(
        "prompts",
        Form.TABLE,
        "What is said to the model for a purpose, where the suite's own words do not work.",
        {"call_one": "Look up the weather in Paris with get_weather."},
        "--prompt",
        tuple(PROMPTS),
    )
    yield Key(
        "use",
        Form.TABLE,
        "Ids of existing objects to work with; none of them is changed or deleted.",
        {"assistant": "asst_abc123"},
        "--use",
        GIVEN,
    )
    yield Key("gate.fail_on", Form.TEXT, "What ends with exit 1.", "must", "--fail-on", ("must", "should"))
    yield Key("gate.max_inconclusive", Form.WHOLE, "More ends with exit 5.", 20, "--max-inconclusive", least=0)
    yield Key("gate.baseline", Form.PATH, "Known failures.", "baseline.toml", "--baseline")
    yield Key("report.dir", Form.PATH, "Where the report goes.", "reports/nightly", "--report-dir")
    yield Key("report.views", Form.TEXTS, "What is written of it.", ["html", "junit"], "--report")


KEYS: Mapping[str, Key] = {key.place: key for key in (*_top(), *_access(), *_limits(), *_rest())}
"""Every key by its place."""

SECTIONS: Mapping[str, str] = {
    "auth": "Keys, by the environment or files only.",
    "pacing": "How fast.",
    "budget": "What a run may use up; where it is used up, the exit code is 5.",
    "timeouts": "How long the server may take.",
    "gate": "What passes.",
    "report": "What is left behind.",
}
"""The tables that hold keys of their own."""
