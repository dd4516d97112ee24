"""Every row of an independent table of boundary cases, replayed against the schemas.

The table (`boundaries.json`) was read off the published document, the prose and public issues without looking at these
schemas. A row says that a value at a field of an operation is to be accepted, to be rejected, or ambiguous. Here each
row is either a matter of shapes, and then the schemas agree or the difference stands below with its reason; or it is
no matter of shapes, and then it is counted under what it is a matter of.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from runs_conformance.contract.constraint import constraints
from runs_conformance.contract.edition import DEFAULT_EDITION, V2_LAUNCH
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.schema import Schema, compile_schema
from runs_conformance.contract.validation import validate
from runs_conformance.model.json import ABSENT

Row = Mapping[str, Any]

DIFFERENCES: dict[str, tuple[str, str]] = {
    # row: (what the schemas say, why)
    **dict.fromkeys(
        ("B-019", "B-020", "B-159", "B-160"),
        ("reject", "taken and echoed in April 2024 only: a departure of that date, binding in later editions"),
    ),
    **dict.fromkeys(("B-053", "B-193"), ("either", "no limit is documented; the refusal is seen, not stated")),
    "B-386": ("either", "the maximum left the schema in 2024; the refusal is seen, not stated"),
    **dict.fromkeys(
        ("B-112", "B-252"), ("either", "forces a tool that the run does not list; whether that is refused is unstated")
    ),
    **dict.fromkeys(
        ("B-113", "B-253"), ("either", "which functions the run has is not the shape's to say, and it may be refused")
    ),
    **dict.fromkeys(
        ("B-281", "B-282", "B-283", "B-287", "B-288", "B-289", "B-290"),
        ("either", "depends on the model: many take no reasoning effort, and few take every value"),
    ),
    **dict.fromkeys(
        ("B-362", "B-364"),
        ("either", "the schema has tool resources at run creation, the guide says that they cannot be set there"),
    ),
    **dict.fromkeys(("B-389", "B-396", "B-397"), ("either", "the server may fetch the image, and may not be able to")),
    **dict.fromkeys(("B-132", "B-272"), ("reject", "valid until 2024-08-06, and invalid in the newest edition")),
}
"""Rows on which the newest edition's schemas say something else than the table."""

EARLY_DIFFERENCES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("B-323", "B-380", "B-393", "B-396", "B-397"),
        ("reject", "the table says all v2; lists of parts came on 2024-05-09"),
    ),
}
"""Rows to be accepted on which the schemas of the first edition named by the table say something else; rows that are
among `DIFFERENCES` already are not repeated.
"""

EXPECTED_OF = {"accept": {"accept"}, "reject": {"reject"}, "ambiguous": {"either", "reject below must"}}

OPERATION = {
    "createRun": "create_run",
    "createThreadAndRun": "create_thread_and_run",
    "createThread": "create_thread",
    "createMessage": "create_message",
    "submitToolOutputs": "submit_tool_outputs",
    "modifyRun": "modify_run",
    "cancelRun": "cancel_run",
    "listRuns": "list_runs",
    "listRunSteps": "list_run_steps",
    "listMessages": "list_messages",
    "listAssistants": "list_assistants",
    "getRun": "get_run",
    "getRunStep": "get_run_step",
    "deleteMessage": "delete_message",
    "createAssistant": "create_assistant",
}
MINIMAL: dict[str, dict[str, Any]] = {
    "create_run": {"assistant_id": "asst_1"},
    "create_thread_and_run": {"assistant_id": "asst_1"},
    "create_thread": {},
    "create_message": {"role": "user", "content": "x"},
    "submit_tool_outputs": {"tool_outputs": [{"tool_call_id": "call_1", "output": "x"}]},
    "modify_run": {},
    "create_assistant": {"model": "gpt-4o"},
}

# What a row that is no matter of shapes is a matter of.
EXISTENCE, TRANSPORT, STATE, CREDENTIALS = "existence", "transport", "state", "credentials"


def no_matter_of_shapes(row: Row) -> str | None:
    """What a row is a matter of, if not of shapes."""
    field, value = row["field"], row["value"]
    if row["op"] == "any":
        return CREDENTIALS
    if field in ("run status", "run active", "(while run active)"):
        return STATE
    if field == "body":
        return None if value == "[]" else TRANSPORT
    if value == "(no body)":
        return TRANSPORT
    if row["constraint"] == "all pending ids once" or value == "duplicate id":
        return STATE
    existing = ("must exist", "existing", "path", "object id", "filter")
    if row["constraint"] in existing or field == "message of another thread":
        return EXISTENCE
    return None


