"""Threads: their messages, their tool resources, and runs that are created together with them."""
