"""Actions of a random walk that read lists."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from runs_conformance.contract.operation import query_name
from runs_conformance.generation.fuzzing.walk_state import WalkState
from runs_conformance.generation.programs.steps import (
    page,
)
from runs_conformance.model.case import Ref, Step


def list_assistants(state: WalkState, random: Random) -> Step | None:
    """List assistants."""
    return page("list_assistants", **_random_page_query(random, state.assistants))


def list_messages(state: WalkState, random: Random) -> Step | None:
    """List the messages of a thread, or those of one of its runs."""
    threads = state.existing_threads()
    if not threads:
        return None
    thread = random.choice(threads)
    runs = [run for run in state.reachable_runs() if run.thread is thread]
    if runs and random.random() < 0.25:
        # It is unknown which messages belong to the run, so no message is a suitable cursor.
        query = {**_random_page_query(random, []), "run_id": random.choice(runs).ref}
    else:
        query = _random_page_query(random, list(thread.messages.values()))
    return page("list_messages", thread.ref, **query)


def list_runs(state: WalkState, random: Random) -> Step | None:
    """List the runs of a thread."""
    threads = state.existing_threads()
    if not threads:
        return None
    thread = random.choice(threads)
    refs = [run.ref for run in state.reachable_runs() if run.thread is thread]
    return page("list_runs", thread.ref, **_random_page_query(random, refs))


def list_steps(state: WalkState, random: Random) -> Step | None:
    """List the steps of a run."""
    runs = state.reachable_runs()
    if not runs:
        return None
    run = random.choice(runs)
    return page(
        "list_run_steps",
        run.ref,
        run.thread.ref,
        **_random_page_query(random, [*run.steps.values()]),
    )


def read_next_page(state: WalkState, random: Random) -> Step | None:
    """The page after the last one."""
    last = state.last_page
    if last is None or not last.count or not last.has_more:
        return None
    query = tuple(pair for pair in last.step.query if pair[0] not in (query_name("after"), query_name("before")))
    return replace(last.step, query=(*query, ("after", Ref(last.step.name, f"/data/{last.count - 1}/id"))))


def read_other_page(state: WalkState, random: Random) -> Step | None:
    """Another page of the last list, from its beginning or its end."""
    last = state.last_page
    if last is None:
        return None
    query = tuple(pair for pair in last.step.query if pair[0] not in ("limit", "order", "after", "before"))
    order = dict(last.step.query).get("order", "desc")
    order = order if random.random() < 0.6 else random.choice(("asc", "desc"))
    limit = random.choice(("100", "100", "2", "2", "1"))
    return replace(last.step, query=(*query, ("limit", limit), ("order", order)))


def _random_page_query(random: Random, refs: list[Ref]) -> dict[str, Any]:
    """The query of a list request with a random limit, order and cursor."""
    query: dict[str, Any] = {}
    if random.random() < 0.8:
        query["limit"] = random.choice(("1", "2", "2", "3", "20", "100", "100"))
    if random.random() < 0.6:
        query["order"] = random.choice(("asc", "desc"))
    if refs and random.random() < 0.35:
        query[random.choice(("after", "after", "before"))] = random.choice(refs)
    return query
