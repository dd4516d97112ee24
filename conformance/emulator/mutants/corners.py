"""Faults in corners: each shows only where two things come together, or only after a certain course of events.

The boundary values and the written programs do not come there by themselves; exploring has to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from conformance.contract.examination import Fault
from conformance.contract.operation import Operation
from conformance.emulator.behaviour import Behaviour
from conformance.emulator.catalogue import corner
from conformance.emulator.listing import Page
from conformance.emulator.refusal import Refusal, bad
from conformance.emulator.spoiling import around, shown
from conformance.emulator.state import Members, Message, Run, Thread
from conformance.emulator.validation import Schemas
from conformance.emulator.world import Call, World

Excuse = Callable[[Fault, Any], bool]


def _overlooks(behaviour: Behaviour, operation: str, excuse: Excuse) -> None:
    """Have one operation overlook the faults that `excuse` says, where they are all that is wrong with a body."""
    inner = behaviour.check_body

    def check(schemas: Schemas, called: Operation, body: Any) -> None:
        if called.name == operation and isinstance(body, dict):
            faults = schemas.judge(schemas.body(operation), body)
            if faults and all(excuse(fault, body) for fault in faults):
                _mend(body, faults)
                return
        inner(schemas, called, body)

    behaviour.check_body = check


def _mend(body: Any, faults: Sequence[Fault]) -> None:
    """Take what is wrong out of a body, so that the rest of the server can work with it."""
    for fault in faults:
        tokens = fault.place.split("/")[1:]
        holder = body
        for token in tokens[:-1]:
            holder = holder[int(token)] if isinstance(holder, list) else holder[token]
        value = holder[int(tokens[-1])] if isinstance(holder, list) else holder.get(tokens[-1])
        if fault.constraint.endswith((".name.pattern", ".maxProperties", ".maxItems", ".maxLength", ".minimum")):
            continue
        if fault.constraint.endswith("content[].type.enum"):
            body["content"].remove(holder)
        elif isinstance(holder, list):
            holder.remove(value)
        else:
            holder.pop(tokens[-1], None)


def _refuses(behaviour: Behaviour, operation: str, wrong: Callable[[Any], bool], status: int = 400) -> None:
    """Have one operation refuse some legal bodies."""

    async def refusing(inner: Any, call: Call) -> Any:
        if isinstance(call.body, dict) and wrong(call.body):
            raise bad("That is not possible.") if status == 400 else Refusal(status, "Something went wrong.")
        return await inner(call)

    around(behaviour, refusing, operation)


def _pairs(body: Any) -> dict[str, Any]:
    pairs = body.get("metadata")
    return pairs if isinstance(pairs, dict) else {}


def _of(fault: Fault, constraint: str) -> bool:
    return fault.constraint == constraint


# Bodies


@corner("create_assistant.metadata")
def refuses_16_pairs_with_an_empty_value(behaviour: Behaviour) -> None:
    """Refuses an assistant with 16 pairs of metadata when one of their values is empty."""
    _refuses(behaviour, "create_assistant", lambda body: len(_pairs(body)) == 16 and "" in _pairs(body).values())


@corner("create_message.metadata")
def refuses_a_key_with_a_dot(behaviour: Behaviour) -> None:
    """Refuses a message whose metadata has a key with a dot in it."""
    _refuses(behaviour, "create_message", lambda body: any("." in key for key in _pairs(body)))


@corner("create_thread.metadata")
def fails_on_characters_beyond_the_first_plane(behaviour: Behaviour) -> None:
    """Fails with 500 where a thread's metadata holds an emoji."""
    _refuses(
        behaviour,
        "create_thread",
        lambda body: any(ord(char) > 0xFFFF for pair in _pairs(body).items() for char in "".join(pair)),
        500,
    )


@corner("create_assistant.tools")
def refuses_a_strict_function_beside_file_search(behaviour: Behaviour) -> None:
    """Refuses an assistant that has a strict function and file search together."""

    def wrong(body: Any) -> bool:
        tools = body.get("tools") or []
        strict = any(tool.get("function", {}).get("strict") for tool in tools)
        return strict and any(tool["type"] == "file_search" for tool in tools)

    _refuses(behaviour, "create_assistant", wrong)


