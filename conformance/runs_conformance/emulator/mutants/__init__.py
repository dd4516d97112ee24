"""Mutants of the emulator, one module per topic. Each has one deliberate defect."""
