"""Programs that create, read, modify and delete messages, threads and assistants, without any run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import (
    Fragment,
    longest_page,
    require,
    require_tools,
    send_until_accepted,
)
from runs_conformance.generation.programs.responses import has_id
from runs_conformance.generation.programs.steps import (
    SPECIAL_KEYS,
    assistant,
    at_root,
    attachments,
    dangling_reference,
    edition_includes,
    file_id,
    message,
    on_assistant,
    on_message,
    on_thread,
    page,
    thread,
)
from runs_conformance.model.case import DanglingReference, Either, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import ProgramContext, StepGenerator

_METADATA_CHANGES: tuple[Any, ...] = ({"a": "caffè 🧀", "b": "2"}, {"b": "3", "c": ""}, {}, None)
"""Metadata to set in turn. The target may merge or replace it, but must store it."""

_IDS_OF_THE_CALLER: Any = {"id": "42", "thread_id": "thread_a", "run_id": "run_b", "message_id": "msg_c"}
"""Metadata with the names of the API's own members. It belongs to the caller, and identifies no object."""

_MANY_PAIRS: Any = {"K": "V", "empty": "", **_IDS_OF_THE_CALLER, **SPECIAL_KEYS}


@program("lifecycle", "messages", requests=28)
def messages(context: ProgramContext) -> StepGenerator:
    """Messages of every kind are added to a thread and read back.

    The metadata of one has the names of the API's ids and keys such as `_id`, which must change nothing. The characters
    of one that are not ASCII are escaped.
    """
    if not (yield from require(thread(context))):
        return
    kinds: list[dict[str, Any]] = [
        {"content": "Plain text."},
        {"content": "  Ünïcødé, e\u0301, 漢字, 🙂 <b>\"&amp;'</b> \\n and \t tabs\nand lines,\r\nof two kinds. \n"},
        # Its characters have three or four bytes, so most borders between the pieces that it arrives in split one.
        {"content": "長い物語。🙂" * 13_000},
        {"role": "assistant", "content": "Said by the assistant."},
        {"content": "With everything.", "metadata": _MANY_PAIRS, "attachments": []},
        {"content": "With nulls.", "metadata": None, "attachments": None},
    ]
    if edition_includes(context, "2024-05-09"):
        kinds.append({"content": [{"type": "text", "text": "Part one."}, {"type": "text", "text": "Part two."}]})
    if attached := attachments(context):
        kinds.append({"content": "With a file.", **attached})
    for index, members in enumerate(kinds):
        step = message(name=f"message_{index}", **members)
        created: Exchange = yield replace(step, escaped=index == _ESCAPED)
        if has_id(created):
            yield on_message("get_message", f"message_{index}")
    if edition_includes(context, "2024-05-09"):
        yield from _send_image()
    yield page("list_messages", order="asc")
    yield page("list_messages")


_ESCAPED = 1
"""The place of the message whose characters are escaped; those of the others are sent in UTF-8."""


@program("lifecycle", "metadata", requests=28)
def modified_message(context: ProgramContext) -> StepGenerator:
    """A message's metadata is modified repeatedly; then the message is deleted and requested again.

    Nothing but the metadata may change.
    """
    if not (yield from require(thread(context), message("Keep this text.", name="message"), message("Other."))):
        return
    for metadata in _METADATA_CHANGES:
        if metadata == {}:
            # The message still has pairs, which are not to be lost.
            yield on_message("modify_message", body={})
        yield on_message("modify_message", body={"metadata": metadata})
        yield on_message("get_message")
    yield page("list_messages")
    if not edition_includes(context, "2024-05-02"):
        return
    deleted: Exchange = yield on_message("delete_message")
    if deleted.accepted:
        yield dangling_reference(on_message("get_message"), DanglingReference.DELETED)
        yield dangling_reference(
            on_message("modify_message", body={"metadata": {"too": "late"}}), DanglingReference.DELETED
        )
        yield dangling_reference(on_message("delete_message"), DanglingReference.DELETED)
        yield page("list_messages")
        yield page("list_messages", order="asc")


