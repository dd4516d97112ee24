"""An undecided rule names the failed requirement that it depends on."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from runs_conformance.contract.constraint import constraints
from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.engine import premises
from runs_conformance.engine.coverage import Coverage
from runs_conformance.engine.decisions import Decisions
from runs_conformance.engine.premises import (
    PREMISES,
    Defect,
    encode_defects,
    failed_premises,
    load_defects,
    sufficient_premises,
)
from runs_conformance.engine.verdicts import Requirements, VerdictContext, build_verdicts
from runs_conformance.model.program_end import Ending, ProgramEnd
from runs_conformance.model.verdict import Finding, Tally
from runs_conformance.rules import catalogue

RULE, OTHER = "cancel.is_carried_out", "cancel.ends_the_steps"
REFUSES = Defect(("cancel.queued_or_waiting_run_can_be_cancelled",), frozenset({RULE, OTHER}))
REFUSED = {REFUSES.failed[0]: Tally(2, [Finding("refused", expected=200)])}
UNLIKE, UNJUDGED = "unlike on the bundled emulator, ", " ran to the end without judging it"


def test_a_defect_of_which_every_requirement_failed_suffices() -> None:
    assert sufficient_premises(REFUSED, [REFUSES]) == dict.fromkeys((RULE, OTHER), f"{REFUSES.failed[0]} failed")
    assert sufficient_premises({**REFUSED, OTHER: Tally(3)}, [REFUSES]) == {RULE: f"{REFUSES.failed[0]} failed"}
    wide = Defect((*REFUSES.failed, "cancel.response_shows_the_cancellation"), REFUSES.undecided)
    assert sufficient_premises(REFUSED, [wide]) == {}


def test_a_rule_that_a_failed_requirement_left_nothing_names_it() -> None:
    assert failed_premises(REFUSED, [REFUSES])[RULE] == f"{REFUSES.failed[0]} failed"
    assert failed_premises({}, [REFUSES]) == {}


def test_rules_that_depend_on_it_and_are_decided_show_another_reason() -> None:
    both = Defect(REFUSES.failed, frozenset({RULE, OTHER, "cancel.response_shows_the_cancellation"}))
    assert RULE in failed_premises({**REFUSED, OTHER: Tally(3)}, [both])
    decided = {OTHER: Tally(3), "cancel.response_shows_the_cancellation": Tally(1, [Finding("no")])}
    assert RULE not in failed_premises({**REFUSED, **decided}, [both])


def test_a_defect_most_of_whose_requirements_held_is_another() -> None:
    wide = Defect((*REFUSES.failed, "cancel.response_shows_the_cancellation"), REFUSES.undecided)
    assert RULE in failed_premises(REFUSED, [wide])
    assert RULE not in failed_premises({**REFUSED, "cancel.response_shows_the_cancellation": Tally(4)}, [wide])


def test_the_defect_that_resembles_the_target_most_is_named() -> None:
    wide = Defect(("action.calls_are_distinct", *REFUSES.failed, "usage.adds_up"), REFUSES.undecided)
    assert failed_premises(REFUSED, [wide, REFUSES])[RULE] == f"{REFUSES.failed[0]} failed"
    more = {
        **REFUSED,
        "action.calls_are_distinct": Tally(1, [Finding("no")]),
        "usage.adds_up": Tally(1, [Finding("no")]),
    }
    assert failed_premises(more, [wide, REFUSES])[RULE] == "action.calls_are_distinct and 2 more failed"


def test_a_decided_rule_has_no_measured_premise() -> None:
    assert RULE not in failed_premises({**REFUSED, RULE: Tally(1)}, [REFUSES])


def test_a_refused_valid_request_leaves_refusals() -> None:
    rule, constraint = "lock.refused_run_holds_no_lock", "create_run.model.type"
    accepted = {constraint: Tally(1, [Finding("was accepted", expected=[400])])}
    assert failed_premises(accepted, []) == {
        "lock.refused_run_holds_no_lock": f"{constraint} failed",
        "refusals.a_refused_stream_is_answered_plainly": f"{constraint} failed",
        "refusals.status_is_400": f"{constraint} failed",
        "traces.refused_run_is_not_created": f"{constraint} failed",
    }
    assert rule not in failed_premises({constraint: Tally(1, [Finding("was refused", expected=200)])}, [])


def test_what_the_programs_of_a_rule_violate_is_named_first() -> None:
    accepted = [
        "create_run.additionalProperties",
        "create_run.temperature.maximum",
        "modify_assistant.additionalProperties",
        "modify_assistant.temperature.maximum",
        "modify_run.metadata{}.type",
        "modify_thread.metadata.maxProperties",
    ]
    clauses = failed_premises({id_: Tally(1, [Finding("was accepted", expected=[400])]) for id_ in accepted}, [])
    assert clauses["lock.refused_run_holds_no_lock"] == "create_run.temperature.maximum and 1 more failed"
    assert clauses["traces.refused_modification_keeps_the_assistant"] == (
        "modify_assistant.temperature.maximum and 1 more failed"
    )
    assert clauses["traces.refused_modification_keeps_metadata"] == "modify_run.metadata{}.type and 1 more failed"


def test_the_premise_that_most_defects_share_is_named_first() -> None:
    rule, first, second = "lock.refused_run_holds_no_lock", "create_run.model.type", "create_run.tools.maxItems"
    tallies = {id_: Tally(1, [Finding("was accepted", expected=[400])]) for id_ in (first, second)}
    held = {f"cancel.{number}": Tally(1) for number in range(3)}
    defect = Defect((second, *held), frozenset({rule}))
    assert failed_premises(tallies | held, [])[rule] == f"{first} and 1 more failed"
    assert failed_premises(tallies | held, [defect])[rule] == f"{second} and 1 more failed"


def test_a_setting_that_runs_do_not_show_is_a_premise() -> None:
    tallies = {"run.max_prompt_tokens.required": Tally(9, [Finding("is missing")])}
    assert failed_premises(tallies, [])["settings.max_prompt_tokens_is_as_asked"] == (
        "run.max_prompt_tokens.required failed"
    )


def test_tools_that_no_run_calls_leave_their_steps_unseen() -> None:
    forced = "choice.a_tool_is_called_when_one_must_be"
    places = [f"run_step.step_details.tool_calls[].{tool}.type" for tool in ("code_interpreter", "function")]
    found = failed_premises({forced: Tally(2, [Finding("ignored")])}, [], constraints=places)
    assert found[places[0]] == f"{forced} failed"
    assert places[1] not in found
    obeyed = failed_premises({forced: Tally(2, [Finding("ignored")])}, [], lambda *_: False, places)
    assert places[0] not in obeyed


def test_named_premises_are_requirements() -> None:
    known = {*catalogue(), *constraints(DEFAULT_EDITION)}
    assert known >= PREMISES.keys()
    for patterns in PREMISES.values():
        for pattern in patterns:
            assert any(fnmatchcase(id_, pattern) for id_ in known), pattern


def test_the_measured_premise_is_the_reason_of_the_verdict() -> None:
    assert _reason_of_waiting_run() == f"not observed, because {REFUSES.failed[0]} failed"


def test_what_the_target_refused_is_the_reason_before_a_measured_premise() -> None:
    assert (
        _reason_of_waiting_run(p="POST /threads got HTTP 400")
        == "unlike on the bundled emulator, p did not judge it: POST /threads got HTTP 400"
    )


def _reason_of_waiting_run(**refused: str) -> str | None:
    """The reason that a rule is not judged if all requirements of a measured defect failed."""
    rule = "cancel.waiting_run_ends_cancelled"
    ends = {"p": ProgramEnd("p", Ending.COMPLETED)}
    coverage = Coverage(Decisions({rule: frozenset({"p"})}, {}), ends, {}, {}, refused=refused)
    verdicts = build_verdicts(
        REFUSED, Requirements(rules=catalogue(), constraints={}), VerdictContext(coverage=coverage)
    )
    return next(each.reason for each in verdicts if each.id == rule)


def test_a_premise_that_failed_in_other_programs_only_is_no_reason() -> None:
    tool, rule = "settings.tools_are_as_asked", "steps.results_show_their_content_if_asked"
    tallies = {tool: Tally(3, [Finding("differs")])}
    defects = [Defect((tool,), frozenset({rule}))]
    assert _reason_where(tallies, rule, {"p": {tool}}, defects) == f"not observed, because {tool} failed"
    assert _reason_where(tallies, rule, {"other": {tool}}, defects) == f"{UNLIKE}p{UNJUDGED}"


def test_a_premise_that_suffices_comes_before_one_that_resembles_the_target_more() -> None:
    steps = ("steps.are_not_lost", "stored.what_was_streamed_is_there", "usage.adds_up")
    tallies = {**REFUSED, **{id_: Tally(3, [Finding("no")]) for id_ in steps}}
    defects = [Defect((*steps, "messages.answer_has_a_step"), frozenset({OTHER})), REFUSES]
    failed = {"p": {*steps, *REFUSES.failed}}
    assert _reason_where(tallies, OTHER, failed, defects) == f"not observed, because {REFUSES.failed[0]} failed"
    incomplete = [defects[0], Defect((*REFUSES.failed, "usage.is_given_when_ended"), REFUSES.undecided)]
    assert (
        _reason_where(tallies, OTHER, failed, incomplete)
        == "not observed, because steps.are_not_lost and 2 more failed"
    )


def test_a_clause_counts_the_premises_that_failed_in_programs_of_the_rule() -> None:
    wide = Defect((*REFUSES.failed, "usage.adds_up"), frozenset({RULE}))
    tallies = {id_: Tally(2, [Finding("no", expected=400)]) for id_ in wide.failed}
    for judge in (failed_premises, sufficient_premises):
        assert judge(tallies, [wide], lambda name, rule: name == "usage.adds_up")[RULE] == "usage.adds_up failed"
        assert RULE not in judge(tallies, [wide], lambda name, rule: False)


def _reason_where(
    tallies: dict[str, Tally], rule: str, failed: dict[str, set[str]], defects: list[Defect]
) -> str | None:
    """The reason that a rule is not judged, which program `p` would decide, by what failed in each program."""
    ends = {"p": ProgramEnd("p", Ending.COMPLETED)}
    coverage = Coverage(Decisions({rule: frozenset({"p"})}, {}), ends, {}, {}, failed=failed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(premises, "load_defects", lambda: defects)
        context = VerdictContext(coverage=coverage)
        verdicts = build_verdicts(tallies, Requirements(rules=catalogue(), constraints={}), context)
    return next(each.reason for each in verdicts if each.id == rule)


def test_a_shortfall_for_want_of_files_says_what_is_needed() -> None:
    rule = "modify.message_and_thread_change_in_what_is_given_only"
    decisions = Decisions(
        {rule: frozenset({"p"})}, {rule: (frozenset({"p"}),)}, {rule: {"p": 5}}, {rule: frozenset({"p"})}
    )
    ends = {"p": ProgramEnd("p", Ending.COMPLETED)}
    coverage = Coverage(decisions, ends, {"p": frozenset({rule})}, {"p": {rule: 1}}, lacking="ids of files")
    requirements = Requirements(rules=catalogue(), constraints={})
    verdicts = build_verdicts({rule: Tally(1)}, requirements, VerdictContext(coverage=coverage))
    verdict = next(each for each in verdicts if each.id == rule)
    assert (verdict.reason, verdict.needs) == ("held on 1 occasion, but p needs ids of files", "ids of files")


def test_the_table_is_read_as_written(tmp_path: Path) -> None:
    table = tmp_path / "premises.json"
    assert load_defects(table) == ()
    table.write_text(encode_defects([REFUSES, REFUSES]))
    load_defects.cache_clear()
    assert load_defects(table) == (REFUSES,)
