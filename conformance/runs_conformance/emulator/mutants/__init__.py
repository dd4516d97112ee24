"""Mutants of the emulator, one module a topic: servers that do one thing wrong."""
