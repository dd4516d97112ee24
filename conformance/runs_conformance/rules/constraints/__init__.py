"""The constraints that schema keywords state, judged over recorded evidence of answers and of refusals."""
