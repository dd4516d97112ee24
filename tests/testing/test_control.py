"""Control over HTTP: the words of the fixture on the port of the API, for clients in any language."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import openai
import pytest
from openapi_spec_validator import validate

from runs_conformance.emulator.server import serve_in_thread
from runs_conformance.errors import InvalidFile, UsageError
from runs_conformance.testing import ScriptableEmulator
from runs_conformance.testing.control_openapi import openapi_document
from runs_conformance.testing.control_routes import build_controlled, control_routes
from runs_conformance.testing.control_words import ACTS, FAULTS
from runs_conformance.testing.scenario import load_scenario
from runs_conformance.testing.scriptable_emulator import make_control
from runs_conformance.testing.serve import ServeOptions, serve_controlled

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def send(server: str, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Send a request with JSON, or with text as it is; returns HTTP status and JSON."""
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=10)
    raw = body if body is None or isinstance(body, str) else json.dumps(body)
    try:
        connection.request(method, path, raw, {"content-type": "application/json", **headers})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def post(emulator: ScriptableEmulator, path: str, body: Any = None) -> tuple[int, Any]:
    return send(emulator.control_url, "POST", f"/_emulator{path}", body)


def get(emulator: ScriptableEmulator, path: str) -> Any:
    status, body = send(emulator.control_url, "GET", f"/_emulator{path}")
    assert status == 200
    return body


def ask(emulator: ScriptableEmulator, key: str = "sk-emulator") -> tuple[str, str]:
    """Status and response of a new run."""
    with openai.OpenAI(api_key=key, base_url=emulator.base_url, max_retries=0) as client:
        assistant = client.beta.assistants.create(model="gpt-4o", instructions="Be brief.").id
        run = client.beta.threads.create_and_run_poll(assistant_id=assistant, poll_interval_ms=5)
        messages = client.beta.threads.messages.list(run.thread_id).data
        text = "" if not messages else messages[0].content[0].text.value  # type: ignore[union-attr]
        return run.status, text


def test_script_and_faults(emulator: ScriptableEmulator) -> None:
    assert post(emulator, "/script", [{"say": "One."}, {"fail": {"code": "rate_limit_exceeded"}}])[0] == 200
    assert post(emulator, "/faults", {"refuse": {"http_status": 503, "operation": "create_assistant"}})[0] == 200
    with pytest.raises(openai.InternalServerError):
        ask(emulator)
    assert ask(emulator) == ("completed", "One.")
    assert ask(emulator)[0] == "failed"
    assert get(emulator, "/unused") == []


def test_unused_script_and_reset(emulator: ScriptableEmulator) -> None:
    post(emulator, "/scenario", {"script": ["hang", [{"say": "A"}, {"call": "f"}]], "faults": [{"delay": 1}]})
    hang: dict[str, Any] = {"hang": {}}
    turn: Any = [{"say": {"text": "A"}}, {"call": {"function": "f"}}]
    assert get(emulator, "/unused") == [hang, turn, {"delay": {"seconds": 1}}] == emulator.unused
    status, state = post(emulator, "/reset")
    assert (status, state["script"], state["faults"]) == (200, [], [])


def test_clock_and_state(emulator: ScriptableEmulator) -> None:
    before = get(emulator, "/state")["now"]
    status, state = post(emulator, "/clock", {"advance": 3600})
    assert status == 200
    assert state["now"] - before >= 3600
    ask(emulator)
    objects = get(emulator, "/state")["objects"]
    assert [objects[name] for name in ("assistants", "threads", "messages", "runs", "files")] == [1, 1, 1, 1, 0]


def test_requests_without_credentials(emulator: ScriptableEmulator) -> None:
    ask(emulator)
    requests = get(emulator, "/requests")
    assert requests[0]["operation"] == "create_assistant"
    assert requests[0]["body"] == {"model": "gpt-4o", "instructions": "Be brief."}
    assert "sk-emulator" not in json.dumps(requests)


