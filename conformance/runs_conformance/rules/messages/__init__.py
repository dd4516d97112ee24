"""Messages: stored as sent, never lost, and attributed to their author."""
