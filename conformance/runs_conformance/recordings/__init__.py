"""Reads recorded traffic into histories: `history.jsonl`, HAR, VCR cassettes, Azure test-proxy sessions."""
