"""Generates the requests: boundary cases, random payloads and multi-step programs, all derived from the contract."""
