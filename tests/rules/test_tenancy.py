"""Objects belong to their tenant: the rules on this, on literal histories."""

from __future__ import annotations

from typing import Any

from runs_conformance.model.case import Key, Step
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.verdict import Suspicion
from runs_conformance.rules import tenancy
from tests.rules.examples import fails, inconclusive, judge, passes, permitted
from tests.rules.histories import (
    ASSISTANT,
    THREAD,
    HistoryBuilder,
    assistant,
    deleted,
    error,
    message,
    page,
    run,
    thread,
)

STRANGE: dict[str, Any] = {"metadata": {"who": "stranger"}}
USERS = message("user", "Hi.", "msg_u")
NO_ACCESS = error()


def foreign(operation: str) -> Step:
    return Step(operation=operation, key=Key.SECOND)


def owned() -> HistoryBuilder:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant(), body={"model": "gpt-4o"})
    builder.send("create_thread", thread())
    return builder


def requested(status: int, answer: Any = None, works: bool = True) -> History:
    builder = owned()
    if works:
        builder.send("get_thread", thread())
    builder.send("get_thread", answer or error(), status, step=foreign("get_thread"))
    return builder.history()


@passes(tenancy.objects_are_their_tenants_own, tenancy.hidden_objects_look_missing)
def test_hidden() -> History:
    return requested(404)


@inconclusive(tenancy.objects_are_their_tenants_own, tenancy.hidden_objects_look_missing)
def test_operation_that_its_owner_cannot_use_either() -> History:
    return requested(405, works=False)


@inconclusive(tenancy.objects_are_their_tenants_own)
def test_cancellation_that_the_status_of_the_run_may_explain() -> History:
    builder = owned()
    builder.create_run(run("completed"))
    builder.send("cancel_run", run("cancelling"), run_id="run_b")
    builder.send("cancel_run", error("Cannot cancel a completed run."), 400, step=foreign("cancel_run"))
    return builder.history()


@passes(tenancy.objects_are_their_tenants_own)
def test_forbidden() -> History:
    return requested(403)


@fails(tenancy.hidden_objects_look_missing)
def test_forbidden_discloses_existence() -> History:
    return requested(403)


@fails(tenancy.objects_are_their_tenants_own)
def test_shown() -> History:
    return requested(200, thread())


@fails(tenancy.objects_are_their_tenants_own)
def test_assistant_of_another_tenant_runs() -> History:
    builder = owned()
    foreign_run = run(thread_id="thread_b")
    builder.send(
        "create_thread_and_run", foreign_run, body={"assistant_id": ASSISTANT}, step=foreign("create_thread_and_run")
    )
    return builder.history()


def accepted(operation: str, answer: Any) -> History:
    """Another tenant's request on a thread with a message succeeds with this answer."""
    builder = owned()
    builder.send("create_message", USERS, body={"role": "user", "content": "Hi."}, message_id="msg_u")
    builder.send("create_thread", thread("thread_b"), step=foreign("create_thread"))
    builder.send(operation, answer, step=foreign(operation))
    return builder.history()


@inconclusive(tenancy.objects_are_their_tenants_own)
def test_list_that_shows_another_tenant_nothing() -> History:
    return accepted("list_messages", page())


@fails(tenancy.hidden_objects_look_missing, times=1)
def test_empty_list_of_another_tenant_looks_different() -> History:
    return accepted("list_messages", page())


@fails(tenancy.objects_are_their_tenants_own, times=1)
def test_list_that_shows_another_tenant_a_message() -> History:
    return accepted("list_messages", page(USERS))


@inconclusive(tenancy.objects_are_their_tenants_own)
def test_list_that_shows_the_thread_of_the_tenant_that_asks() -> History:
    return accepted("list_messages", page({**USERS, "id": "msg_b", "thread_id": "thread_b"}))


@fails(tenancy.objects_are_their_tenants_own, times=1)
def test_list_of_the_messages_of_all_tenants() -> History:
    return accepted("list_messages", page({**USERS, "id": "msg_b", "thread_id": "thread_b"}, USERS))


@inconclusive(tenancy.objects_are_their_tenants_own)
def test_deletion_of_nothing() -> History:
    return accepted("delete_thread", {**deleted(THREAD, "thread"), "deleted": False})


