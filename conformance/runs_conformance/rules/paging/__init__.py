"""Pagination: limits, cursors, and traversal from page to page."""
