"""Legal variants of the emulator, one module per topic. Each is a correct server."""
