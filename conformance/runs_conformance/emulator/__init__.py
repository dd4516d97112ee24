"""The bundled emulator: a correct server of the Runs operations of the Assistants API, in memory, with a fake model."""
