"""Tallies and circumstances determine the outcome and the reason of each verdict."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from runs_conformance.contract.constraint import constraints
from runs_conformance.engine.coverage import Coverage
from runs_conformance.engine.decisions import Decisions, load_decisions
from runs_conformance.engine.finding_order import sort_findings
from runs_conformance.engine.premises import PREMISES
from runs_conformance.engine.reported_findings import MAX_FINDINGS, discard_findings
from runs_conformance.engine.verdicts import NotJudgedReason, Requirements, VerdictContext, build_verdicts
from runs_conformance.model.json import JSON
from runs_conformance.model.program_end import Ending, ProgramEnd
from runs_conformance.model.rule import SECOND_KEY
from runs_conformance.model.verdict import (
    NO_OTHER_VALUE,
    VALID_ACCEPTED,
    Finding,
    Outcome,
    Suspicion,
    Tally,
    Verdict,
    merge_tallies,
)
from runs_conformance.rules import catalogue

REQUIREMENTS = Requirements(rules=catalogue(), constraints=constraints())
ID = "create_run.max_prompt_tokens.minimum"
UNLIKE, UNJUDGED = "unlike on the bundled emulator, ", " ran to the end without judging it"


def verdict(tally: Tally | None, **context: object) -> Verdict:
    tallies = {} if tally is None else {ID: tally}
    verdicts = build_verdicts(tallies, REQUIREMENTS, VerdictContext(**context))  # type: ignore[arg-type]
    return next(each for each in verdicts if each.id == ID)


def test_every_rule_and_constraint_appears_exactly_once() -> None:
    ids = [each.id for each in build_verdicts({}, REQUIREMENTS, VerdictContext())]
    assert sorted(ids) == sorted({*constraints(), *catalogue()})


def test_nothing_judged_is_never_a_pass() -> None:
    assert {each.outcome for each in build_verdicts({}, REQUIREMENTS, VerdictContext())} == {Outcome.NOT_JUDGED}


def test_outcomes() -> None:
    assert verdict(Tally(judged=3)).outcome is Outcome.PASS
    assert verdict(Tally(judged=3, findings=[Finding("no")])).outcome is Outcome.FAIL
    undecided = verdict(Tally(inconclusive=Counter({"rate limited": 2})))
    assert (undecided.outcome, undecided.reason) == (Outcome.INCONCLUSIVE, "rate limited")
    assert verdict(Tally(judged=1, findings=[Finding("no")], errors=["raised"])).outcome is Outcome.ERROR


def test_suspicion_prevents_a_pass() -> None:
    suspected = Tally(judged=9)
    suspected.add(Suspicion("HTTP status 500 occurred once"))
    merged = verdict(Tally(judged=9).merge(suspected))
    assert merged.outcome is Outcome.INCONCLUSIVE
    assert merged.reason == "held on 18 occasions, but HTTP status 500 occurred once"
    suspected.add(Finding("no"))
    assert verdict(suspected).outcome is Outcome.FAIL


def test_excused_finding_is_a_pass_that_names_the_known_deviation() -> None:
    reported = verdict(Tally(judged=4, excused=Counter({"V-01": 3})))
    assert (reported.outcome, reported.reason) == (Outcome.PASS, "excused by a known deviation: V-01 (3 times)")


def test_what_was_only_excused_was_not_seen_to_hold() -> None:
    reported = verdict(Tally(judged=3, excused=Counter({"V-01": 3})))
    assert (reported.outcome, reported.judged) == (Outcome.NOT_JUDGED, 3)
    assert reported.reason == "every occurrence is excused by a known deviation: V-01 (3 times)"


def test_id_that_is_not_selected_is_not_judged() -> None:
    reported = verdict(Tally(judged=1, findings=[Finding("no")]), is_selected=lambda id_: False)
    assert (reported.outcome, reported.judged, reported.findings) == (Outcome.NOT_JUDGED, 0, ())


def test_unsupported_operation_is_not_applicable() -> None:
    not_offered = {"create_run": "no such route"}
    reported = verdict(None, not_offered=not_offered)
    assert (reported.outcome, reported.reason, reported.findings) == (Outcome.NOT_APPLICABLE, "no such route", ())


def test_object_that_only_an_unsupported_operation_shows_is_not_applicable() -> None:
    context = VerdictContext(not_offered={"delete_message": "no such route"})
    verdicts = {each.id: each for each in build_verdicts({}, REQUIREMENTS, context)}
    for id_ in ("message_deleted.type", "message_deleted.id.required"):
        assert (verdicts[id_].outcome, verdicts[id_].reason) == (Outcome.NOT_APPLICABLE, "no such route")
    assert verdicts["thread_deleted.type"].outcome is Outcome.NOT_JUDGED


def test_findings_of_unsupported_operations_are_discarded() -> None:
    tally = Tally(judged=3, findings=[Finding("a", operation="cancel_run"), Finding("b", operation="get_run")])
    remaining = discard_findings({ID: tally}, ["cancel_run"])[ID]
    assert (remaining.judged, [finding.message for finding in remaining.findings]) == (2, ["b"])


def test_rule_whose_request_an_unsupported_operation_did_not_serve_is_not_passed() -> None:
    tally = Tally(judged=3, findings=[Finding("not shown", operation="get_run_step", expected=200)])
    remaining = discard_findings({ID: tally}, ["get_run_step"])[ID]
    assert (remaining.judged, remaining.findings) == (2, [])
    assert verdict(remaining).outcome is Outcome.INCONCLUSIVE


def test_not_judged_reason_says_what_is_needed() -> None:
    reported = verdict(None, not_judged_reasons={ID: NotJudgedReason("it cannot be sent", "a longer line")})
    assert (reported.outcome, reported.reason, reported.needs) == (
        Outcome.NOT_JUDGED,
        "it cannot be sent",
        "a longer line",
    )


OUTSIDE = NotJudgedReason("outside profile quick", "--profile standard")


@pytest.mark.parametrize(
    "tally",
    [
        Tally(inconclusive=Counter(["the run had ended"])),
        Tally(judged=1, parts=Counter({VALID_ACCEPTED: 1})),
        Tally(judged=1, parts=Counter({VALID_ACCEPTED: 1}), inconclusive=Counter(["it names another member"])),
    ],
)
def test_what_a_sample_does_not_decide_on_the_emulator_is_outside_of_it(tally: Tally) -> None:
    reported = verdict(tally, sampling=OUTSIDE, not_judged_reasons={ID: OUTSIDE})
    assert (reported.outcome, reported.reason, reported.needs) == (
        Outcome.NOT_JUDGED,
        "outside profile quick",
        "--profile standard",
    )


def test_constraint_whose_invalid_values_were_not_sampled_is_outside_of_the_sample() -> None:
    shown = Tally(judged=1, parts=Counter({VALID_ACCEPTED: 1}))
    assert verdict(shown, sampling=OUTSIDE).outcome is Outcome.NOT_JUDGED
    assert verdict(shown).outcome is Outcome.INCONCLUSIVE
    refused = replace(shown, inconclusive=Counter(["the refusal names another member"]))
    assert verdict(refused, sampling=OUTSIDE).outcome is Outcome.INCONCLUSIVE


def test_what_looks_like_a_violation_is_not_outside_of_a_sample() -> None:
    suspected = Tally()
    suspected.add(Suspicion("HTTP status 500 occurred once"))
    assert verdict(suspected, sampling=OUTSIDE, not_judged_reasons={ID: OUTSIDE}).outcome is Outcome.INCONCLUSIVE
    assert verdict(Tally(judged=1, findings=[Finding("no")]), sampling=OUTSIDE).outcome is Outcome.FAIL


def test_rule_states_its_need() -> None:
    rule_with_need = next(rule for rule in catalogue().values() if rule.needs)
    reported = next(each for each in build_verdicts({}, REQUIREMENTS, VerdictContext()) if each.id == rule_with_need.id)
    assert reported.needs == rule_with_need.needs


def test_a_need_that_was_provided_is_not_the_reason() -> None:
    rule_with_need = next(each for each in catalogue().values() if each.needs == SECOND_KEY)
    context = VerdictContext(provided={SECOND_KEY})
    reported = next(each for each in build_verdicts({}, REQUIREMENTS, context) if each.id == rule_with_need.id)
    assert (reported.reason, reported.needs) == ("no request or response exercised it", None)


def test_number_of_findings_is_limited() -> None:
    reported = verdict(Tally(judged=999, findings=[Finding(str(n)) for n in range(999)]))
    assert len(reported.findings) == MAX_FINDINGS
    assert reported.reason == f"{999 - MAX_FINDINGS} more findings are not listed"


def test_findings_that_differ_come_first() -> None:
    def finding(exchange: str, pointer: str, expected: JSON, operation: str = "modify_assistant") -> Finding:
        return Finding(exchange, exchange=exchange, pointer=pointer, expected=expected, operation=operation)

    findings = [
        finding("a", "/data/0/tools", [1]),
        finding("b", "/data/1/tools", [2]),
        finding("c", "/data/0/tools", [1], "get_assistant"),
        finding("d", "/data/0/tools", []),
        finding("e", "/data/0/model", "x"),
        finding("f", "/data/0/tools", [1]),
    ]
    assert [each.exchange for each in sort_findings(findings, None)] == ["a", "d", "e", "c", "b", "f"]
    assert [each.exchange for each in sort_findings(findings, {"exchange": "f"})][:3] == ["f", "d", "e"]


def test_merging_tallies_is_associative() -> None:
    a, b, c = ({ID: Tally(judged=n, findings=[Finding(str(n))])} for n in (1, 2, 3))
    assert merge_tallies([merge_tallies([a, b]), c]) == merge_tallies([a, merge_tallies([b, c])])


def test_a_shortfall_names_what_was_undecided() -> None:
    id_ = "paging.limit_is_kept"
    ends = {"short": ProgramEnd("short", Ending.COMPLETED)}
    coverage = Coverage(Decisions({id_: frozenset({"short"})}, {id_: (frozenset({"short"}),)}), ends, {}, {})
    tally = Tally(judged=2, inconclusive=Counter({"the request was answered with HTTP status 500": 1}))
    verdicts = build_verdicts({id_: tally}, REQUIREMENTS, VerdictContext(coverage=coverage))
    reason = next(each.reason for each in verdicts if each.id == id_)
    assert reason is not None
    assert reason.endswith("; the request was answered with HTTP status 500")


def test_a_rule_about_what_never_happens_needs_its_occasions() -> None:
    id_, needed = next((id_, rule.occasions) for id_, rule in catalogue().items() if rule.occasions > 1)

    def outcome(judged: int, coverage: Coverage | None = None) -> Outcome:
        verdicts = build_verdicts({id_: Tally(judged=judged)}, REQUIREMENTS, VerdictContext(coverage=coverage))
        return next(each for each in verdicts if each.id == id_).outcome

    assert (outcome(needed - 1), outcome(needed)) == (Outcome.INCONCLUSIVE, Outcome.PASS)
    decisions = Decisions({id_: frozenset({"planned", "left out"})}, {})
    ends = {"planned": ProgramEnd("planned", Ending.COMPLETED)}
    narrow = Coverage(decisions, ends, {"planned": frozenset({id_})}, {})
    assert outcome(1, narrow) is Outcome.PASS


def test_a_pass_needs_each_operation_that_the_target_offers() -> None:
    id_, operations = next((id_, rule.needs_on_each) for id_, rule in catalogue().items() if rule.needs_on_each)

    def judge(seen: Sequence[str], absent: Sequence[str] = ()) -> tuple[Outcome, str | None]:
        tally = Tally(judged=4, parts=Counter(seen))
        context = VerdictContext(declared_absent=dict.fromkeys(absent, "absent"))
        verdict = next(each for each in build_verdicts({id_: tally}, REQUIREMENTS, context) if each.id == id_)
        return verdict.outcome, verdict.reason

    assert judge(operations)[0] is Outcome.PASS
    reason = f"held on 4 occasions, but none was a request to {operations[0]}"
    assert judge(operations[1:]) == (Outcome.INCONCLUSIVE, reason)
    others = f"any of {len(operations) - 1} other operations" if len(operations) > 2 else "one other operation"
    assert judge([]) == (Outcome.INCONCLUSIVE, f"{reason} (nor {others} that a pass needs)")
    assert judge(operations[1:], operations[:1])[0] is Outcome.PASS


def test_a_pass_needs_each_part_that_a_whole_test_run_must_show() -> None:
    id_, (part, operation, *_) = next(
        (id_, rule.needs_parts[0])
        for id_, rule in catalogue().items()
        if len(rule.needs_parts) == 1 and rule.operation is None and rule.capability != "cancel"
    )

    def judge(seen: Sequence[str], coverage: Coverage | None, absent: Sequence[str] = ()) -> tuple[Outcome, str | None]:
        tally = Tally(judged=4, parts=Counter(seen))
        context = VerdictContext(coverage=coverage, declared_absent=dict.fromkeys(absent, "absent"))
        verdict = next(each for each in build_verdicts({id_: tally}, REQUIREMENTS, context) if each.id == id_)
        return verdict.outcome, verdict.reason

    ends = {name: ProgramEnd(name, Ending.COMPLETED) for name in load_decisions().deciders[id_]}
    whole = Coverage(Decisions({}, {}), ends, {}, {})
    assert judge([part], whole)[0] is Outcome.PASS
    assert judge([], whole) == (Outcome.INCONCLUSIVE, f"held on 4 occasions, but none was {part}")
    assert judge([], whole, [operation])[0] is Outcome.PASS
    assert judge([], None)[0] is Outcome.PASS
    (left_out, _), *others = ends.items()
    quick = Coverage(Decisions({}, {}), dict(others), {}, {})
    assert judge([], quick)[0] is Outcome.PASS
    without_need = replace(quick, skipped={left_out: ("it needs a failing model", "a failing model")})
    assert judge([], without_need)[0] is Outcome.INCONCLUSIVE
    for reason in ("outside profile quick", "not selected", "phase races is not selected"):
        assert judge([], replace(quick, skipped={left_out: (reason, "")}))[0] is Outcome.PASS


def test_a_part_is_needed_only_where_the_target_offers_all_operations_that_lead_to_it() -> None:
    id_ = "paging.walks_reach_every_item_once"
    steps, *operations = next(each for each in catalogue()[id_].needs_parts if "list_run_steps" in each)
    others = {part for part, *_ in catalogue()[id_].needs_parts} - {steps}
    ends = {name: ProgramEnd(name, Ending.COMPLETED) for name in load_decisions().deciders[id_]}
    whole = Coverage(Decisions({}, {}), ends, {}, {})

    def outcome(absent: Sequence[str]) -> Outcome:
        tally = Tally(judged=4, parts=Counter(others))
        context = VerdictContext(coverage=whole, declared_absent=dict.fromkeys(absent, "absent"))
        return next(each for each in build_verdicts({id_: tally}, REQUIREMENTS, context) if each.id == id_).outcome

    assert operations == ["list_run_steps", "submit_tool_outputs"]
    assert [outcome(absent) for absent in ((), *((name,) for name in operations))] == [
        Outcome.INCONCLUSIVE,
        Outcome.PASS,
        Outcome.PASS,
    ]


def test_pass_that_relies_on_a_failed_rule_is_inconclusive() -> None:
    id_, failed = next((id_, rule.relies_on[0]) for id_, rule in catalogue().items() if rule.relies_on)

    def judged(own: Tally, other: Tally) -> tuple[Outcome, str | None]:
        verdicts = build_verdicts({id_: own, failed: other}, REQUIREMENTS, VerdictContext())
        return next((each.outcome, each.reason) for each in verdicts if each.id == id_)

    reason = f"may have held by chance, because {failed} failed"
    assert judged(Tally(3), Tally(2, [Finding("no")])) == (Outcome.INCONCLUSIVE, reason)
    assert judged(Tally(3), Tally(2)) == (Outcome.PASS, None)
    assert judged(Tally(3, [Finding("no")]), Tally(2, [Finding("no")]))[0] is Outcome.FAIL
    of_search, of_functions = Finding("no", part="file_search"), Finding("no", part="function")
    about_functions, about_both = Counter({"function": 3}), Counter({"function": 2, "file_search": 1})
    assert judged(Tally(3, parts=about_functions), Tally(2, [of_search])) == (Outcome.PASS, None)
    assert judged(Tally(3, parts=about_functions), Tally(2, [of_functions])) == (Outcome.INCONCLUSIVE, reason)
    assert judged(Tally(3, parts=about_functions), Tally(2, [of_search, Finding("no")]))[1] == reason
    assert judged(Tally(3, parts=about_both), Tally(2, [of_functions])) == (Outcome.PASS, None)
    assert judged(Tally(3, parts=about_both), Tally(2, [of_functions, of_search])) == (Outcome.INCONCLUSIVE, reason)
    assert judged(Tally(3), Tally(2, [of_search])) == (Outcome.INCONCLUSIVE, reason)


@pytest.mark.parametrize(
    ("id_", "failed"),
    [
        ("paging.legal_limits_and_orders_are_taken", "paging.limit_is_kept"),
        ("paging.legal_limits_and_orders_are_taken", "listing.order_is_kept"),
        # A page that skips items may skip those that the filter should leave out.
        ("listing.messages_can_be_listed_by_run", "paging.pages_hold_what_comes_next"),
    ],
)
def test_what_another_defect_may_hide_holds_by_chance(id_: str, failed: str) -> None:
    verdicts = build_verdicts({id_: Tally(9), failed: Tally(2, [Finding("no")])}, REQUIREMENTS, VerdictContext())
    verdict = next(each for each in verdicts if each.id == id_)
    reason = f"may have held by chance, because {failed} failed"
    assert (verdict.outcome, verdict.reason) == (Outcome.INCONCLUSIVE, reason)


def test_rules_rely_on_rules_that_exist() -> None:
    assert {name for rule in catalogue().values() for name in rule.relies_on} <= catalogue().keys()


def reason_of(id_: str, tallies: dict[str, Tally]) -> tuple[Outcome, str | None]:
    ends = {"p": ProgramEnd("p", Ending.STOPPED, "the forecast of 9 runs is used up")}
    coverage = Coverage(Decisions({id_: frozenset({"p"})}, {}), ends, {}, {})
    verdicts = build_verdicts(tallies, REQUIREMENTS, VerdictContext(coverage=coverage))
    return next((each.outcome, each.reason) for each in verdicts if each.id == id_)


def test_a_place_within_one_that_failed_names_it() -> None:
    failed = Tally(1, [Finding("no")])
    inner = "run.usage.total_tokens.type"
    for outer in ("run.usage.type", "run.usage.required", "run.usage.total_tokens.required"):
        assert reason_of(inner, {outer: failed}) == (Outcome.INCONCLUSIVE, f"not observed, because {outer} failed")
    calls = "run.required_action.submit_tool_outputs.type"
    rule = "action.is_given_while_required"
    shown = {"run.id.type": Tally(1)}
    assert reason_of(calls, {**shown, rule: failed}) == (Outcome.INCONCLUSIVE, f"not observed, because {rule} failed")
    assert reason_of(calls, {rule: failed})[1] == "p ended early: the forecast of 9 runs is used up"
    assert reason_of(inner, {"run.id.type": failed})[1] == "p ended early: the forecast of 9 runs is used up"


def test_a_place_that_failed_occasionally_does_not_explain_what_it_never_holds() -> None:
    outer, inner = "message.content[].text.type", "message.content[].text.annotations[].type"
    seen = {outer: Tally(9, [Finding("no")]), "message.content[].text.value.type": Tally(8)}
    assert reason_of(inner, seen)[1] == "p ended early: the forecast of 9 runs is used up"
    assert reason_of(inner, {outer: seen[outer]})[1] == f"not observed, because {outer} failed"


def test_a_place_that_was_shown_as_null_was_not_missing() -> None:
    outer, inner = "run.required_action", "run.required_action.submit_tool_outputs.type"
    seen = {f"{outer}.required": Tally(9, [Finding("no")]), f"{outer}.type": Tally(8)}
    assert reason_of(inner, seen)[1] == "p ended early: the forecast of 9 runs is used up"
    missing = {f"{outer}.required": seen[f"{outer}.required"]}
    assert reason_of(inner, missing)[1] == f"not observed, because {outer}.required failed"


@pytest.mark.parametrize(
    ("place", "inner", "other", "rule"),
    [
        ("run.required_action", ".type.const", ".submit_tool_outputs.type", "choice.a_tool_is_called_when_one_must_be"),
        ("run.incomplete_details", ".reason.enum", ".reason.type", "settings.max_completion_tokens_is_as_asked"),
        ("message.incomplete_details", ".reason.enum", ".reason.type", "settings.max_completion_tokens_is_as_asked"),
        ("run_step.step_details.tool_calls", "[].type", "[].id.type", "choice.a_tool_is_called_when_one_must_be"),
    ],
)
def test_a_request_without_effect_explains_what_it_would_have_shown(
    place: str, inner: str, other: str, rule: str
) -> None:
    seen = {f"{place}.type": Tally(8), rule: Tally(2, [Finding("no")])}
    assert reason_of(place + inner, seen)[1] == f"not observed, because {rule} failed"
    shown = {**seen, place + other: Tally(1)}
    assert reason_of(place + inner, shown)[1] == "p ended early: the forecast of 9 runs is used up"


def test_a_number_that_was_dropped_explains_what_was_never_shown_of_it() -> None:
    id_, rule = "run.max_prompt_tokens.minimum", "settings.max_prompt_tokens_is_as_asked"

    def reason(actual: JSON) -> str | None:
        finding = Finding("differs", "x1", "create_run", "/max_prompt_tokens", 300, actual)
        return reason_of(id_, {"run.max_prompt_tokens.type": Tally(5), rule: Tally(5, [finding])})[1]

    assert reason(None) == f"not observed, because {rule} failed"
    assert reason(256) == "p ended early: the forecast of 9 runs is used up"


def test_a_member_that_was_dropped_explains_what_was_never_shown_of_it() -> None:
    id_, rule = "run.tools[].file_search.ranking_options.type", "settings.tools_are_as_asked"
    asked: list[JSON] = [{"type": "code_interpreter"}, {"type": "file_search", "file_search": {"ranking_options": {}}}]

    def reason(operation: str, pointer: str, expected: JSON, actual: JSON) -> str | None:
        finding = Finding("differs", operation=operation, pointer=pointer, expected=expected, actual=actual)
        return reason_of(id_, {rule: Tally(5, [finding])})[1]

    shown: list[JSON] = [{"type": "code_interpreter"}, {"type": "file_search"}]
    explained, other = f"not observed, because {rule} failed", "p ended early: the forecast of 9 runs is used up"
    assert reason("create_run", "/tools", asked, shown) == explained
    assert reason("create_run", "/tools", asked, asked) == other
    assert reason("create_run", "/tools", [], shown) == other
    assert reason("create_run", "/metadata", asked, shown) == other
    assert reason("create_assistant", "/tools", asked, shown) == other


def completed(id_: str, tallies: dict[str, Tally]) -> Verdict:
    ends = {"p": ProgramEnd("p", Ending.COMPLETED)}
    coverage = Coverage(Decisions({id_: frozenset({"p"})}, {}), ends, {}, {})
    verdicts = build_verdicts(tallies, REQUIREMENTS, VerdictContext(coverage=coverage))
    return next(each for each in verdicts if each.id == id_)


def test_the_outermost_place_that_no_response_showed_is_named() -> None:
    id_ = "run.usage.prompt_token_details.cached_tokens.type"
    seen = {"run.id.type": Tally(3), "run.usage.total_tokens.type": Tally(3)}
    reason = f"{UNLIKE}p{UNJUDGED}: no response showed run.usage.prompt_token_details"
    assert (completed(id_, seen).outcome, completed(id_, seen).reason) == (Outcome.NOT_JUDGED, reason)
    missing = {"run.id.type": Tally(3), "run.usage.required": Tally(3)}
    assert completed(id_, missing).reason == f"{UNLIKE}p{UNJUDGED}: no response showed run.usage"


def test_a_missing_operation_is_no_more_than_a_note_to_a_place_that_no_response_showed() -> None:
    id_ = "run.usage.total_tokens.type"
    ends = {"p": ProgramEnd("p", Ending.COMPLETED)}
    without_operations = {"p": "the target has no GET /threads"}
    coverage = Coverage(Decisions({id_: frozenset({"p"})}, {}), ends, {}, {}, without_operations=without_operations)
    verdicts = build_verdicts({"run.id.type": Tally(3)}, REQUIREMENTS, VerdictContext(coverage=coverage))
    reason = next(each.reason for each in verdicts if each.id == id_)
    assert reason == "no response showed run.usage (the target has no GET /threads)"


def test_a_place_that_no_program_shows_is_named_instead_of_the_default_reason() -> None:
    coverage = Coverage(Decisions({}, {}), {}, {}, {})
    context = VerdictContext(coverage=coverage)
    reasons = {each.id: each.reason for each in build_verdicts({"run.id.type": Tally(1)}, REQUIREMENTS, context)}
    assert reasons["run.usage.type"] == "no response showed run.usage"
    assert reasons["message.content[].refusal.type"] == "no response showed message"
    assert reasons["create_run.model.type"] == "no request or response exercised it"


def test_the_names_of_members_are_shown_with_them() -> None:
    seen = {"run_step.metadata.type": Tally(3)}
    reason = f"{UNLIKE}p{UNJUDGED}: no response showed run_step.metadata{{}}"
    for keyword in ("metadata.propertyNames.maxLength", "metadata{}.type"):
        assert completed(f"run_step.{keyword}", seen).reason == reason


def test_a_rule_whose_premise_failed_names_it() -> None:
    id_ = "lock.refused_run_holds_no_lock"
    accepted = {f"create_run.{name}.type": Tally(1, [Finding("accepted", expected=400)]) for name in ("model", "tools")}
    assert completed(id_, accepted).reason == "not observed, because create_run.model.type and 1 more failed"
    refused = {"create_run.model.type": Tally(1, [Finding("refused", expected="HTTP 200")])}
    assert completed(id_, refused).reason == f"{UNLIKE}p{UNJUDGED}"


def test_a_premise_that_suffices_comes_before_programs_that_ended_early() -> None:
    streams, rule = "streaming.a_stream_comes_where_one_is_asked_for", "deltas.calls_are_streamed"
    ignored = {streams: Tally(2, [Finding("no stream came")])}
    explained, other = f"not observed, because {streams} failed", "p ended early: the forecast of 9 runs is used up"
    assert reason_of(rule, ignored) == (Outcome.INCONCLUSIVE, explained)
    assert reason_of(rule, {})[1] == other
    constraint = "message_delta.delta.content[].text.value.type"
    assert reason_of(constraint, ignored)[1] == explained
    assert reason_of(constraint, {})[1] == other
    assert reason_of(constraint, {**ignored, "message_delta.id.type": Tally(3)})[1] == other, "some streams came"


def test_what_failed_comes_before_the_early_end_of_the_test_run() -> None:
    outer, inner = "run.usage.type", "run.usage.total_tokens.type"
    context = VerdictContext(default_reason=lambda capability, id_: NotJudgedReason("it stopped early", "a full run"))

    def reason(tallies: dict[str, Tally]) -> tuple[str | None, str | None]:
        verdicts = build_verdicts(tallies, REQUIREMENTS, context)
        return next((each.reason, each.needs) for each in verdicts if each.id == inner)

    assert reason({outer: Tally(1, [Finding("no")])}) == (f"not observed, because {outer} failed", None)
    assert reason({}) == ("it stopped early", "a full run")


def test_a_shortfall_names_the_premise_that_failed() -> None:
    id_, broken = "tools.right_outputs_are_taken", "races.outputs_are_taken_once"
    tallies = {id_: Tally(12), broken: Tally(1, [Finding("both were accepted")])}
    ends = {name: ProgramEnd(name, Ending.COMPLETED) for name in ("p", "q")}
    decisions = Decisions({id_: frozenset(ends)}, {id_: (frozenset({"q"}),)})
    coverage = Coverage(decisions, ends, {"p": frozenset({id_})}, {"p": {id_: 12}})
    verdicts = build_verdicts(tallies, REQUIREMENTS, VerdictContext(coverage=coverage))
    reason = f"held on 12 occasions, but {UNLIKE}q{UNJUDGED}; the reason may be that {broken} failed"
    assert next(each.reason for each in verdicts if each.id == id_) == reason


@pytest.mark.parametrize(
    ("tally", "says"),
    [
        (Tally(inconclusive=Counter({"a body got HTTP 500": 1})), "a body got HTTP 500"),
        (
            Tally(2, inconclusive=Counter({"it got HTTP 500": 1}), suspicions=Counter({"it got HTTP 500": 1})),
            "held on 2 occasions, but it got HTTP 500",
        ),
    ],
)
def test_crashes_on_bodies_are_named_by_what_they_leave_undecided(tally: Tally, says: str) -> None:
    crashes, other = "robustness.odd_requests_do_not_break_the_server", "tools.right_outputs_are_taken"
    for id_, named in (
        ("robustness.malformed_json_is_refused", f"{says}; the reason may be that {crashes} failed"),
        (other, says),
    ):
        verdicts = build_verdicts({id_: tally, crashes: Tally(1, [Finding("no")])}, REQUIREMENTS, VerdictContext())
        verdict = next(each for each in verdicts if each.id == id_)
        assert (verdict.outcome, verdict.reason) == (Outcome.INCONCLUSIVE, named)


def test_premises_are_of_rules_and_ids_that_exist() -> None:
    ids = {*constraints(), *catalogue()}
    assert catalogue().keys() >= PREMISES.keys()
    for pattern in {pattern for patterns in PREMISES.values() for pattern in patterns}:
        assert fnmatch.filter(ids, pattern), pattern


def test_a_place_of_which_requests_take_no_valid_value_says_so() -> None:
    id_ = "run.response_format.json_schema.name.maxLength"
    refused = Tally(inconclusive=Counter({NO_OTHER_VALUE: 1}))
    reason = "no request with a valid value of create_run.response_format.json_schema.name was accepted"
    assert reason_of(id_, {f"create_{id_}": refused}) == (Outcome.INCONCLUSIVE, reason)


def test_a_place_that_some_requests_set_was_not_refused() -> None:
    id_ = "run.tool_resources.type"
    accepted_elsewhere = Tally(5, inconclusive=Counter({NO_OTHER_VALUE: 1}))
    _, reason = reason_of(id_, {"create_thread_and_run.tool_resources.type": accepted_elsewhere})
    assert "no request with a valid value" not in (reason or "")
