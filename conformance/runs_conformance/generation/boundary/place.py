"""Places of a request: every schema in it, with the smallest valid body in which the place exists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from runs_conformance.contract.implementation_defined import implementation_defined
from runs_conformance.contract.schema import Schema
from runs_conformance.generation.boundary.sample import MissingResource, Sampler, key_names, until_missing
from runs_conformance.model.json import JSON

Wrap = Callable[[JSON], JSON]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """One schema of a request body. `wrap` builds the smallest valid body with a given value at this place.

    `path` leads to the place in that body. `is_union_branch` marks a branch of a union: it shares the union's place,
    and the union covers its type. `is_discriminator` marks a member whose value decides which other members its object
    has; its valid values are generated with their objects. `missing_resource` names the kind of existing object that
    the place needs and the configuration does not supply.
    """

    at: str
    schema: Schema
    path: Path
    wrap: Wrap
    is_union_branch: bool = False
    is_discriminator: bool = False
    missing_resource: str = ""


def places(
    schema: Schema,
    sampler: Sampler,
    wrap: Wrap,
    path: Path = (),
    missing_resource: str = "",
    is_discriminator: bool = False,
) -> Iterator[Place]:
    """Yield this place and every place below it, in document order."""
    at = schema.get("x-at", "")
    yield Place(at, schema, path, wrap, is_discriminator=is_discriminator, missing_resource=missing_resource)
    for branch in schema.get("oneOf", ()):
        if branch.get("type") != "null":
            yield Place(at, branch, path, wrap, is_union_branch=True, missing_resource=missing_resource)
            yield from _below(branch, sampler, wrap, path, missing_resource)
    yield from _below(schema, sampler, wrap, path, missing_resource)


def _below(schema: Schema, sampler: Sampler, wrap: Wrap, path: Path, missing_resource: str) -> Iterator[Place]:
    discriminator = sampler.discriminator(schema)
    for name, sub in schema.get("properties", {}).items():
        if "x-at" not in sub:
            continue  # the discriminator of a union, which the union covers
        try:
            hosts = list(sampler.smallest_objects(schema, member=name))
            wrap_member = _member(wrap, hosts, schema, name)
            yield from places(sub, sampler, wrap_member, (*path, name), missing_resource, name == discriminator)
        except MissingResource as missing:
            yield from places(sub, sampler, wrap, (*path, name), missing_resource or missing.kind)
    if "items" in schema:
        # One item more than `minItems`, so that the item is tested and not the bound.
        fillers = list(until_missing(iter(sampler.distinct_items(schema["items"], schema.get("minItems", 0)))))
        yield from places(schema["items"], sampler, lambda value: wrap([value, *fillers]), (*path, 0), missing_resource)
    value_schema = schema.get("additionalProperties")
    if isinstance(value_schema, dict):
        key = key_names(schema)[0]
        yield from places(value_schema, sampler, lambda value: wrap({key: value}), (*path, key), missing_resource)


def _member(wrap: Wrap, hosts: list[dict[str, JSON]], schema: Schema, name: str) -> Wrap:
    """Wrap a value in the smallest valid object with this member, the one that is least implementation-defined."""
    conditions: Schema = {"x-implementation-defined": schema.get("x-implementation-defined", ())}

    def wrap_in_best(value: JSON) -> JSON:
        candidates: list[dict[str, JSON]] = [{**host, name: value} for host in hosts]
        return wrap(min(candidates, key=lambda candidate: len(implementation_defined(conditions, candidate))))

    if len(hosts) == 1 or not conditions["x-implementation-defined"]:
        return lambda value: wrap({**hosts[0], name: value})
    return wrap_in_best
