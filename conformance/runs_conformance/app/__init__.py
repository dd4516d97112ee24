"""The suite put together: what a user chose, a target put to the test, recorded traffic reviewed."""
