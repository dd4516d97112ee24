"""Recorded requests to the real service are sent to the emulator, and the responses are compared member by member.

Ids are mapped as they appear. Before each read of a run, the clock is advanced until the run has its recorded status.
The output of the model is not compared, but HTTP statuses, the presence, nullness and types of members, and the order
of events.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from runs_conformance.contract.operation import find_operation
from runs_conformance.emulator.app import build_with_hooks
from runs_conformance.emulator.default import default_hooks
from runs_conformance.emulator.fake_model import ModelInput
from runs_conformance.emulator.model_actions import ModelAction
from runs_conformance.emulator.patching import set_keyword
from runs_conformance.emulator.server_options import EmulatorOptions
from runs_conformance.emulator.tokens import TokenUsage
from tests.emulator.conftest import Answer, EmulatorClient, serve_app

_OUTPUTS = "list.data[].step_details.tool_calls[].code_interpreter.outputs[]"
DIFFERENCES = {
    "thread.message.attachments missing in the recording": "modify message was answered with file_ids in their place: "
    "a quirk of that operation, and the emulator has attachments",
    "thread.message.file_ids missing here": "same quirk",
    "thread.tool_resources.code_interpreter missing here": "in 2025 a thread without resources had {} when "
    "it was created and modified, and an empty code interpreter when it was read; the emulator always has {}",
    f"{_OUTPUTS}.image missing here": "the recorded model plotted, the fake model prints",
    f"{_OUTPUTS}.logs missing in the recording": "same reason",
    f"{_OUTPUTS}.type: 'image' became 'logs'": "same reason",
}
"""All accepted differences, with the reason for each."""

_ID = re.compile(r"\b(?:asst|thread|run|msg|step|call)_[A-Za-z0-9]{20,}")
_MODEL_MEMBERS = frozenset({"metadata", "parameters", "value", "input", "arguments", "output", "logs", "attributes"})
_EQUAL_MEMBERS = frozenset(
    {"object", "type", "role", "status", "has_more", "deleted", "strict", "parallel_tool_calls", "code"}
)


def _date(exchange: dict[str, Any]) -> str:
    try:
        return parsedate_to_datetime(exchange["source"]["recorded_at"]).date().isoformat()
    except (TypeError, ValueError):
        return "2025-11-10"


def _recorded_at(exchange: dict[str, Any]) -> tuple[Any, bool, int]:
    """The sort key: the time of recording, setup requests first within a second."""
    source = exchange["source"]
    return parsedate_to_datetime(source["recorded_at"]), "_setup" not in source["path"], source["index"]


def _sequences(folder: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    with (folder / "exchanges.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    kept = [
        row
        for row in rows
        if row["provenance"] == "recorded"
        and row["source"]["api"] == "openai"
        and row["source"].get("assistants_version") == "v2"
    ]
    for row in kept:
        if isinstance(row["response"].get("body"), str):
            row["response"]["body"] = json.loads(b64decode(row["response"]["body"]))
    kept.sort(key=lambda row: (row["source"]["repo"], _date(row)))
    for (repo, date), group in groupby(kept, key=lambda row: (row["source"]["repo"], _date(row))):
        ordered = list(group)
        if "ruby" in repo:
            ordered.sort(key=_recorded_at)
        yield date, ordered


@dataclass(slots=True)
class Replay:
    """The replay of one sequence of exchanges."""

    date: str
    exchanges: list[dict[str, Any]]
    server: EmulatorClient
    script: dict[str, Any]
    ids: dict[str, str] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)
    compared: int = 0

    def replay(self) -> None:
        for index, exchange in enumerate(self.exchanges):
            self._prepare(exchange, self.exchanges[index:])
            answer = self._send(exchange, self.exchanges[index:])
            self._compare(exchange, answer)

    def _prepare(self, exchange: dict[str, Any], ahead: list[dict[str, Any]]) -> None:
        """Create the objects that the recording presupposes."""
        sent = exchange["request"]["path"] + " " + json.dumps(exchange["request"].get("body"))
        for id_ in _ID.findall(sent):
            if id_ not in self.ids:
                self._create_object(id_, exchange, ahead)

    def _create_object(self, id_: str, exchange: dict[str, Any], ahead: list[dict[str, Any]]) -> None:
        kind, server = id_.partition("_")[0], self.server
        thread = self._map_ids(next(iter(re.findall(r"thread_\w+", exchange["request"]["path"])), ""))
        if kind == "asst":
            run = next((o for o in _objects(ahead, "thread.run") if o["assistant_id"] == id_), {})
            known = next((o for o in _objects(ahead, "assistant") if o["id"] == id_), run)
            members = {name: known[name] for name in ("name", "instructions", "tools") if name in known}
            self.ids[id_] = server.assistant(**members)
        elif kind == "thread":
            empty = exchange["response"]["status"] == 400
            self.ids[id_] = server.thread() if empty else server.thread("Hello")
        elif kind == "msg":
            self.ids[id_] = server.post(f"/threads/{thread}/messages", {"role": "user", "content": "Hello"})["id"]
        elif kind == "run":
            run = next(o for o in _objects(ahead, "thread.run") if o["id"] == id_)
            self._script_model(id_, ahead, streamed=False)
            assistant = server.assistant(instructions=run["instructions"], tools=run["tools"])
            limits = {name: run[name] for name in ("max_prompt_tokens", "max_completion_tokens")}
            self.ids[id_] = server.post(f"/threads/{thread}/runs", {"assistant_id": assistant, **limits})["id"]

    def _script_model(self, run_id: str, ahead: list[dict[str, Any]], streamed: bool) -> None:
        """Have the fake model act like the recorded one."""
        runs = [o for o in _objects(ahead, "thread.run") if o["id"] == run_id]
        steps = [o for o in _objects(ahead, "thread.run.step") if o["run_id"] == run_id]
        calls = [call["type"] for step in steps for call in step["step_details"].get("tool_calls", ())]
        self.script.clear()
        self.script["streamed"] = streamed
        if any(run["status"] == "requires_action" for run in runs):
            self.script["tool_choice"] = "required"
        elif calls:
            self.script["tool_choice"] = {"type": calls[0]}
        if any(run["status"] == "incomplete" for run in runs):
            self.script["text"] = "count to 500"

    def _send(self, exchange: dict[str, Any], ahead: list[dict[str, Any]]) -> Answer:
        request, response = exchange["request"], exchange["response"]
        body = request.get("body")
        found = find_operation(request["method"], request["path"].removeprefix("/v1"))
        assert found is not None
        name = found[0].name
        runs = list(_objects([exchange], "thread.run"))
        if name in ("create_run", "create_thread_and_run", "submit_tool_outputs") and runs:
            self._script_model(runs[0]["id"], ahead, streamed=bool(isinstance(body, dict) and body.get("stream")))
        path = self._map_ids(request["path"].removeprefix("/v1"))
        if name == "get_run" or name == "cancel_run":
            before = "in_progress" if name == "cancel_run" else runs[0]["status"]
            self.server.run_to(*self._map_path(found[1]), before)
        if name == "submit_tool_outputs" and response["status"] == 200:
            self._answer_pending(found[1], body)
        if name == "submit_tool_outputs" and response["status"] == 400:
            self.server.run_to(*self._map_path(found[1]), "in_progress")
        if name in ("list_run_steps", "get_run_step") and response["status"] == 200:
            self._wait_for_steps(found[1], response["body"])
        if name == "list_runs":
            for run in runs:
                self.server.run_to(self._map_ids(run["thread_id"]), self._map_ids(run["id"]), run["status"])
        if name == "list_messages":
            self._wait_for_messages(exchange)
        query = self._map_ids(f"?{urlencode(request['query'])}") if request.get("query") else ""
        raw = None if body is None else self._map_ids(json.dumps(body)).encode()
        refused = response["status"] == 401
        return self.server.send(
            request["method"], path + query, raw, {"authorization": "Bearer sk-invalid"} if refused else None
        )

    def _map_path(self, ids: dict[str, str]) -> tuple[str, str]:
        return self._map_ids(ids["thread_id"]), self._map_ids(ids["run_id"])

    def _answer_pending(self, ids: dict[str, str], body: dict[str, Any]) -> None:
        thread, run = self._map_path(ids)
        waiting = self.server.run_to(thread, run, "requires_action")
        calls = waiting["required_action"]["submit_tool_outputs"]["tool_calls"]
        for output, call in zip(body["tool_outputs"], calls, strict=True):
            self.ids[output["tool_call_id"]] = call["id"]

    def _wait_for_steps(self, ids: dict[str, str], recorded: dict[str, Any]) -> None:
        thread, run = self._map_path(ids)
        steps = f"/threads/{thread}/runs/{run}/steps"
        recorded_values = [step["status"] for step in recorded.get("data", [recorded])]
        for _ in range(100):
            actual = self.server.get(steps)["data"]
            if [step["status"] for step in actual][: len(recorded_values)] == recorded_values:
                break
            self.server.advance(0.5)
        if "step_id" in ids:
            self.ids.setdefault(ids["step_id"], actual[0]["id"])

    def _wait_for_messages(self, exchange: dict[str, Any]) -> None:
        """Advance the clock until the thread has as many messages with text as were recorded."""
        path = self._map_ids(exchange["request"]["path"].removeprefix("/v1"))
        query = self._map_ids(json.dumps(exchange["request"].get("query") or {}))
        recorded_values = [bool(message["content"]) for message in exchange["response"]["body"]["data"]]
        for _ in range(100):
            actual = self.server.get(path, **json.loads(query))["data"]
            if [bool(message["content"]) for message in actual] == recorded_values:
                return
            self.server.advance(0.5)

    def _map_ids(self, text: str) -> str:
        return _ID.sub(lambda match: self.ids.get(match.group(), match.group()), text)

    def _compare(self, exchange: dict[str, Any], answer: Answer) -> None:
        response = exchange["response"]
        self.compared += 1
        where = f"{exchange['request']['method']} {exchange['id']}"
        if answer.status != response["status"]:
            self.found.setdefault(f"HTTP status {response['status']} became {answer.status}", where)
            return
        if response.get("sse"):
            self._compare_streams(where, response["sse"], answer.events)
            return
        recorded, actual = response["body"], answer.body
        if exchange["request"]["path"] == "/v1/assistants" and exchange["request"]["method"] == "GET":
            # The recorded project had other assistants; only the newest was created by the sequence.
            recorded = {**recorded, "data": recorded["data"][:1], "has_more": actual["has_more"]}
        for difference in _differences(recorded, actual, _kind(recorded)):
            self.found.setdefault(difference, where)
        self._learn_ids(recorded, actual)

    def _compare_streams(self, where: str, recorded: list[dict[str, Any]], actual: list[tuple[str, Any]]) -> None:
        before = [name for name, _ in groupby(event["event"] for event in recorded)]
        after = [name for name, _ in groupby(name for name, _ in actual)]
        if before != after:
            self.found.setdefault(f"events {before} became {after}", where)
        by_name: dict[str, list[Any]] = defaultdict(list)
        for name, data in actual:
            by_name[name].append(data)
        seen: dict[str, int] = defaultdict(int)
        for event in recorded:
            name, index = event["event"], seen[event["event"]]
            seen[name] += 1
            # The model decides the number of deltas; the first two show all shapes.
            if index < min(len(by_name[name]), 2):
                for difference in _differences(event["data"], by_name[name][index], f"{name} {_kind(event['data'])}"):
                    self.found.setdefault(difference, where)
                self._learn_ids(event["data"], by_name[name][index])

    def _learn_ids(self, recorded: Any, actual: Any) -> None:
        if isinstance(recorded, dict) and isinstance(actual, dict):
            for name in recorded.keys() & actual.keys():
                self._learn_ids(recorded[name], actual[name])
        elif isinstance(recorded, list) and isinstance(actual, list):
            for left, right in zip(recorded, actual, strict=False):
                self._learn_ids(left, right)
        elif (
            isinstance(recorded, str) and isinstance(actual, str) and _ID.fullmatch(recorded) and _ID.fullmatch(actual)
        ):
            self.ids.setdefault(recorded, actual)


def _objects(exchanges: list[dict[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    for exchange in exchanges:
        todo: list[Any] = [event["data"] for event in exchange["response"].get("sse") or ()]
        todo = todo or [exchange["response"].get("body")]
        while todo:
            value = todo.pop(0)
            if isinstance(value, dict):
                if value.get("object") == kind:
                    yield value
                todo += value.values()
            elif isinstance(value, list):
                todo += value


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("object", "error" if "error" in value else "object"))
    return "text"


def _differences(recorded: Any, actual: Any, at: str) -> Iterator[str]:
    name = at.rpartition(".")[2].removesuffix("[]")
    if name in _MODEL_MEMBERS:
        return
    if _type(recorded) != _type(actual):
        yield f"{at}: {_type(recorded)} became {_type(actual)}"
    elif isinstance(recorded, dict):
        for member in sorted(recorded.keys() - actual.keys()):
            yield f"{at}.{member} missing here"
        for member in sorted(actual.keys() - recorded.keys()):
            yield f"{at}.{member} missing in the recording"
        for member in sorted(recorded.keys() & actual.keys()):
            yield from _differences(recorded[member], actual[member], f"{at}.{member}")
    elif isinstance(recorded, list):
        for left, right in zip(recorded, actual, strict=False):
            yield from _differences(left, right, f"{at}[]")
    elif name in _EQUAL_MEMBERS and recorded != actual:
        yield f"{at}: {recorded!r} became {actual!r}"


def _type(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, (int, float)) else type(value).__name__


def _server(date: str) -> tuple[EmulatorClient, dict[str, Any]]:
    options = EmulatorOptions(step_ms=1000, edition=max(date, "2024-04-27"))
    hooks = default_hooks(options.edition)
    script: dict[str, Any] = {}
    set_keyword(hooks, "create_run.max_completion_tokens.minimum", 16)  # recorded as accepted in April 2024
    inner, usage = hooks.plan, hooks.usage_object

    def plan(model_input: ModelInput) -> list[ModelAction]:
        forced = script.get("tool_choice", "auto") if model_input.round == 0 else "none"
        actions = inner(replace(model_input, tool_choice=forced, text=script.get("text", model_input.text)))
        return [replace(action, pause=0) for action in actions] if script.get("streamed") else actions

    def usage_object(tokens_used: TokenUsage | None) -> Any:
        usage_json = usage(tokens_used)
        if usage_json is not None and date < "2025":  # the details were added between June 2024 and October 2025
            del usage_json["prompt_token_details"], usage_json["completion_tokens_details"]
        return usage_json

    hooks.plan, hooks.usage_object = plan, usage_object
    return EmulatorClient(serve_app(build_with_hooks(options, hooks))), script


def test_the_emulator_answers_as_the_service_did(recordings: Path) -> None:
    found: dict[str, str] = {}
    compared = 0
    for date, exchanges in _sequences(recordings):
        server, script = _server(date)
        replay = Replay(date, exchanges, server, script)
        replay.replay()
        compared += replay.compared
        found.update(replay.found)
    unexpected = {difference: where for difference, where in found.items() if difference not in DIFFERENCES}
    assert not unexpected, json.dumps(unexpected, indent=1)
    assert found.keys() == DIFFERENCES.keys(), "an accepted difference no longer exists"
    assert compared > 300
