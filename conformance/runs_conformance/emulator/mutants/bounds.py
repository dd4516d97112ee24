"""Mutants of limits: the first invalid value is accepted, or the last valid one rejected."""

from __future__ import annotations

from functools import partial
from typing import Any

from runs_conformance.emulator.api_errors import bad_request
from runs_conformance.emulator.context import Hooks
from runs_conformance.emulator.declaration import Mutant, register, written_from_spec
from runs_conformance.emulator.patching import patch_request_body, set_keyword
from runs_conformance.model.source import Level

_CHUNKS = "create_thread.tool_resources.file_search.vector_stores[].chunking_strategy.static"
_BOUNDS: tuple[tuple[str, str, Any, str], ...] = (
    ("accepts_255_prompt_tokens", "create_run.max_prompt_tokens.minimum", 255, "accepts 255 as max_prompt_tokens"),
    ("refuses_256_prompt_tokens", "create_run.max_prompt_tokens.minimum", 257, "rejects max_prompt_tokens of 256"),
    ("accepts_255_completion_tokens", "create_run.max_completion_tokens.minimum", 255, "accepts 255 completion tokens"),
    (
        "accepts_any_token_limit_at_once",
        "create_thread_and_run.max_prompt_tokens.minimum",
        None,
        "accepts a limit of 1 token",
    ),
    ("refuses_temperature_2", "create_run.temperature.maximum", 1.99, "rejects a temperature of exactly 2"),
    ("refuses_temperature_0", "create_run.temperature.minimum", 0.01, "rejects a temperature of exactly 0"),
    ("accepts_any_temperature", "create_run.temperature.maximum", None, "accepts temperatures above 2"),
    ("accepts_negative_temperature", "create_run.temperature.minimum", None, "accepts temperatures below 0"),
    ("refuses_top_p_1", "create_run.top_p.maximum", 0.99, "rejects a top_p of exactly 1"),
    ("accepts_top_p_2", "create_thread_and_run.top_p.maximum", 2, "accepts a top_p up to 2"),
    ("accepts_21_tools", "create_run.tools.maxItems", 21, "accepts 21 tools"),
    ("refuses_20_tools", "create_run.tools.maxItems", 19, "rejects 20 tools"),
    (
        "accepts_128_tools_on_a_run",
        "create_thread_and_run.tools.maxItems",
        128,
        "accepts 128 tools, the limit of an assistant, on a run",
    ),
    (
        "refuses_128_assistant_tools",
        "create_assistant.tools.maxItems",
        20,
        "accepts only 20 tools, the limit of a run, on an assistant",
    ),
    ("accepts_17_pairs", "create_run.metadata.maxProperties", 17, "accepts 17 metadata pairs"),
    ("refuses_16_pairs", "create_thread.metadata.maxProperties", 15, "rejects 16 metadata pairs"),
    (
        "accepts_long_keys",
        "create_message.metadata.propertyNames.maxLength",
        65,
        "accepts metadata keys of 65 characters",
    ),
    ("refuses_long_keys", "modify_run.metadata.propertyNames.maxLength", 63, "rejects metadata keys of 64 characters"),
    ("accepts_long_values", "modify_run.metadata{}.maxLength", 513, "accepts metadata values of 513 characters"),
    ("refuses_long_values", "create_run.metadata{}.maxLength", 511, "rejects metadata values of 512 characters"),
    (
        "accepts_long_function_names",
        "create_run.tools[].function.name.maxLength",
        65,
        "accepts function names of 65 characters",
    ),
    (
        "refuses_long_function_names",
        "create_run.tools[].function.name.maxLength",
        63,
        "rejects function names of 64 characters",
    ),
    (
        "accepts_any_function_name",
        "create_run.tools[].function.name.pattern",
        None,
        "accepts dots and spaces in function names",
    ),
    (
        "refuses_dashes_in_names",
        "create_run.tools[].function.name.pattern",
        "^[a-zA-Z0-9_]+$",
        "rejects dashes in function names",
    ),
    (
        "accepts_no_last_messages",
        "create_run.truncation_strategy.last_messages.minimum",
        0,
        "accepts last_messages of 0",
    ),
    (
        "accepts_51_results",
        "create_run.tools[].file_search.max_num_results.maximum",
        51,
        "accepts max_num_results of 51",
    ),
    ("accepts_0_results", "create_run.tools[].file_search.max_num_results.minimum", 0, "accepts max_num_results of 0"),
    (
        "accepts_any_score",
        "create_run.tools[].file_search.ranking_options.score_threshold.maximum",
        None,
        "accepts a score threshold above 1",
    ),
    ("accepts_empty_content", "create_message.content.minItems", 0, "accepts an empty list of content parts"),
    (
        "accepts_long_assistant_names",
        "create_assistant.name.maxLength",
        257,
        "accepts assistant names of 257 characters",
    ),
    (
        "refuses_long_descriptions",
        "create_assistant.description.maxLength",
        511,
        "rejects descriptions of 512 characters",
    ),
    (
        "accepts_2_vector_stores",
        "create_thread.tool_resources.file_search.vector_store_ids.maxItems",
        2,
        "accepts 2 vector store ids",
    ),
    ("accepts_21_files", "create_thread.tool_resources.code_interpreter.file_ids.maxItems", 21, "accepts 21 file ids"),
    ("accepts_small_chunks", f"{_CHUNKS}.max_chunk_size_tokens.minimum", 99, "accepts chunks of 99 tokens"),
    ("refuses_4096_chunks", f"{_CHUNKS}.max_chunk_size_tokens.maximum", 4095, "rejects chunks of 4096 tokens"),
)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


for _name, _constraint, _value, _text in _BOUNDS:
    _alter = partial(set_keyword, constraint=_constraint, value=_value)
    register(Mutant(_name, _constraint, Level.MUST, _sentence(_text), _alter, written_from_spec=True))

for _name, _constraint, _value, _text in (
    ("accepts_limit_101", "list_runs.limit.maximum", None, "accepts any limit above 100"),
    ("accepts_limit_0", "list_messages.limit.minimum", None, "accepts limits of 0 and below"),
):
    _alter = partial(set_keyword, constraint=_constraint, value=_value)
    register(Mutant(_name, _constraint, Level.SHOULD, _sentence(_text), _alter, written_from_spec=True))


@written_from_spec("list_run_steps.limit.maximum", level="must")
def refuses_limit_100(hooks: Hooks) -> None:
    """Rejects a limit of exactly 100."""
    set_keyword(hooks, "list_run_steps.limit.maximum", 99)


@written_from_spec(f"{_CHUNKS}.chunk_overlap_tokens.maximum")
def accepts_any_overlap(hooks: Hooks) -> None:
    """Accepts a chunk overlap of more than half the chunk."""
    set_keyword(hooks, f"{_CHUNKS}.chunk_overlap_tokens.x-atMostHalfOf", None)


@written_from_spec("create_run.metadata{}.maxLength", broad_reason="Metadata has the same limit in every operation.")
def counts_bytes(hooks: Hooks) -> None:
    """Counts bytes instead of characters, so it rejects 512 characters that are not ASCII."""

    def check(body: dict[str, Any]) -> None:
        metadata = body.get("metadata")
        for name, value in metadata.items() if isinstance(metadata, dict) else ():
            if isinstance(value, str) and len(value) <= 512 < len(value.encode()):
                raise bad_request(
                    f"Invalid 'metadata.{name}': string too long.", f"metadata.{name}", "string_above_max_length"
                )

    patch_request_body(hooks, check)
