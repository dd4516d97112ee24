"""Run steps: the run and message they name, their details, and their end."""
