"""How a step is sent and what came of it is written down; the only part that speaks HTTP."""
