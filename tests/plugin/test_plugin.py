"""The plugin from the user's side: every test starts a separate pytest."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

RUN = ("-p", "runs_conformance.plugin", "-p", "no:schemathesis", "-p", "no:cacheprovider")
CONFIGURATION = """\
profile = "quick"
select = ["create_run.metadata.*", "create_run.max_prompt_tokens.minimum", "errors.*"]
"""
DEFECTIVE_APP = """\
from runs_conformance.emulator.app import build
from runs_conformance.emulator.server_options import EmulatorOptions

def pytest_runs_conformance_app(config, path):
    return build(EmulatorOptions(step_ms=1), ["relaxed:create_run.metadata.maxProperties"])
"""
IMPORT_TEST = """\
import sys

def test_it():
    print(sorted(name for name in sys.modules if name.startswith("runs_conformance")))
    assert not {"click", "httpx", "starlette", "jsonschema", "rich", "yaml"} & set(sys.modules)
"""
BROKEN = "conformance.toml::create_run::create_run.metadata.maxProperties"

Pytest = Callable[..., pytest.RunResult]


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Pytest:
    """Run pytest in a folder of its own with these files; a keyword is a file name with `_` for the dot."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-plugin")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2] / "conformance"))
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)

    def run(*arguments: str, plugins: tuple[str, ...] = RUN, **files: str) -> pytest.RunResult:
        for name, text in files.items():
            path = pytester.path / name.replace("_toml", ".toml").replace("_py", ".py")
            path.write_text(text, encoding="utf-8")
        return pytester.run(sys.executable, "-m", "pytest", *plugins, *arguments, timeout=300)

    return run


def outcomes(path: Path) -> dict[str, str]:
    """The outcome of each test case in a JUnit file."""
    found = {}
    for case in ET.parse(path).iter("testcase"):
        inner = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        found[f"{case.get('classname')}::{case.get('name')}"] = inner[0] if inner else "passed"
    return found


def test_plugin_imports_nothing_without_a_conformance_file(inner: Pytest) -> None:
    result = inner(
        "-q",
        test_it_py=IMPORT_TEST,
        conformance_toml=CONFIGURATION,
    )
    result.assert_outcomes(passed=1)
    shown = inner("-q", "-s", "test_it.py").stdout.str()
    assert "['runs_conformance', 'runs_conformance.plugin', 'runs_conformance.plugin.hooks']" in shown


def test_tree_has_groups_and_requirements(inner: Pytest) -> None:
    lines = inner("--collect-only", "-q", "conformance.toml", conformance_toml=CONFIGURATION).outlines
    ids = [line for line in lines if "::" in line]
    assert ids[0] == "conformance.toml::conclusion"
    assert BROKEN in ids
    assert any(id_.startswith("conformance.toml::errors::errors.") for id_ in ids)
    assert len(ids) == len(set(ids))
    again = inner("--collect-only", "-q", "conformance.toml").outlines
    assert [line for line in again if "::" in line] == ids


def test_requirements_are_selected_by_name_level_and_capability(inner: Pytest) -> None:
    chosen = ("-m", "must and validation", "-k", "maxProperties or conclusion or errors")
    result = inner(
        "--collect-only", "-q", "--strict-markers", "conformance.toml", *chosen, conformance_toml=CONFIGURATION
    )
    assert [line for line in result.outlines if "::" in line] == [BROKEN]


def test_last_failed_ids_with_brackets_are_selected_again(inner: Pytest, pytester: pytest.Pytester) -> None:
    collect = ("--collect-only", "-q", "conformance.toml")
    collected = inner(*collect, conformance_toml='profile = "quick"\nselect = ["create_run.*.type"]\n').outlines
    failed = [line for line in collected if "::" in line and ("[]" in line or "{}" in line)]
    assert any(id_.endswith("[].type") for id_ in failed)
    cache = pytester.path / ".pytest_cache" / "v" / "cache" / "lastfailed"
    cache.parent.mkdir(parents=True)
    cache.write_text(json.dumps(dict.fromkeys(failed, True)), encoding="utf-8")
    again = inner(*collect, "--lf", "-p", "cacheprovider").outlines
    assert [line for line in again if "::" in line] == failed


@pytest.mark.slow
def test_defect_fails_its_requirement(inner: Pytest, pytester: pytest.Pytester) -> None:
    result = inner(
        "conformance.toml",
        "--junitxml=junit.xml",
        "--conformance-report-dir=out",
        "-p",
        "cacheprovider",
        conformance_toml=CONFIGURATION,
        conftest_py=DEFECTIVE_APP,
        plugins=RUN[:4],
    )
    assert result.ret == 1
    failed = [name for name, outcome in outcomes(pytester.path / "junit.xml").items() if outcome == "failure"]
    assert failed == ["conformance.toml.create_run::create_run.metadata.maxProperties"]
    text = result.stdout.str()
    assert "FAIL: 1 MUST requirement failed, explained by 1 cause (exit 1)" in text
    assert "curl" in text
    assert "Traceback" not in text
    assert json.loads((pytester.path / "out" / "report.json").read_text(encoding="utf-8"))["exit_code"] == 1
    # `--lf` judges only the failed requirement again.
    again = inner("conformance.toml", "--lf", "-p", "cacheprovider", plugins=RUN[:4])
    again.assert_outcomes(failed=1)


