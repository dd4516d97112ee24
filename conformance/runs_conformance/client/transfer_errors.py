"""Failures of a transfer, as the transports raise them."""

from __future__ import annotations


class TransferError(Exception):
    """The exchange failed after a connection was made: the target may have processed the request."""


class NoConnection(TransferError):  # noqa: N818 -- it is what a problem is called
    """No connection was made, so that the request certainly had no effect."""


class ConnectionRefused(NoConnection):
    """The connection was refused: the only connection failure that may be transient."""


class TransferTimeout(TransferError):  # noqa: N818 -- it is what a problem is called
    """No data could be sent or received in time."""


class DeadlineExceeded(TransferTimeout):
    """The deadline of the whole exchange has passed."""
