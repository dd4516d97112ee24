"""API errors of the emulator, with the messages of the real service."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class ApiError(Exception):
    """A refused request: the HTTP status of the response and the members of its `error` object."""

    http_status: int
    message: str
    param: str | None = None
    code: str | None = None
    type: str = "invalid_request_error"


def bad_request(message: str, param: str | None = None, code: str | None = None) -> ApiError:
    """400: the request is invalid."""
    return ApiError(400, message, param, code)


def not_found(kind: str, id_: str) -> ApiError:
    """404: the object does not exist, or belongs to another key."""
    return ApiError(404, f"No {kind} found with id '{id_}'.")


def malformed_id(param: str, id_: str, prefix: str) -> ApiError:
    """400: the id has the wrong prefix."""
    return bad_request(
        f"Invalid '{param}': '{id_}'. Expected an ID that begins with '{prefix}'.", param, "invalid_value"
    )


def unauthorized(key: str) -> ApiError:
    """401: the key is missing (empty) or unknown."""
    problem = f"Incorrect API key provided: {key}." if key else "You didn't provide an API key."
    advice = "You can find your API key at https://platform.openai.com/account/api-keys."
    return ApiError(401, f"{problem} {advice}", None, "invalid_api_key")


def missing_beta_header() -> ApiError:
    """400: the beta header is missing."""
    return bad_request(
        "You must provide the 'OpenAI-Beta' header to access the Assistants API. "
        "Please try again by setting the header 'OpenAI-Beta: assistants=v2'.",
        None,
        "invalid_beta",
    )


def outdated_beta_header() -> ApiError:
    """400: the beta header names the first beta."""
    return bad_request(
        "The v1 Assistants API has been deprecated. "
        "Please try again by setting the header 'OpenAI-Beta: assistants=v2'. "
        "See the migration guide for more information: https://platform.openai.com/docs/assistants/migration.",
        None,
        "invalid_beta",
    )


def invalid_json(reason: str) -> ApiError:
    """400: the body is not valid JSON."""
    return bad_request(f"We could not parse the JSON body of your request: {reason}.")


def missing_parameter(param: str) -> ApiError:
    """400: a required member is missing."""
    return bad_request(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")


def empty_content() -> ApiError:
    """400: a message has no content."""
    return bad_request("Message content must be non-empty.", "content")


def nothing_to_run() -> ApiError:
    """400: there is neither a user message nor instructions."""
    return bad_request(
        "Run creation requires a Thread with a user message or an assistant with instructions.", None, "invalid_thread"
    )


def run_already_active(thread_id: str, run_id: str) -> ApiError:
    """400: the thread is locked against a second run."""
    return bad_request(f"Thread {thread_id} already has an active run {run_id}.")


def thread_locked(thread_id: str, run_id: str) -> ApiError:
    """400: the thread is locked against new messages."""
    return bad_request(f"Can't add messages to {thread_id} while a run {run_id} is active.")


def cannot_cancel(status: str) -> ApiError:
    """400: a run in this status cannot be cancelled."""
    return bad_request(f"Cannot cancel run with status '{status}'.")


def cannot_update(status: str) -> ApiError:
    """400: an active run cannot be modified."""
    return bad_request(f"Cannot update run with status '{status}'.")


def outputs_not_expected(status: str) -> ApiError:
    """400: the run does not wait for tool outputs."""
    return bad_request(f'Runs in status "{status}" do not accept tool outputs.')


def wrong_outputs(expected: list[str], actual: list[str]) -> ApiError:
    """400: the outputs are not those of the pending calls."""
    return bad_request(f"Expected tool outputs for call_ids {expected}, got {actual}")
