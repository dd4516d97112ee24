"""What was recorded, seen as what it shows: objects, timelines of runs, streams, pages. Derived from a history, never
stored.
"""
