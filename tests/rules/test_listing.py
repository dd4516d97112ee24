"""Lists show all that belongs in them: the rules on this, on literal histories."""

from __future__ import annotations

from runs_conformance.evidence.complete_list import NOT_SHOWN_TO_ITS_END
from runs_conformance.evidence.creation import SHARED_ID
from runs_conformance.model.case import Key, Step
from runs_conformance.model.history import History
from runs_conformance.model.json import ABSENT
from runs_conformance.model.rule import AnyRule
from runs_conformance.model.verdict import Finding, Inconclusive, Passed, Result
from runs_conformance.rules.listing import list_contents, list_order
from tests.rules.examples import fails, inconclusive, judge, passes, permitted, suspicious
from tests.rules.histories import (
    ASSISTANT,
    MESSAGE,
    RUN,
    T0,
    THREAD,
    HistoryBuilder,
    assistant,
    deleted,
    error,
    message,
    page,
    run,
    step,
    thread,
)

Object = dict[str, object]


def message_list(count: int, *, tied: bool = False) -> list[Object]:
    """`count` messages of the caller, oldest first."""
    return [message("user", f"Message {n}.", f"msg_{n}", created_at=T0 + (0 if tied else n)) for n in range(count)]


def filled(count: int, *, tied: bool = False) -> tuple[HistoryBuilder, list[Object]]:
    """A thread to which messages were added one by one, and those messages."""
    builder, messages = HistoryBuilder(), message_list(count, tied=tied)
    builder.send("create_thread", thread())
    for n, each in enumerate(messages):
        builder.send("create_message", each, body={"role": "user", "content": f"Message {n}."})
    return builder, messages


def both_orders(up: list[Object], down: list[Object], *, tied: bool = False) -> History:
    builder, _ = filled(len(up), tied=tied)
    builder.send("list_messages", page(*down), query={"order": "desc"})
    builder.send("list_messages", page(*up), query={"order": "asc"})
    return builder.history()


@passes(list_order.newest_come_first_by_default)
def test_newest_first() -> History:
    builder = HistoryBuilder()
    builder.send("list_messages", page(*reversed(message_list(3))))
    return builder.history()


@inconclusive(list_order.newest_come_first_by_default)
def test_equal_times_alone_do_not_show_the_default_order() -> History:
    builder = HistoryBuilder()
    builder.send("list_messages", page(*message_list(3, tied=True)))
    return builder.history()


@inconclusive(list_order.order_is_kept)
def test_equal_times_do_not_show_the_requested_order() -> History:
    return both_orders(message_list(3, tied=True), message_list(3, tied=True), tied=True)


def tied_list(*by_default: list[int], up: tuple[int, ...] = (0, 1, 2), down: tuple[int, ...] = (2, 1, 0)) -> History:
    """A list of three messages of one second: each page requested without `order`, and one in each order."""
    builder, messages = filled(3, tied=True)
    for order in by_default:
        builder.send("list_messages", page(*(messages[n] for n in order)))
    builder.send("list_messages", page(*(messages[n] for n in up)), query={"order": "asc"})
    builder.send("list_messages", page(*(messages[n] for n in down)), query={"order": "desc", "limit": 3})
    return builder.history()


@passes(list_order.newest_come_first_by_default)
def test_ties_without_order_as_in_descending_order() -> History:
    return tied_list([2, 1, 0])


@fails(list_order.newest_come_first_by_default, at="/data", times=1)
def test_ties_without_order_as_in_ascending_order() -> History:
    return tied_list([0, 1, 2])


@inconclusive(list_order.newest_come_first_by_default)
def test_ties_in_an_order_that_varies() -> History:
    return tied_list([0, 1, 2], [1, 0, 2])


@inconclusive(list_order.newest_come_first_by_default)
def test_ties_that_requested_orders_do_not_reverse() -> History:
    return tied_list([0, 1, 2], down=(0, 1, 2))


@inconclusive(list_order.newest_come_first_by_default)
def test_ties_in_a_third_order() -> History:
    return tied_list([1, 0, 2])


@fails(list_order.newest_come_first_by_default, at="/data/1/created_at", times=1)
def test_oldest_first() -> History:
    builder = HistoryBuilder()
    builder.send("list_messages", page(*message_list(3)))
    return builder.history()


