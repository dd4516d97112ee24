"""Rules of installed packages are found by their entry points and judged like the standard ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from runs_conformance import Outcome, UsageError, judge_traffic, rules
from tests.api.test_api import history, outcome_of

MODULE = '''\
"""Rules of our gateway."""

from runs_conformance import Level, Passed, Source, Basis, rule, run_timelines


@rule(units=run_timelines, level=Level.MUST, source=Source(Basis.CONVENTION, "our handbook"), capability="{capability}")
def ends_within_two_reads(run):
    """A run is read at most twice."""
    if len(run.observations) > 3:
        yield run.last.finding("the run was read too often")
    else:
        yield Passed()
'''
ID = "gateway_rules.ends_within_two_reads"


@pytest.fixture(autouse=True)
def catalogue_of_this_test(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(tmp_path))
    rules.catalogue.cache_clear()
    yield
    sys.modules.pop("gateway_rules", None)
    monkeypatch.undo()
    rules.catalogue.cache_clear()


def install(
    monkeypatch: pytest.MonkeyPatch, folder: Path, value: str, text: str = MODULE, capability: str = "core"
) -> None:
    (folder / "gateway_rules.py").write_text(text.replace("{capability}", capability), encoding="utf-8")
    found = (EntryPoint("gateway", value, rules.ENTRY_POINT_GROUP),)
    monkeypatch.setattr(rules, "entry_points", lambda group: found if group == rules.ENTRY_POINT_GROUP else ())


@pytest.mark.parametrize("value", ["gateway_rules", "gateway_rules:ends_within_two_reads"])
def test_installed_rule_is_judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str) -> None:
    install(monkeypatch, tmp_path, value)
    assert outcome_of(judge_traffic(history("in_progress", "completed")), ID) is Outcome.PASS
    report = judge_traffic(history("in_progress", "in_progress", "completed"))
    assert outcome_of(report, ID) is Outcome.FAIL
    assert report.exit_code == 1
    assert ID not in rules.standard_rules()


@pytest.mark.parametrize(
    ("value", "text", "problem"),
    [
        ("no_such_module", MODULE, "ModuleNotFoundError: No module named 'no_such_module'"),
        ("gateway_rules", "raise ValueError('two\\nlines')", "ValueError: two lines"),
        ("gateway_rules", "", "it names neither a rule nor a module that declares rules"),
        ("gateway_rules:run_timelines", MODULE, "it names neither a rule nor a module that declares rules"),
    ],
)
def test_unusable_entry_point_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str, text: str, problem: str
) -> None:
    install(monkeypatch, tmp_path, value, text)
    with pytest.raises(UsageError, match=problem) as caught:
        rules.catalogue()
    assert str(caught.value).startswith("entry point 'gateway' in runs_conformance.rules: ")


def test_unknown_capability_is_a_usage_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, tmp_path, "gateway_rules", capability="gateways")
    with pytest.raises(UsageError, match="no capability 'gateways'; choose from core, "):
        rules.catalogue()


def test_rule_with_a_known_id_is_a_usage_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch, tmp_path, "gateway_rules")
    known = next(iter(rules.standard_rules().values()))
    monkeypatch.setattr(rules, "standard_rules", lambda: {ID: known})
    with pytest.raises(UsageError, match=f"there is another rule {ID}"):
        rules.catalogue()
