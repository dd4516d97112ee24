"""Places of a request: every schema in it, with the smallest legal body that makes the place exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from conformance.contract.doubt import doubts
from conformance.contract.schema import Schema
from conformance.generation.boundary.sample import Lacking, Sampler
from conformance.model.json import JSON

Wrap = Callable[[JSON], JSON]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """One schema of a request. `wrap` builds the smallest legal body with a given value at this place, `path` leads
    there.

    `branch` marks a union's branch: it shares the union's place, and its type is the union's matter. `choice` marks a
    member that says what else belongs into its object, so that its legal values come with their objects. `lacks`
    names what the setting would have to give for the place to exist at all.
    """

    at: str
    schema: Schema
    path: Path
    wrap: Wrap
    branch: bool = False
    choice: bool = False
    lacks: str = ""


def places(
    schema: Schema, sampler: Sampler, wrap: Wrap, path: Path = (), lacks: str = "", choice: bool = False
) -> Iterator[Place]:
    """This place and every place below it, in the order of the document."""
    at = schema.get("x-at", "")
    yield Place(at, schema, path, wrap, choice=choice, lacks=lacks)
    for branch in schema.get("oneOf", ()):
        if branch.get("type") != "null":
            yield Place(at, branch, path, wrap, branch=True, lacks=lacks)
            yield from _below(branch, sampler, wrap, path, lacks)
    yield from _below(schema, sampler, wrap, path, lacks)


def _below(schema: Schema, sampler: Sampler, wrap: Wrap, path: Path, lacks: str) -> Iterator[Place]:
    choice = sampler.choice(schema)
    for name, sub in schema.get("properties", {}).items():
        if "x-at" not in sub:
            continue  # a union's discriminator, which is the union's matter
        try:
            inner = _member(wrap, _host(schema, name, sampler), name)
            yield from places(sub, sampler, inner, (*path, name), lacks, name == choice)
        except Lacking as lacking:
            yield from places(sub, sampler, wrap, (*path, name), lacks or lacking.kind)
    if "items" in schema:
        yield from places(schema["items"], sampler, lambda value: wrap([value]), (*path, 0), lacks)
    rest = schema.get("additionalProperties")
    if isinstance(rest, dict):
        key = schema.get("x-map-key", "key")
        yield from places(rest, sampler, lambda value: wrap({key: value}), (*path, key), lacks)


def _member(wrap: Wrap, host: dict[str, JSON], name: str) -> Wrap:
    return lambda value: wrap({**host, name: value})


def _host(schema: Schema, name: str, sampler: Sampler) -> dict[str, JSON]:
    """The smallest legal object that has this member, the one with the fewest doubts. Raises Lacking."""
    best: dict[str, JSON] | None = None
    fewest = 0
    for candidate in sampler.objects(schema, also=name):
        count = len(doubts(schema, candidate))
        if best is None or count < fewest:
            best, fewest = candidate, count
    if best is None:
        raise Lacking("choice")
    return best
