"""Authentication: without a valid key, requests are refused, reveal nothing and have no effect."""
