"""Renders one report in several views, for people and for programs."""