HERE = object()


def function(**members: Any) -> dict[str, Any]:
    """A body's `tools` with one function."""
    return {"tools": [{"type": "function", "function": {"name": "f", **members}}]}


def file_search(**settings: Any) -> dict[str, Any]:
    """A body's `tools` with a file search that has these settings."""
    return {"tools": [{"type": "file_search", "file_search": settings}]}


SKELETONS: dict[str, Any] = {
    "tools[].type": {"tools": [{"type": HERE}]},
    "tools[].function.name": function(name=HERE),
    "tools[].function.description": function(description=HERE),
    "tools[].function.strict": function(strict=HERE),
    "tools[].function.parameters": function(parameters=HERE),
    "tools[].file_search.max_num_results": file_search(max_num_results=HERE),
    "tools[].file_search.ranking_options.score_threshold": file_search(ranking_options={"score_threshold": HERE}),
    "tools[].file_search.ranking_options.ranker": file_search(ranking_options={"ranker": HERE, "score_threshold": 0}),
    "metadata key": {"metadata": HERE},
    "metadata value": {"metadata": {"topic": HERE}},
    "metadata value type": {"metadata": {"topic": HERE}},
    'response_format="none"': {"response_format": HERE},
    "response_format.json_schema.name": {
        "response_format": {"type": "json_schema", "json_schema": {"name": HERE, "schema": {}}}
    },
    "include[] (query)": {"include": [HERE]},
    "include[]": {"include": [HERE]},
    "thread.messages[].role": {"thread": {"messages": [{"role": HERE, "content": "x"}]}},
    "thread.messages[].content": {"thread": {"messages": [{"role": "user", "content": HERE}]}},
    "content[].type": {"content": [{"type": HERE}]},
    "content[].text": {"content": [{"type": "text", "text": HERE}]},
    "content[].image_url": {"content": [{"type": "image_url", "image_url": HERE}]},
    "content[].image_file": {"content": [{"type": "image_file", "image_file": HERE}]},
    "tool_outputs[].tool_call_id": {"tool_outputs": [{"tool_call_id": HERE, "output": "x"}]},
    "tool_outputs[].output": {"tool_outputs": [{"tool_call_id": "call_1", "output": HERE}]},
}
for owner in ("", "thread."):
    stores = {"vector_stores": [HERE]}
    for path, inside in (
        ("tool_resources.file_search.vector_stores", HERE),
        (
            "tool_resources.file_search.vector_stores[].chunking_strategy",
            {"vector_stores": [{"chunking_strategy": HERE}]},
        ),
        ("tool_resources.file_search.vector_stores[].file_ids", {"vector_stores": [{"file_ids": HERE}]}),
    ):
        resources: dict[str, Any] = {"tool_resources": {"file_search": inside}}
        SKELETONS[owner + path] = {"thread": resources} if owner else resources


def static(size: int, overlap: int) -> dict[str, Any]:
    """A chunking strategy with these two figures."""
    return {"type": "static", "static": {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap}}


IMAGE = {"url": "https://example.org/a.png"}
PART: dict[str, Any] = {
    "text": {"type": "text", "text": "x"},
    "image_url": {"type": "image_url", "image_url": IMAGE},
}
WORDS: dict[str, Any] = {
    "(absent)": ABSENT,
    "[text part]": [PART["text"]],
    "exact id set": [{"tool_call_id": "call_1", "output": "x"}],
    "1 helper": {"vector_stores": [{}]},
    "2 helpers": {"vector_stores": [{}, {}]},
    "vector_store_ids and vector_stores both": {"vector_store_ids": ["vs_1"], "vector_stores": [{}]},
    "static 100/50": static(100, 50),
    "static 4096/2048": static(4096, 2048),
    "static 99": static(99, 49),
    "static 4097": static(4097, 2048),
    "static 800/401 (overlap > half)": static(800, 401),
    '{"type":"static"} without static': {"type": "static"},
    "static without chunk_overlap_tokens": {"type": "static", "static": {"max_chunk_size_tokens": 100}},
    "{nested}": {"a": "b"},
    '[{"role":"system",...}]': [{"role": "system", "content": "x"}],
    '{"type":"function"} (function not required by schema)': {"type": "function"},
    "(no url)": {"detail": "low"},
    "(no file_id)": {"detail": "low"},
    "key 65": {"k" * 65: "v"},
    "value 513": {"k": "v" * 513},
}
COUNTED = re.compile(r"(\d+) (functions|chars|pairs|ids?|messages?)(?: \(existing\))?\Z")


