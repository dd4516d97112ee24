"""The reference server: the Assistants API's Runs surface in memory, driven by a pretend model."""