@fails(tenancy.hidden_objects_look_missing, times=1)
def test_deletion_of_nothing_looks_different() -> History:
    return accepted("delete_thread", {**deleted(THREAD, "thread"), "deleted": False})


@fails(tenancy.objects_are_their_tenants_own, times=1)
def test_deletion_by_another_tenant() -> History:
    return accepted("delete_thread", deleted(THREAD, "thread"))


def _deleted_and_read(*statuses: int) -> History:
    """Another tenant's deletion succeeds, and the owner's reads of the thread afterwards get these statuses."""
    builder = owned()
    builder.send("create_thread", thread("thread_b"), step=foreign("create_thread"))
    builder.send("delete_thread", deleted(THREAD, "thread"), step=foreign("delete_thread"))
    for status in statuses:
        builder.send("get_thread", thread() if status == 200 else error(), status)
    return builder.history()


@inconclusive(tenancy.objects_are_their_tenants_own)
def test_deletion_by_another_tenant_that_deletes_nothing() -> History:
    return _deleted_and_read(200)


@fails(tenancy.hidden_objects_look_missing, times=1)
def test_deletion_that_deletes_nothing_differs_from_that_of_an_unknown_object() -> History:
    return _deleted_and_read(200)


@fails(tenancy.objects_are_their_tenants_own, times=1)
def test_deletion_by_another_tenant_that_a_cache_hides_for_a_while() -> History:
    return _deleted_and_read(200, 404)


@fails(tenancy.objects_are_their_tenants_own, times=1)
def test_deletion_by_another_tenant_without_a_body() -> History:
    return accepted("delete_thread", ABSENT)


@inconclusive(tenancy.objects_are_their_tenants_own, tenancy.hidden_objects_look_missing)
def test_thread_of_the_tenant_that_asks_is_shown_instead() -> History:
    return accepted("get_thread", thread("thread_b"))


@inconclusive(tenancy.objects_are_their_tenants_own)
def test_message_is_added_to_the_thread_of_the_tenant_that_asks() -> History:
    return accepted("create_message", {**USERS, "id": "msg_b", "thread_id": "thread_b"})


@fails(tenancy.objects_are_their_tenants_own, times=1)
def test_message_is_added_to_the_thread_of_another_tenant() -> History:
    return accepted("create_message", {**USERS, "id": "msg_b"})


@inconclusive(tenancy.objects_are_their_tenants_own)
def test_thread_that_is_null_to_another_tenant() -> History:
    return accepted("get_thread", None)


@fails(tenancy.hidden_objects_look_missing, times=1)
def test_thread_that_is_null_looks_different() -> History:
    return accepted("get_thread", None)


@fails(tenancy.objects_are_their_tenants_own, times=1)
def test_another_thread_of_the_other_tenant_is_shown() -> History:
    builder = owned()
    builder.send("create_thread", thread("thread_c"))
    builder.send("get_thread", thread("thread_c"), step=foreign("get_thread"))
    return builder.history()


def test_limited() -> None:
    reason = "a request on another tenant's object got HTTP 429, which is neither acceptance nor refusal"
    assert Suspicion(reason) in judge(tenancy.objects_are_their_tenants_own, requested(429))


def listed(*own: str) -> History:
    builder = owned()
    builder.send("list_assistants", page(*map(assistant, own)), step=foreign("list_assistants"))
    return builder.history()


@passes(tenancy.lists_show_the_tenants_own_only)
def test_own_assistants_only() -> History:
    return listed("asst_second")


@inconclusive(tenancy.lists_show_the_tenants_own_only)
def test_lists_that_show_no_assistants() -> History:
    return listed()


@inconclusive(tenancy.lists_show_the_tenants_own_only)
def test_list_without_the_own_assistant() -> History:
    builder = owned()
    builder.send("create_assistant", assistant("asst_own"), body={"model": "gpt-4o"}, step=foreign("create_assistant"))
    builder.send("list_assistants", page(assistant("asst_second")), step=foreign("list_assistants"))
    return builder.history()


@fails(tenancy.lists_show_the_tenants_own_only, at="/data/1/id")
def test_assistants_of_all_tenants() -> History:
    return listed("asst_second", ASSISTANT)


