"""Legal variants of the emulator, one module a topic: correct servers that chose differently."""
