"""A recording HTTP proxy between a client and a server."""
