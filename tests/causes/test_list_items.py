"""A list whose items lack what the object alone shows is one cause, whichever rules see it."""

from __future__ import annotations

from dataclasses import replace

from runs_conformance.model.verdict import Finding, Verdict
from tests.causes.verdicts import broken_rule, by_kind


def lacking(
    id_: str,
    operation: str = "list_runs",
    shown_by: str = "get_run",
    member: str = "required_action",
    level: str = "must",
) -> Verdict:
    """A rule whose findings are two items without a member."""
    findings = tuple(
        Finding("it lacks it", f"x{number}", operation, f"/data/{number}/{member}", "calls", None, shown_by=shown_by)
        for number in (0, 3)
    )
    return replace(broken_rule(id_, operation, level), findings=findings)


GIVEN, STREAMED = "action.is_given_while_required", "stored.run_is_as_its_stream_ended"


def test_items_that_lack_a_member_of_their_object_are_one_cause() -> None:
    causes = by_kind(lacking(GIVEN), lacking(STREAMED, shown_by="", level="should"))
    assert list(causes) == ["lists.items"]
    cause = causes["lists.items"]
    assert cause.title == "list_runs omits `required_action`, shown by get_run"
    assert (cause.ids, cause.consequences) == ((GIVEN, STREAMED), (STREAMED,))
    assert "by the same function" in cause.fix


def test_an_item_without_a_member_that_no_response_shows_is_no_matter_of_lists() -> None:
    assert "lists.items" not in by_kind(lacking(GIVEN, shown_by=""), lacking(STREAMED, shown_by=""))


def test_a_member_that_single_objects_lack_too_is_no_matter_of_lists() -> None:
    both = lacking(GIVEN)
    single = Finding("it lacks it", "x9", "get_run", "/required_action", "calls", None)
    assert "lists.items" not in by_kind(replace(both, findings=(*both.findings, single)))


def test_other_members_and_lists_have_their_own_causes() -> None:
    steps = lacking("steps.end_with_their_run", "list_run_steps", "", level="should")
    usage = lacking("usage.is_given_when_ended", shown_by="", member="usage", level="should")
    cause = by_kind(lacking(GIVEN), steps, usage)["lists.items"]
    assert cause.ids == (GIVEN,)
