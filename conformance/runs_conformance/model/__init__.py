"""The shared data types: frozen and JSON-serializable. Imports no other part of the package."""
