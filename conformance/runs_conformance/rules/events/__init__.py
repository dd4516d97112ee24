"""Events: their names, their objects and their order."""
