"""The schema documents: found, read, brought to an edition, and stamped with where each place is.

A compiled schema is plain JSON Schema 2020-12 in one piece: references are inlined, what does not belong to the
edition is gone, and every place carries `x-at`, its path as constraint ids spell it
(`create_run.tools[].function.name`). What the annotations mean is written down in `schemas/CONVENTIONS.md`.
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
from runs_conformance.errors import SuiteFault

Schema = dict[str, Any]

_KEPT = ("x-either", "x-references", "x-discriminator", "x-atMostHalfOf", "x-map-key", "x-tempting")


@cache
def folder() -> Path:
    """The folder of the schema documents: inside an installed package, else at the root of the repository."""
    package = Path(__file__).resolve().parent.parent
    repository = package.parent.parent
    for candidate in (package / "schemas", repository / "schemas"):
        if (candidate / "requests").is_dir():
            return candidate
    raise SuiteFault(
        f"the schema documents are missing: neither {package / 'schemas'} nor {repository / 'schemas'} holds them"
    )


@cache
def document(name: str) -> Schema:
    """The document `requests/create_run` as it stands in its file. Do not change what is returned."""
    path = folder() / f"{name}.json"
    try:
        loaded: Schema = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SuiteFault(f"no schema document is called {name!r}") from None
    return loaded


@cache
def names(group: str) -> tuple[str, ...]:
    """The names of the documents in a folder (`requests`, `objects`, ...), sorted."""
    return tuple(sorted(path.stem for path in (folder() / group).glob("*.json")))


@cache
def digest() -> str:
    """A short hash over all schema documents, so that a report says by which it judged."""
    total = hashlib.sha256()
    for path in sorted(folder().rglob("*.json")):
        total.update(path.relative_to(folder()).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:16]


@cache
def compiled(name: str, prefix: str, edition: str = DEFAULT_EDITION) -> Schema:
    """The document `name` in an edition, its places stamped with paths that begin with `prefix`. Do not change it."""
    raw = document(name)
    return _Compiler(edition).place(raw, prefix, raw.get("x-source", {}), name)


class _Compiler:
    """Brings one document to one edition."""

    def __init__(self, edition: str) -> None:
        self.edition = edition

    def place(self, raw: Schema, at: str, source: Mapping[str, Any], name: str) -> Schema:
        referred = "$ref" in raw
        raw, source, name = self._resolved(raw, source, name)
        if referred and name.startswith("objects/"):
            # An object inside another (a run in a list of runs) keeps its own constraints, wherever it is seen.
            at = name.removeprefix("objects/")
        raw = self._nullable(self._overlaid(raw), name)
        out: Schema = {"x-at": at}
        source = {**source, **raw.get("x-source", {})}
        out["x-source"] = source
        if "x-sources" in raw:
            out["x-sources"] = raw["x-sources"]
        for key in _KEPT:
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
                    prop: self.place(sub, f"{at}.{prop}", source, name) for prop, sub in value.items() if self._has(sub)
                }
            case "items":
                return self.place(value, f"{at}[]", source, name)
            case "additionalProperties" if isinstance(value, Mapping):
                return self.place(dict(value), f"{at}{{}}", source, name)
            case "propertyNames":
                return self.place(value, f"{at}.propertyNames", source, name)
            case "oneOf":
                return [self._branch(sub, raw, at, source, name) for sub in value if self._has(sub)]
            case "required":
                return self._dated(value, raw, "required")
            case "enum":
                return self._dated(value, raw, "enum")
            case _:
                return copy.deepcopy(value)

    def _branch(self, sub: Schema, raw: Schema, at: str, source: Mapping[str, Any], name: str) -> Schema:
        """A union's branch. Its discriminator is the union's own matter, so it makes no constraint of the branch."""
        branch = self.place(sub, at, source, name)
        discriminator = raw.get("x-discriminator")
        if discriminator and "properties" in branch:
            branch["properties"][discriminator] = {"const": branch["properties"][discriminator]["const"]}
        return branch

    def _has(self, sub: Schema) -> bool:
        return in_force(self.edition, sub.get("x-since"), sub.get("x-until"))

    def _dated(self, values: list[Any], raw: Schema, key: str) -> list[Any]:
        since, until = raw.get(f"x-{key}-since", {}), raw.get(f"x-{key}-until", {})
        return [value for value in values if in_force(self.edition, since.get(str(value)), until.get(str(value)))]

    def _resolved(self, raw: Schema, source: Mapping[str, Any], name: str) -> tuple[Schema, Mapping[str, Any], str]:
        while "$ref" in raw:
            target = (Path(name).parent / raw["$ref"]).as_posix().removesuffix(".json")
            name = Path(*_normal(target)).as_posix()
            beside = {key: value for key, value in raw.items() if key.startswith("x-") or key == "description"}
            base = document(name)
            raw = {**base, **beside, "x-source": {**base.get("x-source", {}), **beside.get("x-source", {})}}
            if "x-sources" in base or "x-sources" in beside:
                raw["x-sources"] = {**base.get("x-sources", {}), **beside.get("x-sources", {})}
        return raw, source, name

    def _overlaid(self, raw: Schema) -> Schema:
        """The place with the keywords that its edition replaces; one replaced by null is gone."""
        out = dict(raw)
        for overlay in out.pop("x-editions", ()):
            if in_force(self.edition, overlay.get("since"), overlay.get("until")):
                for key, value in overlay.items():
                    if value is None and key not in ("const", "default"):
                        out.pop(key, None)
                    elif key not in ("since", "until"):
                        out[key] = value
        return out

    def _nullable(self, raw: Schema, name: str) -> Schema:
        """`anyOf: [X, null]` written as X with `null` among its types, so that a place has one set of keywords."""
        branches = raw.get("anyOf")
        if not branches or len(branches) != 2 or branches[1] != {"type": "null"}:
            return raw
        beside = {key: value for key, value in raw.items() if key != "anyOf"}
        inner, _, _ = self._resolved(branches[0], {}, name)
        inner = self._overlaid(inner)
        if "$ref" in branches[0]:
            inner = self._absolute(inner, branches[0]["$ref"], name)
        merged = {**inner, **beside}
        if "x-source" in inner and "x-source" in beside:
            merged["x-source"] = {**inner["x-source"], **beside["x-source"]}
        if "oneOf" in merged:
            merged["oneOf"] = [*merged["oneOf"], {"type": "null"}]
        elif "type" in merged:
            types = merged["type"] if isinstance(merged["type"], list) else [merged["type"]]
            merged["type"] = [*types, "null"] if "null" not in types else types
            if "enum" in merged and None not in merged["enum"]:
                merged["enum"] = [*merged["enum"], None]
        return merged

    def _absolute(self, inner: Schema, ref: str, name: str) -> Schema:
        """The fragment with the references inside it spelled from the document that refers to it."""
        base = Path(*_normal((Path(name).parent / ref).as_posix())).parent
        here = Path(name).parent

        def walk(value: Any) -> Any:
            if isinstance(value, Mapping):
                out = {key: walk(member) for key, member in value.items()}
                if isinstance(out.get("$ref"), str):
                    target = Path(*_normal((base / out["$ref"]).as_posix()))
                    out["$ref"] = ("../" * len(here.parts)) + target.as_posix()
                return out
            return [walk(item) for item in value] if isinstance(value, list) else value

        walked: Schema = walk(inner)
        return walked


def _normal(path: str) -> list[str]:
    out: list[str] = []
    for part in path.split("/"):
        if part == "..":
            out.pop()
        elif part not in ("", "."):
            out.append(part)
    return out
