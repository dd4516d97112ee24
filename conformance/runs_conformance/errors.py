# ruff: noqa: N818 -- the classes are named for what failed
"""The exceptions that the suite raises on purpose.

ConformanceError
+-- UsageError                  the user's input cannot be used: exit code 2
|   +-- InvalidFile             a file cannot be read, or its content is invalid
|   +-- UnwritableFile          a file cannot be written
|   +-- InvalidBaseUrl          a base URL cannot be used
|   +-- ObjectNotFound          the target does not have an object given by --use
+-- TargetError                 the target cannot be tested: exit code 3
|   +-- TargetUnreachable       there is no response
|   +-- TargetUnavailable       every response asks to come back later
|   +-- TargetRedirects         every response is a redirect
|   +-- AuthenticationFailed    the API key is refused
|   +-- NotAnApi                the responses are web pages
|   +-- MissingRunsApi          the routes of the Runs API do not exist
|   +-- EmulatorFailed          the bundled emulator does not start
+-- BudgetExhausted             a limit set by the user is reached: exit code 5
+-- InternalError               the suite contradicts itself: exit code 4
"""


class ConformanceError(Exception):
    """An error for the user. Its text is one line: the cause (what is wrong, and where), then a hint what to do."""

    def __init__(self, cause: str, hint: str = "") -> None:
        super().__init__(cause, hint)
        self.cause = cause
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.cause}; {self.hint}" if self.hint else self.cause


class UsageError(ConformanceError):
    """The user's input cannot be used."""


class InvalidFile(UsageError):
    """A file cannot be read, or its content is invalid."""


class UnwritableFile(UsageError):
    """A file cannot be written."""


class InvalidBaseUrl(UsageError):
    """A base URL cannot be used."""


class ObjectNotFound(UsageError):
    """The target does not have an object given by --use."""


class TargetError(ConformanceError):
    """The target cannot be tested."""


class TargetUnreachable(TargetError):
    """The target cannot be reached, or does not respond."""


class TargetUnavailable(TargetError):
    """Every response says that the target is unavailable or overloaded (HTTP 429, 502, 503, 504)."""


class TargetRedirects(TargetError):
    """The target redirects every request; redirects are not followed."""


class AuthenticationFailed(TargetError):
    """The target refuses the API key."""


class NotAnApi(TargetError):
    """The target responds with web pages."""


class MissingRunsApi(TargetError):
    """The target has no routes of the Runs API."""


class EmulatorFailed(TargetError):
    """The bundled emulator does not start."""


class BudgetExhausted(ConformanceError):
    """A limit set by the user is reached, or the target no longer responds usefully."""


class InternalError(ConformanceError):
    """The suite contradicts itself: for example, its own schema rejects a case meant to be valid."""
