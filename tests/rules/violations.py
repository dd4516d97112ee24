"""Writes `rules/violations.json`, one example of a violation for each rule, from the failing examples of the tests.

Run `python -m tests.rules.violations` after a finding message or a failing example has changed.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Mapping, Sequence

import tests.rules
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.history import History
from runs_conformance.model.json import JSON, Absent, is_array, is_object
from runs_conformance.model.rule import AnyRule
from runs_conformance.model.verdict import Finding
from runs_conformance.reporting.failure_text import compare_results
from runs_conformance.rules import VIOLATIONS, catalogue
from tests.rules.examples import FAILING, findings

_MAX_EXCHANGES = 8
_MAX_WIDTH = 110


def import_examples() -> None:
    """Import every test module of the rules, so that all examples are declared."""
    for entry in pkgutil.iter_modules(tests.rules.__path__, "tests.rules."):
        if entry.name.rpartition(".")[2].startswith("test_"):
            importlib.import_module(entry.name)


def render_violations() -> Mapping[str, Sequence[str]]:
    """The example of each rule with the fewest exchanges, as lines of text, by rule id."""
    import_examples()
    rules = catalogue()
    return {id_: render(rules[id_], min((build() for build in FAILING[id_]), key=len)) for id_ in sorted(FAILING)}


def to_json(violations: Mapping[str, Sequence[str]]) -> str:
    """The text of the file."""
    return json.dumps(violations, ensure_ascii=False, indent=1) + "\n"


def render(rule: AnyRule, history: History) -> list[str]:
    """The exchanges of a history, the last ones up to the finding if there are many, and the rule's first finding."""
    index = {exchange.id: exchange.index for exchange in history}
    finding = min(findings(rule, history), key=lambda each: (index[each.exchange], each.pointer, each.message))
    last = len(history) if len(history) <= _MAX_EXCHANGES else index[finding.exchange] + 1
    lines = ["…"] if last > _MAX_EXCHANGES else []
    for exchange in list(history)[max(0, last - _MAX_EXCHANGES) : last]:
        mark = "  <- finding" if exchange.id == finding.exchange else ""
        lines += [_request(exchange), f"  {_answer(exchange)}{mark}"]
    status = next(exchange.status for exchange in history if exchange.id == finding.exchange)
    return [_shorten(line) for line in [*lines, "", *_finding(finding, status)]]


def _request(exchange: Exchange) -> str:
    request = exchange.request
    query = "?" + "&".join(f"{name}={value}" for name, value in request.query) if request.query else ""
    body = "" if isinstance(request.body, Absent) else f" {_dumps(request.body)}"
    return f"{request.method} {request.path}{query}{body if request.text is None else f' {request.text!r}'}"


def _answer(exchange: Exchange) -> str:
    response = exchange.response
    if response is None or exchange.status is None:
        return "no response"
    if response.events is not None:
        return f"{exchange.status}, events: {', '.join(event.name for event in response.events) or 'none'}"
    if isinstance(response.body, Absent):
        return f"{exchange.status}, {response.text!r}" if response.text else f"{exchange.status}, no body"
    return f"{exchange.status}, {_summary(response.body)}"


def _summary(value: JSON) -> str:
    """An object by its id and status, a list by those of its items, an error by its message."""
    if not is_object(value):
        return _dumps(value)
    items, error = value.get("data"), value.get("error")
    if is_array(items):
        return f"list of {', '.join(_summary(item) for item in items) or 'nothing'}"
    if is_object(error):
        return f"error: {error.get('message')}"
    if "id" not in value:
        return _dumps(value)
    return " ".join(str(value[name]) for name in ("id", "status") if value.get(name) is not None)


def _finding(finding: Finding, status: int | None) -> list[str]:
    lines = [f"Finding: {finding.message}"]
    if finding.pointer:
        lines.append(f"At:       {finding.pointer}")
    lines += [f"{result.label.capitalize() + ':':9} {result.text}" for result in compare_results(finding, status)]
    return lines


def _dumps(value: JSON) -> str:
    return json.dumps(value, ensure_ascii=False, default=repr)


def _shorten(line: str) -> str:
    return line if len(line) <= _MAX_WIDTH else f"{line[: _MAX_WIDTH - 1]}…"


def main() -> None:
    """Write the file."""
    VIOLATIONS.write_text(to_json(render_violations()), encoding="utf-8")


if __name__ == "__main__":
    main()