@passes(list_order.order_is_kept)
def test_each_order() -> History:
    return both_orders(message_list(3), message_list(3)[::-1])


@fails(list_order.order_is_kept, at="/data/1/created_at")
def test_ascending_is_ignored() -> History:
    return both_orders(message_list(3)[::-1], message_list(3)[::-1])


@passes(list_order.ascending_reverses_descending, list_order.ties_keep_one_order)
def test_reversed() -> History:
    return both_orders(message_list(4, tied=True), message_list(4, tied=True)[::-1], tied=True)


@fails(list_order.ascending_reverses_descending, at="/data")
def test_not_reversed() -> History:
    return both_orders(message_list(3)[::-1], message_list(3)[::-1])


@fails(list_order.ascending_reverses_descending, at="/data")
def test_descending_lacks_one() -> History:
    return both_orders(message_list(3), message_list(3)[:0:-1])


@inconclusive(list_order.ascending_reverses_descending)
def test_new_message_that_only_the_later_of_the_two_orders_shows() -> History:
    return both_orders(message_list(3), message_list(3)[1::-1])


@suspicious(list_order.ascending_reverses_descending)
def test_descending_may_end_at_the_default_size_of_the_server() -> History:
    return both_orders(message_list(14), message_list(14)[:3:-1])


@fails(list_order.ascending_reverses_descending, list_order.ties_keep_one_order)
def test_order_has_no_effect_on_ties() -> History:
    return both_orders(message_list(5, tied=True)[::-1], message_list(5, tied=True)[::-1], tied=True)


@passes(list_order.ascending_reverses_descending, list_order.ties_keep_one_order)
def test_requested_orders_are_right_where_the_default_is_wrong() -> History:
    builder, messages = filled(3)
    messages.insert(1, message("user", "Message 0.", "msg_b", created_at=T0))
    builder.send("list_messages", page(*messages))
    builder.send("list_messages", page(*messages), query={"order": "asc"})
    builder.send("list_messages", page(*messages[::-1]), query={"order": "desc"})
    return builder.history()


@fails(list_order.ascending_reverses_descending, list_order.order_is_kept)
def test_order_has_no_effect_where_the_default_is_wrong() -> History:
    builder, messages = filled(3)
    builder.send("list_messages", page(*messages))
    builder.send("list_messages", page(*messages), query={"order": "asc"})
    builder.send("list_messages", page(*messages), query={"order": "desc", "limit": 3})
    return builder.history()


@inconclusive(list_order.ties_keep_one_order)
def test_lists_without_ties_say_nothing_about_ties() -> History:
    return both_orders(message_list(3), message_list(3)[::-1])


@inconclusive(list_order.ties_keep_one_order)
def test_lists_that_are_not_reversed_say_nothing_about_ties() -> History:
    return both_orders(message_list(3), message_list(3))


@inconclusive(list_order.ties_keep_one_order)
def test_ties_alone_do_not_show_the_default_order() -> History:
    builder, messages = filled(2, tied=True)
    builder.send("list_messages", page(*messages))
    builder.send("list_messages", page(*messages), query={"order": "asc"})
    return builder.history()


@passes(list_order.ties_are_in_the_order_of_creation)
def test_ties_in_the_order_of_creation() -> History:
    return tied_list()


@fails(list_order.ties_are_in_the_order_of_creation, at="/data", times=1)
def test_ties_in_another_order() -> History:
    return tied_list(up=(1, 0, 2), down=(2, 0, 1))


@inconclusive(list_order.ties_are_in_the_order_of_creation)
def test_ties_that_are_not_reversed_are_not_in_one_order() -> History:
    return tied_list(up=(1, 0, 2), down=(2, 1, 0))


@inconclusive(list_order.ties_are_in_the_order_of_creation)
def test_order_of_items_whose_requests_overlapped_is_open() -> History:
    messages = message_list(2, tied=True)
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    for each in messages:
        builder.send("create_message", each, at=builder.clock)
    builder.wait(2.0)
    builder.send("list_messages", page(*messages[::-1]), query={"order": "asc"})
    builder.send("list_messages", page(*messages), query={"order": "desc"})
    return builder.history()


@inconclusive(list_order.ascending_reverses_descending)
def test_sort_that_leaves_ties_as_they_were_created() -> History:
    return both_orders(message_list(5, tied=True), message_list(5, tied=True), tied=True)


