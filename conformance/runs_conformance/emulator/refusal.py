"""How the emulator says no: one exception, and the texts the service used."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Refusal(Exception):  # noqa: N818 -- a refusal is a correct answer, not an error of ours
    """A request that is refused: what the answer's HTTP status and `error` members are."""

    http_status: int
    message: str
    param: str | None = None
    code: str | None = None
    type: str = "invalid_request_error"


def bad(message: str, param: str | None = None, code: str | None = None) -> Refusal:
    """400: the request cannot be carried out as it is."""
    return Refusal(400, message, param, code)


def unknown(what: str, id_: str) -> Refusal:
    """404: no such thing, or not for this key."""
    return Refusal(404, f"No {what} found with id '{id_}'.")


def wrong_prefix(param: str, id_: str, prefix: str) -> Refusal:
    """400: an id that cannot be one."""
    return bad(f"Invalid '{param}': '{id_}'. Expected an ID that begins with '{prefix}'.", param, "invalid_value")


def not_authorised(key: str) -> Refusal:
    """401: no key, or one that is not known."""
    shown = f"Incorrect API key provided: {key}." if key else "You didn't provide an API key."
    where = "You can find your API key at https://platform.openai.com/account/api-keys."
    return Refusal(401, f"{shown} {where}", None, "invalid_api_key")


def no_beta() -> Refusal:
    """400: the beta header is missing."""
    return bad(
        "You must provide the 'OpenAI-Beta' header to access the Assistants API. "
        "Please try again by setting the header 'OpenAI-Beta: assistants=v2'.",
        None,
        "invalid_beta",
    )


def old_beta() -> Refusal:
    """400: the beta header names the first beta."""
    return bad(
        "The v1 Assistants API has been deprecated. "
        "Please try again by setting the header 'OpenAI-Beta: assistants=v2'. "
        "See the migration guide for more information: https://platform.openai.com/docs/assistants/migration.",
        None,
        "invalid_beta",
    )


def not_json(why: str) -> Refusal:
    """400: the body is not what JSON text can be."""
    return bad(f"We could not parse the JSON body of your request: {why}.")


def missing(param: str) -> Refusal:
    """400: a member that must be there is not."""
    return bad(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")


def empty_content() -> Refusal:
    """400: a message without content."""
    return bad("Message content must be non-empty.", "content")


def nothing_to_run() -> Refusal:
    """400: neither a user message nor instructions."""
    return bad(
        "Run creation requires a Thread with a user message or an assistant with instructions.", None, "invalid_thread"
    )


def already_active(thread_id: str, run_id: str) -> Refusal:
    """400: the thread is locked against a second run."""
    return bad(f"Thread {thread_id} already has an active run {run_id}.")


def locked(thread_id: str, run_id: str) -> Refusal:
    """400: the thread is locked against new messages."""
    return bad(f"Can't add messages to {thread_id} while a run {run_id} is active.")


def cannot_cancel(status: str) -> Refusal:
    """400: cancelling comes too late."""
    return bad(f"Cannot cancel run with status '{status}'.")


def cannot_update(status: str) -> Refusal:
    """400: a run cannot be modified while it is active."""
    return bad(f"Cannot update run with status '{status}'.")


def no_outputs_wanted(status: str) -> Refusal:
    """400: the run does not wait for tool outputs."""
    return bad(f'Runs in status "{status}" do not accept tool outputs.')


def other_outputs_wanted(wanted: list[str], got: list[str]) -> Refusal:
    """400: the outputs are not those of the pending calls."""
    return bad(f"Expected tool outputs for call_ids {wanted}, got {got}")
