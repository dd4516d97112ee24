"""Programs that send ids and queries that no client should send, and check that the target still responds."""

from __future__ import annotations

from dataclasses import replace

from runs_conformance.generation.programs.decorator import program
from runs_conformance.generation.programs.fragments import require
from runs_conformance.generation.programs.probes import send_probes
from runs_conformance.generation.programs.steps import on_thread, thread
from runs_conformance.model.case import Either, Refuse, Role
from runs_conformance.model.json import JSON
from runs_conformance.model.program import ProgramContext, StepGenerator

_REFUSES_PATH = Refuse((400, 404, 405, 414, 422, 431))


@program("robustness", "validation", requests=19)
def odd_ids(context: ProgramContext) -> StepGenerator:
    """Threads are requested by ids that no server issues: long ones, and ones with unusual characters.

    They must not be found, and must not make the target fail.
    """
    if not (yield from require(thread(context))):
        return
    ids = {
        "rather_long_id": "thread_" + "x" * 200,
        "long_id": "thread_" + "x" * 5_000,
        "nul_in_id": "thread_\x00",
        "newline_in_id": "thread_\r\nX-Header: 1",
        "quote_in_id": "' OR '1'='1",
        "slash_in_id": "thread_/a",
        "percent_in_id": "thread_%00%2e",
        "emoji_in_id": "thread_🙂",
        "markup_in_id": "<script>alert(1)</script>",
        "template_in_id": "{{7*7}}${7*7}",
        "space_as_id": " ",
    }
    yield from send_probes(
        replace(
            on_thread("get_thread"),
            path={"thread_id": id_},
            role=Role.NEGATIVE,
            expectation=_REFUSES_PATH,
            anomaly=name,
            probe=True,
        )
        for name, id_ in ids.items()
    )


@program("robustness", "listing", requests=18)
def odd_queries(context: ProgramContext) -> StepGenerator:
    """A list is requested with overlong, malformed, repeated and unknown query parameters.

    They must not make the target fail.
    """
    if not (yield from require(thread(context))):
        return
    queries: dict[str, tuple[tuple[str, JSON], ...]] = {
        "long_limit": (("limit", "9" * 1_000),),
        "negative_limit": (("limit", "-99999999999999999999"),),
        "empty_limit": (("limit", ""),),
        "odd_limit": (("limit", "1e1"),),
        "long_cursor": (("after", "msg_" + "x" * 5_000),),
        "odd_cursor": (("after", "' OR '1'='1"),),
        "nul_in_query": (("after", "\x00"),),
        "repeated_parameter": (("limit", "1"), ("limit", "2")),
        "unknown_parameter": (("colour", "red"), ("limit[]", "1")),
        "odd_order": (("order", "ASC;--"),),
    }
    reason = "the contract does not state what such a query does"
    yield from send_probes(
        replace(
            on_thread("list_messages"),
            query=query,
            role=Role.NEGATIVE,
            expectation=Either(reason),
            anomaly=name,
            probe=True,
        )
        for name, query in queries.items()
    )
