"""The HTTP client: sends steps to a target and records each exchange. No other package speaks HTTP to a target."""
