"""The latest accepted write determines the metadata that a read must show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from runs_conformance.evidence.metadata import (
    MAX_METADATA_ENTRIES,
    MetadataTimeline,
    may_exceed_metadata_limit,
    metadata_timelines,
)
from runs_conformance.model.exchange import Completion
from runs_conformance.model.verdict import Finding
from runs_conformance.rules.traces import refused_modification_keeps_metadata
from tests.rules.histories import HistoryBuilder, thread

OLD, NEW = {"a": "1"}, {"b": "2"}


def created(**body: Any) -> HistoryBuilder:
    builder = HistoryBuilder()
    builder.send("create_thread", thread(metadata=OLD), body={"metadata": OLD, **body})
    return builder


def timeline_of(builder: HistoryBuilder) -> MetadataTimeline:
    (timeline,) = metadata_timelines(builder.history())
    return timeline


def test_read_shows_the_latest_write() -> None:
    builder = created()
    builder.send("modify_thread", thread(metadata=NEW), body={"metadata": NEW})
    builder.send("get_thread", thread(metadata=NEW))
    last = timeline_of(builder).expectations[-1]
    assert last.latest_write.metadata == NEW
    assert last.all_written_or_unknown == (OLD, NEW)
    assert timeline_of(builder).creation_is_known


def test_not_every_write_is_known_without_the_creation() -> None:
    builder = HistoryBuilder()
    builder.send("modify_thread", thread(metadata=NEW), body={"metadata": NEW})
    builder.send("get_thread", thread(metadata=NEW))
    assert timeline_of(builder).expectations[-1].all_written_or_unknown is None
    assert not timeline_of(builder).creation_is_known


def test_nothing_is_expected_after_a_lost_write() -> None:
    builder = created()
    builder.lose_answer("modify_thread", body={"metadata": NEW})
    read = builder.send("get_thread", thread())
    assert all(expected.observation.exchange is not read for expected in timeline_of(builder).expectations)


def test_nothing_is_expected_during_a_write() -> None:
    builder = created()
    read = builder.send("get_thread", thread())
    builder.send("modify_thread", thread(metadata=NEW), body={"metadata": NEW}, at=read.started + 0.5)
    assert all(expected.observation.exchange is not read for expected in timeline_of(builder).expectations)


def test_refused_request_is_no_write() -> None:
    builder = created()
    refused = builder.refuse("modify_thread", body={"metadata": NEW})
    builder.send("get_thread", thread())
    (pair,) = timeline_of(builder).observation_pairs_without_write()
    assert pair.ineffective_requests == (refused,)


def test_request_that_was_never_sent_is_no_attempt() -> None:
    builder = created()
    sent = builder.lose_answer("modify_thread", body={"metadata": NEW})
    builder.send("get_thread", thread())
    builder.exchanges[1] = replace(sent, completion=Completion.NOT_CONNECTED)
    (pair,) = timeline_of(builder).observation_pairs_without_write()
    assert pair.ineffective_requests == ()


@pytest.mark.parametrize(("status", "message"), [(400, "was refused"), (401, "got HTTP 401"), (429, "got HTTP 429")])
def test_finding_says_how_the_modification_was_answered(status: int, message: str) -> None:
    builder = created()
    builder.refuse("modify_thread", status, body={"metadata": NEW})
    builder.send("get_thread", thread(metadata=NEW))
    (finding,) = refused_modification_keeps_metadata.judge(timeline_of(builder))
    assert isinstance(finding, Finding)
    assert finding.message == f"metadata changed although the modification {message}"


def test_accepted_write_separates_observations() -> None:
    builder = created()
    builder.send("modify_thread", thread(metadata=NEW), body={"metadata": NEW})
    builder.send("get_thread", thread(metadata=NEW))
    pairs = list(timeline_of(builder).observation_pairs_without_write())
    assert [pair.earlier.exchange.operation for pair in pairs] == ["modify_thread"]


def test_merged_metadata_may_exceed_the_limit() -> None:
    builder = created()
    most = {f"k{number}": "v" for number in range(MAX_METADATA_ENTRIES)}
    exceeding = builder.refuse("modify_thread", body={"metadata": most})
    small = builder.send("modify_thread", thread(), body={"metadata": NEW})
    assert may_exceed_metadata_limit([builder.exchanges[0], exceeding], exceeding)
    assert not may_exceed_metadata_limit([builder.exchanges[0], small], small)
    # A refused request stored nothing, nor did one that is to be sent again later.
    assert not may_exceed_metadata_limit([builder.exchanges[0], exceeding, small], small)
    limited = builder.refuse("modify_thread", 429, body={"metadata": most}, at=small.started - 1.0)
    assert not may_exceed_metadata_limit([builder.exchanges[0], limited, small], small)
    assert not may_exceed_metadata_limit(builder.exchanges, builder.exchanges[0])


def test_target_that_replaces_metadata_merges_none() -> None:
    builder = created()
    most = {f"k{number}": "v" for number in range(MAX_METADATA_ENTRIES)}
    builder.send("modify_thread", thread(metadata=NEW), body={"metadata": NEW})
    exceeding = builder.refuse("modify_thread", body={"metadata": most})
    assert may_exceed_metadata_limit(builder.exchanges, exceeding)
    builder.send("modify_thread", thread(metadata={}), body={"metadata": None})
    builder.send("modify_thread", thread(metadata={"c": "3"}), body={"metadata": {"c": "3"}})
    assert may_exceed_metadata_limit(builder.exchanges, exceeding)
    builder.send("modify_thread", thread(metadata={"d": "4"}), body={"metadata": {"d": "4"}})
    assert not may_exceed_metadata_limit(builder.exchanges, exceeding)


def test_target_that_replaces_metadata_after_an_attempt_that_is_sent_again() -> None:
    builder = created()
    builder.send("modify_thread", thread(metadata=NEW), body={"metadata": NEW})
    builder.refuse("modify_thread", 429, body={"metadata": {"c": "3"}})
    builder.send("modify_thread", thread(metadata={"c": "3"}), body={"metadata": {"c": "3"}})
    most = {f"k{number}": "v" for number in range(MAX_METADATA_ENTRIES)}
    exceeding = builder.refuse("modify_thread", body={"metadata": most})
    assert not may_exceed_metadata_limit(builder.exchanges, exceeding)
