"""The reference server: the Runs operations of the Assistants API in memory, with a fake model."""
