"""Errors of the service that a fault can name.

The texts of Azure, of an invalid key and of an unsupported model are those of recorded responses. Those of rate limit,
quota, model and organization are those that users of the service reported in public. The other texts were written in
the form of the service's errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class NamedError:
    """A response with an error: its HTTP status, body and further headers."""

    http_status: int
    body: Mapping[str, Any] | str
    headers: Mapping[str, str] = field(default_factory=dict)


def _error(status: int, message: str, kind: str, code: str | None, param: str | None = None) -> NamedError:
    return NamedError(status, {"error": {"message": message, "type": kind, "param": param, "code": code}})


def _azure(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> NamedError:
    return NamedError(status, {"error": {"code": code, "message": message}}, headers or {})


_INVALID = "invalid_request_error"
NAMED_ERRORS: Mapping[str, NamedError] = {
    "rate_limit_exceeded": _error(
        429,
        "Rate limit reached for gpt-9 in organization org-emulator on requests per min (RPM): Limit 3, Used 3, "
        "Requested 1. Please try again in 20s. Visit https://platform.openai.com/account/rate-limits to learn more.",
        "requests",
        "rate_limit_exceeded",
    ),
    "insufficient_quota": _error(
        429,
        "You exceeded your current quota, please check your plan and billing details. For more information on this "
        "error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
        "insufficient_quota",
        "insufficient_quota",
    ),
    "model_not_found": _error(
        404, "The model `gpt-9` does not exist or you do not have access to it.", _INVALID, "model_not_found"
    ),
    "unsupported_model": _error(
        400,
        "The requested model 'gpt-9' cannot be used with the Assistants API.",
        _INVALID,
        "unsupported_model",
        "model",
    ),
    "invalid_organization": _error(401, "No such organization: org-unknown.", _INVALID, "invalid_organization"),
    "mismatched_organization": _error(
        401, "OpenAI-Organization header should match organization for API key", _INVALID, "mismatched_organization"
    ),
    "invalid_api_key": _error(
        401,
        "Incorrect API key provided: sk-wrong. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        _INVALID,
        "invalid_api_key",
    ),
    "server_error": _error(
        500, "The server had an error while processing your request. Sorry about that!", "server_error", None
    ),
    "overloaded": _error(
        503, "The engine is currently overloaded, please try again later.", "server_error", "engine_overloaded"
    ),
    "azure_rate_limit": _azure(
        429,
        "429",
        "Requests to the Create_Assistant Operation under Azure OpenAI API version 2024-05-01-preview have exceeded "
        "call rate limit of your current OpenAI S0 pricing tier. Please retry after 9 seconds. Please go here: "
        "https://aka.ms/oai/quotaincrease if you would like to further increase the default rate limit.",
        {"retry-after": "9"},
    ),
    "azure_deployment_not_found": _azure(
        404,
        "DeploymentNotFound",
        "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, "
        "please wait a moment and try again.",
    ),
    "proxy_bad_gateway": NamedError(
        502, "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"
    ),
}
"""The errors that `refuse` can name."""
