"""The schema documents follow `schemas/CONVENTIONS.md`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from runs_conformance.contract.constraint import constraints
from runs_conformance.contract.edition import EDITIONS
from runs_conformance.contract.known_deviation import glob_matches, known_deviations
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.contract.schema import schema_folder

FILES = sorted(schema_folder().rglob("*.json"))
SCHEMAS = [path for path in FILES if path.name not in ("departures.json", "events.json")]
ANNOTATIONS = {
    "x-source",
    "x-sources",
    "x-since",
    "x-until",
    "x-enum-since",
    "x-enum-until",
    "x-required-since",
    "x-required-until",
    "x-editions",
    "x-implementation-defined",
    "x-references",
    "x-discriminator",
    "x-atMostHalfOf",
    "x-map-key",
    "x-common-mistake",
}
REFERENCES = {"assistant", "thread", "message", "run", "run_step", "file", "vector_store", "tool_call", "model"}
DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")

by_file = pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: f"{path.parent.name}/{path.stem}")


def read(path: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def places(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every object in a document that may be a place, without annotations and literal values."""
    if isinstance(value, Mapping):
        yield value
        for key, member in value.items():
            if key == "properties":
                for sub in member.values():
                    yield from places(sub)
            elif not key.startswith("x-") and key not in ("const", "default", "enum"):
                yield from places(member)
    elif isinstance(value, list):
        for item in value:
            yield from places(item)


@by_file
def test_a_document_is_a_schema_with_its_own_id(path: Any) -> None:
    document = read(path)
    Draft202012Validator.check_schema(document)
    assert document["$id"] == f"https://runs-conformance.dev/schemas/{path.relative_to(schema_folder()).as_posix()}"
    assert document["title"]
    assert document["description"]
    assert "x-source" in document or path.name == "report.schema.json"


@by_file
def test_places_follow_the_conventions(path: Any) -> None:
    for place in places(read(path)):
        assert not place.keys() & {"$defs", "$anchor", "$dynamicRef"}
        assert {key for key in place if key.startswith("x-")} <= ANNOTATIONS
        if "$ref" in place:
            assert (path.parent / place["$ref"]).resolve() in FILES
            assert all(key in ("$ref", "description") or key.startswith("x-") for key in place)
        for entry in place.get("x-implementation-defined", ()):
            assert entry["reason"]
            assert entry["source"]
            assert len(entry) > 2
            Draft202012Validator.check_schema({key: item for key, item in entry.items() if key != "always"})
        for key in ("x-since", "x-until"):
            assert DATE.match(place.get(key, "2024-04-17"))
        for key in ("x-enum-since", "x-enum-until", "x-required-since", "x-required-until"):
            assert all(DATE.match(date) for date in place.get(key, {}).values())
            assert place.get(key, {}).keys() <= set(map(str, place.get(key.split("-")[1], ())))
        assert place.get("x-references", "run") in REFERENCES
        if "oneOf" in place:
            objects = [branch for branch in place["oneOf"] if branch["type"] == "object"]
            assert len(objects) < 2 or all(
                "const" in branch["properties"][place["x-discriminator"]] for branch in objects
            )


def test_every_shared_document_is_used() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in FILES)
    for path in (schema_folder() / "shared").glob("*.json"):
        assert re.search(rf'"(\.\./shared/)?{path.name}"', text), path.name


def test_every_operation_has_its_documents() -> None:
    for operation in OPERATIONS.values():
        assert (schema_folder() / "objects" / f"{operation.response_kind}.json").is_file()
        for group, name in (("requests", operation.body), ("queries", operation.query)):
            assert name is None or (schema_folder() / group / f"{name}.json").is_file()


def test_every_known_deviation_excuses_existing_constraints() -> None:
    known = {id_ for edition in EDITIONS for id_ in constraints(edition)}
    for deviation in known_deviations():
        for pattern in deviation.excuses:
            is_rule = pattern.partition(".")[0] not in {id_.partition(".")[0] for id_ in known} | {"*"}
            assert is_rule or any(glob_matches(pattern, id_) for id_ in known), f"{deviation.id}: {pattern}"


def test_known_deviation_ids_are_unique() -> None:
    names = [deviation.id for deviation in known_deviations()]
    assert len(names) == len(set(names))
