"""Authentication: without a valid key, requests are rejected, reveal nothing and have no effect."""
