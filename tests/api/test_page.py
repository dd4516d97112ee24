"""The examples in docs/python-api.md run as shown."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from runs_conformance import Inconclusive, Passed, Rule, run_timelines
from runs_conformance.contract.operation import CAPABILITIES
from runs_conformance.emulator.app import build
from runs_conformance.emulator.server_options import EmulatorOptions
from tests.api.test_api import history
from tests.repository.pages import ROOT, blocks, links

PAGE = ROOT / "docs" / "python-api.md"
SERVER, TRAFFIC, RULES = blocks(PAGE, "python")


def load(text: str, name: str = "shown") -> dict[str, Any]:
    module = ModuleType(name)
    sys.modules[name] = module
    try:
        exec(compile(text, str(PAGE), "exec"), module.__dict__)
    finally:
        del sys.modules[name]
    return module.__dict__


def functions(text: str) -> dict[str, Any]:
    return {name: value for name, value in load(text).items() if name.startswith("test_")}


@pytest.mark.parametrize("text", [SERVER, TRAFFIC], ids=["server", "traffic"])
def test_tests_on_the_page_pass(text: str) -> None:
    shown = functions(text)
    assert shown
    for function in shown.values():
        needs_application = function.__code__.co_argcount
        function(*([build(EmulatorOptions(step_ms=1))] if needs_application else []))


def test_shown_rules_judge() -> None:
    shown = {name: value for name, value in load(RULES, "gateway").items() if isinstance(value, Rule)}
    assert [rule.id for rule in shown.values()] == ["gateway.tagged_by_team", "gateway.names_the_gateway"]
    judged = history("completed")
    assert [type(result) for result in shown["tagged_by_team"].judge(run_timelines(judged)[0])] != [Inconclusive]
    results = [type(result) for exchange in judged for result in shown["names_the_gateway"].judge(exchange)]
    assert results
    assert Passed not in results


def test_every_capability_is_named() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in CAPABILITIES if f"`{name}`" not in text] == []


def test_links_resolve() -> None:
    assert [link for link in links(PAGE) if not link.exists()] == []