@corner("create_run.response_format")
def refuses_a_schema_beside_tools(behaviour: Behaviour) -> None:
    """Refuses a run that has both tools and a response format with a JSON schema."""

    def wrong(body: Any) -> bool:
        wanted = body.get("response_format")
        return bool(body.get("tools")) and isinstance(wanted, dict) and wanted["type"] == "json_schema"

    _refuses(behaviour, "create_run", wrong)


@corner("create_thread_and_run.thread")
def fails_on_an_assistants_message_with_parts(behaviour: Behaviour) -> None:
    """Fails with 500 where a thread to be run begins with a message of the assistant that has a list of parts."""

    def wrong(body: Any) -> bool:
        messages = (body.get("thread") or {}).get("messages") or []
        return any(message["role"] == "assistant" and isinstance(message["content"], list) for message in messages)

    _refuses(behaviour, "create_thread_and_run", wrong, 500)


@corner("create_thread.metadata{}.type")
def takes_any_value_in_the_last_pair(behaviour: Behaviour) -> None:
    """Takes a value of metadata that is no text, in the last of several pairs."""

    def last(fault: Fault, body: Any) -> bool:
        keys = list(_pairs(body))
        return _of(fault, "create_thread.metadata{}.type") and len(keys) > 1 and fault.place == f"/metadata/{keys[-1]}"

    _overlooks(behaviour, "create_thread", last)


@corner("create_assistant.tools[].function.name.pattern")
def checks_the_name_of_the_first_function_only(behaviour: Behaviour) -> None:
    """Takes any name of a function that is not the first tool."""
    wanted = "create_assistant.tools[].function.name.pattern"
    _overlooks(
        behaviour,
        "create_assistant",
        lambda fault, body: _of(fault, wanted) and not fault.place.startswith("/tools/0/"),
    )


@corner("create_message.content[].type.enum")
def checks_the_first_part_only(behaviour: Behaviour) -> None:
    """Takes parts of an unknown type that are not the first of a message."""
    wanted = "create_message.content[].type.enum"
    _overlooks(
        behaviour,
        "create_message",
        lambda fault, body: _of(fault, wanted) and not fault.place.startswith("/content/0/"),
    )


@corner("modify_thread.metadata{}.maxLength")
def takes_a_long_value_beside_others(behaviour: Behaviour) -> None:
    """Takes a value of metadata that is too long, in a thread that gets at least three pairs."""
    wanted = "modify_thread.metadata{}.maxLength"
    _overlooks(behaviour, "modify_thread", lambda fault, body: _of(fault, wanted) and len(_pairs(body)) >= 3)


@corner("modify_message.metadata.maxProperties")
def takes_17_pairs_with_an_empty_value(behaviour: Behaviour) -> None:
    """Takes 17 pairs of a message's metadata when one of their values is empty."""
    wanted = "modify_message.metadata.maxProperties"
    _overlooks(behaviour, "modify_message", lambda fault, body: _of(fault, wanted) and "" in _pairs(body).values())


@corner("create_message.additionalProperties")
def takes_unknown_members_beside_metadata(behaviour: Behaviour) -> None:
    """Takes unknown members of a message that has metadata."""
    wanted = "create_message.additionalProperties"
    _overlooks(behaviour, "create_message", lambda fault, body: _of(fault, wanted) and bool(_pairs(body)))


@corner("create_run.max_completion_tokens.minimum")
def takes_few_tokens_beside_a_limit_on_the_prompt(behaviour: Behaviour) -> None:
    """Takes fewer than 256 completion tokens for a run that limits its prompt as well."""
    wanted = "create_run.max_completion_tokens.minimum"
    _overlooks(
        behaviour, "create_run", lambda fault, body: _of(fault, wanted) and body.get("max_prompt_tokens") is not None
    )


@corner("create_run.temperature.type")
def takes_a_temperature_in_words_beside_top_p(behaviour: Behaviour) -> None:
    """Takes any temperature of a run that gives `top_p`."""
    wanted = "create_run.temperature.type"
    _overlooks(behaviour, "create_run", lambda fault, body: _of(fault, wanted) and body.get("top_p") is not None)


