"""Turns of a script: the acts of a run, translated into actions of the emulator's model."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from runs_conformance.emulator import model_actions
from runs_conformance.emulator.fake_model import ModelInput
from runs_conformance.emulator.model_actions import (
    AppendText,
    AwaitOutputs,
    EndRun,
    ModelAction,
    OpenMessage,
    StartRun,
    Wait,
)
from runs_conformance.emulator.tokens import TokenUsage, tokenize
from runs_conformance.errors import UsageError
from runs_conformance.testing.control_words import ACTS, Document, parse_word

Act = tuple[str, Document]

FAILURE_MESSAGES = {
    "server_error": "Sorry, something went wrong.",
    "rate_limit_exceeded": "You exceeded your current quota, please check your plan and billing details.",
    "invalid_prompt": "The prompt is invalid.",
}
_LAST = ("fail", "cut_off", "hang")


@dataclass(frozen=True, slots=True)
class FailRun(EndRun):
    """End the run failed with this error."""

    code: str = "server_error"
    message: str = ""


@dataclass(frozen=True, slots=True)
class AwaitOutputsThen(AwaitOutputs):
    """Wait for outputs, then go on with the rest of the turn."""

    rest: tuple[Act, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class HoldCancelling(Wait):
    """Let a later cancellation last for `hold_s` seconds; None is until the run expires."""

    hold_s: float | None = field(default=None, kw_only=True)


def parse_turn(value: Any) -> tuple[Act, ...]:
    """The acts of a turn: a document, or a list of them. Raises UsageError if they are invalid or in a wrong order."""
    values = value if isinstance(value, list) else [value]
    if not values:
        raise UsageError("a turn needs at least one act")
    acts = tuple(parse_word(one, ACTS, "act") for one in values)
    for index, (word, arguments) in enumerate(acts):
        ends = word in _LAST or (word == "hold" and arguments.get("seconds") is None)
        if word == "hold" and arguments["status"] == "cancelling":
            ends = False
        if ends and index < len(acts) - 1:
            raise UsageError(f"no act can follow {word!r} in one turn")
        if word == "hold" and arguments["status"] == "queued" and index:
            raise UsageError("only the first act of a turn can hold the run queued")
        for annotation in arguments.get("annotations", ()):
            if annotation["text"] not in arguments["text"]:
                raise UsageError(f"the text of an annotation, {annotation['text']!r}, does not occur in the answer")
    return acts


def plan_turn(acts: Sequence[Act], model_input: ModelInput) -> list[ModelAction]:
    """The actions of a turn, until the run waits for outputs, stays as it is or ends."""
    actions: list[ModelAction] = [StartRun()]
    for index, (word, arguments) in enumerate(acts):
        match word:
            case "call":
                rest = tuple(acts[index + 1 :])
                return [*actions, *_call(arguments, model_input, rest)]
            case "fail":
                return [*actions, *([] if index else _begin_to_speak()), _fail(arguments)]
            case "cut_off":
                return [*actions, *_cut_off(arguments, model_input)]
            case "hang":
                return actions
            case "hold":
                status, seconds = arguments["status"], arguments.get("seconds")
                if status == "cancelling":
                    actions.insert(0, HoldCancelling(0, hold_s=seconds))
                    if index == len(acts) - 1:
                        return actions
                elif seconds is None:
                    return [] if status == "queued" else actions
                elif status == "queued":
                    actions.insert(0, Wait(seconds))
                else:
                    actions.append(Wait(seconds))
            case _:
                actions += _PLANS[word](arguments, model_input)
    return [*actions, EndRun("completed")]


def _usage(arguments: Document, model_input: ModelInput, completion: int) -> TokenUsage:
    if usage := arguments.get("usage"):
        return TokenUsage(usage["prompt_tokens"], usage["completion_tokens"])
    return TokenUsage(model_input.prompt_tokens, completion)


def _say(arguments: Document, model_input: ModelInput) -> list[ModelAction]:
    text = arguments["text"]
    pieces = tokenize(text)
    deltas = [AppendText(piece) for piece in pieces]
    if annotations := arguments.get("annotations"):
        last = deltas.pop().text if deltas else ""
        deltas.append(AppendText(last, annotations=tuple(_annotation(one, text) for one in annotations)))
    return model_actions.write_message(deltas, _usage(arguments, model_input, len(pieces)))


def _annotation(value: Document, text: str) -> Document:
    kind = value.get("type", "file_citation")
    start = text.find(value["text"])
    place = {"start_index": start, "end_index": start + len(value["text"])}
    return {"type": kind, "text": value["text"], **place, kind: {"file_id": value["file_id"]}}


def _call(arguments: Document, model_input: ModelInput, rest: tuple[Act, ...]) -> list[ModelAction]:
    calls = [arguments, *arguments.get("more", ())]
    actions = model_actions.call_functions((call["function"], _halves(call.get("arguments", "{}"))) for call in calls)
    return [*actions, AwaitOutputsThen(_usage(arguments, model_input, 8 * len(calls)), rest=rest)]


def _halves(arguments: Any) -> tuple[str, str]:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return text[: len(text) // 2], text[len(text) // 2 :]


def _run_code(arguments: Document, model_input: ModelInput) -> list[ModelAction]:
    usage = _usage(arguments, model_input, 8)
    return model_actions.run_code([arguments["code"]], arguments.get("logs"), usage)


def _search_files(arguments: Document, model_input: ModelInput) -> list[ModelAction]:
    results = [
        model_actions.search_result(one["file_id"], one["file_name"], one.get("text", ""), one.get("score", 0.75))
        for one in arguments["results"]
    ]
    return model_actions.search_files(results, _usage(arguments, model_input, 8))


def _begin_to_speak() -> list[ModelAction]:
    return [OpenMessage(), AppendText("I")]


def _fail(arguments: Document) -> ModelAction:
    code = arguments.get("code", "server_error")
    return FailRun("failed", code=code, message=arguments.get("message", FAILURE_MESSAGES[code]))


def _cut_off(arguments: Document, model_input: ModelInput) -> list[ModelAction]:
    text = arguments.get("text", "I was about to")
    reason = arguments.get("reason", "max_completion_tokens")
    message_reason = "max_tokens" if reason == "max_completion_tokens" else reason
    usage = _usage({}, model_input, len(tokenize(text)))
    return [
        *model_actions.write_message([AppendText(text)], usage, message_reason),
        EndRun("incomplete", reason),
    ]


_PLANS: dict[str, Callable[[Document, ModelInput], list[ModelAction]]] = {
    "say": _say,
    "run_code": _run_code,
    "search_files": _search_files,
}
