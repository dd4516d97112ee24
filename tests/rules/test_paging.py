"""Pages show a list without gaps: the rules on this, on literal histories."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs_conformance.model.case import DanglingReference, Step
from runs_conformance.model.history import History
from runs_conformance.model.rule import AnyRule
from runs_conformance.model.verdict import Passed
from runs_conformance.rules.paging import page_size, traversal
from tests.rules.examples import fails, findings, inconclusive, judge, passes, permitted, suspicious
from tests.rules.histories import RUN, T0, HistoryBuilder, assistant, error, message, page, run, step, thread

Object = dict[str, object]
Part = tuple[tuple[int, ...], bool, dict[str, object]]
IDS = [f"msg_{n}" for n in range(5)]


def message_list(*numbers: int) -> list[Object]:
    return [message("user", id_=f"msg_{n}", created_at=T0 + n) for n in numbers]


NEWEST_FIRST = (4, 3, 2, 1, 0)


def traversed(*parts: Part, whole: tuple[int, ...] = NEWEST_FIRST) -> History:
    """A thread of five messages: its complete list, then pages of it as (numbers, has_more, query)."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.send("list_messages", page(*message_list(*whole)), query={"limit": 100})
    for numbers, has_more, query in parts:
        builder.send("list_messages", page(*message_list(*numbers), has_more=has_more), query=query)
    return builder.history()


FIRST: Part = ((4, 3), True, {"limit": 2})
SECOND: Part = ((2, 1), True, {"limit": 2, "after": "msg_3"})
THIRD: Part = ((0,), False, {"limit": 2, "after": "msg_1"})


@passes(
    page_size.limit_is_kept,
    page_size.pages_are_full,
    traversal.items_are_not_repeated,
    traversal.after_excludes_its_item,
    traversal.pages_hold_what_comes_next,
    traversal.has_more_is_true_exactly_where_more_follows,
    traversal.walks_reach_every_item_once,
    traversal.first_and_last_id_are_those_of_the_page,
)
def test_traversal() -> History:
    return traversed(FIRST, SECOND, THIRD)


@passes(traversal.walks_reach_every_item_once)
def test_traversal_that_ends_with_an_empty_page() -> History:
    return traversed(
        FIRST, SECOND, ((0,), True, {"limit": 2, "after": "msg_1"}), ((), False, {"limit": 2, "after": "msg_0"})
    )


@fails(page_size.limit_is_kept, at="/data")
def test_more_than_the_limit() -> History:
    return traversed(((4, 3, 2), True, {"limit": 2}))


@fails(page_size.limit_is_kept)
def test_more_than_twenty_by_default() -> History:
    return traversed((tuple(range(21)), False, {}))


@passes(page_size.twenty_is_the_default)
def test_twenty() -> History:
    numbers = tuple(range(24, -1, -1))
    return traversed((numbers[:20], True, {}), whole=numbers)


@fails(page_size.twenty_is_the_default)
def test_ten() -> History:
    numbers = tuple(range(24, -1, -1))
    return traversed((numbers[:10], True, {}), whole=numbers)


@inconclusive(page_size.twenty_is_the_default)
def test_page_that_lacks_an_item_in_the_middle() -> History:
    return traversed(((2, 0), False, {}), whole=(2, 1, 0))