def counted(number: int, what: str, field: str) -> Any:
    """The value that `16 pairs` and its like stand for."""
    match what.rstrip("s"):
        case "function":
            return [{"type": "function", "function": {"name": f"f{i}"}} for i in range(number)]
        case "char":
            return {"k" * number: "v"} if field == "metadata key" else "a" * number
        case "pair":
            return {f"k{i}": "v" for i in range(number)}
        case "id":
            return [f"{'vs_' if field.endswith('vector_store_ids') else 'file-'}{i}" for i in range(number)]
        case _:
            return [{"role": "user", "content": "x"}] * number


def value_of(row: Row) -> Any:
    """The JSON value that a row's value stands for."""
    value, field = row["value"], row["field"]
    if not isinstance(value, str):
        return value
    if value in WORDS:
        return WORDS[value]
    if found := COUNTED.match(value):
        return counted(int(found[1]), found[2], field)
    if value.startswith("detail "):
        of = IMAGE if field.endswith("image_url") else {"file_id": "file-1"}
        return {**of, "detail": value.removeprefix("detail ")}
    if field == "metadata value" and value == '""':
        return ""
    return json.loads(value) if value[:1] in ("{", "[", '"') else value


def filled(skeleton: Any, value: Any) -> Any:
    """The skeleton with the value in its place, or without the member where the value is absent."""
    if skeleton is HERE:
        return value
    if isinstance(skeleton, dict):
        members = {key: filled(member, value) for key, member in skeleton.items()}
        return {key: member for key, member in members.items() if member is not ABSENT}
    if isinstance(skeleton, list):
        return [item for item in (filled(item, value) for item in skeleton) if item is not ABSENT]
    return skeleton


def path_skeleton(field: str) -> Any:
    """The skeleton of a plain dotted path."""
    skeleton: Any = HERE
    for member in reversed(field.split(".")):
        skeleton = {member: skeleton}
    return skeleton


def request_of(row: Row) -> tuple[str, Any]:
    """The document and the body (or query) that a row stands for."""
    operation = OPERATIONS[OPERATION[row["op"]]]
    field, value = row["field"], value_of(row)
    is_query = operation.body is None or field.endswith("(query)")
    document = f"queries/{operation.query}" if is_query else f"requests/{operation.body}"
    base = {} if is_query else MINIMAL[operation.name]
    if field == "body":
        return document, value
    if field in ("(unknown property)", "(other property)"):
        return document, {**base, **value}
    if row.get("constraint") == "value string":
        return document, {**base, "metadata": {"topic": value}}
    if field == "tools[].type" and value == "function":
        return document, {**base, **function()}
    if field == "content[].type" and value in PART:
        return document, {**base, "content": [PART[value]]}
    skeleton = SKELETONS.get(field) or path_skeleton(field)
    without = {key: member for key, member in base.items() if key != field}
    return document, {**without, **filled(skeleton, value)}


def uncertain(schema: Schema, value: Any) -> Iterator[str]:
    """Why a correct server may refuse a value that a compiled schema allows."""
    for entry in schema.get("x-implementation-defined", ()):
        safe = {key: item for key, item in entry.items() if key not in ("reason", "source", "always")}
        if entry.get("always") or not Draft202012Validator(safe).is_valid(value):
            yield entry["reason"]
    for branch in schema.get("oneOf", ()):
        if validate(branch, value).valid:
            yield from uncertain(branch, value)
    if isinstance(value, Mapping):
        known = schema.get("properties", {})
        for member, inner in value.items():
            sub = known.get(member, schema.get("additionalProperties"))
            if isinstance(sub, Mapping):
                yield from uncertain(dict(sub), inner)
    if isinstance(value, list) and "items" in schema:
        for item in value:
            yield from uncertain(schema["items"], item)


def verdict_of(row: Row, edition: str) -> str:
    """What the schemas of an edition say of a row: accept, either, reject, or reject below must."""
    document, value = request_of(row)
    schema = compile_schema(document, OPERATION[row["op"]], edition)
    faults = validate(schema, value).errors
    if faults:
        levels = {constraints(edition)[fault.constraint].level.value for fault in faults}
        return "reject" if "must" in levels else "reject below must"
    return "either" if any(uncertain(schema, value)) else "accept"


def agrees(expected: str, said: str) -> bool:
    """Whether a verdict is what the table expects; a refusal that is only a should is a refusal all the same."""
    return said in EXPECTED_OF[expected] or (expected == "reject" and said == "reject below must")


def day_before(date: str) -> str:
    """The day before one that is not the first of its month."""
    return f"{date[:-2]}{int(date[-2:]) - 1:02d}"