@permitted
def test_sort_that_leaves_ties_as_they_were_created_is_permitted() -> History:
    return both_orders(message_list(5, tied=True), message_list(5, tied=True), tied=True)


@inconclusive(list_order.ascending_reverses_descending)
def test_a_message_came_between_the_lists() -> History:
    builder, messages = filled(2)
    builder.send("list_messages", page(*reversed(messages)))
    builder.send("create_message", message("user", id_="msg_new"))
    builder.send("list_messages", page(*messages), query={"order": "asc"})
    return builder.history()


@inconclusive(list_order.ascending_reverses_descending)
def test_a_run_may_have_written_between_the_lists() -> History:
    builder, messages = filled(2)
    builder.create_run()
    builder.send("list_messages", page(*reversed(messages)))
    builder.send("list_messages", page(*messages, message()), query={"order": "asc"})
    builder.get_run(run("completed"))
    return builder.history()


@passes(list_contents.items_belong_to_what_is_listed)
def test_own_items() -> History:
    builder = HistoryBuilder()
    builder.send("list_runs", page(run("completed")))
    return builder.history()


@fails(list_contents.items_belong_to_what_is_listed, at="/data/0/thread_id")
def test_item_of_another_thread() -> History:
    builder = HistoryBuilder()
    builder.send("list_runs", page(run("completed", thread_id="thread_b")))
    return builder.history()


@permitted
def test_steps_of_the_run_that_a_path_names_with_another_thread() -> History:
    builder = HistoryBuilder()
    builder.send("list_run_steps", page(step()), thread_id="thread_b")
    return builder.history()


@fails(list_contents.items_belong_to_what_is_listed, at="/data/0/run_id", times=1)
def test_step_of_another_run() -> History:
    builder = HistoryBuilder()
    builder.send("list_run_steps", page(step(run_id="run_b")))
    return builder.history()


@inconclusive(list_contents.items_belong_to_what_is_listed)
def test_steps_that_do_not_name_their_run() -> History:
    builder = HistoryBuilder()
    unnamed = {name: value for name, value in step().items() if name not in ("run_id", "thread_id")}
    builder.send("list_run_steps", page(unnamed))
    return builder.history()


@passes(list_contents.messages_can_be_listed_by_run)
def test_messages_of_the_run() -> History:
    builder = HistoryBuilder()
    builder.send("list_messages", page(message()), query={"run_id": RUN})
    return builder.history()


@fails(list_contents.messages_can_be_listed_by_run, at="/data/1/run_id")
def test_filter_is_ignored() -> History:
    builder = HistoryBuilder()
    builder.send("list_messages", page(message(), message("user", id_="msg_b")), query={"run_id": RUN})
    return builder.history()


@inconclusive(list_contents.messages_can_be_listed_by_run)
def test_filtered_message_without_the_member_run_id() -> History:
    return filtered(message(run_id=ABSENT))


@fails(list_contents.messages_can_be_listed_by_run, at="/data/0/run_id")
def test_filtered_message_of_no_run() -> History:
    return filtered(message(run_id=None))


def filtered(*shown: Object) -> History:
    builder, messages = filled(1)
    builder.create_run()
    builder.get_run(run("completed"))
    builder.send("list_messages", page(*shown), query={"run_id": RUN})
    builder.send("list_messages", page(message(), *messages))
    return builder.history()


@passes(list_contents.listing_by_run_misses_no_message)
def test_filter_shows_all() -> History:
    return filtered(message())


@fails(list_contents.listing_by_run_misses_no_message, at="/data")
def test_filter_shows_none() -> History:
    return filtered()


@fails(list_contents.listing_by_run_misses_no_message)
def test_filter_after_the_limit() -> History:
    builder, messages = filled(1)
    for each in ("run_a", "run_b"):
        builder.create_run(run(id_=each))
        builder.get_run(run("completed", each))
    answers = [message(id_=f"msg_{each}", run_id=each, created_at=T0 + 9) for each in ("run_b", "run_a")]
    builder.send("list_messages", page(*answers, *messages))
    builder.send("list_messages", page(has_more=True), query={"run_id": "run_a", "limit": 1})
    return builder.history()


