"""Traffic recorded from the real service is read whole, with nothing wrong below the level of the contract."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from runs_conformance.model.exchange import Completion, exchange_to_json
from runs_conformance.model.exchange_decoding import exchange_from_json
from runs_conformance.recordings.load import load_traffic
from tests.recordings.exchanges import histories


def test_every_cassette_is_read(recordings: Path) -> None:
    paths = sorted((recordings / "cassettes").iterdir())
    assert len(paths) >= 45
    reasons: Counter[str] = Counter()
    for path in paths:
        reading = load_traffic(path)
        assert reading.histories, path.name
        reasons.update(skipped.reason.partition(":")[0] for skipped in reading.skipped)
        for exchange in reading.histories[0]:
            assert exchange.response is not None
            assert exchange.response.defects == (), exchange.id
            assert exchange.completion is Completion.ANSWERED
            assert exchange.edition >= "2024-04-17"
            assert exchange_from_json(exchange_to_json(exchange)) == exchange
    assert reasons.keys() == {"assistants=v1, the earlier beta", "not an operation of the Runs API"}


def test_recorded_collection_is_read(recordings: Path) -> None:
    found = histories(recordings / "exchanges.jsonl")
    exchanges = [exchange for history in found for exchange in history]
    assert len(exchanges) >= 300
    assert {exchange.dialect for exchange in exchanges} == {"openai", "azure"}
    assert all(exchange.response is not None and exchange.response.defects == () for exchange in exchanges)
    streams = [exchange for exchange in exchanges if exchange.events]
    assert len(streams) >= 7
    assert all(exchange.events[-1].name == "done" for exchange in streams)
