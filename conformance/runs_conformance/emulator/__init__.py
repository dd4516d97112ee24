"""The reference server: the Runs surface of the Assistants API in memory, with a fake model."""
