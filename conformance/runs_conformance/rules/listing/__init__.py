"""Lists: their order and their contents."""
