"""Programs in which messages, threads and assistants are created, read, modified and deleted, without any run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import Passage, ready
from runs_conformance.generation.programs.responses import made
from runs_conformance.generation.programs.steps import (
    assistant,
    at_root,
    file_id,
    message,
    on_assistant,
    on_message,
    on_thread,
    page,
    since,
    thread,
    vain,
)
from runs_conformance.model.case import Either, Role, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.program import Play, Setting
from runs_conformance.model.tag import DELETED_ID

_PAIRS: tuple[Any, ...] = ({"a": "1", "b": "2"}, {"b": "3"}, {"c": ""}, {}, None)
"""Metadata to set one after the other: whether it is merged or replaced is the target's choice, that it is set not."""


@program("lifecycle", "messages", requests=28)
def messages(setting: Setting) -> Play:
    """Messages of every kind are added to a thread and read back as they were sent."""
    if not (yield from ready(thread(setting))):
        return
    kinds: list[dict[str, Any]] = [
        {"content": "Plain text."},
        {"content": "  Ünïcødé, e\u0301, 漢字, 🙂 <b>\"&amp;'</b> \\n and \t tabs\nand lines,\r\nof two kinds. \n"},
        {"content": "A long story. " * 15_000},
        {"role": "assistant", "content": "Said by the assistant."},
        {"content": "With everything.", "metadata": {"K": "V", "empty": ""}, "attachments": []},
        {"content": "With nulls.", "metadata": None, "attachments": None},
    ]
    if since(setting, "2024-05-09"):
        kinds.append({"content": [{"type": "text", "text": "Part one."}, {"type": "text", "text": "Part two."}]})
    if file := file_id(setting):
        attached = {"file_id": file, "tools": [{"type": "file_search"}, {"type": "code_interpreter"}]}
        kinds.append({"content": "With a file.", "attachments": [attached]})
    for index, members in enumerate(kinds):
        created: Exchange = yield message(name=f"message_{index}", **members)
        if made(created):
            yield on_message("get_message", f"message_{index}")
    if since(setting, "2024-05-09"):
        yield from _image()
    yield page("list_messages", order="asc")
    yield page("list_messages")


@program("lifecycle", "metadata", requests=28)
def modified_message(setting: Setting) -> Play:
    """A message's metadata is set again and again, and nothing else of it changes; then it is deleted."""
    if not (yield from ready(thread(setting), message("Keep this text.", name="message"), message("Other."))):
        return
    for metadata in _PAIRS:
        yield on_message("modify_message", body={"metadata": metadata})
        yield on_message("get_message")
    yield on_message("modify_message", body={})
    yield page("list_messages")
    if not since(setting, "2024-05-02"):
        return
    deleted: Exchange = yield on_message("delete_message")
    if deleted.accepted:
        yield vain(on_message("get_message"), DELETED_ID)
        yield vain(on_message("modify_message", body={"metadata": {"too": "late"}}), DELETED_ID)
        yield vain(on_message("delete_message"), DELETED_ID)
        yield page("list_messages")
        yield page("list_messages", order="asc")


@program("lifecycle", "metadata", requests=41)
def threads(setting: Setting) -> Play:
    """Threads are created in every way there is, read, modified, deleted, and gone."""
    empty: list[dict[str, Any]] = [{}, {"messages": []}, {"metadata": None, "tool_resources": None}]
    for body in empty:
        if made((yield at_root("create_thread", body, name="thread"))):
            yield on_thread("get_thread")
    # The document does not require a body, and the service took none.
    if made((yield at_root("create_thread", name="thread", role=Role.CONTROL))):
        yield on_thread("get_thread")
        yield page("list_messages")
    file = file_id(setting)
    files = [file] if file else []
    whole = {
        "messages": [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hi.", "metadata": {}}],
        "metadata": {"K": "V", "empty": ""},
        "tool_resources": {"code_interpreter": {"file_ids": files}},
    }
    if not made((yield at_root("create_thread", whole, name="thread"))):
        return
    yield on_thread("get_thread")
    yield page("list_messages", order="asc")
    for metadata in _PAIRS:
        yield on_thread("modify_thread", body={"metadata": metadata})
        yield on_thread("get_thread")
    yield on_thread("modify_thread", body={"metadata": {"kept": "yes"}})
    yield on_thread("modify_thread", body={"tool_resources": {"code_interpreter": {"file_ids": []}}})
    yield on_thread("modify_thread", body={})
    yield on_thread("get_thread")
    deleted: Exchange = yield on_thread("delete_thread")
    if deleted.accepted:
        yield vain(on_thread("get_thread"), DELETED_ID)
        yield vain(on_thread("modify_thread", body={"metadata": {"too": "late"}}), DELETED_ID)
        yield vain(message("Too late."), DELETED_ID)
        yield vain(page("list_messages", tag=""), DELETED_ID)
        yield vain(on_thread("delete_thread"), DELETED_ID)


@program("lifecycle", "metadata", requests=42)
def assistants(setting: Setting) -> Play:
    """An assistant is created with every member, read, each member modified, deleted, and gone."""
    if setting.given.get("assistant"):
        return
    if not (yield from ready(_plain(setting))):
        return
    yield on_assistant("get_assistant")
    file = file_id(setting)
    rich = assistant(
        setting,
        name="Rich",
        description="Has everything.",
        tools=[{"type": "code_interpreter"}, {"type": "file_search"}],
        tool_resources={"code_interpreter": {"file_ids": [file] if file else []}},
        metadata={"Team": "Blue", "empty": ""},
        temperature=0.4,
        top_p=0.6,
        response_format={"type": "text"},
    )
    if not (yield from ready(rich)):
        return
    yield on_assistant("get_assistant")
    for changes in _changes(setting):
        yield on_assistant("modify_assistant", body=changes)
        yield on_assistant("get_assistant")
    deleted: Exchange = yield on_assistant("delete_assistant")
    if deleted.accepted:
        yield vain(on_assistant("get_assistant"), DELETED_ID)
        yield vain(on_assistant("modify_assistant", body={"name": "Late"}), DELETED_ID)
        yield vain(on_assistant("delete_assistant"), DELETED_ID)
        yield page("list_assistants", tag="", limit=100)


def _plain(setting: Setting) -> Step:
    """An assistant of which nothing is given but the model."""
    return at_root("create_assistant", {"model": setting.model}, name="assistant")


def _changes(setting: Setting) -> list[dict[str, Any]]:
    return [
        {"name": "Renamed"},
        {"description": "Described anew.", "instructions": "Instructed anew."},
        {"temperature": 0, "top_p": 1},
        {"tools": []},
        {"response_format": "auto", "model": setting.model},
        {"name": None, "description": None, "instructions": None},
        *({"metadata": metadata} for metadata in _PAIRS),
        {},
    ]


def _image() -> Passage:
    """A message with the address of an image, which a target may want to fetch and fail to."""
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "https://example.com/image.png", "detail": "low"}},
    ]
    step = message(name="image", content=parts)
    created: Exchange = yield replace(step, expectation=Either("the target may try to fetch the image"))
    if made(created):
        yield on_message("get_message", "image")
    return True
