"""Small servers that are wrong in the ways real ones are; each can be fixed one mistake at a time."""