@suspicious(list_contents.listing_by_run_misses_no_message)
def test_page_that_ignores_the_filter() -> History:
    builder, messages = filled(1)
    for each in ("run_a", "run_b"):
        builder.create_run(run(id_=each))
        builder.get_run(run("completed", each))
    answers = [message(id_=f"msg_{each}", run_id=each, created_at=T0 + 9) for each in ("run_b", "run_a")]
    builder.send("list_messages", page(*answers, *messages))
    builder.send("list_messages", page(answers[0], has_more=True), query={"run_id": "run_a", "limit": 1})
    return builder.history()


@passes(list_contents.what_was_created_is_listed)
def test_created_and_listed() -> History:
    builder, messages = filled(3)
    builder.send("list_messages", page(*reversed(messages)))
    return builder.history()


@fails(list_contents.what_was_created_is_listed, at="/data", times=1)
def test_created_but_not_listed() -> History:
    builder, messages = filled(3)
    builder.send("list_messages", page(*messages[1::-1]))
    return builder.history()


def _runs_listed_after_deletion_of(assistant_id: str, status: int = 200) -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.create_run(run())
    builder.get_run(run("completed"))
    answer = deleted(assistant_id, "assistant") if status == 200 else error()
    builder.send("delete_assistant", answer, status, assistant_id=assistant_id)
    builder.send("list_runs", page())
    return builder.history()


@permitted
def test_runs_that_are_removed_with_their_assistant() -> History:
    return _runs_listed_after_deletion_of(ASSISTANT)


@fails(list_contents.what_was_created_is_listed, at="/data", times=1)
def test_runs_that_are_removed_with_another_assistant() -> History:
    return _runs_listed_after_deletion_of("asst_b")


@fails(list_contents.what_was_created_is_listed, at="/data", times=1)
def test_runs_that_are_removed_although_their_assistant_is_not_deleted() -> History:
    return _runs_listed_after_deletion_of(ASSISTANT, 400)


@fails(list_contents.what_was_created_is_listed)
def test_newest_is_missing_on_a_full_page() -> History:
    builder, messages = filled(3)
    builder.send("list_messages", page(*messages[1::-1], has_more=True), query={"limit": 2})
    return builder.history()


@inconclusive(list_contents.what_was_created_is_listed)
def test_newest_is_missing_on_a_full_page_of_a_list_without_order() -> History:
    builder, messages = HistoryBuilder(), message_list(4)
    builder.send("create_thread", thread())
    builder.send("create_message", messages[3], body={"role": "user", "content": "Message 3."})
    builder.send("list_messages", page(*messages[1::-1], has_more=True), query={"limit": 2})
    builder.send("list_messages", page(messages[0], messages[2], has_more=True), query={"limit": 2})
    return builder.history()


@passes(list_contents.what_was_created_is_listed)
def test_full_pages_that_start_with_the_oldest() -> History:
    builder, messages = filled(3)
    builder.send("list_messages", page(*messages[:2], has_more=True), query={"limit": 2})
    builder.send("list_messages", page(messages[0], has_more=True), query={"limit": 1})
    builder.send("list_messages", page(*messages), query={"order": "asc"})
    return builder.history()


@suspicious(list_contents.what_was_created_is_listed)
def test_newest_may_be_on_the_next_page_of_a_list_that_begins_with_the_oldest() -> History:
    builder, messages = HistoryBuilder(), message_list(21)
    builder.send("create_thread", thread())
    builder.send("create_message", messages[20], body={"role": "user", "content": "Message 20."})
    builder.send("list_messages", page(*messages[:20]), query={"limit": 100})
    return builder.history()


@suspicious(list_contents.what_was_created_is_listed)
def test_list_without_a_certain_order_may_have_ended_before_its_newest_item() -> History:
    """Another list shows that the default is wrong; the items of the one that ends do not show its order."""
    builder, tied = HistoryBuilder(), message_list(20, tied=True)
    builder.send("create_thread", thread())
    builder.send("list_messages", page(*message_list(3)), thread_id="thread_b")
    newest = message("user", id_="msg_z", created_at=T0 + 1)
    builder.send("create_message", newest, body={"role": "user", "content": "Message."})
    builder.send("list_messages", page(*tied), query={"limit": 100})
    return builder.history()


@fails(list_contents.what_was_created_is_listed)
def test_newest_is_missing_from_a_list_that_begins_with_the_oldest() -> History:
    builder, messages = filled(21)
    builder.send("list_messages", page(*messages[:17]), query={"limit": 100})
    return builder.history()


