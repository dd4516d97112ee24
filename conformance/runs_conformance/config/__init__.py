"""What the user gives by flags, environment and file, made into values that the other parts take."""

from runs_conformance.config.name import edition, known, nearest
from runs_conformance.config.pair import headers, hidden, named, queries
from runs_conformance.config.secret import Secret, secret
from runs_conformance.config.time import rate

__all__ = ["Secret", "edition", "headers", "hidden", "known", "named", "nearest", "queries", "rate", "secret"]