def lagging_list(*parts: Part) -> History:
    """Messages 0, 1 and 2 are created, and then the parts of their list are read; no page is read before."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    for number in range(3):
        text = f"{number}"
        sent = message("user", text, f"msg_{number}")
        builder.send("create_message", sent, body={"role": "user", "content": text})
    for numbers, has_more, query in parts:
        builder.send("list_messages", page(*message_list(*numbers), has_more=has_more), query=query)
    return builder.history()


@inconclusive(page_size.twenty_is_the_default, traversal.pages_hold_what_comes_next)
def test_new_message_that_the_list_shows_only_later() -> History:
    return lagging_list(((1, 0), False, {}), ((2, 1, 0), False, {}))


@inconclusive(page_size.twenty_is_the_default, traversal.pages_hold_what_comes_next)
def test_one_of_several_new_messages_that_the_list_shows_only_later() -> History:
    return lagging_list(((2, 0), False, {}), ((2, 1, 0), False, {}))


@inconclusive(traversal.walks_reach_every_item_once)
def test_walk_that_ends_before_the_new_message_which_is_listed_later() -> History:
    asc: dict[str, object] = {"order": "asc"}
    parts: tuple[Part, ...] = (
        ((0,), True, {**asc, "limit": 1}),
        ((1,), False, {**asc, "limit": 1, "after": "msg_0"}),
        ((0, 1, 2), False, asc),
    )
    return lagging_list(*parts)


@fails(page_size.twenty_is_the_default, times=1)
def test_default_limit_cuts_off_the_oldest() -> History:
    return lagging_list(((2, 1), False, {}), ((2, 1, 0), False, {"limit": 100}))


@fails(page_size.twenty_is_the_default, times=1)
def test_default_limit_cuts_off_what_the_list_showed_before() -> History:
    asc: dict[str, object] = {"order": "asc"}
    return lagging_list(((0, 1, 2), False, {**asc, "limit": 100}), ((0, 1), False, asc))


@fails(page_size.pages_are_full)
def test_short_page() -> History:
    return traversed(((4,), True, {"limit": 2}))


@fails(page_size.pages_are_full, times=1)
def test_short_page_although_more_follows() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.send("list_messages", page(*message_list(4, 3), has_more=True), query={"limit": 100})
    return builder.history()


@passes(traversal.walks_reach_every_item_once, traversal.after_excludes_its_item)
def test_list_that_never_shows_more_than_two() -> History:
    """No page holds the whole list, which is not held against the server."""
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    pages: list[Part] = [
        ((4, 3), True, {"limit": 100}),
        ((2, 1), True, {"limit": 100, "after": "msg_3"}),
        ((0,), False, {"limit": 100, "after": "msg_1"}),
    ]
    for numbers, has_more, query in pages:
        builder.send("list_messages", page(*message_list(*numbers), has_more=has_more), query=query)
    return builder.history()


@fails(traversal.has_more_is_true_exactly_where_more_follows)
def test_list_that_always_has_more() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    for numbers, query in (
        (NEWEST_FIRST, {"limit": 100}),
        ((1, 0), {"limit": 2, "after": "msg_2"}),
        ((), {"limit": 2, "after": "msg_0"}),
    ):
        builder.send("list_messages", page(*message_list(*numbers), has_more=True), query=query)
    return builder.history()


@fails(traversal.items_are_not_repeated)
def test_repeated_item() -> History:
    return traversed(((4, 4), True, {"limit": 2}))


@fails(traversal.after_excludes_its_item, traversal.pages_hold_what_comes_next)
def test_inclusive_cursor() -> History:
    return traversed(((3, 2), True, {"limit": 2, "after": "msg_3"}))


@fails(traversal.pages_hold_what_comes_next)
def test_cursor_is_ignored() -> History:
    return traversed(((4, 3), True, {"limit": 2, "after": "msg_2"}))


def _steps_after(id_: str, *items: Object) -> History:
    builder = HistoryBuilder()
    builder.send("list_run_steps", page(*items), query={"after": id_})
    return builder.history()


@suspicious(traversal.after_excludes_its_item)
def test_step_of_another_run_with_the_id_of_the_cursor() -> History:
    return _steps_after("step_1", step(id_="step_0"), step(id_="step_1", run_id="run_b"))


def test_step_of_another_run_beside_the_step_that_the_cursor_names() -> None:
    history = _steps_after("step_1", step(id_="step_1"), step(id_="step_1", run_id="run_b"))
    assert len(findings(traversal.after_excludes_its_item, history)) == 1


def test_a_page_that_is_the_one_without_its_cursor_is_called_so() -> None:
    rule, inclusive = traversal.pages_hold_what_comes_next, traversed(((3, 2), True, {"limit": 2, "after": "msg_3"}))
    (ignored,) = findings(rule, traversed(((4, 3), True, {"limit": 2, "after": "msg_2"})))
    assert ignored.message == "the page is the same as without its cursor"
    (shifted,) = findings(rule, inclusive)
    assert shifted.message == "the page does not contain the next items of the list"
    (found,) = findings(traversal.after_excludes_its_item, inclusive)
    assert found.actual == ["msg_3", "msg_2"]


@permitted
def test_page_between_two_cursors_that_has_one_of_them_in_ascending_order() -> History:
    builder, between = HistoryBuilder(), {"after": "msg_3", "before": "msg_0"}
    builder.send("list_messages", page(*message_list(1, 2, 3)), query=between)
    builder.send("list_messages", page(*message_list(1, 2, 3)), query={**between, "order": "desc"})
    return builder.history()


@permitted
def test_page_before_a_cursor_that_starts_with_the_nearest() -> History:
    builder = HistoryBuilder()
    builder.send("list_messages", page(*message_list(3, 4)), query={"before": "msg_2"})
    return builder.history()


@fails(traversal.pages_hold_what_comes_next)
def test_gap() -> History:
    return traversed(((1, 0), False, {"limit": 2, "after": "msg_3"}))


@fails(traversal.pages_hold_what_comes_next)
def test_empty_page_although_more_follows() -> History:
    return traversed(((), False, {"limit": 2, "after": "msg_3"}))


@fails(traversal.has_more_is_true_exactly_where_more_follows, at="/has_more")
def test_has_more_false_although_more_follows() -> History:
    return traversed(((4, 3), False, {"limit": 2}))


@fails(traversal.has_more_is_true_exactly_where_more_follows, at="/has_more")
def test_has_more_true_although_nothing_follows() -> History:
    return traversed(((4, 3, 2, 1, 0), True, {"limit": 5}))


@fails(traversal.walks_reach_every_item_once)
def test_traversal_that_misses_an_item() -> History:
    return traversed(FIRST, ((1, 0), False, {"limit": 2, "after": "msg_3"}))


@fails(traversal.walks_reach_every_item_once)
def test_traversal_that_repeats_an_item() -> History:
    return traversed(
        FIRST, ((3, 2), True, {"limit": 2, "after": "msg_3"}), ((1, 0), False, {"limit": 2, "after": "msg_2"})
    )


@passes(traversal.before_ends_at_its_item)
def test_before() -> History:
    return traversed(((4, 3), False, {"before": "msg_2"}))


@passes(traversal.before_ends_at_its_item)
def test_before_with_a_limit_shows_the_nearest_or_the_first() -> History:
    return traversed(((3,), True, {"before": "msg_2", "limit": 1}), ((4,), True, {"before": "msg_2", "limit": 1}))


@fails(traversal.before_ends_at_its_item)
def test_inclusive_before() -> History:
    return traversed(((4, 3, 2), False, {"before": "msg_2"}))


def _before_among_others(*shown: str, **query: str) -> History:
    """A page of the list of assistants, which others may change."""
    builder = HistoryBuilder()
    objects = {name: assistant(f"asst_{name}", created_at=T0 + n) for n, name in enumerate("abc")}
    for name in objects:
        builder.send("create_assistant", objects[name], body={"model": "gpt-4o"})
    query = {"before": "asst_b", **query}
    builder.send("list_assistants", page(*(objects[name] for name in shown)), query=query)
    return builder.history()


@fails(traversal.before_ends_at_its_item, times=1)
def test_inclusive_before_in_a_list_that_others_may_change() -> History:
    return _before_among_others("c", "b")


@inconclusive(traversal.before_ends_at_its_item)
def test_exclusive_before_in_a_list_that_others_may_change() -> History:
    return _before_among_others("c")


@inconclusive(traversal.before_ends_at_its_item)
def test_before_and_after_at_once_in_a_list_that_others_may_change() -> History:
    return _before_among_others("b", after="asst_c")


@fails(traversal.before_ends_at_its_item)
def test_before_is_ignored() -> History:
    return traversed((NEWEST_FIRST, False, {"before": "msg_2"}))


@passes(traversal.first_and_last_id_are_those_of_the_page)
def test_null_ids_of_an_empty_page() -> History:
    builder = HistoryBuilder()
    builder.send("list_runs", page())
    return builder.history()


@fails(traversal.first_and_last_id_are_those_of_the_page, at="/first_id", times=2)
def test_swapped_ids() -> History:
    builder = HistoryBuilder()
    builder.send("list_messages", page(*message_list(1, 0), first_id="msg_0", last_id="msg_1"))
    return builder.history()


UNKNOWN = Step(operation="list_runs", dangling=DanglingReference.UNKNOWN)


@passes(traversal.unknown_cursors_are_refused_or_empty)
def test_unknown_cursor_gives_an_empty_page() -> History:
    builder = HistoryBuilder()
    builder.send("list_runs", page(), query={"after": "run_x"}, step=UNKNOWN)
    return builder.history()


@fails(traversal.unknown_cursors_are_refused_or_empty)
def test_unknown_cursor_is_ignored() -> History:
    builder = HistoryBuilder()
    builder.send("list_runs", page(run("completed")), query={"after": "run_x"}, step=UNKNOWN)
    return builder.history()


@inconclusive(traversal.pages_hold_what_comes_next, traversal.walks_reach_every_item_once)
def test_active_run_writes_during_the_traversal() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.create_run()
    builder.send("list_messages", page(*message_list(1, 0)), query={"limit": 100})
    builder.send("list_messages", page(*message_list(2), has_more=True), query={"limit": 1})
    builder.send("list_messages", page(*message_list(0)), query={"limit": 1, "after": "msg_2"})
    builder.get_run(run("completed", RUN))
    return builder.history()


@permitted
def test_other_clients_create_and_delete_assistants_during_the_traversal() -> History:
    builder = HistoryBuilder()
    a, b, c, d = (assistant(f"asst_{name}", created_at=T0 + n) for n, name in enumerate("abcd"))
    builder.send("create_assistant", b, body={"model": "gpt-4o"})
    builder.send("create_assistant", c, body={"model": "gpt-4o"})
    builder.send("list_assistants", page(c, b, a), query={"limit": 100})
    builder.send("list_assistants", page(d, c, has_more=True), query={"limit": 2})
    builder.send("list_assistants", page(b), query={"limit": 2, "after": "asst_c"})
    return builder.history()


@fails(traversal.has_more_is_true_exactly_where_more_follows)
def test_own_assistants_are_left_out() -> History:
    builder = HistoryBuilder()
    assistants = [assistant(f"asst_{n}", created_at=T0 + n) for n in range(3)]
    for each in assistants:
        builder.send("create_assistant", each, body={"model": "gpt-4o"})
    builder.send("list_assistants", page(*assistants[::-1]), query={"limit": 100})
    builder.send("list_assistants", page(assistants[2]), query={"limit": 1})
    return builder.history()


def requested(**query: str) -> HistoryBuilder:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.send("list_messages", error("Invalid 'limit'."), 400, query=query)
    return builder


@passes(page_size.legal_limits_and_orders_are_taken)
def test_a_limit_of_100() -> History:
    builder = HistoryBuilder()
    builder.send("list_messages", page(), query={"limit": "100", "order": "asc"})
    return builder.history()


@fails(page_size.legal_limits_and_orders_are_taken)
def test_a_limit_of_100_is_refused() -> History:
    builder = requested(limit="100")
    builder.send("list_messages", page(), query={"limit": "20"})
    return builder.history()


@permitted
def test_list_of_a_deleted_thread_is_refused() -> History:
    return requested(limit="100").history()


@permitted
def test_a_limit_of_101_is_refused() -> History:
    builder = requested(limit="101")
    builder.send("list_messages", page())
    return builder.history()


@inconclusive(page_size.legal_limits_and_orders_are_taken, page_size.limit_is_kept)
def test_parameter_that_is_given_twice_has_no_meaning() -> History:
    builder = HistoryBuilder()
    for status in (400, 200):
        answer = page(*message_list(2, 1)) if status == 200 else error()
        exchange = builder.send("list_messages", answer, status, query={"limit": 1})
        twice = replace(exchange, request=replace(exchange.request, query=(("limit", "1"), ("limit", "2"))))
        builder.exchanges[-1] = twice
    return builder.history()


@inconclusive(page_size.twenty_is_the_default)
def test_page_after_a_cursor_says_nothing_about_the_default() -> History:
    numbers = tuple(range(24, -1, -1))
    return traversed((numbers[3:13], False, {"after": "msg_22"}), whole=numbers)


def contradicted() -> History:
    """The list has 12 items; a page that ends after 10 says that nothing follows, and the next page shows the rest."""
    numbers = tuple(range(11, -1, -1))
    return traversed((numbers[10:], False, {"limit": 100, "after": "msg_2"}), whole=numbers[:10])


@inconclusive(traversal.pages_hold_what_comes_next)
def test_page_is_not_compared_with_one_that_another_contradicts() -> History:
    return contradicted()


@fails(traversal.has_more_is_true_exactly_where_more_follows, times=1)
def test_complete_page_that_another_page_contradicts() -> History:
    return contradicted()


@inconclusive(
    traversal.pages_hold_what_comes_next,
    traversal.has_more_is_true_exactly_where_more_follows,
    page_size.twenty_is_the_default,
)
def test_list_of_all_threads_is_compared_in_its_own_items_only() -> History:
    foreign = message("user", id_="msg_z", created_at=T0 + 9, thread_id="thread_z")
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.send("list_messages", page(foreign, *message_list(1, 0)), query={"limit": 100})
    builder.send("list_messages", page(*message_list(1, 0)), query={"limit": 50})
    return builder.history()


def filtered_after_the_limit(*more: Part) -> History:
    """The filtered list shows a message, and a page of it is empty although it says that more follows."""
    return traversed(((), True, {"limit": 1, "run_id": RUN}), ((0,), False, {"run_id": RUN}), *more)


@fails(traversal.pages_hold_what_comes_next, times=1)
def test_empty_page_that_says_that_more_follows_is_no_complete_list() -> History:
    return filtered_after_the_limit()


@fails(traversal.has_more_is_true_exactly_where_more_follows, times=2)
def test_empty_list_that_says_that_more_follows() -> History:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    for limit in (10, 100):
        builder.send("list_messages", page(has_more=True), query={"limit": limit})
    return builder.history()


OLDEST_FIRST = NEWEST_FIRST[::-1]
ASCENDING: Part = (OLDEST_FIRST, False, {"order": "asc"})
DESCENDING: Part = (NEWEST_FIRST, False, {"order": "desc", "limit": 5})


@passes(traversal.pages_hold_what_comes_next, traversal.has_more_is_true_exactly_where_more_follows)
def test_requested_order_is_right_where_the_default_is_wrong() -> History:
    first: Part = ((4, 3), True, {"order": "desc", "limit": 2})
    last: Part = ((), False, {"order": "desc", "after": "msg_0"})
    return traversed(ASCENDING, DESCENDING, first, last, ((0, 1), True, {"limit": 2}), whole=OLDEST_FIRST)


@passes(traversal.before_ends_at_its_item)
def test_before_in_a_requested_order_is_right_where_the_default_is_wrong() -> History:
    part: Part = ((4, 3), False, {"order": "desc", "before": "msg_2"})
    return traversed(ASCENDING, DESCENDING, part, whole=OLDEST_FIRST)


@passes(traversal.before_ends_at_its_item)
def test_before_may_be_in_the_documented_order_where_the_default_is_wrong() -> History:
    return traversed(((4, 3), False, {"before": "msg_2"}), ((0, 1), False, {"before": "msg_2"}), whole=OLDEST_FIRST)


@fails(traversal.before_ends_at_its_item, times=1)
def test_before_is_ignored_where_the_default_is_wrong() -> History:
    return traversed((OLDEST_FIRST, False, {"before": "msg_2"}), whole=OLDEST_FIRST)


@fails(traversal.pages_hold_what_comes_next, times=1)
def test_gap_in_a_requested_order_where_the_default_is_wrong() -> History:
    return traversed(ASCENDING, DESCENDING, ((4, 2), True, {"order": "desc", "limit": 2}), whole=OLDEST_FIRST)


@fails(traversal.pages_hold_what_comes_next, times=1)
def test_gap_in_the_default_order_where_it_is_wrong() -> History:
    return traversed(((2,), True, {"limit": 1, "after": "msg_0"}), whole=OLDEST_FIRST)


@inconclusive(
    traversal.items_are_not_repeated,
    traversal.walks_reach_every_item_once,
    traversal.before_ends_at_its_item,
    traversal.first_and_last_id_are_those_of_the_page,
)
def test_items_without_ids_are_not_repeated() -> History:
    builder, unnamed = HistoryBuilder(), [{**each, "id": ""} for each in message_list(3, 2, 1, 0)]
    builder.send("create_thread", thread())
    builder.send("list_messages", page(*unnamed, first_id="msg_3", last_id="msg_0"), query={"limit": 100})
    for items, has_more, after in ((unnamed[:2], True, {}), (unnamed[2:], False, {"after": ""})):
        shown = page(*items, has_more=has_more, first_id=None, last_id=None)
        builder.send("list_messages", shown, query={"limit": 2, **after})
    builder.send("list_messages", page(*unnamed[:2], first_id="x", last_id="x"), query={"before": "msg_1"})
    return builder.history()


@fails(traversal.items_are_not_repeated, times=1)
def test_items_that_are_repeated_beside_one_without_an_id() -> History:
    builder = HistoryBuilder()
    items = [*message_list(2, 2), {**message_list(1)[0], "id": ""}]
    builder.send("list_messages", page(*items))
    return builder.history()


@inconclusive(
    traversal.after_excludes_its_item,
    traversal.pages_hold_what_comes_next,
    traversal.has_more_is_true_exactly_where_more_follows,
)
def test_pages_of_items_without_ids_show_no_place_in_the_list() -> History:
    builder, unnamed = HistoryBuilder(), [{**each, "id": ""} for each in message_list(2, 1)]
    builder.send("create_thread", thread())
    builder.send("list_messages", page(*unnamed), query={"limit": 100})
    builder.send("list_messages", page(unnamed[0], has_more=True), query={"limit": 1})
    builder.send("list_messages", page(unnamed[1]), query={"limit": 1, "after": "msg_2"})
    return builder.history()


@fails(traversal.after_excludes_its_item, times=1)
def test_page_that_contains_its_cursor_beside_an_item_without_an_id() -> History:
    builder = HistoryBuilder()
    items = [*message_list(2), {**message_list(1)[0], "id": ""}]
    builder.send("list_messages", page(*items), query={"after": "msg_2"})
    return builder.history()


def parts(rule: AnyRule, history: History) -> set[str]:
    """The needed parts of the evidence that a history provides."""
    provided = {result.part for result in judge(rule, history) if isinstance(result, Passed)}
    return {part for part, *_ in rule.needs_parts if part in provided}


WHOLE = traversed(FIRST, SECOND, THIRD, ((4,), True, {"limit": 2, "before": "msg_3"}))
FIRST_PAGE = traversed((NEWEST_FIRST, False, {}), whole=NEWEST_FIRST)


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        (page_size.limit_is_kept, "a page of list_messages that its limit cuts off"),
        (page_size.pages_are_full, "a full page of list_messages"),
        (traversal.after_excludes_its_item, "a page of list_messages after a cursor"),
        (traversal.pages_hold_what_comes_next, "a page of list_messages after a cursor"),
        (traversal.has_more_is_true_exactly_where_more_follows, "a page of list_messages with more items after it"),
        (traversal.walks_reach_every_item_once, "a walk through list_messages"),
        (traversal.before_ends_at_its_item, "a page of list_messages before a cursor"),
    ],
)
def test_parts_of_a_list_are_pages_that_a_wrong_list_would_not_pass(rule: AnyRule, part: str) -> None:
    assert (parts(rule, WHOLE), parts(rule, FIRST_PAGE)) == ({part}, set())


@pytest.mark.parametrize("rule", [traversal.items_are_not_repeated, traversal.first_and_last_id_are_those_of_the_page])
def test_a_single_item_is_no_part_of_the_evidence_on_several(rule: AnyRule) -> None:
    assert parts(rule, FIRST_PAGE) == {"a page of list_messages with several items"}
    assert parts(rule, traversed(((0,), False, {}), whole=(0,))) == set()


def test_each_list_is_a_part_of_its_own() -> None:
    builder = HistoryBuilder()
    for operation, item in (("list_messages", message()), ("list_runs", run()), ("list_assistants", assistant())):
        builder.send(operation, page(item), query={"limit": 1})
    assert parts(page_size.legal_limits_and_orders_are_taken, builder.history()) == {
        f"a request to {operation} with a valid limit or order"
        for operation in ("list_messages", "list_runs", "list_assistants")
    }


def filtered(*, limit: int) -> History:
    """The messages of a run, completely and with a limit."""
    answers = [message(id_=f"msg_{n}", created_at=T0 + n) for n in (1, 0)]
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.create_run(run())
    builder.get_run(run("completed"))
    builder.send("list_messages", page(*answers), query={"run_id": RUN, "limit": 100})
    builder.send("list_messages", page(*answers[:limit]), query={"run_id": RUN, "limit": limit})
    return builder.history()


@pytest.mark.parametrize("rule", [page_size.pages_are_full, traversal.pages_hold_what_comes_next])
def test_full_page_of_the_messages_of_a_run_is_a_part_of_its_own(rule: AnyRule) -> None:
    assert parts(rule, filtered(limit=1)) == {"a full page of list_messages with run_id"}
    assert parts(rule, filtered(limit=3)) == set()


_LARGE_PART = "a page of list_messages with 50 items or more, in a list of more than 50"
_SIXTY = tuple(range(59, -1, -1))


def has_more_parts(*pages: Part, whole: tuple[int, ...] = _SIXTY) -> set[str]:
    rule = traversal.has_more_is_true_exactly_where_more_follows
    return {part for part in parts(rule, traversed(*pages, whole=whole)) if part == _LARGE_PART}


def test_has_more_needs_a_large_page() -> None:
    assert has_more_parts((_SIXTY, False, {"limit": 99})) == {_LARGE_PART}
    assert has_more_parts((_SIXTY[:20], True, {})) == set()
    assert has_more_parts((_SIXTY[:50], False, {"limit": 99}), whole=_SIXTY[:50]) == set()


def test_large_page_of_a_server_with_a_maximum_of_its_own() -> None:
    builder = HistoryBuilder()
    builder.send("create_thread", thread())
    builder.send("list_messages", page(*message_list(*_SIXTY[:50]), has_more=True), query={"limit": 100})
    rest = {"limit": 100, "after": f"msg_{_SIXTY[49]}"}
    builder.send("list_messages", page(*message_list(*_SIXTY[50:]), has_more=False), query=rest)
    rule = traversal.has_more_is_true_exactly_where_more_follows
    assert parts(rule, builder.history()) >= {_LARGE_PART}