def test_keys_do_not_meet(emulator: ScriptableEmulator) -> None:
    post(emulator, "/script?key=one", {"say": "For one."})
    post(emulator, "/faults?key=two", {"refuse": {"http_status": 500}})
    with pytest.raises(openai.InternalServerError):
        ask(emulator, "two")
    assert ask(emulator, "two")[1] == "You said nothing."
    post(emulator, "/reset?key=two")
    assert get(emulator, "/requests?key=two") == []
    assert ask(emulator, "one") == ("completed", "For one.")
    assert {request["operation"] for request in get(emulator, "/requests?key=one")} >= {"create_assistant"}


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("/script", "{", "not valid JSON"),
        ("/clock", '{"advance": NaN}', "NaN is not a JSON number"),
        ("/clock", '{"advance": 1e999}', "is not a JSON number"),
        ("/clock", '{"advance": 1, "advance": 2}', "two members of one name"),
        ("/clock", '{"advance": true}', "must be of type number"),
        ("/clock", '{"advance": -1}', "from 0 to 1e+09"),
        ("/clock", "[]", "the clock takes"),
        ("/script", "[" * 100_000, "nested too deeply"),
        ("/script", b"\xff".decode("latin-1"), "not"),
        ("/script", {"sya": "One."}, "did you mean say"),
        ("/script", {"say": {"txt": "One."}}, "lacks 'text'"),
        ("/script", {"say": {"text": "One.", "txt": 1}}, "there is no argument of say 'txt'"),
        ("/script", {"fail": {"code": "no_such"}}, "there are invalid_prompt, rate_limit_exceeded, server_error"),
        ("/script", {"cut_off": {"reason": "bored"}}, "there are max_"),
        ("/script", {"hold": {"status": "completed"}}, "there are "),
        ("/script", [["hang", {"say": "One."}]], "no act can follow 'hang'"),
        ("/script", [[{"say": "One."}, {"hold": "queued"}]], "only the first act"),
        ("/script", {"hang": 1}, "takes no arguments"),
        ("/script", {"say": "A", "call": "f"}, "one member"),
        ("/script", {"say": {"text": "A", "annotations": [{"text": "B", "file_id": "f"}]}}, "does not occur"),
        ("/faults", {"refuse": {"http_status": 200}}, "from 400 to 599"),
        ("/faults", {"refuse": {"operation": "create_runs"}}, "did you mean create_run"),
        ("/scenario", {"scripts": []}, "did you mean script"),
        ("/scenario", {"script": ""}, "there is no act ''"),
        ("/scenario", {"faults": False}, "fault must be an object"),
        ("/script", "", "act must be an object"),
        ("/reset", {"key": "one"}, "a reset takes no document"),
        ("/reset?kye=one", None, "did you mean key"),
        ("/script?key=", "hang", "is one API key"),
        ("/script?key=a&key=b", "hang", "is one API key"),
    ],
)
def test_invalid_documents_change_nothing(emulator: ScriptableEmulator, path: str, body: Any, error: str) -> None:
    status, answer = post(emulator, path, body)
    assert status == 400
    assert error in answer["error"]
    assert "\n" not in answer["error"]
    state = get(emulator, "/state")
    assert (state["script"], state["faults"]) == ([], [])


def test_session_of_a_key_that_the_server_refuses() -> None:
    with serve_in_thread(build_controlled(make_control(keys=("sk-one",))), lifespan="off") as origin:
        status, answer = send(origin, "POST", "/_emulator/script?key=sk-two", ["hang"])
        assert (status, answer["error"]) == (400, "the server does not accept this API key, so no request can have it")
        assert send(origin, "POST", "/_emulator/script?key=sk-one", ["hang"])[0] == 200


def test_clock_of_a_session(emulator: ScriptableEmulator) -> None:
    post(emulator, "/script", ["hang", "hang"])
    with (
        openai.OpenAI(api_key="one", base_url=emulator.base_url) as one,
        openai.OpenAI(api_key="two", base_url=emulator.base_url) as two,
    ):
        runs = {}
        for client in (one, two):
            assistant = client.beta.assistants.create(model="gpt-4o", instructions="Be brief.").id
            runs[client] = client.beta.threads.create_and_run(assistant_id=assistant)
        now = get(emulator, "/state?key=two")["now"]
        status, state = post(emulator, "/clock?key=one", {"advance": 3600})
        assert (status, round(state["now"] - now, -2)) == (200, 3600)
        assert get(emulator, "/state?key=two")["now"] - now < 60

        def status_of(client: openai.OpenAI) -> str:
            run = runs[client]
            return client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id).status

        assert (status_of(one), status_of(two)) == ("expired", "in_progress")
        assert one.beta.threads.create().created_at - two.beta.threads.create().created_at >= 3599
        emulator.advance(3600)
        assert status_of(two) == "expired"
        assert get(emulator, "/state?key=one")["now"] - now >= 7200
    assert post(emulator, "/clock?key=one", {"advance": 1e9})[1]["error"] == "advance must be from 0 to 1e+09 in all"


def test_half_valid_scenario_changes_nothing(emulator: ScriptableEmulator) -> None:
    assert post(emulator, "/scenario", {"script": [{"say": "A"}], "faults": [{"explode": {}}]})[0] == 400
    assert emulator.unused == []


def schema_of(document: dict[str, Any], path: str, *members: str) -> Any:
    """The schema of a call in the OpenAPI document, which a validator can use alone."""
    found = document["paths"][f"/_emulator{path}"]
    for member in members:
        found = found[member]
    return {**found["content"]["application/json"]["schema"], "components": document["components"]}


def test_openapi_document_lists_every_route(emulator: ScriptableEmulator) -> None:
    document = get(emulator, "/openapi.json")
    validate(document)
    (mount,) = control_routes(make_control(), None)
    routes: list[Any] = mount.routes
    served = {(f"{mount.path}{route.path}", method) for route in routes for method in route.methods - {"HEAD"}}
    assert served == {(path, name.upper()) for path, calls in document["paths"].items() for name in calls}


