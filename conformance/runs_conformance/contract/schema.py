"""The schema documents, and their compilation for one edition.

A compiled schema is self-contained JSON Schema 2020-12: references are inlined, places of other editions are removed,
and every place has an `x-at`, its path as written in constraint ids (`create_run.tools[].function.name`).
`schemas/CONVENTIONS.md` defines the annotations.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from runs_conformance.contract.edition import DEFAULT_EDITION, in_force
from runs_conformance.errors import InternalError

Schema = dict[str, Any]

_KEPT_ANNOTATIONS = (
    "x-implementation-defined",
    "x-references",
    "x-discriminator",
    "x-atMostHalfOf",
    "x-map-key",
    "x-common-mistake",
)


@cache
def schema_folder() -> Path:
    """The folder of the schema documents: in the installed package, or at the root of the repository.

    Raises InternalError if there is none.
    """
    package = Path(__file__).resolve().parent.parent
    repository = package.parent.parent
    for candidate in (package / "schemas", repository / "schemas"):
        if (candidate / "requests").is_dir():
            return candidate
    raise InternalError(
        f"the schema documents are missing: neither {package / 'schemas'} nor {repository / 'schemas'} holds them"
    )


@cache
def load_document(name: str) -> Schema:
    """The parsed document of a name such as `requests/create_run`, cached: callers must not change it.

    Raises InternalError if there is none.
    """
    path = schema_folder() / f"{name}.json"
    try:
        loaded: Schema = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InternalError(f"there is no schema document {name!r}") from None
    return loaded


@cache
def document_names(group: str) -> tuple[str, ...]:
    """The names of the documents in a folder (`requests`, `objects`, ...), sorted."""
    return tuple(sorted(path.stem for path in (schema_folder() / group).glob("*.json")))


@cache
def schemas_digest() -> str:
    """A short hash of all schema documents; reports state it to identify the contract they were judged by."""
    total = hashlib.sha256()
    for path in sorted(schema_folder().rglob("*.json")):
        total.update(path.relative_to(schema_folder()).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:16]


@cache
def compile_schema(name: str, prefix: str, edition: str = DEFAULT_EDITION) -> Schema:
    """The document `name` compiled for an edition; paths begin with `prefix`. Cached: callers must not change it."""
    raw = load_document(name)
    return _Compiler(edition).place(raw, prefix, raw.get("x-source", {}), name)


class _Compiler:
    """Compiles documents for one edition."""

    def __init__(self, edition: str) -> None:
        self.edition = edition

    def place(self, raw: Schema, at: str, source: Mapping[str, Any], name: str) -> Schema:
        is_reference = "$ref" in raw
        raw, source, name = self._resolve(raw, source, name)
        if is_reference and name.startswith("objects/"):
            # An object within another (a run in a list of runs) keeps its own constraint ids.
            at = name.removeprefix("objects/")
        raw = self._flatten_nullable(self._apply_editions(raw), name)
        out: Schema = {"x-at": at}
        source = {**source, **raw.get("x-source", {})}
        out["x-source"] = source
        if "x-sources" in raw:
            out["x-sources"] = raw["x-sources"]
        for key in _KEPT_ANNOTATIONS:
            if key in raw:
                out[key] = raw[key]
        keywords = {key: value for key, value in raw.items() if not key.startswith(("x-", "$"))}
        for key, value in keywords.items():
            out[key] = self._keyword(key, value, raw, at, source, name)
        if "properties" in out and "required" in out:
            out["required"] = [prop for prop in out["required"] if prop in out["properties"]]
        return out

    def _keyword(self, key: str, value: Any, raw: Schema, at: str, source: Mapping[str, Any], name: str) -> Any:
        match key:
            case "properties":
                return {
                    prop: self.place(sub, f"{at}.{prop}", source, name)
                    for prop, sub in value.items()
                    if self._is_in_force(sub)
                }
            case "items":
                return self.place(value, f"{at}[]", source, name)
            case "additionalProperties" if isinstance(value, Mapping):
                return self.place(dict(value), f"{at}{{}}", source, name)
            case "propertyNames":
                return self.place(value, f"{at}.propertyNames", source, name)
            case "oneOf":
                return [self._branch(sub, raw, at, source, name) for sub in value if self._is_in_force(sub)]
            case "required":
                return self._in_force_values(value, raw, "required")
            case "enum":
                return self._in_force_values(value, raw, "enum")
            case _:
                return copy.deepcopy(value)

    def _branch(self, sub: Schema, raw: Schema, at: str, source: Mapping[str, Any], name: str) -> Schema:
        """A branch of a union, without constraints on the discriminator, which belong to the union."""
        branch = self.place(sub, at, source, name)
        discriminator = raw.get("x-discriminator")
        if discriminator and "properties" in branch:
            branch["properties"][discriminator] = {"const": branch["properties"][discriminator]["const"]}
        return branch

    def _is_in_force(self, sub: Schema) -> bool:
        return in_force(self.edition, sub.get("x-since"), sub.get("x-until"))

    def _in_force_values(self, values: list[Any], raw: Schema, key: str) -> list[Any]:
        since, until = raw.get(f"x-{key}-since", {}), raw.get(f"x-{key}-until", {})
        return [value for value in values if in_force(self.edition, since.get(str(value)), until.get(str(value)))]

    def _resolve(self, raw: Schema, source: Mapping[str, Any], name: str) -> tuple[Schema, Mapping[str, Any], str]:
        while "$ref" in raw:
            target = (Path(name).parent / raw["$ref"]).as_posix().removesuffix(".json")
            name = Path(*_normalized_parts(target)).as_posix()
            siblings = {key: value for key, value in raw.items() if key.startswith("x-") or key == "description"}
            base = load_document(name)
            raw = {**base, **siblings, "x-source": {**base.get("x-source", {}), **siblings.get("x-source", {})}}
            if "x-sources" in base or "x-sources" in siblings:
                raw["x-sources"] = {**base.get("x-sources", {}), **siblings.get("x-sources", {})}
        return raw, source, name

    def _apply_editions(self, raw: Schema) -> Schema:
        """The place with the `x-editions` of the edition applied; a keyword with the value null is removed."""
        out = dict(raw)
        for overlay in out.pop("x-editions", ()):
            if in_force(self.edition, overlay.get("since"), overlay.get("until")):
                for key, value in overlay.items():
                    if value is None and key not in ("const", "default"):
                        out.pop(key, None)
                    elif key not in ("since", "until"):
                        out[key] = value
        return out

    def _flatten_nullable(self, raw: Schema, name: str) -> Schema:
        """`anyOf: [X, null]` as X with `null` among its types, so that a place has one set of keywords."""
        branches = raw.get("anyOf")
        if not branches or len(branches) != 2 or branches[1] != {"type": "null"}:
            return raw
        siblings = {key: value for key, value in raw.items() if key != "anyOf"}
        inner, _, _ = self._resolve(branches[0], {}, name)
        inner = self._apply_editions(inner)
        if "$ref" in branches[0]:
            inner = self._rebase_references(inner, branches[0]["$ref"], name)
        merged = {**inner, **siblings}
        if "x-source" in inner and "x-source" in siblings:
            merged["x-source"] = {**inner["x-source"], **siblings["x-source"]}
        if "oneOf" in merged:
            merged["oneOf"] = [*merged["oneOf"], {"type": "null"}]
        elif "type" in merged:
            types = merged["type"] if isinstance(merged["type"], list) else [merged["type"]]
            merged["type"] = [*types, "null"] if "null" not in types else types
            if "enum" in merged and None not in merged["enum"]:
                merged["enum"] = [*merged["enum"], None]
        return merged

    def _rebase_references(self, inner: Schema, ref: str, name: str) -> Schema:
        """The fragment with its references made relative to the document that refers to it."""
        base = Path(*_normalized_parts((Path(name).parent / ref).as_posix())).parent
        here = Path(name).parent

        def walk(value: Any) -> Any:
            if isinstance(value, Mapping):
                out = {key: walk(member) for key, member in value.items()}
                if isinstance(out.get("$ref"), str):
                    target = Path(*_normalized_parts((base / out["$ref"]).as_posix()))
                    out["$ref"] = ("../" * len(here.parts)) + target.as_posix()
                return out
            return [walk(item) for item in value] if isinstance(value, list) else value

        walked: Schema = walk(inner)
        return walked


def _normalized_parts(path: str) -> list[str]:
    out: list[str] = []
    for part in path.split("/"):
        if part == "..":
            out.pop()
        elif part not in ("", "."):
            out.append(part)
    return out