@program("lifecycle", "metadata", requests=41)
def threads(context: ProgramContext) -> StepGenerator:
    """Threads are created in every form, read, modified and deleted, and a deleted one is requested again.

    The metadata of one has the names of the API's ids, which must change nothing. One without metadata gets some, and
    another one without is read again.
    """
    first: Exchange = yield at_root("create_thread", {}, name="first")
    empty: list[dict[str, Any]] = [{"messages": []}, {"metadata": None, "tool_resources": None}]
    for body in empty:
        if has_id((yield at_root("create_thread", body, name="thread"))):
            yield on_thread("get_thread")
    # The document does not require a body, and the service accepted requests without one.
    bare: Exchange = yield at_root("create_thread", name="thread", role=Role.CONTROL)
    if has_id(bare):
        yield on_thread("get_thread")
        yield page("list_messages")
        yield on_thread("modify_thread", body={"metadata": {"only": "mine"}})
        if has_id(first):
            yield on_thread("get_thread", "first")
    file = file_id(context)
    files = [file] if file else []
    greeting = {"role": "user", "content": "Hello."}
    answer = {"role": "assistant", "content": "Hi.", "metadata": {}}
    full_thread = {
        "messages": [greeting, answer],
        "metadata": {"K": "V", "empty": "", **_IDS_OF_THE_CALLER},
        "tool_resources": {"code_interpreter": {"file_ids": files}},
    }
    if has_id(bare) and file:
        attached = {**full_thread, "messages": [{**greeting, **attachments(context)}, answer]}
        bodies = [attached, full_thread]
    else:
        bodies = [full_thread]
    steps = (at_root("create_thread", body, name="thread") for body in bodies)
    if not has_id((yield from send_until_accepted(*steps))):
        return
    yield on_thread("get_thread")
    yield page("list_messages", order="asc")
    for metadata in _METADATA_CHANGES:
        yield on_thread("modify_thread", body={"metadata": metadata})
        yield on_thread("get_thread")
    yield on_thread("modify_thread", body={"metadata": {"kept": "yes"}})
    yield on_thread("modify_thread", body={"tool_resources": {"code_interpreter": {"file_ids": []}}})
    yield on_thread("modify_thread", body={})
    yield on_thread("get_thread")
    deleted: Exchange = yield on_thread("delete_thread")
    if deleted.accepted:
        yield dangling_reference(on_thread("get_thread"), DanglingReference.DELETED)
        yield dangling_reference(
            on_thread("modify_thread", body={"metadata": {"too": "late"}}), DanglingReference.DELETED
        )
        yield dangling_reference(message("Too late."), DanglingReference.DELETED)
        yield dangling_reference(page("list_messages"), DanglingReference.DELETED)
        yield dangling_reference(on_thread("delete_thread"), DanglingReference.DELETED)


@program("lifecycle", "metadata", requests=42)
def assistants(context: ProgramContext) -> StepGenerator:
    """An assistant is created with every member, read, modified and deleted, and then requested again.

    Before that, one of two assistants without metadata gets some, and the other one is read.
    """
    if context.use.get("assistant"):
        return
    if not (yield from require(_minimal_assistant(context, "first"), _minimal_assistant(context, "second"))):
        return
    yield on_assistant("modify_assistant", "second", {"metadata": {"only": "mine"}})
    yield on_assistant("get_assistant", "first")
    file = file_id(context)
    full_assistant = assistant(
        context,
        name="Rich",
        description="Has everything.",
        tools=[{"type": "code_interpreter"}, {"type": "file_search"}],
        tool_resources={"code_interpreter": {"file_ids": [file] if file else []}},
        metadata={"Team": "Blue", "empty": ""},
        temperature=0.4,
        top_p=0.6,
        response_format={"type": "text"},
    )
    if not (yield from require_tools(full_assistant)):
        return
    yield on_assistant("get_assistant")
    for changes in _assistant_changes(context):
        yield on_assistant("modify_assistant", body=changes)
        yield on_assistant("get_assistant")
    deleted: Exchange = yield on_assistant("delete_assistant")
    if deleted.accepted:
        yield dangling_reference(on_assistant("get_assistant"), DanglingReference.DELETED)
        yield dangling_reference(on_assistant("modify_assistant", body={"name": "Late"}), DanglingReference.DELETED)
        yield dangling_reference(on_assistant("delete_assistant"), DanglingReference.DELETED)
        yield from longest_page("list_assistants")


def _minimal_assistant(context: ProgramContext, name: str) -> Step:
    """Create an assistant with nothing but a model."""
    return at_root("create_assistant", {"model": context.model}, name=name)


def _assistant_changes(context: ProgramContext) -> list[dict[str, Any]]:
    return [
        {"name": "Renamed", "response_format": "auto", "model": context.model},
        {"description": "Described anew.", "instructions": "Instructed anew.", "tools": []},
        {"temperature": 0, "top_p": 1},
        {"name": None, "description": None, "instructions": None},
        *({"metadata": metadata} for metadata in _METADATA_CHANGES),
        {},
    ]


def _send_image() -> Fragment:
    """Send a message with the URL of an image, which the target may try and fail to fetch."""
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/image.png", "detail": "low"}},
    ]
    step = message(name="image", content=parts)
    created: Exchange = yield replace(step, expectation=Either("the target may try to fetch the image"))
    if has_id(created):
        yield on_message("get_message", "image")
    return True