def test_answers_are_those_of_the_openapi_document(emulator: ScriptableEmulator) -> None:
    post(emulator, "/faults", [{"refuse": {"operation": "get_thread"}}, {"limit_rate": 500}, {"delay": 0}])
    post(emulator, "/script", [{"say": "One."}, "hang", [{"say": "A"}, {"call": "f"}]])
    ask(emulator)
    document = get(emulator, "/openapi.json")
    for path in ("/state", "/unused", "/requests", "/openapi.json"):
        answer = get(emulator, path)
        assert answer
        jsonschema.validate(answer, schema_of(document, path, "get", "responses", "200"))
    jsonschema.validate(post(emulator, "/reset")[1], schema_of(document, "/reset", "post", "responses", "200"))
    error = post(emulator, "/script", "{")[1]
    jsonschema.validate(error, schema_of(document, "/script", "post", "responses", "400"))


def test_documents_are_those_of_the_openapi_document() -> None:
    """A document is accepted if and only if its schema permits it, but for relations between members."""
    values: list[Any] = [
        *(None, "hang", "say", "refuse", 1, 2.0, -1, 0.5, 500, "queued", "server_error", {}, [], True, "A"),
        *({"text": "A"}, {"status": "queued"}, {"status": "done"}, {"seconds": 1}, {"seconds": None}, {"times": 0}),
        *({"operation": "get_run"}, {"operation": None}, {"operation": "run"}, {"after": 1, "event": "e"}, {"x": 1}),
        *({"function": "f", "more": [{"function": "g"}]}, {"function": "f", "more": [{"x": 1, "function": "g"}]}),
        *([{"file_id": "f", "file_name": "n"}], [{"file_id": "f"}], {"requests_per_minute": 1.0}),
    ]
    document = openapi_document("/_emulator")
    validator = jsonschema.Draft202012Validator(schema_of(document, "/scenario", "post", "requestBody"))
    seen = set()
    for member, words in (("script", ACTS), ("faults", FAULTS)):
        for value in [*values, *({word: value} for word in words for value in values)]:
            scenario = {member: [value]}
            try:
                make_control().apply(scenario)
                is_accepted = True
            except UsageError:
                is_accepted = False
            assert (is_accepted, scenario) == (validator.is_valid(scenario), scenario)
            seen.add(is_accepted)
    assert seen == {True, False}


def test_integers_may_be_written_with_a_fraction_of_zero(emulator: ScriptableEmulator) -> None:
    """Some languages have one type of number."""
    post(emulator, "/faults", '{"refuse": {"http_status": 503.0, "times": 1.0, "skip": 0.0}}')
    with pytest.raises(openai.InternalServerError):
        ask(emulator)
    assert ask(emulator)[0] == "completed"


def test_web_pages_and_foreign_host_names_are_refused(emulator: ScriptableEmulator) -> None:
    for header in ({"origin": "http://evil.example"}, {"host": "evil.example"}):
        assert send(emulator.control_url, "POST", "/_emulator/reset", {}, **header)[0] == 403


def test_token() -> None:
    with serve_in_thread(build_controlled(make_control(), token="sesame"), lifespan="off") as origin:
        assert send(origin, "GET", "/_emulator/state")[0] == 403
        assert send(origin, "GET", "/_emulator/state", authorization="Bearer sesam")[0] == 403
        assert send(origin, "GET", "/_emulator/state", authorization="Bearer sesame", host="emulator")[0] == 200


def test_without_control_routes() -> None:
    with serve_in_thread(build_controlled(make_control(), has_routes=False), lifespan="off") as origin:
        assert send(origin, "POST", "/_emulator/clock", {"advance": 1})[0] == 404
        assert send(origin, "GET", "/healthz") == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("scenario.json", '{"script": [{"say": "Hello."}, "hang"]}'),
        ("scenario.yaml", "script:\n  - say: Hello.\n  - hang\n"),
    ],
)
def test_scenario_files(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    control = make_control()
    control.apply(load_scenario(path))
    assert control.unused() == [{"say": {"text": "Hello."}}, {"hang": {}}]


@pytest.mark.parametrize(
    ("name", "text"),
    [("scenario.json", '{"advance": NaN}'), ("scenario.yaml", "script: [\n"), ("scenario.yaml", "\x00")],
)
def test_unreadable_scenario_files(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InvalidFile, match=name):
        load_scenario(path)
    with pytest.raises(InvalidFile):
        load_scenario(tmp_path / "missing.yaml")


def test_port_in_use_is_a_usage_error(emulator: ScriptableEmulator) -> None:
    with pytest.raises(UsageError, match="cannot listen"):
        serve_controlled(ServeOptions(port=urlsplit(emulator.base_url).port or 0), lambda url, control_url: None)


def test_infinite_numbers_of_yaml_are_refused() -> None:
    with pytest.raises(UsageError, match="must be from 0"):
        make_control().apply({"faults": [{"delay": float("nan")}]})
