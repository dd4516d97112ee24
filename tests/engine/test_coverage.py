"""A pass needs as much evidence as on the emulator; a shortfall names the program that lacks it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from runs_conformance.engine.coverage import Coverage
from runs_conformance.engine.decisions import Decisions, encode_decisions, load_decisions
from runs_conformance.model.program_end import Ending, ProgramEnd

ID = "paging.limit_is_kept"
UNLIKE, UNJUDGED = "unlike on the bundled emulator, ", " ran to the end without judging it"
DECISIONS = Decisions(
    {ID: frozenset({"long", "short", "other"})},
    {ID: (frozenset({"long", "short"}),)},
    {ID: {"long": 4}},
)


def coverage(counts: dict[str, int], stopped: str = "") -> Coverage:
    ends = {
        program: ProgramEnd(program, Ending.STOPPED, "POST /threads was answered with HTTP 500")
        if program == stopped
        else ProgramEnd(program, Ending.COMPLETED)
        for program in ("long", "short", "other")
    }
    occasions = {program: {ID: count} for program, count in counts.items() if count}
    return Coverage(DECISIONS, ends, {program: frozenset({ID}) for program in occasions}, occasions)


def test_one_program_that_reveals_violations_suffices() -> None:
    assert coverage({"long": 4, "short": 0, "other": 9}).shortfall(ID) is None
    assert coverage({"long": 1, "short": 1, "other": 9}).shortfall(ID) is None


def test_fewer_occasions_than_on_any_correct_server_are_a_shortfall() -> None:
    assert coverage({"long": 3, "short": 0, "other": 9}).shortfall(ID) == (
        "long had 3 occasions; on the bundled emulator it has at least 4"
    )


def test_a_value_of_another_type_leaves_nothing_of_a_response_constraint_open() -> None:
    enum = "run.response_format.enum"
    programs = frozenset({"long", "short"})
    decisions = Decisions({enum: programs | {"other"}}, {enum: (programs,)})
    occasions = {"long": {"run.response_format.type": 2}, "other": {enum: 1}}
    decided = {program: frozenset(ids) for program, ids in occasions.items()}
    seen = replace(coverage({}), decisions=decisions, decided=decided, occasions=occasions)
    assert seen.shortfall(enum, is_rule=False) is None
    without = replace(seen, occasions={"other": {enum: 1}}, decided={"other": frozenset({enum})})
    assert without.shortfall(enum, is_rule=False) is not None


def test_a_value_of_another_type_leaves_a_request_constraint_open() -> None:
    enum = "create_run.tool_choice.enum"
    programs = frozenset({"long", "short"})
    decisions = Decisions({enum: programs | {"other"}}, {enum: (programs,)})
    occasions = {"long": {"create_run.tool_choice.type": 2}, "other": {enum: 1}}
    decided = {program: frozenset(ids) for program, ids in occasions.items()}
    seen = replace(coverage({}), decisions=decisions, decided=decided, occasions=occasions)
    assert seen.shortfall(enum, is_rule=False) is not None


def test_a_program_that_stopped_is_named_before_one_that_showed_too_little() -> None:
    shortfall = coverage({"long": 3, "short": 0, "other": 9}, stopped="short").shortfall(ID)
    assert shortfall == "short ended early: POST /threads was answered with HTTP 500"


def test_one_of_the_programs_that_reveal_violations_must_run_to_its_end() -> None:
    seen = coverage({"long": 4, "short": 1, "other": 9}, stopped="short")
    others = {f"other {number}": ProgramEnd(f"other {number}", Ending.COMPLETED) for number in range(9)}
    many = replace(
        seen,
        decisions=replace(DECISIONS, deciders={ID: frozenset({"long", "short", *others})}),
        ends={**seen.ends, **others},
        decided={**seen.decided, **dict.fromkeys(others, frozenset({ID}))},
    )
    assert many.shortfall(ID) is None
    both_stopped = replace(many, ends={**many.ends, "long": replace(many.ends["short"], program="long")})
    assert both_stopped.shortfall(ID) == "long (and 1 more) ended early: POST /threads was answered with HTTP 500"


LIMIT = "GET /threads?limit=100 got HTTP 400"


def test_a_refused_request_is_the_reason_if_most_programs_had_one() -> None:
    unseen = coverage({})
    assert str(unseen.not_shown(ID)).endswith(UNJUDGED)
    assert not unseen.shows_why_not(ID)
    for refused, is_reason in ((("long",), False), (("long", "short"), True)):
        refusing = replace(unseen, refused=dict.fromkeys(refused, LIMIT))
        assert str(refusing.not_shown(ID)).endswith(f" did not judge it: {LIMIT}") is is_reason
        assert refusing.shows_why_not(ID) is is_reason


def test_a_missing_operation_is_the_reason_if_all_programs_called_it() -> None:
    unseen = coverage({})
    missing = replace(unseen, without_operations=dict.fromkeys(unseen.ends, "the target has no DELETE /threads"))
    assert missing.not_shown(ID) == "not observed: the target has no DELETE /threads"
    assert missing.shows_why_not(ID)


STUCK = "the last 10 runs did not end before the run timeout (10 in status queued)"


def test_most_revealing_programs_must_run_to_their_end_if_most_were_cut() -> None:
    cut = coverage({"long": 4, "short": 1, "other": 9})
    others = {f"other {number}": ProgramEnd(f"other {number}", Ending.ABORTED, STUCK) for number in range(9)}
    decided = dict.fromkeys(others, frozenset({ID}))
    many = replace(
        cut,
        decisions=replace(DECISIONS, deciders={ID: frozenset({"long", "short", *others})}),
        ends={**cut.ends, **others},
        decided={**cut.decided, **decided},
    )
    assert many.shortfall(ID) is None
    impatient = {name: ProgramEnd(name, Ending.COMPLETED, STUCK) for name in ("long", "short")}
    impatient_run = replace(many, ends={**many.ends, **impatient})
    assert impatient_run.shortfall(ID) == f"long (and 1 more) did not wait for its runs: {STUCK}"
    assert impatient_run.shortfall(ID, is_rule=False) is None


def test_a_program_that_did_not_wait_for_its_runs_may_show_enough() -> None:
    alone = Decisions({ID: frozenset({"long"})}, {ID: (frozenset({"long"}),)}, {ID: {"long": 4}})
    impatient = {"long": ProgramEnd("long", Ending.COMPLETED, STUCK)}
    seen = replace(coverage({"long": 4}), decisions=alone, ends=impatient)
    assert seen.shortfall(ID) is None
    assert replace(coverage({"long": 3}), decisions=alone, ends=impatient).shortfall(ID) == (
        f"long did not wait for its runs: {STUCK}"
    )
    reason = f"{UNLIKE}long did not judge it: {STUCK}"
    assert replace(coverage({}), decisions=alone, ends=impatient).not_shown(ID) == reason


def test_program_that_judges_only_violations_need_only_run_to_its_end() -> None:
    silent = replace(DECISIONS, revealers={ID: (frozenset({"short"}),)}, occasions={ID: {"short": 0}})
    complete = replace(coverage({"long": 4, "other": 9}), decisions=silent)
    assert complete.shortfall(ID) is None
    stopped = replace(coverage({"long": 4, "other": 9}, stopped="short"), decisions=silent)
    assert stopped.shortfall(ID) == "short ended early: POST /threads was answered with HTTP 500"


def test_program_of_a_capability_that_is_not_offered_is_not_missed() -> None:
    revealed_by_one = replace(DECISIONS, revealers={ID: (frozenset({"short"}),)})
    lacking = replace(coverage({"long": 4, "other": 9}), decisions=revealed_by_one)
    assert lacking.shortfall(ID) == f"{UNLIKE}short{UNJUDGED}"
    assert replace(lacking, not_offered={"short": "the target has no such route"}).shortfall(ID) is None


def test_id_that_only_programs_of_such_a_capability_decide_is_not_shown() -> None:
    unseen = replace(coverage({}), not_offered=dict.fromkeys(("long", "short", "other"), "no such route"))
    assert unseen.not_shown(ID) == "not observed: no such route"
    one_offered = replace(unseen, not_offered={"short": "no such route"})
    assert one_offered.not_shown(ID) == f"{UNLIKE}long, other{UNJUDGED}"


def test_program_that_called_a_missing_operation_is_not_missed() -> None:
    revealed_by_one = replace(DECISIONS, revealers={ID: (frozenset({"long"}),)})
    lacking = replace(coverage({"short": 4, "other": 9}), decisions=revealed_by_one)
    assert lacking.shortfall(ID) == f"{UNLIKE}long{UNJUDGED}"
    without_operations = {"long": "the target has no DELETE /threads/{thread_id}"}
    assert replace(lacking, without_operations=without_operations).shortfall(ID) is None
    few = replace(
        coverage({"long": 3, "short": 4, "other": 9}), decisions=revealed_by_one, without_operations=without_operations
    )
    assert few.shortfall(ID) == "long had 3 occasions; on the bundled emulator it has at least 4", "it did show the id"
    stopped = replace(
        coverage({"short": 4, "other": 9}, stopped="long"),
        decisions=revealed_by_one,
        without_operations=without_operations,
    )
    assert stopped.shortfall(ID) == "long ended early: POST /threads was answered with HTTP 500"


def test_program_that_ended_at_a_missing_operation_is_missed_only_if_no_other_decided() -> None:
    ended = ProgramEnd("long", Ending.STOPPED, "POST /threads got HTTP 404", "create_thread")
    partial = coverage({"short": 4, "other": 9})
    partial = replace(partial, ends={**partial.ends, "long": ended})
    assert partial.shortfall(ID) == "long ended early: POST /threads got HTTP 404"
    without_operations = {"long": "the target has no POST /threads"}
    assert replace(partial, without_operations=without_operations).shortfall(ID) is None
    elsewhere = {"long": "the target has no DELETE /threads/{thread_id}"}
    assert (
        replace(partial, without_operations=elsewhere).shortfall(ID) == "long ended early: POST /threads got HTTP 404"
    )
    alone = replace(partial, decided={}, occasions={}, without_operations=without_operations)
    assert alone.shortfall(ID) == "long ended early: POST /threads got HTTP 404"


def test_id_that_only_programs_of_a_missing_operation_decide_names_it() -> None:
    unseen = replace(coverage({}), without_operations=dict.fromkeys(("long", "short", "other"), "no such route"))
    assert unseen.not_shown(ID) == "not observed: no such route"


def test_only_programs_that_ended_early_are_counted_as_such() -> None:
    many = {f"other {number}": ProgramEnd(f"other {number}", Ending.COMPLETED) for number in range(9)}
    stopped = {name: ProgramEnd(name, Ending.STOPPED, "HTTP 500") for name in ("long", "short")}
    decisions = Decisions({ID: frozenset({*many, *stopped})}, {})
    unseen = Coverage(decisions, {**many, **stopped}, {"other 8": frozenset({ID})}, {"other 8": {ID: 1}})
    assert unseen.shortfall(ID) == f"{UNLIKE}other 0, other 1 and 6 more{UNJUDGED}"
    half = replace(unseen, decisions=Decisions({ID: frozenset({*list(many)[:2], *stopped})}, {}), decided={})
    assert half.shortfall(ID) == "long (and 1 more) ended early: HTTP 500"


def test_program_that_needs_files_says_so_where_there_are_none() -> None:
    on_files = replace(DECISIONS, revealers={ID: (frozenset({"long"}),)}, on_files={ID: frozenset({"long"})})
    lacking = replace(coverage({"long": 2, "short": 4, "other": 9}), decisions=on_files, lacking="ids of files")
    assert lacking.shortfall(ID) == "long needs ids of files"
    assert lacking.need_for("long needs ids of files") == "ids of files"
    assert lacking.need_for("long showed 2 of 4 occasions") is None
    seen = "long had 2 occasions; on the bundled emulator it has at least 4"
    assert replace(lacking, lacking="").shortfall(ID) == seen, "the target has files"
    assert replace(lacking, decisions=replace(on_files, on_files={})).shortfall(ID) == seen, "it needs none"
    stopped = replace(coverage({"short": 4, "other": 9}, stopped="long"), decisions=on_files, lacking="ids of files")
    assert stopped.shortfall(ID) == "long ended early: POST /threads was answered with HTTP 500"


def test_the_table_holds_the_programs_that_need_files(tmp_path: Path) -> None:
    table = tmp_path / "decisions.json"
    decisions = replace(DECISIONS, on_files={ID: frozenset({"long"})})
    table.write_text(encode_decisions(decisions))
    assert load_decisions(table) == decisions


def test_the_table_holds_the_occasions() -> None:
    table = json.loads(encode_decisions(DECISIONS))
    assert table["occasions"] == {ID: {str(table["programs"].index("long")): 4}}


def test_one_of_many_programs_that_stopped_is_not_the_reason() -> None:
    many = {f"other {number}": ProgramEnd(f"other {number}", Ending.COMPLETED) for number in range(8)}
    stopped = ProgramEnd("long", Ending.STOPPED, "POST /threads was answered with HTTP 500")
    unseen = Coverage(Decisions({ID: frozenset({"long", *many})}, {}), {"long": stopped, **many}, {}, {})
    assert unseen.early_end(ID) is None
    assert unseen.not_shown(ID) == f"{UNLIKE}other 0, other 1 and 6 more{UNJUDGED}"
    half = replace(
        unseen, ends={**dict.fromkeys(list(many)[:4], stopped), **dict(list(many.items())[4:]), "long": stopped}
    )
    assert half.early_end(ID) == "long (and 4 more) ended early: POST /threads was answered with HTTP 500"


def test_one_of_few_programs_that_stopped_is_the_reason() -> None:
    stopped = coverage({}, stopped="short").early_end(ID)
    assert stopped == "short ended early: POST /threads was answered with HTTP 500"


def test_a_premise_explains_ids_of_programs_in_which_it_failed_or_was_not_decided() -> None:
    premise, other = "cancel.comes_to_an_end", "steps.are_not_lost"
    decisions = replace(DECISIONS, deciders={**DECISIONS.deciders, premise: frozenset({"short", "elsewhere"})})
    seen = replace(coverage({"long": 4}), decisions=decisions)
    decided = {"short": frozenset({premise}), "elsewhere": frozenset({premise, other})}
    known = replace(seen, decided=decided, failed={"elsewhere": {premise, other}})
    assert not known.may_explain(premise, ID)
    assert not known.may_explain(other, ID)
    assert replace(known, failed={"short": {premise}}).may_explain(premise, ID)
    assert replace(known, decided={}).may_explain(premise, ID), "short should have decided it"
    assert known.may_explain("create_run.model.type", ID), "programs send invalid requests without judging them"
    assert known.may_explain(premise, "paging.pages_are_full"), "no program is known to decide it"
    assert replace(known, failed={}).may_explain(premise, ID)
