"""The fake model: decides from its input alone what a run does.

It is deterministic. Clients control it with the tool choice, with function names in the latest user message, and with a
few phrases there: "count" followed by a number, "very long" or "500 words" gives a long answer, "twice" makes it call
its functions a second time, and "say what you will do" makes it write a message before it calls any.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runs_conformance.emulator import model_actions
from runs_conformance.emulator.model_actions import (
    AppendText,
    AwaitOutputs,
    EndRun,
    ModelAction,
    OpenMessage,
    StartRun,
)
from runs_conformance.emulator.tokens import TokenUsage, tokenize

_COUNT = re.compile(r"count\b", re.IGNORECASE)
_LONG_ANSWER = re.compile(r"very long|\b\d++ words", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_CODE = re.compile(r"\b(code|calculat|comput|python|plot|graph|solve)", re.IGNORECASE)
_SEARCH = re.compile(r"\b(search|file|document|look up)", re.IGNORECASE)
_MESSAGE_FIRST = re.compile(r"\bsay what you will do\b", re.IGNORECASE)
_SHORT_DELTAS, _LONG_DELTAS, _LONG_TOKENS = 8, 60, 600
_MAX_CALLS, _QUOTED_WORDS = 3, 12
_EXECUTED_CODE = "print(6 * 7)"


@dataclass(frozen=True, slots=True)
class ModelInput:
    """The input of the fake model.

    `text` is the latest user message. `round` is the number of submissions so far, `outputs` the submitted outputs.
    `fails` makes the run fail, after a call that the tool choice forces.
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
    completion_tokens_used: int = 0


def plan(model_input: ModelInput) -> list[ModelAction]:
    """The actions of the run until it waits for outputs or ends."""
    actions: list[ModelAction] = [StartRun()]
    if model_input.fails and (model_input.round or not _must_call(model_input)):
        return [*actions, OpenMessage(), EndRun("failed")]
    text_tokens = len(tokenize(model_input.text))
    if model_input.max_prompt_tokens is not None and text_tokens > model_input.max_prompt_tokens:
        return [*actions, EndRun("incomplete", "max_prompt_tokens")]
    if model_input.round == 0:
        for kind in built_in_calls(model_input):
            actions += _use_built_in_tool(kind, model_input)
    functions = function_calls(model_input)
    if functions:
        if model_input.round == 0 and _MESSAGE_FIRST.search(model_input.text):
            pieces = tokenize("I will look it up.")
            usage = TokenUsage(model_input.prompt_tokens, len(pieces))
            actions += model_actions.write_message(map(AppendText, pieces), usage)
        return [*actions, *_call_functions(functions, model_input)]
    return [*actions, *_answer(model_input)]


def _must_call(model_input: ModelInput) -> bool:
    """Whether the tool choice forces a call of a function that the run has."""
    return model_input.tool_choice not in ("auto", "none") and bool(function_calls(model_input))


def function_calls(model_input: ModelInput) -> list[Mapping[str, Any]]:
    """The functions that the model calls in this round."""
    functions = [tool["function"] for tool in model_input.tools if tool["type"] == "function"]
    if model_input.round > (1 if "twice" in model_input.text.lower() else 0):
        return []
    match model_input.tool_choice:
        case "none":
            return []
        case "required":
            selected = functions
        case {"type": "function", "function": {"name": name}}:
            return [function for function in functions if function["name"] == name][:1]
        case {"type": _}:
            return []
        case _:
            selected = [function for function in functions if _mentions(model_input.text, function["name"])]
    return selected[: _MAX_CALLS if model_input.parallel_tool_calls else 1]


def _mentions(text: str, function: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(function)}(?![\w-])", text) is not None


def built_in_calls(model_input: ModelInput) -> list[str]:
    """The built-in tools that the model uses in this round."""
    available = list(dict.fromkeys(tool["type"] for tool in model_input.tools if tool["type"] != "function"))
    match model_input.tool_choice:
        case "none":
            return []
        case "required":
            return available
        case {"type": kind}:
            return [kind] if kind in available else []
        case _:
            patterns = {"code_interpreter": _CODE, "file_search": _SEARCH}
            return [kind for kind in available if patterns[kind].search(model_input.text)]


def arguments_for(function: Mapping[str, Any], text: str) -> str:
    """Arguments that match the function's parameters, as JSON text."""
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


def _call_functions(functions: list[Mapping[str, Any]], model_input: ModelInput) -> list[ModelAction]:
    calls = [(function["name"], arguments_for(function, model_input.text)) for function in functions]
    actions = model_actions.call_functions((name, _split(list(arguments), 3)) for name, arguments in calls)
    tokens_used = sum(4 + len(arguments) // 4 for _, arguments in calls)
    return [*actions, AwaitOutputs(TokenUsage(model_input.prompt_tokens, tokens_used))]


def _use_built_in_tool(kind: str, model_input: ModelInput) -> list[ModelAction]:
    usage = TokenUsage(model_input.prompt_tokens, 8)
    if kind == "code_interpreter":
        return model_actions.run_code(_split(tokenize(_EXECUTED_CODE), 3), "42\n", usage)
    return model_actions.search_files([model_actions.search_result("file-" + "0" * 24, "notes.txt", "notes")], usage)


def _asks_for_long_answer(text: str) -> bool:
    """Whether a text asks to count to a number, or for many words."""
    count = _COUNT.search(text)
    return (count is not None and _DIGIT.search(text, count.end()) is not None) or bool(_LONG_ANSWER.search(text))


def answer_text(model_input: ModelInput) -> str:
    """The text of the final answer."""
    if _asks_for_long_answer(model_input.text):
        return " ".join(str(number) for number in range(1, _LONG_TOKENS + 1))
    quote = "".join(tokenize(model_input.text)[:_QUOTED_WORDS]).strip()
    text = f"You said: {quote}." if quote else "You said nothing."
    if model_input.outputs:
        text += " The tools said: " + "; ".join(output[:80] for output in model_input.outputs) + "."
    match model_input.response_format:
        case {"type": "json_object"}:
            return json.dumps({"answer": text})
        case {"type": "json_schema", "json_schema": {"schema": schema}}:
            return json.dumps(_example(schema, model_input.text, 6))
        case _:
            return text


def _answer(model_input: ModelInput) -> list[ModelAction]:
    answer = tokenize(answer_text(model_input))
    max_deltas = _LONG_DELTAS if len(answer) >= _LONG_TOKENS else _SHORT_DELTAS
    limit = model_input.max_completion_tokens
    budget = len(answer) if limit is None else max(int(limit) - model_input.completion_tokens_used, 0)
    written = answer[:budget]
    prompt_tokens = model_input.prompt_tokens + sum(len(tokenize(output)) for output in model_input.outputs)
    usage = TokenUsage(prompt_tokens, len(written))
    deltas = [AppendText(piece) for piece in _split(written, max_deltas)]
    if len(written) < len(answer):
        return [
            *model_actions.write_message(deltas, usage, "max_tokens"),
            EndRun("incomplete", "max_completion_tokens"),
        ]
    return [*model_actions.write_message(deltas, usage), EndRun("completed")]


def _split(parts: list[str], max_pieces: int) -> list[str]:
    size = max(1, -(-len(parts) // max_pieces))
    return ["".join(parts[start : start + size]) for start in range(0, len(parts), size)]
