"""The nouns: frozen, JSON-able data that every other part speaks in. Imports nothing of ours."""
