"""Constraints stated by schema keywords, judged over recorded answers and refusals."""