@corner("assistants")
def forgets_a_temperature_of_zero_beside_top_p(behaviour: Behaviour) -> None:
    """Takes a temperature of zero for none at all when an assistant has `top_p`."""

    async def forgetting(inner: Any, call: Call) -> Any:
        if call.body.get("temperature") == 0 and call.body.get("top_p") is not None:
            call.body["temperature"] = None
        return await inner(call)

    around(behaviour, forgetting, "create_assistant")


@corner("assistants")
def cuts_deep_parameters(behaviour: Behaviour) -> None:
    """Keeps the parameters of a function to a depth of two objects."""

    def cut(schema: Any, depth: int) -> Any:
        if not isinstance(schema, dict) or "properties" not in schema:
            return schema
        inner = {name: cut(member, depth - 1) for name, member in schema["properties"].items()} if depth else {}
        return {**schema, "properties": inner}

    def cutting(members: Members, *_: Any) -> None:
        members["tools"] = [
            {**tool, "function": {**tool["function"], "parameters": cut(tool["function"]["parameters"], 1)}}
            if tool["type"] == "function"
            else tool
            for tool in members["tools"]
        ]

    shown(behaviour, "assistant", cutting)


@corner("messages")
def loses_the_last_of_many_parts(behaviour: Behaviour) -> None:
    """Keeps no more than two parts of a message."""

    inner = behaviour.new_message

    def made(call: Call, thread: Thread, body: Members) -> Message:
        message = inner(call, thread, body)
        message.content = message.content[:2]
        return message

    behaviour.new_message = made


@corner("metadata")
def loses_empty_values_of_many(behaviour: Behaviour) -> None:
    """Keeps no empty values of metadata that has ten pairs or more."""

    def kept(old: dict[str, str], given: dict[str, str] | None) -> dict[str, str]:
        made = dict(given or {})
        return {key: value for key, value in made.items() if value} if len(made) >= 10 else made

    behaviour.new_metadata = kept


# Courses of events


@corner("paging")
def repeats_an_item_on_the_third_page(behaviour: Behaviour) -> None:
    """Begins the third page of two, and every later one, with the last item of the page before."""
    inner = behaviour.page

    def page(items: Sequence[Any], query: dict[str, Any]) -> Page[Any]:
        ids = [item.id for item in items]
        if query.get("after") in ids and ids.index(query["after"]) >= 3:
            before = ids[ids.index(query["after"]) - 1]
            query = {**query, "after": before}
        return inner(items, query)

    behaviour.page = page


@corner("paging")
def forgets_the_order_of_later_pages(behaviour: Behaviour) -> None:
    """Shows pages after a cursor newest first, whatever order is asked for, when they hold two items or more."""
    inner = behaviour.page

    def page(items: Sequence[Any], query: dict[str, Any]) -> Page[Any]:
        found = inner(items, query)
        if query.get("order") == "asc" and "after" in query and len(found.items) > 1 and query.get("limit") == 2:
            return Page(list(reversed(found.items)), found.has_more)
        return found

    behaviour.page = page


@corner("cancel")
def cannot_cancel_what_was_modified(behaviour: Behaviour) -> None:
    """Lets a run go on that is cancelled after somebody tried to modify it."""
    inner = behaviour.cancel

    async def modified(handler: Any, call: Call) -> Any:
        thread = behaviour.find_thread(call, call.path["thread_id"])
        behaviour.find_run(call, thread, call.path["run_id"]).notes["modified"] = True
        return await handler(call)

    def cancel(world: World, thread: Thread, run: Run, now: float) -> None:
        if not run.notes.get("modified"):
            inner(world, thread, run, now)

    around(behaviour, modified, "modify_run")
    behaviour.cancel = cancel


@corner("tools")
def forgets_the_outputs_of_the_second_round(behaviour: Behaviour) -> None:
    """Keeps no outputs in the step of a second round of calls."""
    inner = behaviour.submit

    def submit(world: World, thread: Thread, run: Run, outputs: list[Members], now: float) -> None:
        step = run.open_step
        inner(world, thread, run, outputs, now)
        if run.round == 2 and step is not None:
            for call in step.calls:
                call["function"]["output"] = None

    behaviour.submit = submit


