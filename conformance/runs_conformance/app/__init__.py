"""The application: one module for each thing that a user can do."""
