"""The naming of parsers that fail, convert values or drop unknown members."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.model.json import JSON
from runs_conformance.model.long_text import compress
from runs_conformance.model.text import excerpt
from runs_conformance.model.verdict import Verdict
from tests.causes.verdicts import accepted_at, accepted_verdict, by_kind, crash_verdict, refused_verdict

REFUSED = [
    refused_verdict(f"{operation}.member_{number}.minItems")
    for operation in ("create_assistant", "create_run")
    for number in range(20)
]
"""The checks of a server that validates in part."""


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ('{"metadata": {}', "The server fails with HTTP 500 on bodies that are not JSON"),
        ('{"metadata": {"a": NaN}}', "The server fails with HTTP 500 on bodies that are not JSON"),
        ('{"a": 1, "a": 2}', None),
        ("[]", None),
    ],
)
def test_a_crash_of_the_parser_is_no_matter_of_validation(text: str, title: str | None) -> None:
    unvalidated = accepted_at(*(f"create_run.{name}.type" for name in ("model", "tools", "metadata")))
    crash = crash_verdict("robustness.odd_requests_do_not_break_the_server", {"text": text})
    causes = by_kind(*unvalidated, crash)
    if title is None:
        assert list(causes) == ["validation.none"]
        return
    assert {kind: cause.severity for kind, cause in causes.items()} == {
        "crash.parser": "crash",
        "validation.none": "missing_validation",
    }
    assert causes["crash.parser"].title == title
    assert "JSON parser" in causes["crash.parser"].fix
    deeper = replace(crash_verdict("create_run.stream.type", {"body": {"stream": []}}), kind="constraint")
    assert by_kind(*unvalidated, crash, deeper)["validation.none"].severity == "crash"


def showing(id_: str, pointer: str, sent: JSON, shown: dict[str, JSON]) -> Verdict:
    """A constraint whose violation was accepted, and answered with an object."""
    failing = accepted_verdict(id_, id_.partition(".")[0])
    finding = replace(failing.findings[0], pointer=pointer, actual=sent)
    answer: JSON = {"http_status": 200, "body": {"id": "asst_1", **shown}}
    case: JSON = {"role": "negative", "exercises": [id_]}
    return replace(failing, findings=(finding,), counterexample={"case": case, "answer": answer})


CONVERTED = [
    showing("create_assistant.model.type", "/model", 5, {"model": "5"}),
    showing("create_assistant.temperature.type", "/temperature", "1", {"temperature": 1.0}),
    showing("create_run.parallel_tool_calls.type", "/parallel_tool_calls", "true", {"parallel_tool_calls": True}),
]
KEPT = [
    showing("create_assistant.model.type", "/model", 5, {"model": 5}),
    showing("create_assistant.temperature.type", "/temperature", "1", {"temperature": 0.7}),
    showing("create_run.parallel_tool_calls.type", "/parallel_tool_calls", "x", {}),
]
UNKNOWN = [
    showing(f"{operation}.additionalProperties", "/unknown", 1, {}) for operation in ("create_assistant", "create_run")
]
SHOWN = [
    showing(f"{operation}.additionalProperties", "/unknown", 1, {"unknown": 1})
    for operation in ("create_assistant", "create_run")
]
DROPPED = [
    showing(f"{operation}.additionalProperties", "/unknown", 1, {})
    for operation in ("create_run", "create_thread", "create_message", "modify_run", "modify_thread")
]


@pytest.mark.parametrize(
    ("failing", "changes", "switches"),
    [
        (
            [*CONVERTED, *UNKNOWN],
            ": types are converted, unknown members dropped",
            "Switch off the conversion of types, and",
        ),
        (
            [*CONVERTED, *SHOWN],
            ": types are converted",
            "Switch off the conversion of types, and refuse unknown members; "
            "create_assistant, create_run even store them.",
        ),
        (CONVERTED, ": types are converted", "Switch off the conversion of types."),
        ([*KEPT, *UNKNOWN], "", "Refuse unknown members instead of dropping them."),
        ([*KEPT, *SHOWN], "", "Refuse unknown members; create_assistant, create_run even store them."),
        (
            [*KEPT, *DROPPED, *SHOWN[:1]],
            "",
            "Refuse unknown members instead of dropping them; create_assistant even stores them.",
        ),
        (KEPT, "", ""),
    ],
)
def test_changes_that_a_parser_makes_are_named(failing: list[Verdict], changes: str, switches: str) -> None:
    places = ("create_assistant.name.maxLength", "create_run.model.enum", "create_run.tools.minItems")
    cause = by_kind(*failing, *accepted_at(*places), *REFUSED)["validation.incomplete"]
    assert cause.title == f"Request bodies are validated only in part{changes}"
    assert switches in cause.fix
    assert bool(switches) is ("efuse unknown members" in cause.fix or "conversion" in cause.fix)


def test_only_metadata_is_converted_if_other_values_are_shown_as_they_were() -> None:
    converted = [
        showing(f"{operation}.metadata{{}}.type", "/metadata/a", 5, {"metadata": {"a": "5"}})
        for operation in ("create_run", "create_thread")
    ]
    places = ("create_assistant.name.maxLength", "create_run.model.enum", "create_run.tools.minItems")
    others = accepted_at(*places)
    kept = by_kind(*converted, *KEPT[:1], *others, *REFUSED)["validation.incomplete"]
    assert kept.title == "Request bodies are validated only in part: values of `metadata` are converted"
    assert "Switch off the conversion of values of `metadata`." in kept.fix
    by_default = by_kind(*converted, CONVERTED[2], *KEPT[:1], *others, *REFUSED)["validation.incomplete"]
    assert by_default.title == kept.title
    several = by_kind(*converted, *CONVERTED[1:], *KEPT[:1], *others, *REFUSED)["validation.incomplete"]
    assert several.title == "Request bodies are validated only in part: types are converted"
    unknown = by_kind(*converted, *KEPT[2:], *others, *REFUSED)["validation.incomplete"]
    assert unknown.title == "Request bodies are validated only in part: types are converted"


def test_a_crash_of_the_parser_has_one_cause_and_a_crash_on_a_value_another() -> None:
    unvalidated = accepted_at(*(f"create_run.{name}.type" for name in ("model", "tools", "metadata")))
    parser = crash_verdict("robustness.odd_requests_do_not_break_the_server", {"text": '{"metadata": {}'})
    value = replace(crash_verdict("create_run.stream.type", {"body": {"stream": []}}), kind="constraint")
    assert by_kind(*unvalidated, parser, value, *REFUSED)["crash.parser"].ids == (parser.id,)
    # A server that checks nothing needs one step that reads bodies.
    assert parser.id in by_kind(*unvalidated, parser, value)["validation.none"].ids


def test_a_parser_that_fails_on_several_bodies_is_not_only_at_odds_with_json() -> None:
    parser = crash_verdict("robustness.odd_requests_do_not_break_the_server", {"text": '{"a": NaN}'})
    first = replace(parser.findings[0], case="a")
    other = replace(first, operation="create_message", case="b")
    cause = by_kind(replace(parser, findings=(first, other)))["crash.parser"]
    assert cause.title == "The server fails with HTTP 500 on malformed bodies, such as those that are not JSON"
    assert cause.fix.endswith("The exception occurs in create_message, create_run.")


@pytest.mark.parametrize(("cases", "what"), [("a", "deeply nested bodies"), ("ab", "deeply nested ones")])
def test_deep_nesting_breaks_the_parser_although_it_is_json(cases: str, what: str) -> None:
    raw = '{"a": ' + "[" * 2000 + "]" * 2000 + "}"
    case: JSON = {"role": "negative", "anomaly": "deep_nesting"}
    parser = crash_verdict("robustness.odd_requests_do_not_break_the_server", {"text": excerpt(raw, 2000, keep=80)})
    assert isinstance(parser.counterexample, dict)
    findings = tuple(replace(parser.findings[0], case=name) for name in cases)
    example: JSON = {**parser.counterexample, "case": case, "steps": [{"raw": compress(raw)}]}
    parser = replace(parser, counterexample=example, findings=findings)
    unvalidated = accepted_at(*(f"create_run.{name}.type" for name in ("model", "tools", "metadata")))
    cause = by_kind(parser, *unvalidated, *REFUSED)["crash.parser"]
    assert cause.title.startswith("The server fails with HTTP 500 on ")
    assert cause.title.endswith(what)


@pytest.mark.parametrize("steps", [[], [{"raw": "[1]"}], [{"raw": compress("[" + "1, " * 800 + "1]")}]])
def test_long_body_is_not_taken_for_its_excerpt(steps: list[JSON]) -> None:
    text = excerpt("[" + "1, " * 800 + "1]", 2000, keep=80)
    failing = crash_verdict("robustness.odd_requests_do_not_break_the_server", {"text": text})
    assert isinstance(failing.counterexample, dict)
    example: JSON = {**failing.counterexample, "case": {"role": "negative", "anomaly": "many_members"}, "steps": steps}
    cause = by_kind(replace(failing, counterexample=example))["crash.invalid"]
    is_known = bool(steps) and steps != [{"raw": "[1]"}]
    what = "bodies that are not JSON objects" if is_known else "malformed or extreme requests, such as a body with"
    assert what in cause.title
    assert cause.fix.startswith("Catch every error in reading a body, and respond with HTTP 400")