def first_edition(row: Row) -> str:
    """The first edition that a row belongs to."""
    dates: list[str] = re.findall(r"\d{4}-\d{2}-\d{2}", row["edition"].replace("2026-07-09/15", "2026-07-15"))
    return max([V2_LAUNCH, *dates[:1]])


@pytest.fixture(scope="module")
def rows(contract_tables: Path) -> list[Row]:
    loaded: list[Row] = json.loads((contract_tables / "boundaries.json").read_text(encoding="utf-8"))["cases"]
    return loaded


@pytest.fixture(scope="module")
def shaped(rows: list[Row]) -> list[Row]:
    return [row for row in rows if no_matter_of_shapes(row) is None]


def test_every_row_is_a_matter_of_shapes_or_named_otherwise(rows: list[Row], shaped: list[Row]) -> None:
    others = Counter(no_matter_of_shapes(row) for row in rows) - Counter({None: len(shaped)})
    assert len(rows) == 568
    assert others == {EXISTENCE: 31, STATE: 20, TRANSPORT: 5, CREDENTIALS: 5}


def test_the_newest_edition_agrees_with_the_table_but_for_the_listed_rows(shaped: list[Row]) -> None:
    differing = {}
    for row in shaped:
        edition = "2025-02-10" if row["edition"] == "edition before it enters" else DEFAULT_EDITION
        said = verdict_of(row, edition)
        if not agrees(row["expect"], said):
            differing[row["id"]] = said
    assert differing == {id_: said for id_, (said, _) in DIFFERENCES.items()}


def test_what_is_to_be_accepted_is_so_from_its_first_edition_on(shaped: list[Row]) -> None:
    differing = {}
    for row in shaped:
        if row["expect"] == "accept":
            said = verdict_of(row, first_edition(row))
            if said != "accept" and DIFFERENCES.get(row["id"], ("",))[0] != said:
                differing[row["id"]] = said
    assert differing == {id_: said for id_, (said, _) in EARLY_DIFFERENCES.items()}


@pytest.mark.parametrize(
    ("field", "value", "enters"),
    [
        ("reasoning_effort", "minimal", "2025-08-07"),
        ("reasoning_effort", "none", "2025-11-13"),
        ("reasoning_effort", "xhigh", "2025-12-04"),
        ("reasoning_effort", "max", "2026-07-15"),
        ("reasoning_effort", "low", "2025-02-10"),
        ("tool_choice", "required", "2024-04-29"),
        ("parallel_tool_calls", True, "2024-06-06"),
        ("response_format", '{"type":"json_schema","json_schema":{"name":"x"}}', "2024-08-06"),
        ("content", '[{"type":"text","text":"x"}]', "2024-05-09"),
    ],
)
def test_values_enter_on_their_date(field: str, value: Any, enters: str) -> None:
    """Each value is refused the day before its date and allowed on it."""
    operation = "createMessage" if field == "content" else "createRun"
    document, body = request_of({"op": operation, "field": field, "value": value})
    assert validate(compile_schema(document, "x", enters), body).valid
    assert not validate(compile_schema(document, "x", day_before(enters)), body).valid


@pytest.mark.parametrize("query", ["create_run", "list_run_steps", "get_run_step"])
def test_include_enters_on_its_date(query: str) -> None:
    assert "include" in compile_schema(f"queries/{query}", "x", "2024-08-28")["properties"]
    assert "include" not in compile_schema(f"queries/{query}", "x", "2024-08-27")["properties"]


@pytest.mark.parametrize("value", ["none", {}])
def test_response_formats_that_were_valid_until_2024_08_06(value: Any) -> None:
    body = {"assistant_id": "asst_1", "response_format": value}
    assert validate(compile_schema("requests/create_run", "create_run", "2024-08-05"), body).valid
    assert not validate(compile_schema("requests/create_run", "create_run", "2024-08-06"), body).valid


def test_places_that_name_existing_things_say_so(rows: list[Row]) -> None:
    """The rows of the kind "must exist" have a place marked with what it references."""
    for row in rows:
        if row["constraint"] == "must exist":
            properties = compile_schema(f"requests/{OPERATION[row['op']]}", "x", DEFAULT_EDITION)["properties"]
            assert properties[row["field"]]["x-references"] == "assistant"
        if row["constraint"] == "object id":
            properties = compile_schema(f"queries/{OPERATION[row['op']]}", "x", DEFAULT_EDITION)["properties"]
            assert {"x-references", "x-implementation-defined"} <= properties["after"].keys() & properties[
                "before"
            ].keys()
