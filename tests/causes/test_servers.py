"""The causes of servers that are wrong in known ways, and what the fix of a cause changes."""

from __future__ import annotations

import re
from functools import cache

import pytest

from runs_conformance.causes import Cause
from runs_conformance.model.verdict import Outcome
from runs_conformance.reporting.report import Report
from tests.servers.hosting import judge


@cache
def report_on(name: str) -> Report:
    return judge(name)


def causes_of(name: str) -> dict[str, Cause]:
    causes = report_on(name).causes
    assert len({cause.kind for cause in causes}) == len(causes)
    return {cause.kind: cause for cause in causes}


def failing(name: str) -> set[str]:
    return {verdict.id for verdict in report_on(name).with_outcome(Outcome.FAIL)}


CAUSES = {
    "naive": {"cancel", "streams.asked", "choice", "lists", "validation.none"},
    "framework-errors": {"errors.envelope"},
    "bare-lists": {"lists.envelope"},
    "bare-lists-and-framework-errors": {"errors.envelope", "lists.envelope"},
    "accepts-every-body": {"validation.none", "outputs"},
    "calls-in-steps": {"tools"},
}
"""By server, the kinds of the causes that fail a MUST."""

EVERYTHING = {
    "errors.success_status", "shape.type.array.object", "shape.type.integer.string", "shape.run",
    "shape.missing.metadata",
}  # fmt: skip
"""The causes of the server that is wrong everywhere, which are the five things that it does wrong."""

RARE = {"naive": {"validation.query", "shape.run"}}
"""By server, further causes, which show only to some of the random requests and sampled values."""

TIMED = {"listing.order_is_kept", "listing.newest_come_first_by_default"}
"""Requirements that a server that ignores `order` violates only on objects that were created in different seconds."""

NAMES = [*CAUSES, "wrong-everywhere"]


@pytest.mark.parametrize("name", CAUSES)
def test_every_mistake_of_a_server_is_one_cause(name: str) -> None:
    causes = causes_of(name)
    found = {kind for kind, cause in causes.items() if cause.level == "must"}
    assert found - RARE.get(name, set()) == CAUSES[name]
    assert len(causes) <= 15


def test_a_server_that_is_wrong_everywhere_has_a_cause_for_each_defect() -> None:
    causes = causes_of("wrong-everywhere")
    assert {kind for kind, cause in causes.items() if cause.level == "must"} == EVERYTHING


@pytest.mark.parametrize("name", NAMES)
def test_every_failing_requirement_belongs_to_one_cause(name: str) -> None:
    ids = [id_ for cause in causes_of(name).values() for id_ in cause.ids]
    assert len(ids) == len(set(ids))
    assert set(ids) == failing(name)


@pytest.mark.parametrize("name", NAMES)
def test_every_cause_has_one_reproduction_and_a_fix(name: str) -> None:
    examples = {verdict.id: verdict.counterexample for verdict in report_on(name).verdicts}
    for cause in causes_of(name).values():
        assert cause.reproduction in cause.ids
        assert examples[cause.reproduction] is not None
        assert cause.fix.endswith(".")


_PYTHON = re.compile(r"\b(?:None(?! of)|True|False|ABSENT)\b|\['|\{['\"][^'\"]*'|<[a-z]+ (?:object|at) ")
"""Values in the notation of Python; JSON has other words and only double quotes."""
_CODE = re.compile(r"`[^`]*`")


@pytest.mark.parametrize("name", NAMES)
def test_no_text_of_a_report_is_in_the_notation_of_python(name: str) -> None:
    texts = [text for cause in causes_of(name).values() for text in (cause.title, cause.fix)]
    for verdict in report_on(name).verdicts:
        texts += [verdict.statement, verdict.reason or "", *(finding.message for finding in verdict.findings)]
    assert [text for text in texts if _PYTHON.search(_CODE.sub("", text))] == []


def test_programs_find_the_objects_of_lists_without_an_envelope() -> None:
    programs = report_on("bare-lists").programs
    assert programs.completed == programs.planned


def test_outputs_are_judged_for_calls_that_only_steps_show() -> None:
    passing = {verdict.id for verdict in report_on("calls-in-steps").with_outcome(Outcome.PASS)}
    assert failing("calls-in-steps") == {"action.is_given_while_required"}
    assert {f"tools.{name}" for name in ("right_outputs_are_taken", "missing_outputs_are_refused")} <= passing
    assert "choice.the_tool_that_is_named_is_called" in passing


@pytest.mark.parametrize(
    ("name", "kind", "fixed"),
    [
        ("naive", "validation.none", "naive-validating"),
        ("bare-lists-and-framework-errors", "errors.envelope", "bare-lists"),
        ("bare-lists-and-framework-errors", "lists.envelope", "framework-errors"),
    ],
)
def test_fix_of_a_cause_resolves_its_failures_and_no_others(name: str, kind: str, fixed: str) -> None:
    cause = causes_of(name)[kind]
    # The fixed server still accepts what a server may accept, such as empty bodies.
    optional = {verdict.id for verdict in report_on(name).verdicts if verdict.level == "may"}
    assert failing(fixed) & set(cause.ids) <= optional
    others = {
        id_
        for other in causes_of(name).values()
        if other.level == "must"
        for id_ in set(other.ids) - set(other.consequences)
    }
    assert others - set(cause.ids) - TIMED <= failing(fixed)