@permitted
def test_created_after_or_elsewhere_or_deleted() -> History:
    builder, messages = filled(2)
    builder.send("create_message", message("user", id_="msg_x", thread_id="thread_b"), thread_id="thread_b")
    builder.send("delete_message", deleted("msg_1"), message_id="msg_1")
    builder.send("list_messages", page(messages[0]))
    builder.send("create_message", message("user", id_="msg_y"))
    builder.send("list_assistants", page(*[assistant(f"asst_{n}") for n in range(20)], has_more=True))
    return builder.history()


def _listed_before_and_after_the_end(*after: list[Object], status: str = "queued") -> History:
    """A run is created, and the messages of its thread are listed at once and, with these contents, after its end."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread(), body={"messages": [{"role": "user", "content": "Hello?"}]})
    builder.create_run(run(status))
    builder.send("list_messages", page(_QUESTION))
    builder.get_run(run("completed"))
    for items in after:
        builder.send("list_messages", page(*items))
    return builder.history()


_QUESTION = message("user", "Hello?", id_="msg_u")


@passes(list_contents.what_was_created_is_listed)
def test_answer_that_is_listed_when_the_run_has_ended() -> History:
    return _listed_before_and_after_the_end([message(), _QUESTION])


@fails(list_contents.what_was_created_is_listed, at="/data", times=1)
def test_answer_that_is_listed_only_later() -> History:
    return _listed_before_and_after_the_end([_QUESTION], [message(), _QUESTION])


@fails(list_contents.what_was_created_is_listed, at="/data", times=1)
def test_answer_that_a_run_which_ended_at_once_lists_only_later() -> History:
    return _listed_before_and_after_the_end([message(), _QUESTION], status="completed")


@permitted
def test_message_of_another_run_that_is_listed_only_later() -> History:
    return _listed_before_and_after_the_end([_QUESTION], [message(run_id="run_b"), _QUESTION])


@permitted
def test_answer_that_is_not_yet_listed_while_the_run_works() -> History:
    return _listed_before_and_after_the_end()


def test_list_that_repeats_one_of_a_working_run() -> None:
    answered = [message(), _QUESTION]
    part = Passed("list_messages while a run worked, and again after its end")
    assert part in judge(list_contents.what_was_created_is_listed, _listed_before_and_after_the_end(answered))
    builder = HistoryBuilder()
    builder.create_run(run("queued"))
    builder.get_run(run("completed"))
    for _ in range(2):
        builder.send("list_messages", page(*answered))
    assert part not in judge(list_contents.what_was_created_is_listed, builder.history())


@passes(list_contents.what_was_deleted_is_not_listed)
def test_deleted_and_not_listed() -> History:
    return _deleted([message()], [])


@passes(list_contents.what_was_deleted_is_not_listed)
def test_deleted_where_the_list_shows_another_message() -> History:
    return _deleted([message(id_="msg_b")], [message(id_="msg_b")])


@inconclusive(list_contents.what_was_deleted_is_not_listed)
def test_deleted_where_lists_show_nothing() -> History:
    return _deleted([], [])


@inconclusive(list_contents.what_was_deleted_is_not_listed)
def test_deleted_where_another_thread_is_listed() -> History:
    return _deleted([message()], [message(id_="msg_b", thread_id="thread_b")], thread_id="thread_b")


def _deleted(before: list[Object], after: list[Object], thread_id: str = THREAD) -> History:
    builder = HistoryBuilder()
    builder.send("list_messages", page(*before))
    builder.send("delete_message", deleted(MESSAGE))
    builder.send("list_messages", page(*after), thread_id=thread_id)
    return builder.history()


@inconclusive(list_contents.what_was_deleted_is_not_listed)
def test_deleted_with_the_key_of_another_tenant_but_listed() -> History:
    builder = HistoryBuilder()
    builder.send("create_assistant", assistant())
    deletion = Step(operation="delete_assistant", key=Key.SECOND)
    builder.send("delete_assistant", deleted("asst_a", "assistant"), step=deletion)
    builder.send("list_assistants", page(assistant()))
    return builder.history()


@fails(list_contents.what_was_deleted_is_not_listed, at="/data")
def test_deleted_but_listed() -> History:
    builder = HistoryBuilder()
    builder.send("delete_message", deleted(MESSAGE))
    builder.send("list_messages", page(message()))
    return builder.history()


def test_listed_id_of_a_deleted_object_and_another_one_is_inconclusive() -> None:
    builder = HistoryBuilder()
    for _ in range(2):
        builder.send("create_assistant", assistant())
    builder.send("delete_assistant", deleted("asst_a", "assistant"))
    builder.send("list_assistants", page(assistant()))
    assert judge(list_contents.what_was_deleted_is_not_listed, builder.history()) == [Inconclusive(SHARED_ID)]


@permitted
def test_other_clients_create_assistants_meanwhile() -> History:
    builder = HistoryBuilder()
    mine = [assistant(f"asst_{n}", created_at=T0 + n) for n in range(2)]
    for each in mine:
        builder.send("create_assistant", each, body={"model": "gpt-4o"})
    builder.send("list_assistants", page(*mine), query={"order": "asc", "limit": 100})
    other = assistant("asst_other", created_at=T0 + 9)
    builder.send("list_assistants", page(other, *reversed(mine)), query={"limit": 100})
    builder.send("list_assistants", page(other, has_more=True), query={"limit": 1})
    return builder.history()


@fails(list_contents.what_was_created_is_listed)
def test_empty_page_that_says_that_more_follows() -> History:
    builder, _ = filled(4)
    builder.send("list_messages", page(has_more=True))
    return builder.history()


def test_page_that_is_not_full_and_says_that_more_follows_is_inconclusive() -> None:
    builder, messages = filled(4)
    builder.send("list_messages", page(*messages[:3], has_more=True), query={"order": "asc"})
    results = judge(list_contents.what_was_created_is_listed, builder.history())
    assert set(results) == {Inconclusive(NOT_SHOWN_TO_ITS_END)}


@fails(list_contents.what_was_created_is_listed)
def test_missing_from_a_list_whose_end_another_page_shows() -> History:
    builder, messages = filled(4)
    builder.send("list_messages", page(*messages[:3], has_more=True), query={"order": "asc"})
    builder.send("list_messages", page(*messages[:3]), query={"order": "asc"})
    return builder.history()


@suspicious(list_contents.what_was_created_is_listed)
def test_list_without_ids_lacks_nothing_for_certain() -> History:
    builder, messages = filled(2)
    builder.send("list_messages", page(*({**each, "id": ""} for each in reversed(messages))))
    return builder.history()


@inconclusive(list_contents.what_was_created_is_listed)
def test_created_and_listed_with_another_id() -> History:
    builder, messages = filled(1)
    builder.send("list_messages", page({**messages[0], "id": "msg_stored"}))
    return builder.history()


@fails(list_contents.what_was_created_is_listed, times=1)
def test_not_listed_beside_an_equal_one_that_was_created_too() -> History:
    builder, messages = filled(2)
    equal = {**messages[0], "id": "msg_equal"}
    builder.send("create_message", equal, body={"role": "user", "content": "Message 0."})
    builder.send("list_messages", page(messages[1], equal))
    return builder.history()


@inconclusive(list_contents.listing_by_run_misses_no_message)
def test_list_by_run_without_ids() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.see_statuses("queued", "completed")
    builder.send("list_messages", page(message(id_="")))
    builder.send("list_messages", page(message()), query={"run_id": RUN})
    return builder.history()


def _written_in_milliseconds(*order: int) -> History:
    """A list of messages in the order of these times; the second one is written in milliseconds."""
    builder = HistoryBuilder()
    items = [message("user", id_=f"msg_{at}", created_at=(T0 + at) * (1000 if at == 2 else 1)) for at in order]
    builder.send("list_messages", page(*items), query={"order": "asc"})
    builder.send("list_messages", page(*items[::-1]))
    return builder.history()


@passes(list_order.order_is_kept, list_order.newest_come_first_by_default)
def test_order_of_times_in_different_units() -> History:
    return _written_in_milliseconds(1, 2, 3)


@fails(list_order.order_is_kept, at="/data/2/created_at")
def test_wrong_order_of_times_in_different_units() -> History:
    return _written_in_milliseconds(1, 3, 2)


@inconclusive(
    list_order.ascending_reverses_descending,
    list_order.ties_keep_one_order,
    list_order.newest_come_first_by_default,
)
def test_items_without_ids_show_no_order_of_the_same_second() -> History:
    builder, unnamed = HistoryBuilder(), [{**each, "id": ""} for each in message_list(2, tied=True)]
    builder.send("create_thread", thread())
    for query in ({}, {"order": "asc"}, {"order": "desc"}):
        builder.send("list_messages", page(*unnamed), query=query)
    return builder.history()


@passes(list_contents.what_was_created_is_listed)
def test_list_that_another_key_sees_empty() -> History:
    """Rows are filtered by tenant; the list is not behind what was created."""
    builder = HistoryBuilder()
    given = {"messages": [{"role": "user", "content": "Message 0."}]}
    builder.send("create_thread", thread(), body=given)
    builder.send("list_messages", page(), step=Step(operation="list_messages", key=Key.SECOND))
    builder.send(
        "create_message", message("user", "Message 1.", "msg_1"), body={"role": "user", "content": "Message 1."}
    )
    builder.send(
        "list_messages",
        page(message("user", "Message 1.", "msg_1", created_at=T0 + 1), message("user", "Message 0.", "msg_0")),
    )
    return builder.history()


def _parts(rule: AnyRule, history: History) -> set[str]:
    return {result.part for result in judge(rule, history) if isinstance(result, Passed)}


def test_each_list_is_a_part_of_the_evidence_on_all() -> None:
    messages, runs = message_list(2), [run("completed", f"run_{n}", created_at=T0 + n) for n in range(2)]
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    for operation, items in (("list_runs", runs), ("list_messages", messages)):
        builder.send(operation, page(*reversed(items)))
        builder.send(operation, page(*items), query={"order": "asc"})
        builder.send(operation, page(*reversed(items)), query={"order": "desc"})
    for rule in (
        list_order.newest_come_first_by_default,
        list_order.order_is_kept,
        list_order.ascending_reverses_descending,
        list_contents.items_belong_to_what_is_listed,
    ):
        needed = {part for part, *_ in rule.needs_parts if "list_run_steps" not in part}
        assert _parts(rule, builder.history()) == needed


def test_lists_of_created_objects_are_parts_of_the_evidence() -> None:
    builder, messages = filled(2)
    builder.send("list_messages", page(*reversed(messages)))
    assert _parts(list_contents.what_was_created_is_listed, builder.history()) == {"a page of list_messages"}


def _listed_between_reads(shown: Object, *, is_resumed: bool = False) -> History:
    """A run that waits for outputs is read, listed, and read again; it may be resumed before it is listed."""
    builder = HistoryBuilder()
    builder.create_run(run())
    builder.get_run(run("requires_action"))
    if is_resumed:
        outputs = {"tool_outputs": [{"tool_call_id": "call_a", "output": "18"}]}
        builder.lose_answer("submit_tool_outputs", body=outputs)
    builder.send("list_runs", page(shown))
    builder.get_run(run("requires_action"))
    return builder.history()


@passes(list_contents.items_are_as_their_objects_are_read)
def test_item_that_is_as_the_run_is_read() -> History:
    return _listed_between_reads(run("requires_action"))


@fails(list_contents.items_are_as_their_objects_are_read, at="/data/0/required_action", times=1)
def test_item_without_the_required_action() -> History:
    return _listed_between_reads(run("requires_action", required_action=None))


@permitted
def test_item_that_leaves_out_a_member() -> History:
    return _listed_between_reads(run("requires_action", usage=ABSENT))


def test_item_of_a_run_that_was_resumed_and_waits_again_is_not_judged() -> None:
    resumed = _listed_between_reads(run("in_progress"), is_resumed=True)
    assert not judge(list_contents.items_are_as_their_objects_are_read, resumed)


@permitted
def test_item_of_a_run_that_ends_meanwhile() -> History:
    builder = HistoryBuilder()
    builder.create_run(run())
    builder.get_run(run("in_progress"))
    builder.send("list_runs", page(run("completed")))
    builder.get_run(run("completed"))
    return builder.history()


def test_item_with_what_an_option_adds_is_not_compared_with_reads_without_it() -> None:
    def judge_with(**query: str) -> list[Result]:
        builder = HistoryBuilder()
        builder.send("get_run_step", step())
        builder.send("list_run_steps", page(step(usage=None)), query=query)
        builder.send("get_run_step", step())
        return judge(list_contents.items_are_as_their_objects_are_read, builder.history())

    assert not judge_with(include="all")
    assert [type(result) for result in judge_with(order="asc")] == [Finding]
