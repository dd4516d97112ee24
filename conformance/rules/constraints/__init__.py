"""The constraints that schema keywords state, judged over recorded evidence: of the target's answers, and of its refusals."""
