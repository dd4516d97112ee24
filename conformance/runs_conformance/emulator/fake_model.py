"""The pretend model: decides from the request alone what a run does.

It is deterministic, and it can be driven by what a client may ask for: the tool choice, the names of functions, and a
few words in the latest user message ("count from 1 to ...", "very long", "... words" make it long-winded; "twice" makes
it call its functions again; "say what you will do" makes it write a message before it calls any).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runs_conformance.emulator.model_actions import (
    Await,
    Beat,
    Begin,
    Call,
    CloseMessage,
    CloseTools,
    End,
    Found,
    Input,
    Logs,
    OpenMessage,
    OpenTools,
    Say,
)
from runs_conformance.emulator.state import Usage

_LONG = re.compile(r"count\b.*\d|very long|\b\d+ words", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(r"\b(code|calculat|comput|python|plot|graph|solve)", re.IGNORECASE)
_SEARCH = re.compile(r"\b(search|file|document|look up)", re.IGNORECASE)
_ALOUD = re.compile(r"\bsay what you will do\b", re.IGNORECASE)
_TOKEN = re.compile(r"\s*\S+|\s+\Z")
_SHORT_DELTAS, _LONG_DELTAS, _LONG_TOKENS = 8, 60, 600
_MOST_CALLS = 3
_CODE_RUN = "print(6 * 7)"


@dataclass(frozen=True, slots=True)
class Situation:
    """What the pretend model looks at. `outputs` are those submitted so far, `round` how often; `spent` are the
    tokens used up.
    """

    text: str
    prompt_tokens: int
    tools: tuple[Mapping[str, Any], ...] = ()
    tool_choice: Any = "auto"
    parallel_tool_calls: bool = True
    response_format: Any = "auto"
    max_prompt_tokens: int | None = None
    max_completion_tokens: int | None = None
    fails: bool = False
    round: int = 0
    outputs: tuple[str, ...] = ()
    spent: int = 0


def tokens(text: str) -> list[str]:
    """The text in tokens: words, each with the space before it. Together they are the text again."""
    return _TOKEN.findall(text)


def plan(situation: Situation) -> list[Beat]:
    """What the run does from now until it waits for outputs or ends."""
    beats: list[Beat] = [Begin()]
    if situation.fails:
        return [*beats, OpenMessage(), End("failed")]
    latest = len(tokens(situation.text))
    if situation.max_prompt_tokens is not None and latest > situation.max_prompt_tokens:
        return [*beats, End("incomplete", "max_prompt_tokens")]
    if situation.round == 0:
        for kind in built_in_calls(situation):
            beats += _built_in(kind, situation)
    called = function_calls(situation)
    if called:
        if situation.round == 0 and _ALOUD.search(situation.text):
            said = tokens("I will look it up.")
            beats += [
                OpenMessage(),
                *(Say(piece) for piece in said),
                CloseMessage(Usage(situation.prompt_tokens, len(said))),
            ]
        return [*beats, *_functions(called, situation)]
    return [*beats, *_answer(situation)]


def function_calls(situation: Situation) -> list[Mapping[str, Any]]:
    """The functions that the model calls now."""
    functions = [tool["function"] for tool in situation.tools if tool["type"] == "function"]
    if situation.round > (1 if "twice" in situation.text.lower() else 0):
        return []
    match situation.tool_choice:
        case "none":
            return []
        case "required":
            wanted = functions
        case {"type": "function", "function": {"name": name}}:
            return [function for function in functions if function["name"] == name][:1]
        case {"type": _}:
            return []
        case _:
            wanted = [function for function in functions if _names(situation.text, function["name"])]
    return wanted[: _MOST_CALLS if situation.parallel_tool_calls else 1]


def _names(text: str, function: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(function)}(?![\w-])", text) is not None


def built_in_calls(situation: Situation) -> list[str]:
    """The built-in tools that the model uses now."""
    present = [tool["type"] for tool in situation.tools if tool["type"] != "function"]
    present = list(dict.fromkeys(present))
    match situation.tool_choice:
        case "none":
            return []
        case "required":
            return present
        case {"type": kind}:
            return [kind] if kind in present else []
        case _:
            asked = {"code_interpreter": _CODE, "file_search": _SEARCH}
            return [kind for kind in present if asked[kind].search(situation.text)]


def arguments_for(function: Mapping[str, Any], text: str) -> str:
    """Arguments that fit the function's parameters, as JSON text."""
    parameters = function.get("parameters")
    value = _example(parameters, text, 4) if isinstance(parameters, Mapping) else {}
    return json.dumps(value if isinstance(value, dict) else {}, separators=(",", ":"))