@pytest.mark.slow
def test_xdist_workers_share_one_judgement(inner: Pytest, pytester: pytest.Pytester) -> None:
    own = "import pytest\n\n@pytest.mark.parametrize('n', range(8))\ndef test_own(n):\n    assert n != 5\n"
    files = {"conformance_toml": CONFIGURATION, "conftest_py": DEFECTIVE_APP, "test_own_py": own}
    results = [
        inner("conformance.toml", "test_own.py", f"--junitxml=junit{number}.xml", *distribution, **files)
        for number, distribution in enumerate([(), ("-n", "2"), ("-n", "4", "--dist", "loadscope")])
    ]
    alone, two, four = (outcomes(pytester.path / f"junit{number}.xml") for number in range(3))
    assert alone == two == four
    assert alone["conformance.toml.create_run::create_run.metadata.maxProperties"] == "failure"
    runs = [path for path in (pytester.path / "reports").iterdir() if path.is_dir() and path.name != "latest"]
    assert len(runs) == 3
    for result in results:
        assert result.stdout.str().count("conformance of conformance.toml") == 1
        assert "1 MUST requirement failed" in result.stdout.str()


@pytest.mark.slow
def test_known_failures_are_expected_and_stale_ones_fail(inner: Pytest, pytester: pytest.Pytester) -> None:
    known = '[[known]]\nid = "create_run.metadata.maxProperties"\nreason = "wait for it"\n'
    stale = '[[known]]\nid = "create_run.max_prompt_tokens.minimum"\nreason = "was broken"\n'
    lost = '[[known]]\nid = "no.such_rule"\nreason = "was broken"\n'
    result = inner(
        "conformance.toml",
        "-rxs",
        baseline_toml=known + stale + lost,
        conformance_toml=CONFIGURATION + '[gate]\nbaseline = "baseline.toml"\n',
        conftest_py=DEFECTIVE_APP,
    )
    text = result.stdout.str()
    assert result.ret == 1
    assert result.parseoutcomes()["failed"] == 2
    assert "known failure: wait for it" in text
    assert "it passes now; the baseline lists it as: was broken" in text
    assert "no.such_rule in the baseline: there is no such rule or constraint" in text


def test_untestable_target_is_one_failure(inner: Pytest) -> None:
    conftest = (
        "def pytest_runs_conformance_app(config, path):\n"
        "    def app(environ, start_response):\n"
        "        start_response('404 Not Found', [('Content-Type', 'text/plain')])\n"
        "        return [b'404 page not found']\n"
        "    return app\n"
    )
    result = inner("conformance.toml", conformance_toml=CONFIGURATION, conftest_py=conftest)
    counted = result.parseoutcomes()
    assert counted["failed"] == 1
    assert "passed" not in counted
    assert counted["skipped"] > 5
    assert "has no Runs API" in result.stdout.str()


def test_file_without_server_passes_nothing(inner: Pytest) -> None:
    result = inner("conformance.toml", conformance_toml=CONFIGURATION)
    assert result.parseoutcomes()["failed"] == 1
    assert "passed" not in result.parseoutcomes()
    assert "conformance.toml names no server: set base_url" in result.stdout.str()


def test_invalid_file_is_a_one_line_error(inner: Pytest) -> None:
    result = inner("conformance.toml", conformance_toml="profile = \n")
    assert result.ret != 0
    text = result.stdout.str()
    assert "conformance.toml" in text
    assert "Traceback" not in text
    assert "INTERNALERROR" not in text


def test_unnamed_file_is_not_collected(inner: Pytest) -> None:
    result = inner(".", conformance_toml=CONFIGURATION, test_it_py="def test_it():\n    pass\n")
    result.assert_outcomes(passed=1)


def test_emulator_fixtures_per_test_and_per_session(inner: Pytest) -> None:
    result = inner(
        "-q",
        test_client_py="""
import urllib.error
import urllib.request

import pytest

def asked(emulator):
    headers = {"Authorization": f"Bearer {emulator.api_key}", "OpenAI-Beta": "assistants=v2"}
    headers["Content-Type"] = "application/json"
    request = urllib.request.Request(f"{emulator.base_url}/threads", b"{}", headers)
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code

@pytest.mark.parametrize("time", range(2))
def test_each_gets_its_own(runs_emulator, time):
    assert runs_emulator.requests == []
    runs_emulator.refuse(1, 429)
    assert [asked(runs_emulator), asked(runs_emulator)] == [429, 200]

@pytest.mark.runs_emulator(mutants=["relaxed:create_run.metadata.maxProperties"], step_ms=0)
def test_it_is_made_as_the_marker_says(runs_emulator):
    assert asked(runs_emulator) == 200

def test_one_for_all(runs_emulator_session, runs_emulator):
    assert runs_emulator_session.base_url != runs_emulator.base_url
    assert asked(runs_emulator_session) == 200
""",
    )
    result.assert_outcomes(passed=4)


def test_misuse_of_the_emulator_fixture_is_reported(inner: Pytest) -> None:
    result = inner(
        "-q",
        test_client_py="""
import pytest

def test_unused_script(runs_emulator):
    runs_emulator.say("It rains.")

@pytest.mark.runs_emulator(allow_unused=True)
def test_allowed(runs_emulator):
    runs_emulator.say("It rains.")

@pytest.mark.runs_emulator(mutant=["relaxed:create_run.metadata.maxProperties"])
def test_typo(runs_emulator):
    pass
""",
    )
    result.assert_outcomes(passed=2, errors=2)
    text = result.stdout.str()
    assert "never used: [{'say': {'text': 'It rains.'}}]" in text
    assert "did you mean mutants" in text
    for name in ("variants", "step_ms", "expires_s", "edition", "failing_model", "keys", "check_files", "allow_unused"):
        assert name in text
