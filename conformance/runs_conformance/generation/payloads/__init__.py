"""Random payloads: legal bodies of every shape, and illegal ones with exactly one mutation.

Everything draws from a `random.Random`, so a seed says it all, on every machine and with every version of Hypothesis;
`strategy` makes Hypothesis strategies of the same makers.
"""
