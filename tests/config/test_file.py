"""The file conformance.toml provides defaults of options, and no secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from runs_conformance.config.file import load
from runs_conformance.errors import UsageError


def written(folder: Path, text: str) -> Path:
    path = folder / "conformance.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_keys_become_option_defaults(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        base_url = "http://127.0.0.1:9/v1"
        phases = ["lifecycle"]
        [auth]
        api_key = "@keys/own"
        [headers]
        X-Team = "blue"
        Authorization = "env:TOKEN"
        [capabilities]
        streaming = true
        tenancy = false
        [use]
        assistant = "asst_1"
        [budget]
        max_time = "5m"
        [gate]
        baseline = "known.toml"
        """,
    )
    assert load(path).option_defaults() == {
        "base_url": "http://127.0.0.1:9/v1",
        "phases": ["lifecycle"],
        "api_key": f"@{tmp_path / 'keys' / 'own'}",
        "headers": ["X-Team: blue", "Authorization: env:TOKEN"],
        "capabilities": ["streaming"],
        "no_capabilities": ["tenancy"],
        "use": ["assistant=asst_1"],
        "max_time": "5m",
        "baseline": str(tmp_path / "known.toml"),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('modle = "x"', "modle: unknown key; did you mean model"),
        ("max_requests = 5", "max_requests: unknown key; did you mean budget.max_requests?"),
        ("max_request = 5", "did you mean budget.max_requests?"),
        ("[budgets]\nmax_runs = 1", "budgets: unknown key; did you mean budget?"),
        ("[budget]\nmax_rums = 1", "budget.max_rums: unknown key; did you mean max_runs"),
        ("budget = 3", "budget: is a table; write [budget]"),
        ('[budget]\nmax_requests = "5"', "budget.max_requests: must be a whole number, not this string"),
        ("[budget]\nmax_requests = true", "budget.max_requests: must be a whole number, not true or false"),
        ("[budget]\nmax_requests = 0", "budget.max_requests: must be at least 1, not 0"),
        ("[pacing]\nworkers = 100", "pacing.workers: must be between 1 and 64, not 100"),
        ('[budget]\nmax_time = "soon"', "budget.max_time: must be a number of seconds"),
        ("[budget]\nmax_time = inf", "budget.max_time: must be a number of seconds"),
        ('edition = "2023-01-01"', "edition '2023-01-01' is not one of"),
        ("edition = 2024-08-28", "edition: must be a string, not a date or time"),
        ('dialect = "azure"', "dialect: unknown value 'azure'; did you mean azure-openai"),
        ('phases = "lifecycle"', "phases: must be a list of strings, not this string"),
        ('phases = ["lifecycel"]', "phases: unknown value 'lifecycel'; did you mean lifecycle?"),
        ('[capabilities]\nstreaming = "yes"', "capabilities.streaming: must be true or false, not this string"),
        ("[capabilities]\nstreming = true", "did you mean streaming"),
        ('[prompts]\nplian = "x"', "did you mean plain"),
        ('[use]\nasistant = "x"', "did you mean assistant"),
        ('[gate]\nfail_on = "mst"', "gate.fail_on: unknown value 'mst'; did you mean must?"),
        ('model = ""', "model: is empty; write a string, or remove the key"),
        ("headers = {X-Team = 5}", "headers.X-Team: must be a string, not a whole number"),
        ('select = ["a", ""]', "select[1]: is empty"),
        ('edition = "2024-13-45"', "edition '2024-13-45' is not one of"),
        ("model = 'x", "not TOML"),
        (f"seed = {'9' * 5000}", "a number is too long"),
        (f"seed = {'9' * 400}", "seed: the number is too large"),
        (f"[budget]\nmax_time = {'9' * 400}", "budget.max_time: the number is too large"),
        (f"select = {'[' * 5000}", "nested too deeply"),
    ],
)
def test_an_error_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as raised:
        load(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        '[auth]\napi_key = "sk-hidden"',
        '[auth]\nsecond_api_key = "sk-hidden"',
        '[headers]\nX-Api-Key = "sk-hidden"',
        '[headers]\nAuthorization = "Bearer sk-hidden"',
        '[query]\nsubscription-key = "sk-hidden"',
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="the file must not contain") as raised:
        load(written(tmp_path, text))
    assert "hidden" not in str(raised.value)


def test_unreadable_files_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"model = '\xff'")
    with pytest.raises(UsageError, match="not TOML"):
        load(tmp_path / "bytes.toml")
