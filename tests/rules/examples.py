"""Decorators that turn a literal history into a test of the verdicts on it, and registers of the rules so tested.

@passes(lifecycle.terminal_status_is_final)
def test_completed_stays_completed() -> History: ...

@fails(lifecycle.terminal_status_is_final, at="/status")
def test_completed_then_queued() -> History: ...

@permitted
def test_run_that_is_done_at_once() -> History: ...
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from runs_conformance.model.history import History
from runs_conformance.model.rule import AnyRule
from runs_conformance.model.source import Level
from runs_conformance.model.verdict import Finding, Inconclusive, Passed, Result, Suspicion
from runs_conformance.rules import catalogue

BuildHistory = Callable[[], History]

PASSING: set[str] = set()
"""The ids of the rules with an example that passes."""

FAILING: dict[str, list[BuildHistory]] = {}
"""The examples that fail, by rule id, in order of declaration."""


def judge(rule: AnyRule, history: History) -> list[Result]:
    """All results of a rule on a history."""
    return [result for unit in rule.units(history) for result in rule.judge(unit)]


def findings(rule: AnyRule, history: History) -> list[Finding]:
    """All findings of a rule on a history."""
    return [result for result in judge(rule, history) if isinstance(result, Finding)]


def passes(*rules: AnyRule) -> Callable[[BuildHistory], Callable[[], None]]:
    """Each of these rules judges the history and finds nothing."""
    PASSING.update(rule.id for rule in rules)

    def declare(build: BuildHistory) -> Callable[[], None]:
        @wraps(build)
        def test() -> None:
            for rule in rules:
                results = judge(rule, build())
                assert not [r for r in results if isinstance(r, Finding)], rule.id
                assert any(isinstance(r, Passed) for r in results), f"{rule.id} judged nothing: {results}"

        return _without_wrapped(test)

    return declare


def fails(
    *rules: AnyRule, at: str | None = None, times: int | None = None
) -> Callable[[BuildHistory], Callable[[], None]]:
    """Each of these rules has findings: one of them at the pointer `at`, and `times` in all, if given."""

    def declare(build: BuildHistory) -> Callable[[], None]:
        for rule in rules:
            FAILING.setdefault(rule.id, []).append(build)

        @wraps(build)
        def test() -> None:
            for rule in rules:
                found = findings(rule, build())
                assert found, rule.id
                assert all(finding.message and finding.exchange for finding in found)
                assert at is None or at in [finding.pointer for finding in found], found
                assert times is None or len(found) == times, found

        return _without_wrapped(test)

    return declare


def inconclusive(*rules: AnyRule) -> Callable[[BuildHistory], Callable[[], None]]:
    """None of these rules passes or finds anything: the evidence is not conclusive."""

    def declare(build: BuildHistory) -> Callable[[], None]:
        @wraps(build)
        def test() -> None:
            for rule in rules:
                assert all(isinstance(result, Inconclusive) for result in judge(rule, build())), rule.id

        return _without_wrapped(test)

    return declare


def suspicious(*rules: AnyRule) -> Callable[[BuildHistory], Callable[[], None]]:
    """Each of these rules has a suspicion, which prevents a pass, and neither passes nor finds anything."""

    def declare(build: BuildHistory) -> Callable[[], None]:
        @wraps(build)
        def test() -> None:
            for rule in rules:
                results = judge(rule, build())
                assert results, rule.id
                assert all(isinstance(result, Suspicion) for result in results), (rule.id, results)

        return _without_wrapped(test)

    return declare


def permitted(build: BuildHistory) -> Callable[[], None]:
    """No rule of level must has findings: a correct server may behave this way."""

    @wraps(build)
    def test() -> None:
        history = build()
        musts = [rule for rule in catalogue().values() if rule.level is Level.MUST]
        found = {rule.id: against for rule in musts if (against := findings(rule, history))}
        assert not found, found

    return _without_wrapped(test)


def _without_wrapped(test: Callable[[], None]) -> Callable[[], None]:
    test.__annotations__ = {"return": None}
    del test.__wrapped__  # type: ignore[attr-defined]  # pytest would take the wrapped function's signature
    return test
