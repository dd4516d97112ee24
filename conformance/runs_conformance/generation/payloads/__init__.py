"""Random payloads: valid bodies of every shape, and invalid ones with exactly one mutation.

Everything draws from a `random.Random`, so a seed determines every payload, on every machine and with every version of
Hypothesis. `strategy` offers the same generators as Hypothesis strategies.
"""
