"""The bytes of an answer, read strictly: JSON, event streams and content encodings, all within bounds."""
