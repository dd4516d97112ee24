"""Shell commands that reproduce a counterexample; they contain no key and no id of a deleted object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote as url_quote

from runs_conformance.contract.dialect import dialect_family
from runs_conformance.contract.lifecycle import TERMINAL
from runs_conformance.contract.operation import OPERATIONS
from runs_conformance.model.case import MAX_PAUSE
from runs_conformance.model.json import JSON, is_array, is_object
from runs_conformance.model.long_text import expand
from runs_conformance.reporting.codegen.curl_request import base_parts, command, query_parts
from runs_conformance.reporting.codegen.response_values import (
    places_of_items,
    pointer_in_response,
    shows_awaited_status,
)
from runs_conformance.reporting.codegen.shell import (
    Part,
    ShellVariable,
    ansi_quote,
    jq_from_stream,
    jq_path,
    jq_status_test,
    quote,
    variable_name,
    wait_for_event,
)
from runs_conformance.reporting.request_access import RequestAccess

MAX_LENGTH = 8_000
"""Longer commands are of no use in a terminal."""


def script(example: JSON, base_url: str, dialect: str = "openai", access: RequestAccess | None = None) -> str | None:
    """The commands that set up and reproduce a counterexample; None if a shell cannot send it.

    `access` describes headers and query parameters of this target; the default follows from the dialect. All commands
    but the last use `jq` to read the ids that the target returns.
    """
    if not is_object(example):
        return None
    access = access or RequestAccess(dialect_family(dialect).key_header)
    case = example.get("case")
    if not is_object(case):
        return _recorded_request(example, base_url, access)
    try:
        moves = _moves(example, case)
        variables = _variables([step for move in moves for step in move])
        shell = _Shell(base_url, access, variables, places_of_items(example))
        needs_connection = example.get("after_unread_body") is True and len(moves) > 1
        lines = [line for move in moves[: -2 if needs_connection else -1] for line in shell.setup_lines(move)]
        if needs_connection:
            lines.append(shell.over_one_connection(moves[-2:]))
        else:
            lines += shell.last_lines(moves[-1], shows_awaited_status(example))
    except (KeyError, ValueError):
        return None
    text = "\n".join(lines)
    return text if len(text) <= MAX_LENGTH and "… (" not in text else None


_Move = Sequence[Mapping[str, JSON]]
"""The steps that are sent at once; mostly one."""


def _moves(example: Mapping[str, JSON], case: Mapping[str, JSON]) -> list[_Move]:
    """The moves up to the case. Raises ValueError if they cannot be read.

    A case that tests constraints is judged by itself, so that it needs only the steps that it refers to. Any other may
    be wrong because of an earlier request that nothing refers to: a refused or invalid one, a deletion.
    """
    steps = example.get("steps")
    if not is_array(steps) or case.get("exercises"):
        before = example.get("before")
        return [*([step] for step in (before if is_array(before) else ()) if is_object(step)), [case]]
    if not steps:
        raise ValueError("there are no steps")
    moves = list(map(_parse_move, map(expand, steps)))
    shows = [number for number, move in enumerate(moves) if any(_resembles(step, case) for step in move)]
    return moves[: shows[-1] + 1] if shows else moves


def _parse_move(value: JSON) -> _Move:
    """The steps of a move. Raises ValueError if it has none, or anything else."""
    steps = value if is_array(value) else [value]
    found = [step for step in steps if is_object(step)]
    if not found or len(found) < len(steps):
        raise ValueError("not a step")
    return found


def _resembles(value: JSON, shown: JSON) -> bool:
    """Whether a value is the one that is shown, in which long texts and arrays are truncated."""
    if isinstance(shown, str) and "…" in shown:
        return True
    if is_object(shown):
        return is_object(value) and all(
            name in value and _resembles(value[name], member) for name, member in shown.items() if name != "…"
        )
    if is_array(shown):
        return is_array(value) and all(map(_resembles, value, shown))
    return value == shown


def _recorded_request(example: Mapping[str, JSON], base_url: str, access: RequestAccess) -> str | None:
    request, key_header, base_path = (example.get(name) for name in ("request", "key_header", "base_path"))
    if not is_object(request):
        return None
    if isinstance(key_header, str):
        access = replace(access, key_header=key_header)
    query = request.get("query")
    pairs = [(name, str(value)) for name, value in _pairs(query)]
    url = (
        *base_parts(base_url),
        (base_path if isinstance(base_path, str) else "") + str(request.get("path", "")),
        *query_parts([(name, url_quote(value, safe="", errors="surrogatepass")) for name, value in pairs], access),
    )
    content = json.dumps(request["body"]) if "body" in request else None
    return command(str(request.get("method", "GET")), url, access, {}, quote(content) if content else None)


def _pairs(query: JSON) -> list[tuple[str, JSON]]:
    """The names and values of a query; anything else in it is left out."""
    pairs = [pair for pair in query if is_array(pair) and len(pair) == 2] if is_array(query) else []
    return [(str(name), value) for name, value in pairs]


def _variables(steps: Sequence[Mapping[str, JSON]]) -> dict[tuple[str, str], str]:
    """A shell variable for each value that a step takes from an earlier response."""
    pointers_by_step: dict[str, list[str]] = {}
    for step in steps:
        for name, pointer in _references(step):
            pointers = pointers_by_step.setdefault(name, [])
            if pointer not in pointers:
                pointers.append(pointer)
    names = {}
    for name, pointers in pointers_by_step.items():
        variable = variable_name(name)
        if "/thread_id" in pointers and not variable.endswith("THREAD"):
            # A run that was created with its thread names both.
            names[name, "/thread_id"] = f"{variable}_THREAD"
        others = (pointer for pointer in pointers if (name, pointer) not in names)
        for number, pointer in enumerate(others):
            names[name, pointer] = variable if number == 0 else f"{variable}_{number + 1}"
    return names


def _references(value: JSON) -> Iterator[tuple[str, str]]:
    if is_object(value):
        if value.keys() == {"$from", "at"}:
            yield str(value["$from"]), str(value["at"])
            return
        for member in value.values():
            yield from _references(member)
    elif is_array(value):
        for item in value:
            yield from _references(item)


_REPEAT = "[ $? != 1 ]; do sleep 1; done"
"""The end of a loop that runs while `jq -e` prints `false`. Its other exit codes mean that it could read no status."""


@dataclass(frozen=True, slots=True)
class _Shell:
    """Writes steps as shell commands for one target.

    `variables` name the values of earlier responses, `items` the places where the target lists items, by step name.
    """

    base_url: str
    access: RequestAccess
    variables: Mapping[tuple[str, str], str]
    items: Mapping[str, str] = field(default_factory=dict)

    def setup_lines(self, move: _Move) -> Iterator[str]:
        """The commands that make a move, and store the values that later steps refer to."""
        yield from self._pause(move)
        if len(move) > 1:
            yield from self._concurrent_lines(move)
            for number, step in enumerate(move, 1):
                yield from (f'{name}=$({read} "$ANSWERS/{number}")' for name, read in self._reads(step))
            return
        (step,) = move
        request, reads = self._curl(step), list(self._reads(step))
        stored = "; ".join(f'{name}=$({read} <<< "$ANSWER")' for name, read in reads)
        if step.get("until"):
            yield (
                f"{self._repeat_storing(step)}; {stored}"
                if reads
                else f"until {request} | {_status_test(step)} > /dev/null; {_REPEAT}"
            )
        elif not reads:
            yield f"{request} > /dev/null"
        elif len(reads) == 1:
            yield f"{reads[0][0]}=$({request} | {reads[0][1]})"
        else:
            yield f"ANSWER=$({request}); {stored}"

    def last_lines(self, move: _Move, awaits_status: bool) -> Iterator[str]:
        """The commands that make the last move and print the responses to it.

        `awaits_status` says whether the response of interest is the one with the status that the step waits for.
        """
        yield from self._pause(move)
        if len(move) > 1:
            yield from self._concurrent_lines(move)
            yield 'tail -n +1 "$ANSWERS"/*'
        elif awaits_status:
            yield f'{self._repeat_storing(move[0])}; echo "$ANSWER"'
        else:
            yield self._curl(move[0])

    def over_one_connection(self, moves: Sequence[_Move]) -> str:
        """The command that makes moves of one step each over one connection and prints the responses.

        Raises ValueError if they cannot be sent so.
        """
        if any(len(move) > 1 or move[0].get("leave_at_event") for move in moves):
            raise ValueError("concurrent requests, and streams that the client leaves, need several connections")
        return f"curl {' --next '.join(self._curl(step).removeprefix('curl ') for (step,) in moves)}"

    def _pause(self, move: _Move) -> Iterator[str]:
        pauses = [step.get("pause") for step in move if not step.get("after_event")]
        seconds = max((pause for pause in pauses if isinstance(pause, (int, float)) and pause > 0), default=0)
        if seconds:
            yield f"sleep {float(min(seconds, MAX_PAUSE))}"

    def _concurrent_lines(self, move: _Move) -> Iterator[str]:
        """The commands that send requests at once; the responses are in numbered files."""
        yield "ANSWERS=$(mktemp -d)"
        requests = (f'{self._concurrent_curl(step)} > "$ANSWERS/{number}"' for number, step in enumerate(move, 1))
        # In a shell of their own, an interactive shell does not report these jobs.
        yield f"({' & '.join(requests)} & wait)"

    def _concurrent_curl(self, step: Mapping[str, JSON]) -> str:
        """The command that sends a concurrent step, which may have to wait for an event in the stream of another."""
        curl = self._curl(step)
        if event := step.get("after_event"):
            return f"({wait_for_event(str(event), '$ANSWERS')}; {curl})"
        return curl.replace("curl -sS", "curl -sSN", 1) if step.get("stream") else curl

    def _repeat_storing(self, step: Mapping[str, JSON]) -> str:
        """The command that repeats a step until it shows a status, and stores its response."""
        return f'until ANSWER=$({self._curl(step)}); {_status_test(step)} <<< "$ANSWER" > /dev/null; {_REPEAT}'

    def _reads(self, step: Mapping[str, JSON]) -> Iterator[tuple[str, str]]:
        """The variables of a step, each with the command that reads its value from the response."""
        for (name, pointer), variable in self.variables.items():
            if name and name == step.get("name"):
                path = pointer_in_response(pointer, self.items.get(name))
                yield (
                    variable,
                    (
                        f"jq -nrR {jq_from_stream(path, str(step['operation']))}"
                        if step.get("stream")
                        else f"jq -r {jq_path(path)}"
                    ),
                )

    def _curl(self, step: Mapping[str, JSON]) -> str:
        operation = OPERATIONS[str(step["operation"])]
        ids = step.get("path")
        values = {name: self._url_value(value) for name, value in ids.items()} if is_object(ids) else {}
        path: list[Part] = []
        for segment in operation.path.split("/")[1:]:
            path += ["/", values[segment[1:-1]] if segment.startswith("{") else segment]
        query = step.get("query")
        pairs = [(name, self._url_value(value)) for name, value in _pairs(query)]
        headers = step.get("headers")
        curl = command(
            operation.method,
            (*base_parts(self.base_url), *path, *query_parts(pairs, self.access)),
            self.access,
            headers if is_object(headers) else {},
            self._body(step),
            str(step.get("key", "own")),
        )
        if event := step.get("leave_at_event"):
            # curl ends when it writes the next event to a pipe that nothing reads any more.
            pattern = quote(f"/^event: {re.sub(r'[^A-Za-z0-9_]', '.', str(event))}/q")
            return f"{curl.replace('curl -sS', 'curl -sSN', 1)} | sed {pattern}"
        return curl

    def _url_value(self, value: JSON) -> Part:
        """A value in a URL."""
        variable = self._variable(value)
        if variable is not None:
            return variable
        return url_quote(value if isinstance(value, str) else json.dumps(value), safe="", errors="surrogatepass")

    def _variable(self, value: JSON) -> ShellVariable | None:
        if not is_object(value) or value.keys() != {"$from", "at"}:
            return None
        return ShellVariable(self.variables[str(value["$from"]), str(value["at"])])

    def _body(self, step: Mapping[str, JSON]) -> str | None:
        if "raw" in step:
            raw = str(step["raw"])
            is_plain = raw.isprintable() and raw.isascii()
            return quote(raw) if is_plain else ansi_quote(raw.encode("latin-1", "replace"))
        if "body" not in step:
            return None
        body, mark = step["body"], "@"
        while mark in json.dumps(body):
            mark += "@"
        found: list[ShellVariable] = []
        texts = json.dumps(self._with_marks(body, mark, found)).split(mark)
        return "".join(
            quote(text) + (f'"${found[number].name}"' if number < len(found) else "")
            for number, text in enumerate(texts)
        )

    def _with_marks(self, value: JSON, mark: str, found: list[ShellVariable]) -> JSON:
        """The body with a mark for each reference, whose variables are added to `found`."""
        variable = self._variable(value)
        if variable is not None:
            found.append(variable)
            return mark
        if is_object(value):
            return {name: self._with_marks(member, mark, found) for name, member in value.items()}
        if is_array(value):
            return [self._with_marks(item, mark, found) for item in value]
        return value


def _status_test(step: Mapping[str, JSON]) -> str:
    """The command that succeeds if a run has a status that the step waits for, or has ended with another."""
    until = step.get("until")
    awaited = [str(status) for status in until] if is_array(until) else []
    return f"jq -e {jq_status_test([*awaited, *sorted(TERMINAL.difference(awaited))])}"