def _example(schema: Any, text: str, depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth == 0:
        return None
    if isinstance(choices := schema.get("enum"), list) and choices:
        return choices[0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    match kind:
        case "object":
            members = schema.get("properties")
            members = members if isinstance(members, Mapping) else {}
            return {str(name): _example(member, text, depth - 1) for name, member in list(members.items())[:20]}
        case "array":
            return []
        case "integer" | "number":
            return 1
        case "boolean":
            return True
        case "null":
            return None
        case _:
            words = re.findall(r"\w+", text)
            return words[-1][:40] if words else "text"


def _functions(called: list[Mapping[str, Any]], situation: Situation) -> list[Beat]:
    beats: list[Beat] = [OpenTools()]
    spent = 0
    for index, function in enumerate(called):
        arguments = arguments_for(function, situation.text)
        beats.append(Call("function", function["name"]))
        beats += [Input(index, piece) for piece in _pieces(list(arguments), 3)]
        spent += 4 + len(arguments) // 4
    return [*beats, Await(Usage(situation.prompt_tokens, spent))]


def _built_in(kind: str, situation: Situation) -> list[Beat]:
    opening: list[Beat] = [OpenTools(), Call(kind)]
    usage = Usage(situation.prompt_tokens, 8)
    if kind == "code_interpreter":
        pieces = [Input(0, piece) for piece in _pieces(tokens(_CODE_RUN), 3)]
        return [*opening, *pieces, Logs(0, "42\n"), CloseTools(usage)]
    content = [{"type": "text", "text": "notes"}]
    found = {"file_id": "file-" + "0" * 24, "file_name": "notes.txt", "score": 0.75, "content": content}
    return [*opening, Found(0, (found,)), CloseTools(usage)]


def answer_text(situation: Situation) -> str:
    """What the model says in the end."""
    if _LONG.search(situation.text):
        return " ".join(str(number) for number in range(1, _LONG_TOKENS + 1))
    said = " ".join(situation.text.split()[:12])
    text = f"You said: {said}." if said else "You said nothing."
    if situation.outputs:
        text += " The tools said: " + "; ".join(output[:80] for output in situation.outputs) + "."
    match situation.response_format:
        case {"type": "json_object"}:
            return json.dumps({"answer": text})
        case {"type": "json_schema", "json_schema": {"schema": schema}}:
            return json.dumps(_example(schema, situation.text, 6))
        case _:
            return text


def _answer(situation: Situation) -> list[Beat]:
    said = tokens(answer_text(situation))
    usual = _LONG_DELTAS if len(said) >= _LONG_TOKENS else _SHORT_DELTAS
    most = situation.max_completion_tokens
    left = len(said) if most is None else max(int(most) - situation.spent, 0)
    kept = said[:left]
    usage = Usage(situation.prompt_tokens + sum(len(tokens(output)) for output in situation.outputs), len(kept))
    pieces = [Say(piece) for piece in _pieces(kept, usual)]
    if len(kept) < len(said):
        return [OpenMessage(), *pieces, CloseMessage(usage, "max_tokens"), End("incomplete", "max_completion_tokens")]
    return [OpenMessage(), *pieces, CloseMessage(usage), End("completed")]


def _pieces(parts: list[str], most: int) -> list[str]:
    size = max(1, -(-len(parts) // most))
    return ["".join(parts[start : start + size]) for start in range(0, len(parts), size)]
