"""Traffic that somebody recorded, read into histories: our own `history.jsonl`, HAR, VCR cassettes, test-proxy
sessions.
"""
