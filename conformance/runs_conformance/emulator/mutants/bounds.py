"""Requests at their bounds: one too many taken, or the last legal one refused."""

from __future__ import annotations

from functools import partial
from typing import Any

from runs_conformance.emulator.catalogue import Mutant, blind, enter
from runs_conformance.emulator.hooks import Behaviour
from runs_conformance.emulator.patching import keyword, taken
from runs_conformance.emulator.refusal import bad
from runs_conformance.model.source import Level

_CHUNKS = "create_thread.tool_resources.file_search.vector_stores[].chunking_strategy.static"
_BOUNDS: tuple[tuple[str, str, Any, str], ...] = (
    ("accepts_255_prompt_tokens", "create_run.max_prompt_tokens.minimum", 255, "takes 255 as max_prompt_tokens"),
    ("refuses_256_prompt_tokens", "create_run.max_prompt_tokens.minimum", 257, "refuses max_prompt_tokens of 256"),
    ("accepts_255_completion_tokens", "create_run.max_completion_tokens.minimum", 255, "takes 255 completion tokens"),
    ("accepts_any_token_limit_at_once", "create_thread_and_run.max_prompt_tokens.minimum", None, "takes 1 as a limit"),
    ("refuses_temperature_2", "create_run.temperature.maximum", 1.99, "refuses a temperature of exactly 2"),
    ("refuses_temperature_0", "create_run.temperature.minimum", 0.01, "refuses a temperature of exactly 0"),
    ("accepts_any_temperature", "create_run.temperature.maximum", None, "takes temperatures above 2"),
    ("accepts_negative_temperature", "create_run.temperature.minimum", None, "takes temperatures below 0"),
    ("refuses_top_p_1", "create_run.top_p.maximum", 0.99, "refuses a top_p of exactly 1"),
    ("accepts_top_p_2", "create_thread_and_run.top_p.maximum", 2, "takes a top_p up to 2"),
    ("accepts_21_tools", "create_run.tools.maxItems", 21, "takes 21 tools"),
    ("refuses_20_tools", "create_run.tools.maxItems", 19, "refuses 20 tools"),
    (
        "accepts_128_tools_on_a_run",
        "create_thread_and_run.tools.maxItems",
        128,
        "takes an assistant's 128 tools on a run",
    ),
    (
        "refuses_128_assistant_tools",
        "create_assistant.tools.maxItems",
        20,
        "takes only a run's 20 tools on an assistant",
    ),
    ("accepts_17_pairs", "create_run.metadata.maxProperties", 17, "takes 17 pairs of metadata"),
    ("refuses_16_pairs", "create_thread.metadata.maxProperties", 15, "refuses 16 pairs of metadata"),
    (
        "accepts_long_keys",
        "create_message.metadata.propertyNames.maxLength",
        65,
        "takes metadata keys of 65 characters",
    ),
    ("refuses_long_keys", "modify_run.metadata.propertyNames.maxLength", 63, "refuses metadata keys of 64 characters"),
    ("accepts_long_values", "modify_run.metadata{}.maxLength", 513, "takes metadata values of 513 characters"),
    ("refuses_long_values", "create_run.metadata{}.maxLength", 511, "refuses metadata values of 512 characters"),
    ("accepts_long_function_names", "create_run.tools[].function.name.maxLength", 65, "takes function names of 65"),
    ("refuses_long_function_names", "create_run.tools[].function.name.maxLength", 63, "refuses function names of 64"),
    ("accepts_any_function_name", "create_run.tools[].function.name.pattern", None, "takes dots and spaces in names"),
    (
        "refuses_dashes_in_names",
        "create_run.tools[].function.name.pattern",
        "^[a-zA-Z0-9_]+$",
        "refuses dashes in names",
    ),
    ("accepts_no_last_messages", "create_run.truncation_strategy.last_messages.minimum", 0, "takes last_messages of 0"),
    ("accepts_51_results", "create_run.tools[].file_search.max_num_results.maximum", 51, "takes max_num_results of 51"),
    ("accepts_0_results", "create_run.tools[].file_search.max_num_results.minimum", 0, "takes max_num_results of 0"),
    (
        "accepts_any_score",
        "create_run.tools[].file_search.ranking_options.score_threshold.maximum",
        None,
        "takes a score threshold above 1",
    ),
    ("accepts_empty_content", "create_message.content.minItems", 0, "takes an empty list of content parts"),
    ("accepts_long_assistant_names", "create_assistant.name.maxLength", 257, "takes names of 257 characters"),
    ("refuses_long_descriptions", "create_assistant.description.maxLength", 511, "refuses descriptions of 512"),
    ("accepts_2_vector_stores", "create_thread.tool_resources.file_search.vector_store_ids.maxItems", 2, "takes 2 ids"),
    ("accepts_21_files", "create_thread.tool_resources.code_interpreter.file_ids.maxItems", 21, "takes 21 file ids"),
    ("accepts_small_chunks", f"{_CHUNKS}.max_chunk_size_tokens.minimum", 99, "takes chunks of 99 tokens"),
    ("refuses_4096_chunks", f"{_CHUNKS}.max_chunk_size_tokens.maximum", 4095, "refuses chunks of 4096 tokens"),
)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


for _name, _constraint, _value, _text in _BOUNDS:
    _alter = partial(keyword, constraint=_constraint, value=_value)
    enter(Mutant(_name, _constraint, Level.MUST, _sentence(_text), _alter, blind=True))

for _name, _constraint, _value, _text in (
    ("accepts_limit_101", "list_runs.limit.maximum", None, "takes any limit above 100"),
    ("accepts_limit_0", "list_messages.limit.minimum", None, "takes limits of 0 and below"),
):
    _alter = partial(keyword, constraint=_constraint, value=_value)
    enter(Mutant(_name, _constraint, Level.SHOULD, _sentence(_text), _alter, blind=True))


@blind("list_run_steps.limit.maximum", level="must")
def refuses_limit_100(behaviour: Behaviour) -> None:
    """Refuses a limit of exactly 100."""
    keyword(behaviour, "list_run_steps.limit.maximum", 99)


@blind(f"{_CHUNKS}.chunk_overlap_tokens.maximum")
def accepts_any_overlap(behaviour: Behaviour) -> None:
    """Takes a chunk overlap of more than half the chunk."""
    keyword(behaviour, f"{_CHUNKS}.chunk_overlap_tokens.x-atMostHalfOf", None)


@blind("create_run.metadata{}.maxLength", broad="Metadata has the same limit in every operation that takes it.")
def counts_bytes(behaviour: Behaviour) -> None:
    """Counts bytes instead of characters, and so refuses 512 characters that are not ASCII."""

    def check(body: dict[str, Any]) -> None:
        metadata = body.get("metadata")
        for name, value in metadata.items() if isinstance(metadata, dict) else ():
            if isinstance(value, str) and len(value) <= 512 < len(value.encode()):
                raise bad(f"Invalid 'metadata.{name}': string too long.", f"metadata.{name}", "string_above_max_length")

    taken(behaviour, check)
