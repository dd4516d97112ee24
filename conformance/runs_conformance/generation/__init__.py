"""What is sent: boundary cases, random payloads and multi-step programs, all derived from the contract."""
