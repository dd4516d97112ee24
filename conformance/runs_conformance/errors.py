"""Everything the suite raises on purpose.

    ConformanceError
    +-- UsageError          what the user gave cannot be used: exit 2
    +-- TargetError         the target cannot be tested: exit 3
    +-- BudgetSpent         a budget that the user set is used up: exit 5
    +-- SuiteFault          the suite contradicts itself: exit 4

Each message is one line that says what is wrong, where, and what to do.
"""


class ConformanceError(Exception):
    """The root of the tree; its text is fit to be shown to a user."""


class UsageError(ConformanceError):
    """What the user gave cannot be used."""


class TargetError(ConformanceError):
    """The target cannot be tested: unreachable, silent, unauthorised, or without a Runs surface."""


class BudgetExhausted(ConformanceError):  # noqa: N818 -- it is an end, not an error
    """A budget that the user set is used up."""


class InternalError(ConformanceError):
    """The suite contradicts itself, for example a valid case that its own schema refuses."""
