"""Whether a target accepts ids of files and vector stores that it does not have.

Programs then send such ids, and constraints on them can be judged. A target that accepts only some of them would be
reported for refusing the others, so every kind of reference is tried. One that drops ids that it does not know would be
reported for not showing them.
"""

from __future__ import annotations

from collections.abc import Iterator

from runs_conformance.generation.programs.steps import (
    UNKNOWN_FILE_ID,
    UNKNOWN_VECTOR_STORE_ID,
    at_root,
    edition_includes,
)
from runs_conformance.model.case import Either, Step
from runs_conformance.model.exchange import Exchange
from runs_conformance.model.json import JSON, at, contains, is_object
from runs_conformance.model.program import ProgramContext

_TOOLS: JSON = [{"type": "code_interpreter"}, {"type": "file_search"}]
_FILES = "tool_resources"
_METADATA: JSON = {"files": "unknown"}
_RESOURCES: JSON = {
    "code_interpreter": {"file_ids": [UNKNOWN_FILE_ID]},
    "file_search": {"vector_store_ids": [UNKNOWN_VECTOR_STORE_ID]},
}
_MAY_BE_REFUSED = Either("the target may know its files")


def steps_with_unknown_files(context: ProgramContext) -> Iterator[Step]:
    """Yield the creations that refer to files in every way: a thread with a message, and then an assistant."""
    attachments: JSON = [{"file_id": UNKNOWN_FILE_ID, "tools": _TOOLS}]
    message: dict[str, JSON] = {"role": "user", "content": "What is in this file?", "attachments": attachments}
    if edition_includes(context, "2024-05-09"):
        image: JSON = {"type": "image_file", "image_file": {"file_id": UNKNOWN_FILE_ID}}
        message["content"] = [{"type": "text", "text": "What is in these files?"}, image]
    thread = {"messages": [message], "metadata": _METADATA, _FILES: _RESOURCES}
    yield at_root("create_thread", thread, expectation=_MAY_BE_REFUSED)
    if not context.use.get("assistant"):
        assistant = {"model": context.model, "tools": _TOOLS, "metadata": _METADATA, _FILES: _RESOURCES}
        yield at_root("create_assistant", assistant, expectation=_MAY_BE_REFUSED)


def accepts_files(step: Step, exchange: Exchange) -> bool:
    """Whether a creation was accepted without dropping the files that were sent with it.

    A response that shows nothing at all that was sent does not show the files either, but has not singled them out.
    """
    sent = step.body if is_object(step.body) else {}
    shown = {name for name, value in sent.items() if contains(at(exchange.body, f"/{name}"), value)}
    return exchange.accepted and (_FILES in shown or not shown)