def cursors(first_id: object, *, listed_before: bool = False, shared: bool = False, removed: bool = False) -> History:
    """The second tenant lists its assistant, with this `first_id`, after the first has created or listed its own."""
    builder = owned()
    if listed_before:
        builder.send("list_assistants", page(assistant(), assistant("asst_other_program")))
    if removed:
        builder.send("delete_assistant", deleted(ASSISTANT, "assistant"))
    builder.send("create_assistant", assistant("asst_b"), body={"model": "gpt-4o"}, step=foreign("create_assistant"))
    items = [assistant("asst_b"), *([assistant("asst_other_program")] if shared else [])]
    builder.send("list_assistants", {**page(*items), "first_id": first_id}, step=foreign("list_assistants"))
    return builder.history()


@passes(tenancy.lists_show_the_tenants_own_only)
def test_cursor_of_its_own() -> History:
    return cursors("asst_b")


@passes(tenancy.lists_show_the_tenants_own_only)
def test_cursor_that_is_no_text() -> History:
    return cursors({"id": ASSISTANT})


@fails(tenancy.lists_show_the_tenants_own_only, at="/first_id", times=1)
def test_cursor_that_another_tenant_created() -> History:
    return cursors(ASSISTANT)


@fails(tenancy.lists_show_the_tenants_own_only, at="/first_id", times=1)
def test_cursor_that_another_tenant_created_and_deleted() -> History:
    return cursors(ASSISTANT, removed=True)


@fails(tenancy.lists_show_the_tenants_own_only, at="/first_id", times=1)
def test_cursor_that_another_tenant_listed() -> History:
    return cursors("asst_other_program", listed_before=True)


@permitted
def test_assistant_that_is_offered_to_all_tenants() -> History:
    return cursors("asst_b", listed_before=True, shared=True)


@inconclusive(tenancy.lists_show_the_tenants_own_only)
def test_list_after_the_foreign_assistant_is_deleted() -> History:
    return cursors("asst_b", removed=True)


@inconclusive(tenancy.lists_show_the_tenants_own_only)
def test_ids_that_are_unique_within_a_tenant_only() -> History:
    builder = owned()
    builder.send("create_assistant", assistant(), body={"model": "gpt-4o"}, step=foreign("create_assistant"))
    builder.send("list_assistants", page(assistant()), step=foreign("list_assistants"))
    return builder.history()


def in_organization(status: int, answer: Any = NO_ACCESS) -> History:
    builder = owned()
    builder.send("get_thread", thread())
    step = Step(operation="get_thread", key=Key.SECOND, headers={"OpenAI-Organization": "org-a"})
    builder.send("get_thread", answer, status, step=step)
    return builder.history()


@passes(tenancy.header_opens_no_other_organization)
def test_header_of_another_organization_is_refused() -> History:
    return in_organization(401)


@passes(tenancy.header_opens_no_other_organization)
def test_header_of_another_organization_is_ignored() -> History:
    return in_organization(404)


@fails(tenancy.header_opens_no_other_organization, times=1)
def test_header_of_another_organization_gives_access() -> History:
    return in_organization(200, thread())


@permitted
def test_key_of_a_member_of_two_organizations() -> History:
    return in_organization(200, thread())


@inconclusive(tenancy.header_opens_no_other_organization)
def test_header_of_another_organization_finds_nothing() -> History:
    return in_organization(200, None)


def test_server_that_fails_on_the_header() -> None:
    reason = "a request that names another organization got HTTP 500, which is neither acceptance nor refusal"
    assert judge(tenancy.header_opens_no_other_organization, in_organization(500)) == [Suspicion(reason)]


def modified(**seen: Any) -> History:
    builder = owned()
    builder.send("modify_thread", error(), 404, body=STRANGE, step=foreign("modify_thread"))
    builder.send("get_thread", thread(**seen))
    return builder.history()


@passes(tenancy.refusals_change_nothing)
def test_refused_without_effect() -> History:
    return modified()


@fails(tenancy.refusals_change_nothing)
def test_refused_with_effect() -> History:
    return modified(**STRANGE)


@inconclusive(tenancy.objects_are_their_tenants_own, tenancy.lists_show_the_tenants_own_only)
def test_one_tenant() -> History:
    builder = owned()
    builder.send("get_thread", thread())
    builder.send("list_assistants", page(assistant()))
    return builder.history()
