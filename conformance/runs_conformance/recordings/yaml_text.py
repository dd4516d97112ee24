"""Reads YAML as plain data (strings, bytes, null, lists and mappings), ignoring all other tags.

Only a member `parsed_body` also holds numbers and booleans, since its value was a JSON body.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_ALIASES = 10_000
MAX_DEPTH = 100
MAX_EXPANDED = 4_000_000
"""Maximum number of values, and of characters in units of 16, once every alias is replaced by what it stands for."""

JSON_MEMBER = "parsed_body"
"""The member in which serializers of vcrpy store a JSON body as YAML."""

_JSON_TAG = "tag:runs-conformance,2026:json"
_JSON_SCALAR = re.compile(r"true|false|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")


class YamlError(Exception):
    """The text is not YAML, or not safe to read; the message says why and where."""


class _Loader(_Base):  # type: ignore[misc]
    """Constructs no objects of classes and merges no mappings, since recordings are untrusted."""

    yaml_implicit_resolvers = {  # noqa: RUF012 -- PyYAML looks it up on the class
        first: [("tag:yaml.org,2002:null", found)]
        for first in ("~", "n", "N", "")
        for tag, found in _Base.yaml_implicit_resolvers.get(first, ())
        if tag == "tag:yaml.org,2002:null"
    }
    yaml_constructors: dict[str | None, Any] = {}  # noqa: RUF012
    yaml_multi_constructors: dict[str | None, Any] = {}  # noqa: RUF012

    def flatten_mapping(self, node: Any) -> None:
        """Keep `<<` as a plain key, since merged mappings can double in size with every level."""


def _construct_plain(loader: Any, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value == JSON_MEMBER:
            _mark_json_scalars(value)
    pairs = [(loader.construct_object(key, deep=True), value) for key, value in node.value]
    return {
        name if isinstance(name, str) else str(name)[:100]: loader.construct_object(value, deep=True)
        for name, value in pairs
    }


def _mark_json_scalars(root: yaml.Node) -> None:
    """Mark the numbers and booleans below a node; strings that look like one are quoted."""
    waiting, seen = [root], {id(root)}
    while waiting:
        node = waiting.pop()
        below = []
        if isinstance(node, yaml.ScalarNode):
            if not node.style and _JSON_SCALAR.fullmatch(node.value):
                node.tag = _JSON_TAG
        elif isinstance(node, yaml.SequenceNode):
            below = node.value
        else:
            below = [value for _, value in node.value]
        waiting += [each for each in below if id(each) not in seen]
        seen.update(map(id, below))


def _construct_json(loader: Any, node: yaml.Node) -> Any:
    return json.loads(loader.construct_scalar(node))


def _construct_bytes(loader: Any, node: yaml.Node) -> bytes:
    try:
        return base64.b64decode(loader.construct_scalar(node))
    except (ValueError, binascii.Error) as error:
        raise yaml.constructor.ConstructorError(None, None, f"binary is not base64: {error}", node.start_mark) from None


_Loader.add_multi_constructor("", _construct_plain)
_Loader.add_constructor("tag:yaml.org,2002:null", lambda _loader, _node: None)
_Loader.add_constructor(_JSON_TAG, _construct_json)
for _tag in ("tag:yaml.org,2002:binary", "!binary"):
    _Loader.add_constructor(_tag, _construct_bytes)


def documents(text: bytes) -> list[Any]:
    """Parse the documents of a YAML text. Raises YamlError, with line and column if known."""
    try:
        _check(text)
        return list(_documents(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise YamlError(f"not YAML: {error.problem or error.context}{at}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        first = str(error).partition("\n")[0] or type(error).__name__
        raise YamlError(f"not YAML: {first}") from None


def _documents(text: bytes) -> Iterator[Any]:
    loader = _Loader(text)
    try:
        while loader.check_data():
            yield loader.get_data()
    finally:
        loader.dispose()


def _check(text: bytes) -> None:
    """Scan the events first, so that excessive nesting or aliases are rejected before anything is built."""
    aliases = 0
    # The costs of the collections that are open, and of what each anchor names.
    open_costs: list[int] = [0]
    anchors: list[str | None] = []
    costs: dict[str, int] = {}
    for event in yaml.parse(text, Loader=_Base):
        match event:
            case yaml.CollectionStartEvent():
                open_costs.append(1)
                anchors.append(event.anchor)
            case yaml.CollectionEndEvent():
                cost = open_costs.pop()
                open_costs[-1] += cost
                if (anchor := anchors.pop()) is not None:
                    costs[anchor] = cost
            case yaml.ScalarEvent():
                cost = 1 + len(event.value) // 16
                open_costs[-1] += cost
                if event.anchor is not None:
                    costs[event.anchor] = cost
            case yaml.AliasEvent():
                aliases += 1
                # An anchor may be used inside what it names: that has no end, and is refused when it is built.
                open_costs[-1] += costs.get(event.anchor or "", 0)
        if len(open_costs) > MAX_DEPTH + 1:
            raise YamlError(f"nested deeper than {MAX_DEPTH} levels")
        if aliases > MAX_ALIASES:
            raise YamlError(f"more than {MAX_ALIASES} aliases")
        if aliases and open_costs[-1] > MAX_EXPANDED:
            raise YamlError(f"its aliases stand for more than {MAX_EXPANDED:,} values")
