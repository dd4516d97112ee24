"""Places of a request: every schema in it, with the smallest legal body that makes the place exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from runs_conformance.contract.implementation_defined import doubts
from runs_conformance.contract.schema import Schema
from runs_conformance.generation.boundary.sample import Lacking, Sampler, available, key_names
from runs_conformance.model.json import JSON

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
            hosts = list(sampler.objects(schema, also=name))
            inner = _member(wrap, hosts, schema, name)
            yield from places(sub, sampler, inner, (*path, name), lacks, name == choice)
        except Lacking as lacking:
            yield from places(sub, sampler, wrap, (*path, name), lacks or lacking.kind)
    if "items" in schema:
        # A list that must hold something holds one item more than that, so that the item is judged and not the bound.
        others = list(available(iter(sampler.several(schema["items"], schema.get("minItems", 0)))))
        yield from places(schema["items"], sampler, lambda value: wrap([value, *others]), (*path, 0), lacks)
    rest = schema.get("additionalProperties")
    if isinstance(rest, dict):
        key = key_names(schema)[0]
        yield from places(rest, sampler, lambda value: wrap({key: value}), (*path, key), lacks)


def _member(wrap: Wrap, hosts: list[dict[str, JSON]], schema: Schema, name: str) -> Wrap:
    """Puts a value into the smallest legal object that has this member, the one with which it is least doubtful."""

    own: Schema = {"x-either": schema.get("x-either", ())}

    def within(value: JSON) -> JSON:
        candidates: list[dict[str, JSON]] = [{**host, name: value} for host in hosts]
        return wrap(min(candidates, key=lambda candidate: len(doubts(own, candidate))))

    if len(hosts) == 1 or not own["x-either"]:
        return lambda value: wrap({**hosts[0], name: value})
    return within
