"""Views of recorded histories: observations of objects, timelines, streams, pages. Derived on demand, never stored."""
