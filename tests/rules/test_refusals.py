from __future__ import annotations

from typing import Any

from runs_conformance.model.case import REFUSES_BODY, Mutation, Role, Step
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.rules import refusals
from tests.rules.examples import breaks, holds, legal, undecided
from tests.rules.histories import ASSISTANT, Told, error

PLACE = "/tools/0/function/name"
BROKEN = {"assistant_id": ASSISTANT, "tools": [{"type": "function", "function": {"name": "no spaces"}}]}


def refused(
    status: int = 400, param: Any = "tools[0].function.name", code: Any = "invalid_value", **rest: Any
) -> History:
    tell = Told(rest.pop("dialect", "openai"))
    step = Step(
        operation="create_run",
        role=Role.NEGATIVE,
        expectation=REFUSES_BODY,
        mutation=Mutation(rest.pop("place", PLACE), "pattern", "fine", "no spaces"),
    )
    if rest.pop("taken", True):
        tell.create_run()
    told = error("Invalid.", param, code)
    tell.send("create_run", told, status, body=rest.pop("body", BROKEN), step=rest.pop("step", step), **rest)
    return tell.history()


@holds(
    refusals.status_says_that_the_body_is_at_fault,
    refusals.status_is_400,
    refusals.param_names_the_place,
    refusals.code_names_the_kind,
)
def test_refusal_as_the_service_gave_it() -> History:
    return refused()


@holds(refusals.param_names_the_place)
def test_param_names_what_is_around() -> History:
    return refused(param="tools[0]")


@holds(refusals.status_says_that_the_body_is_at_fault)
def test_422_is_a_refusal_of_a_body() -> History:
    return refused(422)


@breaks(refusals.status_is_400)
def test_422_is_not_what_the_service_gave() -> History:
    return refused(422)


@breaks(refusals.status_says_that_the_body_is_at_fault)
def test_404_for_a_broken_body() -> History:
    return refused(404)


@undecided(refusals.status_says_that_the_body_is_at_fault, refusals.param_names_the_place, refusals.code_names_the_kind)
def test_what_is_never_taken_may_have_another_reason() -> History:
    return refused(405, None, None, taken=False)


@undecided(refusals.status_says_that_the_body_is_at_fault, refusals.param_names_the_place, refusals.code_names_the_kind)
def test_recorded_404_may_have_another_reason() -> History:
    return refused(404, None, None, step=None)


@holds(refusals.param_names_the_place)
def test_recorded_refusal_that_names_the_place() -> History:
    return refused(step=None)


@breaks(refusals.param_names_the_place, at="/error/param")
def test_param_names_another_place() -> History:
    return refused(param="tools[1].function.name")


@breaks(refusals.param_names_the_place, refusals.code_names_the_kind)
def test_nothing_is_named() -> History:
    return refused(param=None, code=None)


@breaks(refusals.code_names_the_kind, at="/error/code")
def test_code_is_a_number() -> History:
    return refused(code="400")


@undecided(refusals.param_names_the_place)
def test_malformed_json_has_no_place() -> History:
    return refused(param=None, code=None, place="")


@undecided(refusals.code_names_the_kind)
def test_azure_has_codes_of_its_own() -> History:
    return refused(code="BadRequest", dialect="azure")


@holds(refusals.a_refused_stream_is_answered_plainly)
def test_plain_refusal_of_a_stream() -> History:
    return refused(body={**BROKEN, "stream": True})


@breaks(refusals.a_refused_stream_is_answered_plainly)
def test_refusal_as_a_stream() -> History:
    return refused(body={**BROKEN, "stream": True}, events=[("error", error())])


@holds(refusals.other_refusals_are_400_or_404)
def test_refusals_of_state_and_of_ids() -> History:
    tell = Told()
    tell.refuse("create_run", 400, body={"assistant_id": ASSISTANT})
    tell.refuse("get_run", 404)
    return tell.history()


@breaks(refusals.other_refusals_are_400_or_404)
def test_conflict() -> History:
    tell = Told()
    tell.refuse("create_run", 409, body={"assistant_id": ASSISTANT})
    return tell.history()


@legal
def test_limits_and_keys_are_no_refusals() -> History:
    tell = Told()
    for status in (401, 403, 429):
        tell.refuse("create_run", status, body={"assistant_id": ABSENT})
    return tell.history()


@holds(refusals.errors_do_not_come_as_success)
def test_success_is_an_object() -> History:
    tell = Told()
    tell.create_run()
    return tell.history()


@breaks(refusals.errors_do_not_come_as_success, at="/error", times=2)
def test_errors_under_200() -> History:
    tell = Told()
    tell.send("create_run", error(), body=BROKEN)
    tell.send("create_run", {"error": "No."}, body=BROKEN)
    return tell.history()


@breaks(refusals.a_refused_stream_is_answered_plainly)
def test_stream_of_one_error() -> History:
    tell = Told()
    tell.stream("create_run", ("error", error()))
    return tell.history()


@legal
def test_stream_that_breaks_off_at_once() -> History:
    tell = Told()
    tell.send("create_run", events=[("error", error())], body={"assistant_id": ASSISTANT, "stream": True})
    return tell.history()
