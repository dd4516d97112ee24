"""Tool calls: the outputs that a run accepts, and the steps that record them."""
