"""Constraints stated by schema keywords, judged over recorded responses and refusals."""
