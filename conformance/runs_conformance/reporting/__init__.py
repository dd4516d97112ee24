"""Tells people and programs what came out: every view is made from one report."""
