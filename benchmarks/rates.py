"""Rates of the client and of the judge: requests and judged exchanges per second of CPU."""

from __future__ import annotations

import time
from pathlib import Path

import httpx

from benchmarks.target_server import KEYS, serve_target
from runs_conformance.app.judge_partition import judge_jobs
from runs_conformance.app.judge_recording import cut_recording, merge_verdicts
from runs_conformance.app.options import RunOptions
from runs_conformance.client.credentials import Credentials
from runs_conformance.client.recorder import HistoryWriter
from runs_conformance.client.session import Session
from runs_conformance.client.transport import Transport
from runs_conformance.model.case import Step

REQUESTS = 2_000


def client_rates(folder: Path) -> tuple[float, float]:
    """The requests per second of CPU with which the suite sends, records and redacts, and those of bare `httpx`.

    Both send the same request for an assistant, one after the other on one connection.
    """
    with serve_target() as served:
        address = served.target.address
        credentials = Credentials(KEYS[0], KEYS[1], address.dialect.key_header, address.secrets)
        headers = {"Authorization": f"Bearer {KEYS[0]}", "OpenAI-Beta": "assistants=v2"}
        with httpx.Client(base_url=address.url, headers=headers) as bare:
            id_ = bare.post("/assistants", json={"model": "gpt-4o"}).raise_for_status().json()["id"]
            writer = HistoryWriter(folder / "history.jsonl", {}, credentials)
            session = Session(Transport(address), writer, credentials)
            step = Step(operation="get_assistant", path={"assistant_id": id_})
            rates = [0.0, 0.0]
            for _ in range(2):
                began = time.process_time()
                for _ in range(REQUESTS // 2):
                    assert session.send(step, "benchmark", {}).accepted
                rates[0] += time.process_time() - began
                began = time.process_time()
                for _ in range(REQUESTS // 2):
                    bare.get(f"/assistants/{id_}").raise_for_status().json()
                rates[1] += time.process_time() - began
            session.close()
            writer.close()
    return REQUESTS / rates[0], REQUESTS / rates[1]


def judging_rate(history: Path) -> float:
    """The exchanges of a history that are read and judged per second of CPU."""
    began = time.process_time()
    recording = cut_recording(history)
    jobs = list(recording.jobs)
    merge_verdicts([recording], judge_jobs(iter(jobs), RunOptions()), RunOptions())
    return sum(map(len, jobs)) / (time.process_time() - began)