@corner("times")
def has_no_end_after_two_submissions(behaviour: Behaviour) -> None:
    """Shows no time of completion of a run that took outputs twice."""

    def change(members: Members, run: Run, channel: str) -> None:
        if run.round >= 2:
            members["completed_at"] = None

    shown(behaviour, "run", change)


@corner("tools")
def takes_part_of_the_outputs_in_a_stream(behaviour: Behaviour) -> None:
    """Takes some of the outputs as all of them, once others were refused."""
    inner = behaviour.check_submit

    def check(world: World, run: Run, outputs: list[Members]) -> None:
        wanted = {call["id"] for call in run.pending}
        got = {output.get("tool_call_id") for output in outputs}
        if run.status == "requires_action" and run.notes.get("refused") and got and got < wanted:
            return
        try:
            inner(world, run, outputs)
        except Refusal:
            run.notes["refused"] = True
            raise

    behaviour.check_submit = check


@corner("lock")
def opens_the_thread_after_two_refusals(behaviour: Behaviour) -> None:
    """Takes the third message that is sent to a thread while its run is active."""
    inner = behaviour.admit_message
    refused: dict[str, int] = {}

    async def admit(call: Call, thread: Thread) -> None:
        try:
            await inner(call, thread)
        except Refusal:
            refused[thread.id] = refused.get(thread.id, 0) + 1
            if refused[thread.id] <= 2:
                raise

    behaviour.admit_message = admit


@corner("settings")
def keeps_no_metadata_of_a_second_run(behaviour: Behaviour) -> None:
    """Forgets the metadata of every run of a thread but the first."""
    inner = behaviour.new_run

    def made(call: Call, thread: Thread, assistant: Any, body: Members) -> Run:
        run = inner(call, thread, assistant, body)
        if thread.runs:
            run.metadata = {}
        return run

    behaviour.new_run = made


@corner("modify")
def loses_metadata_that_is_set_again(behaviour: Behaviour) -> None:
    """Forgets the metadata of a message whenever it is modified for more than the second time."""
    times: dict[str, int] = {}

    async def modify(inner: Any, call: Call) -> Any:
        id_ = call.path["message_id"]
        times[id_] = times.get(id_, 0) + 1
        answer = await inner(call)
        if times[id_] >= 3:
            thread = behaviour.find_thread(call, call.path["thread_id"])
            behaviour.find_message(call, thread, id_).metadata = {}
            answer = {**answer, "metadata": {}}
        return answer

    around(behaviour, modify, "modify_message")


@corner("usage")
def counts_nothing_after_a_refused_submission(behaviour: Behaviour) -> None:
    """Shows no usage of a run that refused outputs before it took them."""
    inner = behaviour.check_submit

    def check(world: World, run: Run, outputs: list[Members]) -> None:
        try:
            inner(world, run, outputs)
        except Refusal:
            run.notes["refused"] = True
            raise

    def change(members: Members, run: Run, channel: str) -> None:
        if run.notes.get("refused") and run.round:
            members["usage"] = None

    behaviour.check_submit = check
    shown(behaviour, "run", change)


@corner("deletion")
def shows_deleted_messages_in_ascending_lists(behaviour: Behaviour) -> None:
    """Shows deleted messages in lists that are ascending and limited."""
    gone: dict[str, list[Message]] = {}
    remove, page = behaviour.remove_message, behaviour.page

    def removed(thread: Thread, message: Message) -> None:
        gone.setdefault(thread.id, []).append(message)
        remove(thread, message)

    def paged(items: Sequence[Any], query: dict[str, Any]) -> Page[Any]:
        thread = getattr(items[0], "thread_id", "") if items and isinstance(items[0], Message) else ""
        if query.get("order") == "asc" and "limit" in query and thread in gone:
            items = sorted([*items, *gone[thread]], key=lambda item: item.seq)
        return page(items, query)

    behaviour.remove_message, behaviour.page = removed, paged


@corner("modify")
def keeps_old_instructions_beside_new_tools(behaviour: Behaviour) -> None:
    """Keeps an assistant's instructions when they are modified together with its tools."""

    async def modify(inner: Any, call: Call) -> Any:
        if call.body.get("tools") and call.body.get("instructions"):
            del call.body["instructions"]
        return await inner(call)

    around(behaviour, modify, "modify_assistant")
