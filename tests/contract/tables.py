"""The committed tables of facts about the published contract, which were collected without looking at `schemas/`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from runs_conformance.contract.edition import DEFAULT_EDITION
from runs_conformance.contract.operation import OPERATIONS

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class BoundaryCase:
    """One request, and whether a server must `accept` it, must `reject` it, or may do `either`.

    `document` is the schema document of the value, which is a body or a query. The verdict holds from the edition
    `since` on, and in `edition`.
    """

    id: str
    operation: str
    document: str
    value: Any
    verdict: str
    since: str
    edition: str


@cache
def boundary_cases() -> tuple[BoundaryCase, ...]:
    """The cases of `boundary_cases.json`."""
    table = json.loads((_FOLDER / "boundary_cases.json").read_text(encoding="utf-8"))
    return tuple(_boundary_case(row) for row in table["cases"])


def _boundary_case(row: Mapping[str, Any]) -> BoundaryCase:
    operation = OPERATIONS[row["operation"]]
    document = f"requests/{operation.body}" if "body" in row else f"queries/{operation.query}"
    return BoundaryCase(
        id=row["id"],
        operation=row["operation"],
        document=document,
        value=expand(row["body"] if "body" in row else row["query"]),
        verdict=row["verdict"],
        since=row["since"],
        edition=row.get("edition", DEFAULT_EDITION),
    )


def expand(value: Any, number: int = 0) -> Any:
    """Expand the notation of `boundary_cases.json` to a value; `{i}` becomes the number of the item."""
    if isinstance(value, str):
        return value.replace("{i}", str(number))
    if isinstance(value, list):
        return [expand(item, number) for item in value]
    if not isinstance(value, dict):
        return value
    if "$text" in value:
        return value["$text"] * value["length"]
    if "$list" in value:
        return [expand(value["$list"], index) for index in range(value["length"])]
    if "$map" in value:
        name, member = value["$map"]
        return {expand(name, index): expand(member, index) for index in range(value["length"])}
    return {name: expand(member, number) for name, member in value.items()}


@dataclass(frozen=True, slots=True)
class PublishedField:
    """One field of the published document. `required` is None for a place that is not a member of an object.

    `keywords` are its limits and choices as JSON Schema names them.
    """

    path: str
    type: str | None
    reference: str | None
    nullable: bool
    required: bool | None
    closed: bool
    keywords: Mapping[str, Any]

    @property
    def component(self) -> str:
        """The component of the document that the path begins with."""
        return re.split(r"[.\[<]", self.path)[0]


@cache
def published_fields() -> Mapping[str, PublishedField]:
    """The fields of `published_fields.tsv` by path."""
    lines = (_FOLDER / "published_fields.tsv").read_text(encoding="utf-8").splitlines()
    fields = [_published_field(line) for line in lines if not line.startswith("#")]
    return {field.path: field for field in fields}


def _published_field(line: str) -> PublishedField:
    path, *facts = line.split("\t")
    keywords = {name: json.loads(value) for name, _, value in (fact.partition("=") for fact in facts) if value}
    plain = [fact for fact in facts if "=" not in fact]
    references = [fact.removeprefix("-> ") for fact in plain if fact.startswith("-> ")]
    types = [fact for fact in plain if fact in ("string", "integer", "number", "boolean", "array", "object")]
    return PublishedField(
        path=path,
        type=types[0] if types else None,
        reference=references[0] if references else None,
        nullable="null" in plain,
        required=True if "required" in plain else False if "optional" in plain else None,
        closed="closed" in plain,
        keywords=keywords,
    )
